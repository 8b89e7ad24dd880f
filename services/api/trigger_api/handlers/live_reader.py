"""One reader of the live tail: from where it begins on, without gap or duplicate.

A reader is a position in the log. Behind what the tail has in memory it catches up by reads of
its own, one page at a time and as fast as it takes them; from there on it shares the tail's
memory. What it was not given yet is never kept for it: a reader that falls out of the tail's
memory, or does not take what it was given, is ended with the reason, and may resume.
"""

import asyncio
from collections.abc import Awaitable, Iterator
from datetime import timedelta
from enum import Enum, auto
from typing import Protocol

from trigger_api.domain.live_tail import sse
from trigger_api.domain.live_tail.tail_buffer import Segment, TailBuffer, whole
from trigger_api.domain.live_tail.tail_position import (
    Beginning,
    LastSeen,
    LogState,
    Shape,
    StreamPosition,
    beginning,
)
from trigger_api.domain.queries import StateFilter
from trigger_runtime.process.errors import DependencyUnavailable

from .live_tail import RETRY, SLOWEST_LOOK, Tail

CHUNK_BYTES = 64 * 1024
"""Written at once, or one event if that is larger: what uvicorn takes before a write waits."""
CHUNK_EVENTS = 500
"""Considered at once: what else happens in the process waits a few milliseconds for it."""
FAREWELL = timedelta(seconds=2)
"""What a reader that is ended gets to hear why: a stop waits for it."""


class Outlet(Protocol):
    """Where a reader writes to."""

    async def room(self) -> None:
        """Returns once something can be written at once."""
        ...

    async def write(self, words: bytes) -> None: ...


class Ending(Enum):
    """Why a reader got no further."""

    GONE = auto()
    SLOW = auto()
    STOPPING = auto()


_FAREWELLS = {Ending.SLOW: sse.Notice.DROPPED, Ending.STOPPING: sse.Notice.CLOSING}


