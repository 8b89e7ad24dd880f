"""Whether a process may listen where its settings say: asked once, before it starts anything."""

import errno
import socket
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class ListenAddress:
    """An address of ours, and the variables that name it."""

    host: str
    port: int
    host_variable: str
    port_variable: str


def refusal(listener: ListenAddress) -> str | None:
    """A line about an address where nothing can be served; None where it can."""
    why = _why_not(listener.host, listener.port)
    if why is None:
        return None
    return (
        f"{listener.host_variable} and {listener.port_variable} name {listener.host}:"
        f"{listener.port}, where nothing can be served ({why}). Allowed: an address of this "
        "machine, and a port that nobody has taken."
    )


def _why_not(host: str, port: int) -> str | None:
    """Of several addresses, such as IPv4's and IPv6's, one may not be there, and none be taken."""
    failures: list[OSError] = []
    try:
        places = socket.getaddrinfo(
            host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
    except (OSError, UnicodeError) as error:
        return getattr(error, "strerror", None) or "it is no name"
    for family, kind, protocol, _, address in places:
        try:
            _bind(family, kind, protocol, address)
        except OSError as error:
            failures.append(error)
    taken = [error for error in failures if error.errno == errno.EADDRINUSE]
    if taken or len(failures) == len(places):
        return (taken or failures)[0].strerror
    return None


def _bind(family: int, kind: int, protocol: int, address: Any) -> None:
    with socket.socket(family, kind, protocol) as tried:
        # As the server does: a connection that ended a moment ago is no obstacle.
        tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            tried.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        tried.bind(address)
