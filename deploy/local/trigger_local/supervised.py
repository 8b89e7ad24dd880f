"""One program that is kept alive: started, watched, started again when it dies.

A killed service, broker or database comes back by itself. Never gives up after the platform was
ready once; before that, the supervisor decides by ``starts``. Whatever goes wrong here, no child
is left unwatched: a second one is started only when the first is gone.
"""

import asyncio
import contextlib
import re
import time
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from pathlib import Path

from . import child
from .output import Output

FIRST_WAIT = 0.1
"""Seconds before the first new start: a single crash costs almost nothing."""

LONGEST_WAIT = 5.0
"""Seconds between starts of a program that keeps dying."""

STABLE_AFTER = 10.0
"""Seconds of life after which the next crash counts as a first one again."""

ASK_AGAIN = 1.0
"""Seconds until a program that cannot be started now is thought of again."""

READY_POLL = 0.1
"""Seconds between two looks whether a program that keeps files is ready."""


def nothing_against() -> str | None:
    """For programs that may be started at any time."""
    return None


def nothing_kept() -> Collection[Path]:
    """For programs that keep nothing."""
    return ()


async def always(_path: Path) -> bool:
    """For programs that never remove such a thing themselves."""
    return True


@dataclass(frozen=True, slots=True)
class Spec:
    """One program of the platform."""

    name: str
    prepare: Callable[[], child.Program]
    """Called in a thread before every start; may block, and repairs what a crash left."""
    ready: Callable[[], Awaitable[bool]]
    stop_timeout: float
    """Seconds it gets to drain before it is killed."""
    routine: tuple[str, ...] = ()
    """Mark the lines of its output that are not worth showing."""
    against: Callable[[], str | None] = nothing_against
    """Why it cannot be started now; asked in a thread before every start, may block."""
    broken: re.Pattern[str] | None = None
    """Lines of its output after which it does its work no more until it is started anew."""
    kept: Callable[[], Collection[Path]] = nothing_kept
    """What there is now of what must stay while it runs; asked in a thread, may block."""
    removed_under_it: Callable[[Path], Awaitable[bool]] = always
    """Whether it was another who removed one of these; an error means that nobody knows now."""