class TailReader:
    """One reader's position in the log, moved by what it takes. It exists for one ``deliver``."""

    def __init__(
        self,
        tail: Tail,
        wanted: StateFilter,
        state: LogState,
        begins: Beginning,
        shape: Shape,
        *,
        heartbeat: timedelta,
        write_timeout: timedelta,
        farewell: timedelta,
    ) -> None:
        self._tail = tail
        self._wanted = wanted
        self._state = state
        self._begins = begins
        self._written = tail.row if shape == "row" else whole
        self._heartbeat_s = heartbeat.total_seconds()
        self._write_timeout_s = write_timeout.total_seconds()
        self._farewell_s = farewell.total_seconds()
        self._position = begins.position
        self._recent = TailBuffer(begins.position, 1)
        self._has_joined = False
        self._ending: Ending | None = None
        self._news = asyncio.Event()
        self._limit: asyncio.Timeout | None = None
        self._waits_since: float | None = None

    async def deliver(self, outlet: Outlet) -> bool:
        """Write until somebody ends it; returns whether the last words were taken.

        Nothing is taken in hand before there is room for it: it might be over by then.
        """
        self._tail.join(self, self._state)
        try:
            if self._tail.recent.epoch == self._position.epoch:
                self._recent = self._tail.recent
                self._has_joined = self._position.seq >= self._recent.start
            words = sse.opening(self._position)
            if self._begins.is_reset:
                words += sse.notice(sse.Notice.RESET, self._position)
            while words:
                await outlet.write(words)
                words = await self._next() if await self._has_room(outlet) else b""
        finally:
            self._tail.leave(self)
        return await self._farewell(outlet)

    def leave(self) -> None:
        """Whoever read is gone."""
        self._end(Ending.GONE)

    def stop(self) -> None:
        self._end(Ending.STOPPING)

    def waits_since(self) -> float | None:
        return self._waits_since

    def give_way(self) -> None:
        self._end(Ending.SLOW)

    def notice(self) -> None:
        if self._tail.recent is self._recent:
            if self._position.seq >= self._recent.start:
                self._has_joined = True
            elif self._has_joined:
                self._end(Ending.SLOW)
        self._news.set()

    def _end(self, ending: Ending) -> None:
        if self._ending is None:
            self._ending = ending
            self._news.set()
            if self._limit is not None and not self._limit.expired():
                self._limit.reschedule(asyncio.get_running_loop().time())

    async def _within(self, seconds: float, step: Awaitable[object]) -> bool:
        """Do it, unless it takes too long or this reader is ended meanwhile."""
        try:
            async with asyncio.timeout(seconds) as self._limit:
                await step
        except TimeoutError:
            return False
        finally:
            self._limit = None
        return True

    async def _has_room(self, outlet: Outlet) -> bool:
        """Whether it may go on. Ended while it wrote, it has nothing to wait for."""
        self._waits_since = self._tail.clock.monotonic()
        if self._ending is None and not await self._within(self._write_timeout_s, outlet.room()):
            self._end(Ending.SLOW)
        self._waits_since = None
        return self._ending is None

    async def _next(self) -> bytes:
        """What to write next: events, or that the connection stands. Empty when ended."""
        clock = self._tail.clock
        beats_at = clock.monotonic() + self._heartbeat_s
        while self._ending is None:
            self._news.clear()
            left = beats_at - clock.monotonic()
            if left <= 0:
                return sse.heartbeat(self._position)
            if self._tail.recent is not self._recent:
                return self._moved()
            if self._position.seq < self._recent.start:
                words = await self._caught_up(left)
            elif self._position.seq < self._recent.upto:
                words = self._shared()
                if not words:
                    await asyncio.sleep(0)  # many events may pass by: others have their turn
            else:
                self._has_joined = True
                await self._within(left, self._news.wait())
                continue
            if words:
                return words
        return b""

    def _moved(self) -> bytes:
        """The log was made anew, or is an older state of itself: tell, and go on in it."""
        old, self._recent = self._recent, self._tail.recent
        self._has_joined = False
        seq = 0 if old.epoch != self._recent.epoch else self._recent.start
        self._position = StreamPosition(self._recent.epoch, seq)
        return sse.notice(sse.Notice.RESET, self._position)

    def _shared(self) -> bytes:
        """From the tail's memory, as much as is written at once."""
        self._has_joined = True
        frames: list[bytes] = []
        size = considered = 0
        for stretch in self._recent.after(self._position.seq):
            fresh = list(self._frames(stretch))
            frames += fresh
            size += sum(map(len, fresh))
            considered += stretch.weight
            self._position = StreamPosition(self._position.epoch, stretch.upto)
            if size >= CHUNK_BYTES or considered >= CHUNK_EVENTS:
                break
        return b"".join(frames)

    async def _caught_up(self, seconds: float) -> bytes:
        """From the log itself, one page."""
        frames: list[bytes] = []

        async def read() -> None:
            try:
                stretch = await self._tail.page(self._position)
                if stretch is None:
                    await self._skip_what_is_gone()
                    return
            except DependencyUnavailable:
                await _sleep(RETRY)
                return
            frames.extend(self._frames(stretch))
            self._position = StreamPosition(self._position.epoch, stretch.upto)

        await self._within(seconds, read())
        return b"".join(frames)

    def _frames(self, stretch: Segment) -> Iterator[bytes]:
        """What of a stretch this reader is sent: its state is that of this very moment."""
        shown = self._tail.shown(self._wanted.life)
        return stretch.frames(self._wanted, self._position.seq, shown, self._written)

    async def _skip_what_is_gone(self) -> None:
        """Nothing is stored any more of what was there, or a replica is behind: it will come."""
        state = await self._tail.log.state()
        if state.epoch == self._position.epoch and state.first_seq - 1 > self._position.seq:
            self._position = StreamPosition(self._position.epoch, state.first_seq - 1)
        else:
            await _sleep(SLOWEST_LOOK)

    async def _farewell(self, outlet: Outlet) -> bool:
        said = None if self._ending is None else _FAREWELLS.get(self._ending)
        if said is None:
            return True
        if said is sse.Notice.DROPPED:
            self._tail.meter.dropped()
        if not await self._within(self._farewell_s, outlet.room()):
            return False
        await outlet.write(sse.notice(said))
        return True


async def _sleep(duration: timedelta) -> None:
    await asyncio.sleep(duration.total_seconds())


class TailReaders:
    """Opens readers of one tail."""

    def __init__(
        self,
        tail: Tail,
        *,
        heartbeat: timedelta,
        write_timeout: timedelta,
        farewell: timedelta = FAREWELL,
    ) -> None:
        self._tail = tail
        self._lengths = {
            "heartbeat": heartbeat,
            "write_timeout": write_timeout,
            "farewell": farewell,
        }

    async def open(
        self, wanted: StateFilter, last_seen: LastSeen | None, shape: Shape = "event"
    ) -> TailReader:
        """A reader of what is stored after what was seen last, or from now on.

        Raises ``Refused`` where there is no room, and ``BrokerUnavailable``.
        """
        state = await self._tail.state()
        begins = beginning(last_seen, state)
        return TailReader(self._tail, wanted, state, begins, shape, **self._lengths)
