"""How the tests start, stop and kill one server: as a child from its wheel, or as a container."""

import asyncio
import contextlib
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from tests.support.eventually import eventually
from trigger_local import child

START_TIMEOUT = 60.0
STOP_TIMEOUT = 20.0

Answers = Callable[[], Awaitable[bool]]


class Server(ABC):
    """One server that a test may stop, kill and start again; its port stays the same."""

    port: int

    @abstractmethod
    async def start(self, answers: Answers) -> None:
        """Start it and wait until it answers."""

    @abstractmethod
    async def stop(self) -> None:
        """Ask it to stop, and wait for that. Harmless if it does not run."""

    @abstractmethod
    async def kill(self) -> None:
        """SIGKILL it, and wait until it is gone."""

    async def dispose(self) -> None:
        """Leave nothing behind."""
        await self.stop()


class Embedded(Server):
    """A direct child of the tests, from a wheel. Its output is in ``log``."""

    def __init__(self, port: int, log: Path, prepare: Callable[[], child.Program]) -> None:
        self.port = port
        self.log = log
        self._prepare = prepare
        self._program: child.Program | None = None
        self._process: asyncio.subprocess.Process | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    async def start(self, answers: Answers) -> None:
        self._program = await asyncio.to_thread(self._prepare)
        with self.log.open("ab") as log:
            process = await child.start(self._program, log)
        self._process = process

        async def up() -> bool:
            return process.returncode is not None or await answers()

        await eventually(up, within=START_TIMEOUT, what=f"{self._program.name} answers")
        tail = self.log.read_text(errors="replace")[-4000:]
        assert process.returncode is None, f"{self._program.name} exited: {tail}"

    async def stop(self) -> None:
        if self._process is not None and self._program is not None:
            await child.stop(self._process, self._program.stop_signal, STOP_TIMEOUT)

    async def kill(self) -> None:
        assert self._process is not None
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        await self._process.wait()


class Contained(Server):
    """A container of the same server, published on a fixed port."""

    def __init__(self, port: int, container: Any) -> None:
        self.port = port
        self._container = container
        self._created = False

    async def start(self, answers: Answers) -> None:
        if self._created:
            await asyncio.to_thread(self._container.get_wrapped_container().start)
        else:
            await asyncio.to_thread(self._container.start)
            self._created = True
        await eventually(answers, within=START_TIMEOUT, what=f"{self._container.image} answers")

    async def stop(self) -> None:
        if self._created:
            await asyncio.to_thread(self._container.get_wrapped_container().stop)

    async def kill(self) -> None:
        await asyncio.to_thread(self._container.get_wrapped_container().kill)

    async def dispose(self) -> None:
        await asyncio.to_thread(self._container.stop)
