"""Rows and dead letters, written durably: what both use cases lead to."""

from collections.abc import Container, Sequence
from datetime import timedelta
from functools import partial
from typing import TypeVar

from trigger_contracts import topology
from trigger_contracts.dead_letters import DeadLetterSink
from trigger_contracts.events import LogEntry
from trigger_executor.domain.row import EventMessage, row_of
from trigger_executor.ports import Clock, EventWriter, Incoming, Meter
from trigger_runtime.dead_letters.each import dead_letter_each

_Message = TypeVar("_Message", bound=Incoming)

MAX_DELIVERIES = topology.EXECUTOR_DUES.max_failures
"""Deliveries, over about 4 s, after which a definition that is not found is taken as erased, and
a row that the broker refuses as one that it will never take."""

MAX_ENCODED_BYTES = 4 * 1024 * 1024
"""Rows of a batch are encoded up to here, then appended: 500 large ones would take 250 MB."""


class Recorder:
    """Writes rows and dead letters; what it returns from is durable."""

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
        self, entries: Sequence[LogEntry], asked_for: Container[str] = frozenset()
    ) -> None:
        """Rows whose life is over are left out: the log has forgotten them already.

        ``asked_for``: the events whose callers asked for their traces.
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
                await self._append(rows)
                rows, size = [], 0
        await self._append(rows)
        if expired:
            self._meter.expired(expired)

    async def _append(self, rows: Sequence[EventMessage]) -> None:
        if rows:
            await self._events.append(rows)
            self._meter.recorded([row.entry for row in rows])

    async def dead_letter(self, stream: str, message: Incoming, reason: str) -> None:
        """Keep a message that cannot be handled."""
        await self._dead_letters.dead_letter(stream, message, reason)

    async def dead_letter_each(
        self, stream: str, messages: Sequence[tuple[_Message, str]]
    ) -> list[_Message]:
        """Keep messages, each with its reason; those that cannot be kept now come again."""
        return await dead_letter_each(partial(self._dead_letters.dead_letter, stream), messages)
