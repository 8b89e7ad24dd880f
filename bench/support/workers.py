"""A coroutine in a process of its own, so that measuring does not stand in its own way."""

import asyncio
import logging
import multiprocessing
import time
import traceback
from collections.abc import Awaitable, Callable
from multiprocessing.connection import Connection as Pipe
from typing import Any, Self

import structlog
import uvloop

from .checks import BenchFailed
from .usage import Cost, memory_mib

_SPAWN = multiprocessing.get_context("spawn")

Main = Callable[..., Awaitable[None]]


def quiet() -> None:
    """Of the runtime's own log lines only warnings."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))


class Link:
    """The worker's side: say ready, report, and stay until dismissed."""

    def __init__(self, pipe: Pipe) -> None:
        self._pipe = pipe
        self._cpu_begun = 0.0

    def ready(self, value: Any = None) -> None:
        self._cpu_begun = time.process_time()
        self._pipe.send(("ready", value, 0.0))

    def report(self, value: Any = None) -> None:
        self._pipe.send(("report", value, time.process_time() - self._cpu_begun))

    async def told(self) -> Any:
        """What the bench says next; None is the dismissal."""
        return await asyncio.to_thread(self._pipe.recv)


class Worker:
    """The bench's side. As a context manager it leaves no process behind."""

    def __init__(self, name: str, main: Main, *args: Any) -> None:
        self.name = name
        self.cpu_s = 0.0
        self._pipe, theirs = _SPAWN.Pipe()
        self._process = _SPAWN.Process(target=_run, args=(theirs, main, args), daemon=True)
        self._process.start()
        theirs.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._process.is_alive():
            try:
                self._pipe.send(None)
            except OSError:
                self._process.kill()
            await asyncio.to_thread(self._process.join, 5)
        if self._process.is_alive():
            self._process.kill()

    def tell(self, value: Any) -> None:
        self._pipe.send(value)

    async def ready(self) -> Any:
        return await self._receive("ready", within=60)

    async def report(self, *, within: float) -> Any:
        return await self._receive("report", within=within)

    @property
    def pid(self) -> int:
        return self._process.pid or 0

    @property
    def cost(self) -> Cost:
        """Between ``ready`` and the last report."""
        return Cost(self.cpu_s, memory_mib(self.name, self.pid))

    async def _receive(self, kind: str, *, within: float) -> Any:
        # In short waits: a thread that waits for ever would outlive a failed bench.
        deadline = time.monotonic() + within
        while not await asyncio.to_thread(self._pipe.poll, 0.2):
            if time.monotonic() > deadline:
                raise BenchFailed(f"{self.name}: no {kind} within {within:g} s")
        try:
            said, value, self.cpu_s = self._pipe.recv()
        except EOFError:
            raise BenchFailed(f"{self.name} died") from None
        if said != kind:
            raise BenchFailed(f"{self.name}: {value}")
        return value


def _run(pipe: Pipe, main: Main, args: tuple[Any, ...]) -> None:
    async def start() -> None:
        await main(Link(pipe), *args)

    quiet()
    try:
        uvloop.run(start())
    except (KeyboardInterrupt, EOFError):
        pass
    except BaseException:  # noqa: BLE001 - told to the bench, which fails
        pipe.send(("failed", traceback.format_exc(), 0.0))