class Supervised:
    def __init__(self, spec: Spec, output: Output, on_change: Callable[[], None]) -> None:
        self.spec = spec
        self.starts = 0
        self.last_exit: int | None = None
        self.trouble: str | None = None
        """Why it does not run, where that is known."""
        self._output = output
        self._on_change = on_change
        self._process: asyncio.subprocess.Process | None = None
        self._program: child.Program | None = None
        self._stopping = asyncio.Event()
        self._loop: asyncio.Task[None] | None = None
        self._replacing: asyncio.Task[bool] | None = None
        self._kept: set[Path] = set()
        """What was seen of its files, and was there at its last start; it may make more of them."""

    @property
    def pid(self) -> int | None:
        """None while it is not there."""
        process = self._process
        return process.pid if process is not None and process.returncode is None else None

    def start(self) -> None:
        self._loop = asyncio.create_task(self._keep(), name=f"keep {self.spec.name}")

    async def ready(self) -> bool:
        return self.pid is not None and await self.spec.ready()

    async def look(self) -> None:
        """Have it started anew if its files were removed under it; for now and then.

        It would serve what it has open, and acknowledge what nobody finds again.
        """
        process, kept = self._process, self._kept
        if process is None or process.returncode is not None:
            return
        for path in await asyncio.to_thread(self._missing, kept):
            try:
                by_another = await self.spec.removed_under_it(path)
            except Exception:  # noqa: BLE001 (asked again at the next look)
                return
            if process is not self._process:
                return
            if not by_another:
                kept.remove(path)
            elif not await asyncio.to_thread(_is_there, path):
                self._replace(f"its files are gone from {path.parent}")
                return

    async def _look_once_ready(self, process: asyncio.subprocess.Process) -> None:
        """What there is of its files is known as soon as it is used: of one that goes before the
        first look nobody would know that it was there.
        """
        if self.spec.kept is nothing_kept:
            return
        while process is self._process and process.returncode is None:
            if await self.spec.ready():
                await self.look()
                return
            await asyncio.sleep(READY_POLL)

    def _missing(self, kept: set[Path]) -> list[Path]:
        """What is not there any more of what was; the outermost first."""
        kept.update(path for path in self.spec.kept() if _is_there(path))
        return sorted(path for path in kept if not _is_there(path))

    async def stop(self) -> None:
        """Stop it for good. Returns when it is gone."""
        self._stopping.set()
        if self._process is not None and self._program is not None:
            obeyed = await child.stop(
                self._process, self._program.stop_signal, self.spec.stop_timeout
            )
            if not obeyed:
                self._output.say(
                    f"{self.spec.name} did not stop in {self.spec.stop_timeout:g} s: killed."
                )
        if self._loop is not None:
            with contextlib.suppress(asyncio.CancelledError):
                await self._loop

    def kill(self) -> None:
        """At once, without draining: somebody pressed Ctrl-C again."""
        self._stopping.set()
        if self.pid is not None:
            child.kill_session(self.pid)

    async def _keep(self) -> None:
        wait = FIRST_WAIT
        while not self._stopping.is_set():
            await self._until_possible()
            if self._stopping.is_set():
                return
            began = time.monotonic()
            try:
                await self._live()
            except Exception as error:  # noqa: BLE001 (said, and tried again like any crash)
                self.trouble = str(error) or type(error).__name__
                self._output.say(f"{self.spec.name} cannot be started: {self.trouble}")
            if self._stopping.is_set():
                return
            if time.monotonic() - began > STABLE_AFTER:
                wait = FIRST_WAIT
            self._output.say(
                f"{self.spec.name} ended ({_reason(self.last_exit)}); started again in {wait:g} s."
            )
            await self._pause(wait)
            wait = min(wait * 2, LONGEST_WAIT)

    async def _until_possible(self) -> None:
        """Wait for as long as there is a reason against a start, and say which."""
        said = None
        while not self._stopping.is_set():
            reason = await asyncio.to_thread(self.spec.against)
            if reason is None:
                self.trouble = None
                return
            self.trouble = reason
            if reason != said:
                self._output.say(f"{self.spec.name} is not started for now: {reason}")
                said = reason
            await self._pause(ASK_AGAIN)

    async def _pause(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), seconds)

    async def _live(self) -> None:
        """One life, from start to exit."""
        self.starts += 1
        self._program = await asyncio.to_thread(self.spec.prepare)
        if self._stopping.is_set():
            return
        # What is there now and goes before the first look was removed under it.
        kept = await asyncio.to_thread(lambda: {path for path in self._kept if _is_there(path)})
        process = await child.start(self._program, asyncio.subprocess.PIPE)
        self._process, self._kept = process, kept
        assert process.stdout is not None  # noqa: S101 (PIPE above)
        copying = asyncio.create_task(
            self._output.copy(self.spec.name, process.stdout, self.spec.routine, self._hear)
        )
        looking = asyncio.create_task(self._look_once_ready(process))
        try:
            self._on_change()
            if self._stopping.is_set():
                # stop() came while the child was being made, and did not see it.
                await child.stop(process, self._program.stop_signal, self.spec.stop_timeout)
            self.last_exit = await process.wait()
            # Its last words; a grandchild that keeps the pipe open must not hold us up.
            await asyncio.wait({copying}, timeout=1)
        finally:
            copying.cancel()
            looking.cancel()
            child.kill_session(process.pid)
            await process.wait()
            self._on_change()

    def _hear(self, line: str) -> None:
        """Have it started anew once it says that it is broken; what it serves is away meanwhile."""
        if self.spec.broken is not None and self.spec.broken.search(line):
            self._replace(line)

    def _replace(self, why: str) -> None:
        """Once, however many reasons there are."""
        if self._replacing is not None and not self._replacing.done():
            return
        process, program = self._process, self._program
        if process is None or program is None or process.returncode is not None:
            return
        self._output.say(f"{self.spec.name} is started anew, for it cannot go on: {why}")
        self._replacing = asyncio.create_task(
            child.stop(process, program.stop_signal, self.spec.stop_timeout),
            name=f"replace {self.spec.name}",
        )


def _is_there(path: Path) -> bool:
    """Of a disk that cannot be asked nothing is said to be gone."""
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True
    return True


def _reason(code: int | None) -> str:
    if code is None:
        return "before it began"
    return f"signal {-code}" if code < 0 else f"exit code {code}"
