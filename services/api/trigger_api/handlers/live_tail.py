"""The live tail: one per process, alive only while somebody reads, shared by all who do. (And
one more for those who ask for deliveries beside the events: so nobody else reads or keeps these.)

It follows the log in the order of its sequences and keeps the newest stretch in memory
(``domain.live_tail.tail_buffer``). What core NATS brings is only a hint that something may have
been stored: such a message may arrive before it is, or belong to a batch that never will be. So
the stream is what counts: it is looked at soon after a hint, and now and then without one.
"""

import asyncio
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Protocol

from trigger_api.domain.live_tail import rows
from trigger_api.domain.live_tail.records import read_record
from trigger_api.domain.live_tail.tail_buffer import (
    LiveEvent,
    Segment,
    Sendable,
    TailBuffer,
    read,
)
from trigger_api.domain.live_tail.tail_position import LogState, StreamPosition
from trigger_api.domain.log.lifetimes import Lifetimes, Span
from trigger_api.domain.queries import State
from trigger_api.ports.live_tail import EventStream, Logged, TailMeter
from trigger_contracts.errors import Code, Refused, problem
from trigger_runtime.process.clock import Clock
from trigger_runtime.process.errors import DependencyUnavailable

from .places import STILL

FIRST_LOOK = timedelta(milliseconds=2)
"""After a hint for which nothing was stored yet; doubled for each further look in vain."""
SLOWEST_LOOK = timedelta(seconds=1)
"""Between two looks without a hint: covers hints that were lost."""
RETRY = timedelta(milliseconds=200)
"""After a read that failed. A read waits for the connection by itself."""

CATCHING_UP = 4
"""Readers for whom the log is read at the same time: those who follow it live come first."""


class Listener(Protocol):
    """Somebody who follows the tail."""

    def notice(self) -> None:
        """There is something new, or the log is another one."""
        ...

    def stop(self) -> None:
        """The process is about to end."""
        ...

    def waits_since(self) -> float | None:
        """Since when whoever reads takes nothing, by the monotonic clock; None if it does."""
        ...

    def give_way(self) -> None:
        """Its place is needed: whoever reads is told to come back."""
        ...


class Seats:
    """Who reads, of all tails of the process together; bounded."""

    def __init__(self, limit: int, clock: Clock, meter: TailMeter) -> None:
        self._limit = limit
        self._clock = clock
        self._meter = meter
        self._taken: set[Listener] = set()

    def take(self, listener: Listener) -> None:
        self._taken.add(listener)
        self._meter.reading(len(self._taken))

    def leave(self, listener: Listener) -> None:
        self._taken.discard(listener)
        self._meter.reading(len(self._taken))

    def refuse_more(self) -> None:
        """Raises ``Refused`` where there is no room for one more, and nobody stands still."""
        if len(self._taken) >= self._limit and not self._made_room():
            detail = f"{self._limit} streams are open here: close some, or use another gateway"
            raise Refused(problem(Code.UNAVAILABLE, detail))

    def _made_room(self) -> bool:
        """Whether somebody who stood still has lost its place just now."""
        still_since = self._clock.monotonic() - STILL.total_seconds()
        still = [
            (since, number, listener)
            for number, listener in enumerate(self._taken)
            if (since := listener.waits_since()) is not None and since <= still_since
        ]
        if not still:
            return False
        slowest = min(still)[2]
        self._taken.discard(slowest)
        slowest.give_way()
        return True


