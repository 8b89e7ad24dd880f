"""Names, looked up by the machine's own resolver, in threads of its own.

The resolver of the C library blocks its thread, for a name whose servers do not answer for 10 s
and longer. So each lookup has a thread that nobody waits for at the end, at most ``MAX_LOOKUPS`` at
once: the loop's own, by which the platform finds its broker, stay free, whatever is looked up.
"""

import asyncio
import contextlib
import socket
import threading
from collections.abc import Callable, Sequence
from ipaddress import ip_address

from trigger_contracts.targets.addresses import Address

MAX_LOOKUPS = 16
"""At once: whoever comes while as many names are dead waits as long as it would for one of them."""

Resolve = Callable[[str], Sequence[Address]]


def resolve(name: str) -> Sequence[Address]:
    """What the name has, none where that cannot be found out; blocks."""
    try:
        found = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
        return [ip_address(address[0]) for *_, address in found]
    except (OSError, ValueError):
        return ()


class ResolvedNames:
    """``ports.targets.HostNames`` over a resolver that blocks."""

    def __init__(self, blocking: Resolve = resolve, limit: int = MAX_LOOKUPS) -> None:
        self._resolve = blocking
        self._free = asyncio.Semaphore(limit)

    async def addresses(self, name: str) -> Sequence[Address]:
        await self._free.acquire()
        loop = asyncio.get_running_loop()
        found: asyncio.Future[Sequence[Address]] = loop.create_future()

        def answered(addresses: Sequence[Address]) -> None:
            # Only now: whoever gave up left a thread that goes on.
            self._free.release()
            if not found.done():
                found.set_result(addresses)

        def look_up() -> None:
            addresses: Sequence[Address] = ()
            try:
                addresses = self._resolve(name)
            finally:
                # The loop may have ended meanwhile: then nobody wants to know.
                with contextlib.suppress(RuntimeError):
                    loop.call_soon_threadsafe(answered, addresses)

        try:
            threading.Thread(target=look_up, name="name lookup", daemon=True).start()
        except RuntimeError:
            # There may be no more threads: then this name is not known.
            answered(())
        return await found
