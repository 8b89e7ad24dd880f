"""The server that a peer keeps its triggers in: fresh, durable, and able to be killed.

PostgreSQL is the platform's own, by its defaults (fsync on, synchronous commit). Valkey appends to
its file and syncs it each second, as its peers' guides advise.
"""

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import asyncpg
import psutil

from bench.support.checks import until
from trigger_local import child, ports, postgres
from trigger_local.child import Program
from trigger_local.secrets import DATABASE_OWNER

from .environment import Environment

Kind = Literal["memory", "postgres", "valkey"]

START_TIMEOUT_S = 30
KILL_TIMEOUT_S = 10
STOP_TIMEOUT_S = 10.0


@dataclass(slots=True)
class Store:
    """One server on a folder of its own, or none: then there is nothing to start or to kill."""

    url: str | None = None
    program: Program | None = None
    log: Path = Path()
    prepare: Callable[[], object] = lambda: None
    """Before each start."""
    _process: asyncio.subprocess.Process | None = field(default=None, init=False)

    @property
    def pids(self) -> Mapping[str, int]:
        if self.program is None or self._process is None:
            return {}
        return {self.program.name: self._process.pid}

    async def start(self) -> None:
        if self.program is None:
            return
        await asyncio.to_thread(self.prepare)
        with self.log.open("ab") as output:
            self._process = await child.start(self.program, output)
        await until(self._answers, within=START_TIMEOUT_S, what=f"{self.program.name} answers")

    async def kill(self) -> None:
        """SIGKILL, with everything it started."""
        if self._process is None:
            return
        kill_all(self._process.pid)
        await asyncio.wait_for(self._process.wait(), KILL_TIMEOUT_S)
        self._process = None

    async def stop(self) -> None:
        """As its own supervisor would: a killed PostgreSQL leaves shared memory behind."""
        if self.program is not None and self._process is not None:
            await child.stop(self._process, self.program.stop_signal, STOP_TIMEOUT_S)

    async def _answers(self) -> bool:
        assert self.url is not None
        try:
            if self.url.startswith("redis:"):
                _, writer = await asyncio.open_connection(*_address(self.url))
                writer.close()
                return True
            await (await asyncpg.connect(self.url)).close()
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            return False
        return True


def kill_all(pid: int) -> None:
    """SIGKILL a process and all its descendants, parents first so that none is restarted."""
    with contextlib.suppress(psutil.NoSuchProcess):
        root = psutil.Process(pid)
        root.suspend()
        for process in (root, *root.children(recursive=True)):
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()


@contextlib.asynccontextmanager
async def store(
    kind: Kind, folder: Path, environment: Environment, more: Mapping[str, str]
) -> AsyncIterator[Store]:
    """Started, and stopped in the end. ``more``: settings of Valkey beside those of everybody."""
    match kind:
        case "memory":
            one = Store()
        case "postgres":
            one = _postgres(folder)
        case "valkey":
            one = _valkey(folder, environment, more)
    await one.start()
    try:
        yield one
    finally:
        await one.stop()


def _postgres(folder: Path) -> Store:
    port, password = ports.choose_free(set()), secrets.token_hex(16)
    home = folder / "postgres"
    return Store(
        url=f"postgresql://{DATABASE_OWNER}:{password}@{ports.LOOPBACK}:{port}/postgres",
        program=postgres.program(home, port=port),
        log=folder / "postgres.log",
        prepare=lambda: postgres.prepare(home, password),
    )


def _valkey(folder: Path, environment: Environment, more: Mapping[str, str]) -> Store:
    port = ports.choose_free(set())
    home = folder / "valkey"
    home.mkdir()
    settings = {
        "port": str(port),
        "bind": ports.LOOPBACK,
        "dir": str(home),
        "appendonly": "yes",
        "appendfsync": "everysec",
        "save": "",
        **more,
    }
    flags = [item for name, value in settings.items() for item in (f"--{name}", value)]
    return Store(
        url=f"redis://{ports.LOOPBACK}:{port}/0",
        program=Program("valkey", (str(environment.valkey), *flags)),
        log=folder / "valkey.log",
    )


def _address(url: str) -> tuple[str, int]:
    host, port = url.removeprefix("redis://").removesuffix("/0").split(":")
    return host, int(port)
