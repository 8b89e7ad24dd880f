"""Which port each program listens on: the gateway's by flag, the others chosen free and kept.

Only looks and chooses; whoever listens later may still lose a race, and then says so itself.
"""

import errno
import json
import random
import socket
from dataclasses import dataclass, field

from .errors import LocalError, PortBusyError, UnreadableError
from .home import Home, read_json, write_private

LOOPBACK = "127.0.0.1"

CHOICE = range(20_000, 32_000)
"""Below the ports that Linux and macOS hand to outgoing connections: while a killed server is
restarted, no client's own socket (not even its attempt to reconnect) can sit on its port."""

ATTEMPTS = 200


@dataclass(slots=True)
class Ports:
    """Ports by program name, and what to tell the user about changed ones."""

    by_name: dict[str, int]
    notices: list[str] = field(default_factory=list)


def is_free(port: int, host: str = LOOPBACK) -> bool:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        # Connections of the last run that are still closing do not make a port busy.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def _check_gateway(host: str, port: int) -> None:
    """Raises LocalError if the gateway could not listen there, and says why."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
    except PermissionError:
        msg = f"Port {port} needs more rights than this user has. Choose one from 1024 on: --port"
        raise LocalError(msg) from None
    except (OSError, UnicodeError) as error:
        if isinstance(error, OSError) and error.errno == errno.EADDRINUSE:
            raise PortBusyError(host, port) from None
        msg = f"{host} is no address of this machine: {error}. Choose another one with --host."
        raise LocalError(msg) from None


def _kept(home: Home, notices: list[str]) -> dict[str, int]:
    """The ports of the last run. Broken ones are dropped: they cost nothing but new addresses."""
    try:
        kept = read_json(home.ports)
    except UnreadableError:
        kept = "broken"
    if kept is None:
        return {}
    valid = isinstance(kept, dict) and all(
        type(port) is int and 0 < port < 65536 for port in kept.values()
    )
    if valid and len(set(kept.values())) == len(kept):
        return dict(kept)
    notices.append(f"{home.ports} is broken: every port but the gateway's is chosen anew.")
    return {}


def choose_free(taken: set[int]) -> int:
    choice = random.SystemRandom()
    for _ in range(ATTEMPTS):
        port = choice.choice(CHOICE)
        if port not in taken and is_free(port):
            return port
    msg = f"No free port found on {LOOPBACK} between {CHOICE.start} and {CHOICE.stop}."
    raise LocalError(msg)


def assign(home: Home, names: tuple[str, ...], *, gateway: int, host: str) -> Ports:
    """Check the gateway's port; keep every other one unless somebody else has it by now.

    Raises LocalError.
    """
    _check_gateway(host, gateway)
    ports = Ports({})
    kept = _kept(home, ports.notices)
    for name in names:
        port = kept.get(name)
        if port is not None and (port == gateway or not is_free(port)):
            ports.notices.append(f"Port {port} of {name} is in use by another program.")
            port = None
        taken = {gateway, *kept.values(), *ports.by_name.values()}
        ports.by_name[name] = port if port is not None else choose_free(taken)
        if port is None and name in kept:
            ports.notices[-1] += f" It moves to {ports.by_name[name]}."
    write_private(home.ports, json.dumps({**kept, **ports.by_name}, indent=2))
    return ports
