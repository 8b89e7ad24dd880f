"""Asks name servers by c-ares, which needs no thread of the event loop's for a name.

The loop's own ``getaddrinfo`` has a few threads, and names that never answer would hold them all.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any

import aiodns
from aiodns import error as dns_errors

from trigger_contracts.targets.addresses import Address

from .name_resolver import MISS_KEPT_S, NoNameAnswer, UnknownName

TRY_TIMEOUT_S = 1.5
"""Of the first try at a server; c-ares doubles it for the next one."""
TRIES = 2
PROBE_TRY_S, PROBE_TRIES = 0.2, 3
"""Soon known, and not by one packet alone."""
_NOT_FOUND_OUT = frozenset(
    {
        dns_errors.ARES_ETIMEOUT,
        dns_errors.ARES_ECONNREFUSED,
        dns_errors.ARES_ESERVFAIL,
        dns_errors.ARES_ECANCELLED,
        dns_errors.ARES_EDESTRUCTION,
        dns_errors.ARES_ENOMEM,
        dns_errors.ARES_EFILE,
    }
)
"""All else is an answer, or a name that cannot be asked for."""


class AresLookup:
    """The name servers of this machine, and its file of hosts; or ``options`` of c-ares.

    c-ares keeps answers for as long as their owner says, up to an hour, and cannot be told not to:
    so that it is ``NameResolver`` alone which keeps them, none of its channels is asked for longer
    than a miss is kept.
    """

    def __init__(self, *, fresh_s: float = MISS_KEPT_S, **options: Any) -> None:
        self._options = {"timeout": TRY_TIMEOUT_S, "tries": TRIES, **options}
        self._fresh_s = fresh_s
        self._channel: _Channel | None = None

    async def addresses(self, name: str) -> Sequence[Address]:
        try:
            async with self._asking() as resolver:
                found = await resolver.getaddrinfo(name)
        except dns_errors.DNSError as error:
            if _errno(error) in _NOT_FOUND_OUT:
                raise NoNameAnswer(name) from error
            raise UnknownName(name) from error
        texts = [node.addr[0] for node in found.nodes]
        addresses = [
            ip_address(text.decode() if isinstance(text, bytes) else text) for text in texts
        ]
        return list(dict.fromkeys(addresses))

    async def is_answered(self) -> bool:
        """Asked for the root, which every server knows or knows to refuse."""
        resolver = aiodns.DNSResolver(
            **{**self._options, "timeout": PROBE_TRY_S, "tries": PROBE_TRIES}
        )
        try:
            await resolver.query_dns(".", "SOA")
        except dns_errors.DNSError as error:
            return _errno(error) not in _NOT_FOUND_OUT
        finally:
            await resolver.close()
        return True

    async def close(self) -> None:
        """End what is being asked."""
        if self._channel is not None:
            await self._channel.resolver.close()
            self._channel = None

    @asynccontextmanager
    async def _asking(self) -> AsyncIterator[aiodns.DNSResolver]:
        loop = asyncio.get_running_loop()
        channel = self._channel
        if channel is None or loop.time() - channel.made_at >= self._fresh_s:
            retired, channel = channel, _Channel(aiodns.DNSResolver(**self._options), loop.time())
            self._channel = channel
            if retired is not None and not retired.users:
                await retired.resolver.close()
        channel.users += 1
        try:
            yield channel.resolver
        finally:
            channel.users -= 1
            if channel is not self._channel and not channel.users:
                await channel.resolver.close()


@dataclass(slots=True)
class _Channel:
    resolver: aiodns.DNSResolver
    made_at: float
    users: int = 0


def _errno(error: Exception) -> int:
    return int(error.args[0]) if error.args else int(dns_errors.ARES_EFORMERR)
