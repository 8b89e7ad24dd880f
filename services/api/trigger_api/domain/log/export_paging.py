"""How much of the log one statement of an export reads.

Pure. A statement is bounded twice: by the rows that it may find, and by the span of the log in
which it looks for them. So none takes long, whatever the filter: one that nearly every row
passes is bounded by rows, one that hardly any does by its span. What was quick is tried larger.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

MAX_ROWS = 5000
"""Found at once: some 40 ms of PostgreSQL, 4 of them to plan it, and 3 MB of small rows."""
QUICK_S = 0.1
"""A statement that took no longer was cheap: the next may do twice as much."""
SLOW_S = 0.5
"""One that took longer holds up others: the next does half as much."""
MIN_SPAN = timedelta(seconds=10)
"""Smaller ones would not be quicker: planning a statement takes its own milliseconds."""

RowKey = tuple[datetime, UUID]
"""Where a row stands in the log: exports go from the newest to the oldest."""

_FIRST = UUID(int=0)


@dataclass(frozen=True, slots=True)
class ReadRange:
    """What one statement reads: rows before ``before``, logged at ``since`` or later.

    None is no bound. At most ``rows`` of them.
    """

    before: RowKey | None
    since: datetime | None
    rows: int


@dataclass(frozen=True, slots=True)
class PageSize:
    """How much the next statement reads."""

    rows: int = 500
    span: timedelta = timedelta(minutes=10)

    def stretch(self, before: RowKey | None, now: datetime, floor: datetime) -> ReadRange:
        """Of what stands before ``before``; nothing is expected to be older than ``floor``."""
        top = now if before is None else before[0]
        since = None if top - floor <= self.span else top - self.span
        return ReadRange(before, since, self.rows)

    def next(self, rows: int, took_s: float, *, is_whole: bool) -> "PageSize":
        """After a statement that found ``rows``, all of its stretch or not, in this time."""
        if not is_whole and rows < self.rows:
            return replace(self, rows=max(1, rows))  # large rows
        if took_s > SLOW_S:
            return PageSize(max(1, self.rows // 2), max(MIN_SPAN, self.span / 2))
        if took_s > QUICK_S:
            return self
        if is_whole:
            return replace(self, span=self.span * 2)
        return replace(self, rows=min(MAX_ROWS, self.rows * 2))


def below(instant: datetime) -> RowKey:
    """Behind the last row that was logged at ``instant`` or later."""
    return instant, _FIRST
