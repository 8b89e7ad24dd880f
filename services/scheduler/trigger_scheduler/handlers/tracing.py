"""Begins the traces of occurrences. Called once their records are durable, by whoever published.

Never raises: what is due fires, whatever its trace is.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from trigger_contracts.tracing import SpanSink
from trigger_scheduler.domain.planning import DueRow, Step
from trigger_scheduler.domain.tracing import event_ids_of, span_of


class Clock(Protocol):
    """For when the broker's acknowledgement came; never for what a record says."""

    def now(self) -> datetime: ...


class DueTraces:
    """Tells the root of each sampled occurrence; to make the id of one takes 3 µs."""

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
                event_ids = event_ids_of(row, step)
            except (ValueError, ArithmeticError):
                continue  # An instant that no id can have: its record becomes a dead letter.
            for event_id, scheduled_for in event_ids:
                if self._sink.samples(event_id):
                    self._sink.add(
                        span_of(
                            row,
                            step,
                            str(UUID(int=event_id)),
                            scheduled_for,
                            claimed_at=claimed_at,
                            published_at=published_at,
                            ended_at=ended_at,
                        )
                    )
