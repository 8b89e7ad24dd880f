"""A loop is one function and a small handle.

The function is one pass and returns how long to wait before the next; ``wake`` cuts that
wait short. A failed pass is logged, counted and repeated with a growing pause: never fatal,
never silent. ``stop`` lets the pass in hand finish.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import timedelta
from typing import Protocol

from .errors import DependencyUnavailable
from .logging_setup import get_logger
from .metrics import LOOP_FAILURES

log = get_logger(__name__)

FIRST_PAUSE_S = 0.1
"""After the first failed pass; doubled for each further one in a row."""
LONGEST_PAUSE_S = 5.0
"""Most between failed passes: a dependency that returns is noticed within this."""
STOP_TIMEOUT_S = 5.0
"""What ``stop`` waits for the pass in hand before it cancels it."""


class Part(Protocol):
    """What a process starts once, and stops: a loop, or several that belong together."""

    def start(self) -> None: ...

    async def stop(self) -> None:
        """Finish what is in hand, begin nothing."""
        ...


Pass = Callable[[], Awaitable[timedelta | None]]
"""One pass; returns how long to wait before the next, None for until woken."""


class Loop:
    """The handle of one loop."""

    def __init__(self, name: str, one_pass: Pass) -> None:
        self.name = name
        self._pass = one_pass
        self._wake = asyncio.Event()
        self._stop = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        # Told as 0 before the first one: an increase is seen between two samples alone.
        LOOP_FAILURES.labels(name)

    def start(self) -> None:
        """Begin; the first pass runs at once."""
        self._stop.clear()
        self._task = asyncio.create_task(self._loop(), name=self.name)

    def wake(self) -> None:
        """Run the next pass now, or right after the one in hand."""
        self._wake.set()

    async def stop(self) -> None:
        """Finish the pass in hand, start no other; cancelled if it takes too long."""
        self._stop.set()
        self._wake.set()
        if self._task is None:
            return
        done, _ = await asyncio.wait({self._task}, timeout=STOP_TIMEOUT_S)
        if not done:
            log.warning("loop cancelled while stopping", loop=self.name)
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        self._task = None

    async def _loop(self) -> None:
        failures = 0
        while not self._stop.is_set():
            self._wake.clear()
            try:
                wait = await self._pass()
                wait_s = None if wait is None else wait.total_seconds()
                failures = 0
            except Exception as error:
                LOOP_FAILURES.labels(self.name).inc()
                wait_s = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2.0 ** min(failures, 16))
                failures += 1
                # A dependency that is away needs no traceback, and is said once in a while.
                if not isinstance(error, DependencyUnavailable):
                    log.exception("loop pass failed", loop=self.name, failures=failures)
                elif failures.bit_count() == 1:
                    log.warning(
                        "loop waits for a dependency",
                        loop=self.name,
                        failures=failures,
                        error=repr(error),
                    )
                # A wake does not cut this pause short: it would turn failing into spinning.
                await _wait(self._stop, wait_s)
            else:
                await _wait(self._wake, wait_s)


class HeldBack:
    """Parts that begin once what they need is there, whenever that is: others do not wait for it.

    ``needs`` are waited for one after the other, each for as long as it takes; they raise nothing.
    """

    def __init__(
        self, name: str, needs: Sequence[Callable[[], Awaitable[object]]], parts: Sequence[Part]
    ) -> None:
        self._name = name
        self._needs = needs
        self._parts = parts
        self._beginning: asyncio.Task[None] | None = None
        self._begun: list[Part] = []

    def start(self) -> None:
        self._beginning = asyncio.create_task(self._begin(), name=self._name)

    async def stop(self) -> None:
        if self._beginning is not None:
            self._beginning.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._beginning
        await stop_all(self._begun)
        self._begun.clear()

    async def _begin(self) -> None:
        for need in self._needs:
            await need()
        for part in self._parts:
            self._begun.append(part)
            part.start()
        log.info("begun", part=self._name)


async def stop_all(loops: Iterable[Part]) -> None:
    """Stop all at once: it takes as long as the pass in hand that takes longest."""
    await asyncio.gather(*(loop.stop() for loop in loops))


async def _wait(event: asyncio.Event, longest_s: float | None) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(longest_s):
            await event.wait()
