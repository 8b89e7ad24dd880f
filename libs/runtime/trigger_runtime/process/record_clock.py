"""The clock of record, estimated between looks at it.

PostgreSQL's clock decides for all replicas what is due. A look at it costs a round trip,
so between looks it is carried on by the process's monotonic clock. Invariant: the estimate
is never ahead of the clock of record, so nothing is published early; where that clock was set
back, ahead by no longer than the last look took.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class ClockOfRecord:
    """A lower bound of PostgreSQL's clock; ``monotonic`` returns seconds."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._offset: timedelta | None = None

    def monotonic(self) -> float:
        return self._monotonic()

    def observe(self, read_at: datetime, sent: float, received: float) -> None:
        """Learn from a look: the clock showed ``read_at`` between two monotonic readings.

        The best lower bound so far is kept while it is consistent with this look;
        otherwise the clock was set, and this look alone counts.
        """
        since_epoch = read_at - _EPOCH
        lowest = since_epoch - timedelta(seconds=received)
        highest = since_epoch - timedelta(seconds=sent)
        if self._offset is None or not lowest <= self._offset <= highest:
            self._offset = lowest

    def now(self) -> datetime:
        """An instant that the clock of record has surely reached."""
        if self._offset is None:
            raise RuntimeError("the clock of record was not looked at yet")
        return _EPOCH + self._offset + timedelta(seconds=self._monotonic())
