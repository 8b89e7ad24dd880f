"""Asks name servers by c-ares, which needs no thread of the event loop's for a name.

The loop's own ``getaddrinfo`` has a few threads, and names that never answer would hold them all.
"""

from collections.abc import Sequence
from ipaddress import ip_address
from typing import Any

import aiodns
from aiodns import error as dns_errors

from trigger_contracts.targets.addresses import Address

from .name_resolver import NoNameAnswer, UnknownName

TRY_TIMEOUT_S = 1.5
"""Of the first try at a server; c-ares doubles it for the next one."""
TRIES = 2
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
    """The name servers of this machine, and its file of hosts; or ``options`` of c-ares."""

    def __init__(self, **options: Any) -> None:
        self._options = {"timeout": TRY_TIMEOUT_S, "tries": TRIES, **options}
        self._resolver: aiodns.DNSResolver | None = None

    async def addresses(self, name: str) -> Sequence[Address]:
        try:
            found = await self._ares().getaddrinfo(name)
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
        try:
            await self._ares().query_dns(".", "SOA")
        except dns_errors.DNSError as error:
            return _errno(error) not in _NOT_FOUND_OUT
        return True

    async def close(self) -> None:
        if self._resolver is not None:
            await self._resolver.close()
            self._resolver = None

    def _ares(self) -> aiodns.DNSResolver:
        # Made in the loop that uses it.
        if self._resolver is None:
            self._resolver = aiodns.DNSResolver(**self._options)
        return self._resolver


def _errno(error: Exception) -> int:
    return int(error.args[0]) if error.args else dns_errors.ARES_EFORMERR
