"""Rows, plans of their deliveries and dead letters: what both use cases lead to, durably."""

from collections.abc import Awaitable, Callable, Container, Mapping, Sequence
from datetime import timedelta
from functools import partial
from types import MappingProxyType
from typing import TypeVar

from trigger_contracts import topology
from trigger_contracts.dead_letters import DeadLetterSink
from trigger_contracts.deliveries.records import message_of
from trigger_contracts.events import LogEntry
from trigger_executor.domain.planning import Destinations, planned
from trigger_executor.domain.row import EventMessage, row_of
from trigger_executor.ports import Appended, Clock, EventWriter, Incoming, Meter
from trigger_runtime.dead_letters.each import dead_letter_each
from trigger_runtime.process.errors import PublishRefused

_Message = TypeVar("_Message", bound=Incoming)

MAX_DELIVERIES = topology.EXECUTOR_DUES.max_failures
"""Deliveries, over about 4 s, after which a definition that is not found is taken as erased, and
a row that the broker refuses as one that it will never take."""

MAX_ENCODED_BYTES = 4 * 1024 * 1024
"""Rows of a batch are encoded up to here, then appended: 500 large ones would take 250 MB."""


_NOWHERE: Mapping[str, Destinations] = MappingProxyType({})

AsRecorded = Callable[[Mapping[str, int]], Awaitable[Mapping[str, Destinations]]]
"""Asked about rows that were in the log already, ids of events by their places: where those go to
that were decided otherwise."""


class PlanRefused(PublishRefused):
    """The rows are recorded, and the broker refused the plan of their deliveries."""

    def __init__(self, refusal: PublishRefused) -> None:
        super().__init__(f"its row is recorded, its deliveries cannot be planned: {refusal}")
        self.code = refusal.code


class Recorder:
    """Writes rows, plans of deliveries and dead letters; what it returns from is durable."""

    def __init__(
        self,
        events: EventWriter,
        dead_letters: DeadLetterSink,
        clock: Clock,
        meter: Meter,
        *,
        kept_for: timedelta = topology.LOG_LIFE,
    ) -> None:
        self._events = events
        self._dead_letters = dead_letters
        self._clock = clock
        self._meter = meter
        self._kept_for = kept_for

    async def record(
        self,
        entries: Sequence[LogEntry],
        destinations: Mapping[str, Destinations] = _NOWHERE,
        asked_for: Container[str] = frozenset(),
        as_recorded: AsRecorded | None = None,
    ) -> None:
        """Rows whose life is over are left out: the log has forgotten them already.

        ``destinations``: where fired events are delivered to, by their ids; each is planned once
        its row is durable. ``asked_for``: the events whose callers asked for their traces. Raises
        ``PlanRefused`` where rows are recorded without it.
        """
        now = self._clock.now()
        # One id twice would make the broker refuse the batch as a whole.
        distinct = {entry.event_id: entry for entry in reversed(entries)}
        rows: list[EventMessage] = []
        size = expired = 0
        for entry in reversed(distinct.values()):
            row = row_of(entry, now, self._kept_for, asked_for=entry.event_id in asked_for)
            if row is None:
                expired += 1
                continue
            rows.append(row)
            size += len(row.body)
            if size > MAX_ENCODED_BYTES:
                await self._append(rows, destinations, as_recorded)
                rows, size = [], 0
        await self._append(rows, destinations, as_recorded)
        if expired:
            self._meter.expired(expired)

    async def _append(
        self,
        rows: Sequence[EventMessage],
        destinations: Mapping[str, Destinations],
        as_recorded: AsRecorded | None,
    ) -> None:
        if not rows:
            return
        appended = await self._events.append(rows)
        there = {
            row.event_id: one.seq
            for row, one in zip(rows, appended, strict=True)
            if one.is_repetition
        }
        if there and as_recorded is not None:
            destinations = {**destinations, **await as_recorded(there)}
        if destinations:
            await self._plan(rows, appended, destinations)
        self._meter.recorded([row.entry for row in rows])

    async def _plan(
        self,
        rows: Sequence[EventMessage],
        appended: Sequence[Appended],
        destinations: Mapping[str, Destinations],
    ) -> None:
        """Plan the deliveries of what is in the log now.

        Whoever is stopped before comes back to it: nothing is acknowledged yet. Repeated, it has
        the same ids, which the broker drops and, once that has forgotten them, the index.
        """
        now = self._clock.now()
        plans = [
            planned(row.entry, stored.seq, one, now, self._kept_for)
            for row, stored in zip(rows, appended, strict=True)
            for one in destinations.get(row.event_id, ())
        ]
        if plans:
            messages = [message_of(one, expires_at=one.expires_at, now=now) for one in plans]
            try:
                await self._events.plan([message for message in messages if message is not None])
            except PublishRefused as refusal:
                raise PlanRefused(refusal) from refusal
            self._meter.planned(len(plans))

    async def dead_letter(self, stream: str, message: Incoming, reason: str) -> None:
        """Keep a message that cannot be handled."""
        await self._dead_letters.dead_letter(stream, message, reason)

    async def dead_letter_each(
        self, stream: str, messages: Sequence[tuple[_Message, str]]
    ) -> list[_Message]:
        """Keep messages, each with its reason; those that cannot be kept now come again."""
        return await dead_letter_each(partial(self._dead_letters.dead_letter, stream), messages)
