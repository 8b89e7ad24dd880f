"""Projects batches of the log into the table.

``Projector`` returns only after every message of the batch is settled: in the table, known
there, past its life, or a dead letter; it names those that could be none of these now. If it
raises, none may be acknowledged; doing the batch again is harmless.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TypeVar

from trigger_contracts.dead_letters import DeadLetterSink, Delivered
from trigger_contracts.topology import RETENTION_EVENTS
from trigger_contracts.tracing import TRACEPARENT, SpanSink, trace_id_of
from trigger_retention.domain import rows
from trigger_retention.domain.rows import LogRow, UnreadableEvent
from trigger_retention.domain.tracing import span_of
from trigger_retention.ports import Clock, EventLog, Inserted
from trigger_runtime.dead_letters.each import dead_letter_each

from .storing import store_in_halves

_Message = TypeVar("_Message", bound=Delivered)


class Projector:
    """Projects batches of TRIGGER_EVENTS, and what is redriven of it, into the table."""

    stream = RETENTION_EVENTS.stream.name

    def __init__(
        self,
        log: EventLog,
        dead_letters: DeadLetterSink,
        clock: Clock,
        on_projected: Callable[[Inserted, int, timedelta], None],
        on_logged: Callable[[Sequence[timedelta]], None],
        traces: SpanSink | None = None,
    ) -> None:
        """``on_projected`` is told the rows of a batch, its dead letters, and ``lag``;
        ``on_logged`` of new rows that were fired how long that took, from accepting them.
        """
        self._traces = traces
        self._log = log
        self._dead_letters = dead_letters
        self._clock = clock
        self._on_projected = on_projected
        self._on_logged = on_logged
        self._newest = datetime.min.replace(tzinfo=UTC)
        self.lag = timedelta()
        """How old the newest message so far was when its batch was settled."""

    async def __call__(self, batch: Sequence[_Message]) -> Sequence[_Message]:
        """Settle the batch; those whose dead letters cannot be written now come again."""
        begun_at = self._clock.now()
        readable: list[tuple[LogRow, _Message]] = []
        dead: list[tuple[_Message, str]] = []
        for message in batch:
            match rows.read(message.payload, message.stream_seq):
                case UnreadableEvent(reason):
                    dead.append((message, reason))
                case LogRow() as row:
                    readable.append((row, message))
        inserted = await store_in_halves(self._insert, readable, dead)
        left = await dead_letter_each(partial(self._dead_letters.dead_letter, self.stream), dead)
        self._measure(batch[-1].stored_at)
        self._on_projected(inserted, len(dead) - len(left), self.lag)
        if self._traces is not None and readable:
            refused = {id(message) for message, _ in dead}
            self._trace(
                self._traces,
                [(row, message) for row, message in readable if id(message) not in refused],
                begun_at,
            )
        return left

    def _trace(
        self, traces: SpanSink, stored: Sequence[tuple[LogRow, _Message]], begun_at: datetime
    ) -> None:
        ended_at = self._clock.now()
        for row, message in stored:
            asked_for = message.headers.get(TRACEPARENT) is not None
            if asked_for or traces.samples(trace_id_of(row.event_id)):
                traces.add(span_of(row, len(stored), begun_at, ended_at))

    def _measure(self, stored_at: datetime) -> None:
        # What is older than something projected comes again: it does not say how far the log is.
        if stored_at >= self._newest:
            self._newest = stored_at
            self.lag = max(timedelta(), self._clock.now() - stored_at)

    async def _insert(self, log_rows: Sequence[LogRow]) -> Inserted:
        inserted = await self._log.insert(log_rows)
        # What comes again is older than what is new: of the rows the last ones were stored now.
        now = self._clock.now()
        new = log_rows[len(log_rows) - inserted.stored :]
        self._on_logged([now - row.fired_at for row in new if row.fired_at is not None])
        return inserted
