"""Who may be connected: so many in all and of one address, and for whom the idle ones make room.

A server that accepts until it has no files left can open none for its own work, and answers
nobody. So there are never more connections than a process has files for, less some for itself;
one more closes an idle one: of its own address where that has too many, else of the address
that has most. Whoever has said nothing yet goes first, the oldest of them before the others.
Invariant: a connection whose request is being answered is never closed for another one.
"""

import ipaddress
import resource
from collections.abc import Iterator
from typing import Generic, Protocol, TypeVar

OWN_FILES = 128
"""Files that are left to the process: its servers, databases, logs, and what comes and goes."""
LEAST = 16
"""Connections that there may always be, however few files a process has."""


class Client(Protocol):
    """A connection, as ``Connections`` sees it."""

    address: str

    def idle_since(self) -> float | None:
        """Since when nothing is asked or answered, in seconds of any clock; None if it is."""
        ...

    def evict(self) -> None:
        """Close it at once."""
        ...


C = TypeVar("C", bound=Client)


class Connections(Generic[C]):
    """Those of one server."""

    def __init__(self, limit: int, of_one: int) -> None:
        self._limit = limit
        self._of_one = of_one
        self._by_address: dict[str, dict[C, None]] = {}
        self._silent: dict[str, dict[C, None]] = {}
        """Those that have asked nothing yet, in the order in which they came."""
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[C]:
        for clients in list(self._by_address.values()):
            yield from list(clients)

    def resize(self, limit: int, of_one: int) -> None:
        """From now on so many; those that are too many stay until they are in somebody's way."""
        self._limit = limit
        self._of_one = of_one

    def admit(self, client: C) -> bool:
        """Whether there is room for ``client``; one that is idle may have made it."""
        same = self._by_address.get(client.address, {})
        if len(same) >= self._of_one:
            if not self._evict_one(client.address):
                return False
        elif self._count >= self._limit and not self._evict_one(self._fullest()):
            return False
        self._by_address.setdefault(client.address, {})[client] = None
        self._silent.setdefault(client.address, {})[client] = None
        self._count += 1
        return True

    def has_asked(self, client: C) -> None:
        """``client`` sent the head of a request."""
        _discard(self._silent, client)

    def leave(self, client: C) -> None:
        _discard(self._silent, client)
        if _discard(self._by_address, client):
            self._count -= 1

    def _fullest(self) -> str:
        return max(self._by_address, key=lambda address: len(self._by_address[address]))

    def _evict_one(self, address: str) -> bool:
        silent = self._silent.get(address)
        victim = next(iter(silent)) if silent else self._longest_idle(address)
        if victim is None:
            return False
        self.leave(victim)
        victim.evict()
        return True

    def _longest_idle(self, address: str) -> C | None:
        idle = [
            (since, number, client)
            for number, client in enumerate(self._by_address[address])
            if (since := client.idle_since()) is not None
        ]
        return min(idle)[2] if idle else None


def _discard(groups: dict[str, dict[C, None]], client: C) -> bool:
    group = groups.get(client.address)
    if group is None or client not in group:
        return False
    del group[client]
    if not group:
        del groups[client.address]
    return True


def room(wanted: int, of_one: int, files: int | None = None) -> tuple[int, int]:
    """How many connections fit into the ``files`` that a process may open, and of one address.

    Of one address are at most three quarters of them: so that another one always finds room.
    """
    if files is None:
        files = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    fitting = wanted if files == resource.RLIM_INFINITY else min(wanted, files - OWN_FILES)
    limit = max(LEAST, fitting)
    return limit, min(of_one, limit * 3 // 4)


def address_of(host: str) -> str:
    """What counts as one address: of IPv6 the network that one customer is given."""
    try:
        found = ipaddress.ip_address(host)
    except ValueError:
        return host
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped is not None:
            return str(found.ipv4_mapped)
        return str(ipaddress.ip_network((int(found), 64), strict=False))
    return host
