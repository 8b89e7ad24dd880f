"""Which addresses a webhook may go to: a table, asked of a URL, of what a name resolves to, and of
the very address that is to be connected.

Everything that is not the public internet is refused, whatever it is spelled or embedded in:
a receiver's owner names it, and the platform stands where its operator's servers are. An operator
allows networks and names of their own (``ETP_WEBHOOK_ALLOW``). Pure.
"""

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_network,
)

from .hosts import HostError, canonical_name, ipv4

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

SETTING = "ETP_WEBHOOK_ALLOW"

PORTS = frozenset({80, 443})
FIRST_FREE_PORT = 1024
"""Below it lie services that nobody delivers to, and that take a request for something else."""

_REFUSED: tuple[Network, ...] = tuple(
    ip_network(text)
    for text in (
        # IANA's special-purpose registries, and what else no receiver has.
        "0.0.0.0/8",  # this network
        "10.0.0.0/8",  # private
        "100.64.0.0/10",  # shared by a provider's customers
        "127.0.0.0/8",  # loopback
        "169.254.0.0/16",  # link-local, and most clouds' metadata
        "172.16.0.0/12",  # private
        "192.0.0.0/24",  # protocol assignments
        "192.0.2.0/24",  # documentation
        "192.88.99.0/24",  # 6to4 relays
        "192.168.0.0/16",  # private
        "198.18.0.0/15",  # benchmarks
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, broadcast
        "168.63.129.16/32",  # Azure's metadata, in the midst of public ones
        "::/96",  # unspecified, loopback, IPv4-compatible
        "64:ff9b::/96",  # NAT64
        "64:ff9b:1::/48",  # NAT64 of one's own
        "100::/64",  # discarded
        "2001::/23",  # protocol assignments, Teredo among them
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4
        "3fff::/20",  # documentation
        "5f00::/16",  # segment routing
        "fc00::/7",  # private
        "fe80::/10",  # link-local
        "fec0::/10",  # site-local
        "ff00::/8",  # multicast
    )
)

_GUARDED: tuple[Network, ...] = tuple(
    ip_network(text)
    for text in (
        "169.254.0.0/16",
        "fe80::/10",
        # What clouds answer credentials at, beside link-local ones.
        "168.63.129.16/32",
        "100.100.100.200/32",
        "192.0.0.192/32",
        "fd00:ec2::/32",
        "fd20:ce::254/128",
    )
)
"""Never allowed by a name, nor by a network that is wider than these: whoever wrote 0.0.0.0/0 did
not think of them."""

_RULE = re.compile(r"\[(?P<literal>[^\]]+)\](?:/(?P<bits>\d+))?(?::(?P<port6>\d+))?")


class AllowError(ValueError):
    """An entry of the setting that says nothing; its text is for whoever wrote it."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """What an operator allows beyond the public internet.

    Ports: None allows those that everybody may use.
    """

    networks: tuple[tuple[Network, int | None], ...] = ()
    names: frozenset[tuple[str, int | None]] = frozenset()

    def refusal(
        self,
        address: Address,
        port: int,
        name: str | None = None,
        own: Collection[Address] = (),
    ) -> str | None:
        """Why nothing may be sent to ``address``; None where it may.

        ``name`` is the one that it was found by, as ``canonical_name`` has it; ``own`` are the
        addresses of this machine.
        """
        plain = embedded(address)
        if self.allows_address(plain, port, name):
            return None
        if plain in own or address in own:
            return f"{address} is an address of the platform's own machine"
        if getattr(address, "scope_id", None) is not None:
            return f"{address} has a scope: it is on a link of the platform's own machine"
        if any(plain in network for network in _REFUSED if network.version == plain.version):
            return f"{address} is not a public address"
        return port_refusal(port)

    def allows_name(self, name: str, port: int) -> bool:
        """Whether ``name`` may have private addresses, at this port."""
        return (name, port) in self.names or (
            (name, None) in self.names and port_refusal(port) is None
        )

    def allows_address(self, address: Address, port: int, name: str | None = None) -> bool:
        """Whether the operator says so, by a network that holds it or by the ``name``."""
        guard = next((one for one in _GUARDED if _holds(one, address)), None)
        for network, only in self.networks:
            if not _holds(network, address) or (
                only != port if only is not None else port_refusal(port) is not None
            ):
                continue
            if guard is None or _is_within(network, guard):
                return True
        return guard is None and name is not None and self.allows_name(name, port)


def embedded(address: Address) -> Address:
    """The IPv4 address that an IPv4-mapped one stands for, which is what is connected."""
    mapped = getattr(address, "ipv4_mapped", None)
    return address if mapped is None else mapped


def port_refusal(port: int) -> str | None:
    """Why no webhook goes to this port; None where one may."""
    if port in PORTS or FIRST_FREE_PORT <= port <= 65535:
        return None
    return f"port {port} is not allowed: 80, 443, and 1024 to 65535 are"


def allowance(entries: Iterable[str]) -> Allowance:
    """What the entries of the setting allow: networks, addresses and exact names, each with
    ``:port`` behind it where only that one is meant.

    An IPv6 network with a port has its address in brackets: ``[fd00::]/8:9000``.
    Raises AllowError with the entry that is none.
    """
    networks: list[tuple[Network, int | None]] = []
    names: set[tuple[str, int | None]] = set()
    for entry in entries:
        found, port = _read(entry)
        if isinstance(found, str):
            names.add((found, port))
        else:
            networks.append((found, port))
    return Allowance(tuple(networks), frozenset(names))


def _read(entry: str) -> tuple[Network | str, int | None]:
    match = _RULE.fullmatch(entry)
    if match is not None:
        bits = "" if match["bits"] is None else f"/{match['bits']}"
        text, port = match["literal"] + bits, match["port6"]
        if ":" not in text:
            raise AllowError(f"{entry!r}: what stands in brackets must be an IPv6 address")
    elif entry.count(":") > 1:
        text, port = entry, None
    else:
        text, _, port = entry.partition(":")
        if ":" not in entry:
            port = None
    number = None if port is None else _port(port, entry)
    try:
        return ip_network(text), number
    except ValueError as error:
        if "/" in text or ":" in text or "host bits" in str(error):
            raise AllowError(f"{entry!r}: {error}") from None
    try:
        name = canonical_name(text)
    except HostError as error:
        raise AllowError(f"{entry!r}: {error}") from None
    address = ipv4(name)
    return (name if address is None else ip_network(address)), number


def _port(text: str, entry: str) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= 65535:
        raise AllowError(f"{entry!r}: the port must be a number from 1 to 65535")
    return int(text)


def _holds(network: Network, address: Address) -> bool:
    return network.version == address.version and address in network


def _is_within(network: Network, wider: Network) -> bool:
    if isinstance(network, IPv4Network) and isinstance(wider, IPv4Network):
        return network.subnet_of(wider)
    if isinstance(network, IPv6Network) and isinstance(wider, IPv6Network):
        return network.subnet_of(wider)
    return False
