"""The event loop of every service: uvloop's, with names looked up beside it.

uvloop looks names up in four threads that it waits for at the end, and so does a process: a name
server that does not answer holds a stop up for as long as it likes, and keeps the fifth name from
being looked up at all, such as the database's while the broker's name is gone. Here each name has
one thread at a time, which nobody has to wait for.
"""

import asyncio
import contextlib
import ipaddress
import socket
import threading
from typing import Any

import uvloop

Addresses = list[tuple[Any, ...]]
"""As ``socket.getaddrinfo`` has them."""


LAST_WAIT_S = 0.2
"""For a name while the process stops: one that is served by anybody is there within this."""


class StoppingError(socket.gaierror):
    """A name was not known when the process began to stop."""


class EventLoop(uvloop.Loop):
    def __init__(self) -> None:
        super().__init__()
        self._lookups: dict[tuple[Any, ...], asyncio.Future[Addresses]] = {}
        self._hurried = self.create_future()

    async def create_connection(
        self,
        protocol_factory: Any,
        host: Any = None,
        port: Any = None,
        **options: Any,
    ) -> Any:
        """As uvloop's, to the first address of ``host`` that takes it."""
        if host is None or _is_address(host):
            return await super().create_connection(protocol_factory, host, port, **options)
        if options.get("ssl") and options.get("server_hostname") is None:
            # The certificate is the name's, not the address's.
            options["server_hostname"] = host
        how = (options.pop(name, 0) for name in ("family", "proto", "flags"))
        failures: list[OSError] = []
        for *_, address in await self._look_up(host, port, *how):
            try:
                return await super().create_connection(
                    protocol_factory, address[0], address[1], **options
                )
            except OSError as error:
                failures.append(error)
        if len(failures) == 1:
            raise failures[0]
        raise OSError("; ".join(str(error) for error in failures) or f"{host} has no address")

    def hurry(self) -> None:
        """The process stops: what is done still needs a name that is known at once, or fails."""
        if not self._hurried.done():
            self._hurried.set_result([])

    async def _look_up(self, *asked: Any) -> Addresses:
        """Whoever asks the same meanwhile gets the same answer, and may stop waiting for it."""
        if asked not in self._lookups:
            self._lookups[asked] = self.create_future()
            name = f"look up {asked[0]}"
            threading.Thread(target=self._ask, args=asked, name=name, daemon=True).start()
        lookup = self._lookups[asked]
        await asyncio.wait({lookup, self._hurried}, return_when=asyncio.FIRST_COMPLETED)
        if not lookup.done():
            await asyncio.wait({lookup}, timeout=LAST_WAIT_S)
        if not lookup.done():
            raise StoppingError(socket.EAI_AGAIN, "the process stops, and waits for no name")
        return lookup.result()

    def _ask(self, *asked: Any) -> None:
        host, port, family, proto, flags = asked
        try:
            answer: Addresses | OSError = socket.getaddrinfo(
                host, port, family, socket.SOCK_STREAM, proto, flags
            )
        except (OSError, UnicodeError) as error:
            answer = error if isinstance(error, OSError) else OSError(f"{host!r} is no name")
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
            self.call_soon_threadsafe(self._tell, asked, answer)

    def _tell(self, asked: tuple[Any, ...], answer: Addresses | OSError) -> None:
        lookup = self._lookups.pop(asked)
        if isinstance(answer, OSError):
            lookup.set_exception(answer)
            lookup.exception()  # nobody may be left to hear it
        else:
            lookup.set_result(answer)


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return True


def hurry() -> None:
    """Have the running loop wait for no name any more, if it is one of ours."""
    loop = asyncio.get_running_loop()
    if isinstance(loop, EventLoop):
        loop.hurry()
