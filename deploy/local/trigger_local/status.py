"""What runs on a data directory, for people and, as JSON, for programs."""

import asyncio
from dataclasses import dataclass
from typing import Any

from trigger_contracts.subjects import inbox_prefix
from trigger_contracts.topology import EXTERNALS

from . import secrets
from .errors import NotUpError
from .home import Home
from .ports import LOOPBACK
from .programs import Platform, answers_ready, reachable
from .state import State

SERVERS = ("nats", "postgres")


@dataclass(frozen=True, slots=True)
class Process:
    name: str
    pid: int | None
    port: int
    ready: bool


@dataclass(frozen=True, slots=True)
class PlatformStatus:
    platform: Platform
    supervisor: int
    complete: bool
    """Whether ``etp up`` is past its start."""
    processes: tuple[Process, ...]

    def as_json(self) -> dict[str, Any]:
        """The promised form: other programs rely on these names."""
        platform = self.platform
        return {
            "url": platform.url,
            "api_key": platform.secrets.api_key,
            "nats_url": platform.nats_url("client"),
            "nats_users": {
                user: {
                    "user": user,
                    "password": platform.secrets.nats[user],
                    "inbox_prefix": inbox_prefix(user),
                }
                for user in EXTERNALS
            },
            "database_url": platform.database_url(),
            "data_dir": str(platform.home.root),
            "ready": self.complete and all(process.ready for process in self.processes),
            "supervisor": {"pid": self.supervisor},
            "processes": {
                p.name: {"pid": p.pid, "port": p.port, "ready": p.ready} for p in self.processes
            },
            "pids": {p.name: p.pid for p in self.processes if p.pid is not None},
        }


async def read(home: Home) -> PlatformStatus:
    """Raises NotUpError."""
    state = State.read(home)
    kept = secrets.load(home)
    if state is None or not state.is_of(home) or kept is None:
        raise NotUpError(str(home.root))
    if state.supervisor is None or not state.supervisor.find():
        raise NotUpError(str(home.root))
    host = state.url.removeprefix("http://").rsplit(":", 1)[0]
    platform = Platform(home=home, secrets=kept, ports=state.ports, host=host)
    processes = await asyncio.gather(*(_process(platform, state, name) for name in state.processes))
    return PlatformStatus(platform, state.supervisor.pid, state.complete, tuple(processes))


async def _process(platform: Platform, state: State, name: str) -> Process:
    identity = state.processes[name]
    alive = identity is not None and identity.find() is not None
    host = reachable(platform.host) if name == "api" else LOOPBACK
    port = platform.ports[name]
    return Process(
        name=name,
        pid=identity.pid if identity is not None and alive else None,
        port=port,
        ready=alive and (name in SERVERS or await answers_ready(host, port)),
    )
