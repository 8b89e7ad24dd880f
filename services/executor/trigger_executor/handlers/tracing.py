"""Traces of what a batch decided: collected as it is decided, told once its rows are durable.

Nothing of it decides anything, and without a collector it does nothing. A batch that comes again
tells the same spans again.
"""

from datetime import datetime

from trigger_contracts.events import LogEntry
from trigger_contracts.topology import Consumer
from trigger_contracts.tracing import SpanSink, sampled_caller, trace_id_of
from trigger_executor.domain.tracing import Decided, spans_of
from trigger_executor.ports import Clock


class BatchTraces:
    """Of a batch in hand that nobody traces here; others may."""

    def __init__(self) -> None:
        self.asked_for: set[str] = set()
        """Events whose callers asked for their traces: their rows say so."""

    def decided(
        self, entry: LogEntry, stored_at: datetime | None = None, traceparent: str | None = None
    ) -> None:
        """An event was, by a message with this header; see ``domain.tracing.Decided``."""
        if traceparent is not None:
            caller = sampled_caller(traceparent)
            if caller is not None:
                self.asked_for.add(entry.event_id)
                self._take(Decided(entry, stored_at, caller))
                return
        self._take_sample(entry, stored_at)

    def recorded(self) -> None:
        """The rows of all that was decided are durable."""

    def _take(self, decided: Decided) -> None: ...
    def _take_sample(self, entry: LogEntry, stored_at: datetime | None) -> None: ...


class DecisionTraces:
    """Begins the traces of a batch. Without a sink, there are none."""

    def __init__(self, sink: SpanSink | None = None, clock: Clock | None = None) -> None:
        self._sink = sink
        self._clock = clock

    def begin(self, consumer: Consumer, count: int) -> BatchTraces:
        """A batch of ``count`` messages is in hand."""
        if self._sink is None or self._clock is None:
            return BatchTraces()
        return _Traced(self._sink, self._clock, consumer, count)


class _Traced(BatchTraces):
    def __init__(self, sink: SpanSink, clock: Clock, consumer: Consumer, count: int) -> None:
        super().__init__()
        self._sink = sink
        self._clock = clock
        self._consumer = consumer
        self._count = count
        self._begun_at = clock.now()
        self._sampled: dict[str, Decided] = {}

    def recorded(self) -> None:
        if not self._sampled:
            return
        ended_at = self._clock.now()
        for one in self._sampled.values():
            for span in spans_of(one, self._consumer, self._count, self._begun_at, ended_at):
                self._sink.add(span)

    def _take(self, decided: Decided) -> None:
        # Of two under one key the first is recorded.
        self._sampled.setdefault(decided.entry.event_id, decided)

    def _take_sample(self, entry: LogEntry, stored_at: datetime | None) -> None:
        if self._sink.samples(trace_id_of(entry.event_id)):
            self._take(Decided(entry, stored_at))


UNTRACED = DecisionTraces()