class Tail:
    """The newest of the log in memory, and who reads it. ``follow`` is one pass of its loop."""

    def __init__(
        self,
        *,
        log: EventStream,
        clock: Clock,
        meter: TailMeter,
        lifetimes: Lifetimes,
        backlog: int,
        limit: int,
        beside: "Tail | None" = None,
    ) -> None:
        """At most ``limit`` read; ``beside``: of its readers and those of this one together."""
        self.log = log
        self.clock = clock
        self.meter = meter
        self.recent = _nothing()
        self._wake: Callable[[], None] = _nobody
        self._lifetimes = lifetimes
        self._backlog = backlog
        self.seats: Seats = Seats(limit, clock, meter) if beside is None else beside.seats
        self._listeners: set[Listener] = set()
        self._catching_up = asyncio.Semaphore(CATCHING_UP)
        self._is_stopping = False
        self._looks = 0
        self._checked_at = 0.0
        self._must_check = True

    def on_wake(self, call: Callable[[], None]) -> None:
        """``call`` begins a pass at once: what the loop's handle offers."""
        self._wake = call

    async def state(self) -> LogState:
        """How far the log is, for one more reader; raises ``Refused`` where there is no room."""
        self._refuse_more()
        found = await self.log.state()
        self._refuse_more()
        return found

    def join(self, listener: Listener, state: LogState) -> None:
        """Begin to follow, where nobody does yet; ``state`` is what the listener was told."""
        if not self._listeners or state.epoch > self.recent.epoch:
            self._renew(state)
        self._listeners.add(listener)
        self.seats.take(listener)
        self._wake()
        if self._is_stopping:
            listener.stop()

    def leave(self, listener: Listener) -> None:
        self._listeners.discard(listener)
        self.seats.leave(listener)
        if not self._listeners:
            self.recent = _nothing()
            self._wake()

    def stop(self) -> None:
        """End every stream, and begin none."""
        self._is_stopping = True
        for listener in list(self._listeners):
            listener.stop()

    def hint(self) -> None:
        """Something may have been stored."""
        self._looks = 0
        self._wake()

    async def follow(self) -> timedelta | None:
        """One look; returns how long to wait for the next, unless a hint comes."""
        if not self._listeners:
            await self.log.unlisten()
            return None
        try:
            await self.log.listen(self.hint)
            await self._check()
            recent = self.recent
            stored = await self.log.after(recent.upto)
        except DependencyUnavailable:
            # The connection says so itself. Meanwhile the log may be made anew.
            self._must_check = True
            return RETRY
        if not stored:
            self._looks += 1
            return min(SLOWEST_LOOK, FIRST_LOOK * (1 << min(self._looks - 1, 16)))
        # Should the log have been renewed meanwhile, nobody looks at this part of it any more.
        recent.append(self._stretch(recent.epoch, stored))
        self._tell()
        return timedelta()

    async def page(self, position: StreamPosition) -> Segment | None:
        """What is stored after a position, read for one reader alone; None if that is nothing."""
        async with self._catching_up:
            stored = await self.log.after(position.seq)
            return self._stretch(position.epoch, stored) if stored else None

    def row(self, event: Sendable) -> bytes:
        """An event as it is sent to who wants rows; a record of a delivery is none."""
        if not isinstance(event, LiveEvent):
            return event.frame
        return rows.frame(event, self._lifetimes, self.clock.now())

    def shown(self, state: State | None = None) -> Span:
        """When events were logged that are in this state at this moment."""
        return self._lifetimes.span(state, self.clock.now())

    def _stretch(self, epoch: int, stored: Sequence[Logged]) -> Segment:
        """What was read, decoded. What is no event to be shown is left out, and counted."""
        events: list[Sendable] = []
        shown = self.shown()
        for message in stored:
            if message.body is None:
                self.meter.passed_over()
                continue
            position = StreamPosition(epoch, message.seq)
            event: Sendable | None
            if message.delivery is None:
                event = read(position, message.body)
            else:
                event = read_record(position, message.delivery, message.body)
            if event is None:
                self.meter.unreadable(message.seq)
            elif shown.has(event.logged_at):
                events.append(event)
        return Segment(stored[-1].seq, tuple(events))

    async def _check(self) -> None:
        """Now and then: is this still the log that was read, and what of it is over?"""
        now = self.clock.monotonic()
        if not self._must_check and now - self._checked_at < SLOWEST_LOOK.total_seconds():
            return
        read_up_to = self.recent
        state = await self.log.state()
        self._checked_at, self._must_check = now, False
        self.recent.forget(self.shown().after)
        # A log that ends before what was read in it is an older state of it, restored.
        if read_up_to is self.recent and (
            state.epoch != self.recent.epoch or state.last_seq < self.recent.upto
        ):
            self._renew(state)
            self._tell()

    def _renew(self, state: LogState) -> None:
        self.recent = TailBuffer(StreamPosition(state.epoch, state.last_seq), self._backlog)

    def _tell(self) -> None:
        for listener in self._listeners:
            listener.notice()

    def _refuse_more(self) -> None:
        if self._is_stopping:
            detail = "the gateway stops: begin the stream again, here or at another one"
            raise Refused(problem(Code.UNAVAILABLE, detail))
        self.seats.refuse_more()


def _nothing() -> TailBuffer:
    return TailBuffer(StreamPosition(0, 0), 1)


def _nobody() -> None:
    """Nobody is to be woken yet."""
