"""Which port each program listens on: the gateway's by flag, the others chosen free and kept.

Only looks and chooses; whoever listens later may still lose a race, and then says so itself.
"""

import json
import random
import socket
from dataclasses import dataclass, field

from .errors import LocalError, PortBusyError
from .home import Home, write_private

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

    Raises PortBusyError.
    """
    if not is_free(gateway, host):
        raise PortBusyError(host, gateway)
    kept: dict[str, int] = {}
    if home.ports.exists():
        kept = json.loads(home.ports.read_text(encoding="utf-8"))
    ports = Ports({})
    for name in names:
        port = kept.get(name)
        if port is not None and (port == gateway or not is_free(port)):
            ports.notices.append(f"Port {port} of {name} is in use by another program.")
            port = None
        taken = {gateway, *kept.values(), *ports.by_name.values()}
        ports.by_name[name] = port if port is not None else choose_free(taken)
        if ports.notices and port is None and name in kept:
            ports.notices[-1] += f" It moves to {ports.by_name[name]}."
    write_private(home.ports, json.dumps({**kept, **ports.by_name}, indent=2))
    return ports
