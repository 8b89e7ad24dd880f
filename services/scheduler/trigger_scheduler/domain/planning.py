"""What a due row calls for: the next step of one trigger's schedule.

A row says what was decided so far; ``plan`` says the one record to append next, and
``reconcile`` learns from the last record appended, which may be ahead of the row after a
crash. Both are pure. Invariant: an occurrence at or before the cursor is never planned.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from trigger_contracts.events import Due, Fence, Missed, recorded_at
from trigger_contracts.schedule import Interval, Once, upcoming
from trigger_contracts.topology import LOG_LIFE

MISFIRE_HORIZON = LOG_LIFE - timedelta(hours=1)
"""An occurrence found later than this is missed, never fired: after 48 h the broker no longer
holds the record that would prove whether it fired. The hour is room for clocks and the sweep."""

MAX_MISSED_ROWS = 100
"""More missed occurrences than this, found at once, are summed in one row of the log."""

EXPIRY_DOUBT = timedelta(seconds=10)
"""The broker removes messages up to 0.4 s after their age; beyond this one is surely gone."""

_TICK = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Row:
    """A trigger as the due index has it.

    ``next_fire_at`` is the first undecided occurrence, ``cursor`` the last decided one;
    ``due_seq`` the sequence of the last record on the trigger's due subject, stored at
    ``due_stored_at``. ``change_seq`` identifies the definition.
    """

    trigger_id: str
    creation_id: str
    version: int
    change_seq: int
    schedule: Once | Interval | None
    next_fire_at: datetime | None
    cursor: datetime | None
    due_seq: int
    due_stored_at: datetime | None
    confirmed: bool = field(default=False, compare=False)
    """Whether ``due_seq`` was just read from the subject: then no clock decides that it expired."""

    def expected_seq(self, now: datetime) -> int:
        """The last sequence on the due subject, 0 once that message has expired."""
        if self.confirmed or self.due_stored_at is None:
            return self.due_seq
        if now - self.due_stored_at > LOG_LIFE + EXPIRY_DOUBT:
            return 0
        return self.due_seq


@dataclass(frozen=True, slots=True)
class Fire:
    """Fire this occurrence; ``misfire`` if it was found later than the grace period."""

    scheduled_for: datetime
    misfire: bool
    next_fire_at: datetime | None

    def record(self, row: Row, published_at: datetime) -> Due:
        return Due(
            trigger_id=row.trigger_id,
            creation_id=row.creation_id,
            version=row.version,
            change_seq=row.change_seq,
            cursor=self.scheduled_for,
            scheduled_for=self.scheduled_for,
            published_at=published_at,
            misfire=self.misfire,
        )


@dataclass(frozen=True, slots=True)
class Miss:
    """These occurrences will never fire; listed, or only counted from ``first`` to ``last``."""

    occurrences: tuple[datetime, ...]
    first: datetime
    last: datetime
    count: int
    reason: str
    next_fire_at: datetime | None

    def record(self, row: Row, published_at: datetime) -> Missed:
        return Missed(
            trigger_id=row.trigger_id,
            creation_id=row.creation_id,
            version=row.version,
            change_seq=row.change_seq,
            cursor=self.last,
            occurrences=self.occurrences,
            first=self.first,
            last=self.last,
            count=self.count,
            reason=self.reason,
            decided_at=published_at,
        )


Step = Fire | Miss


def plan(row: Row, now: datetime, grace: timedelta) -> Step | None:
    """The next step for ``row``, or None if it has no undecided occurrence.

    Of the occurrences later than ``grace``, the last fires late and the rest are missed;
    each occurrence within it fires.
    """
    first, schedule = row.next_fire_at, row.schedule
    if first is None or schedule is None:
        return None
    if now - first <= grace:
        return Fire(first, misfire=False, next_fire_at=schedule.next_after(first))
    last = schedule.last_before(now - grace) or first
    if now - last > MISFIRE_HORIZON:
        reason = f"found more than {MISFIRE_HORIZON // timedelta(hours=1)} h late"
        return _miss(schedule, first, last, reason, schedule.next_after(last))
    if last <= first:
        return Fire(first, misfire=True, next_fire_at=schedule.next_after(first))
    before_last = schedule.last_before(last) or first
    reason = f"found later than the grace of {grace.total_seconds():g} s; only the last one fires"
    return _miss(schedule, first, before_last, reason, last)


def _miss(
    schedule: Once | Interval,
    first: datetime,
    last: datetime,
    reason: str,
    next_fire_at: datetime | None,
) -> Miss:
    count = schedule.count(first, last)
    listed = upcoming(schedule, first - _TICK, count) if count <= MAX_MISSED_ROWS else []
    return Miss(tuple(listed), first, last, max(count, 1), reason, next_fire_at)


def advanced(row: Row, step: Step, due_seq: int, stored_at: datetime) -> Row:
    """The row after the record of ``step`` was appended at ``due_seq``."""
    cursor = step.scheduled_for if isinstance(step, Fire) else step.last
    return replace(
        row,
        next_fire_at=step.next_fire_at,
        cursor=cursor,
        due_seq=due_seq,
        due_stored_at=stored_at,
    )


def reconcile(row: Row, last: tuple[Due | Missed | Fence, int] | None) -> Row | None:
    """The row as the last record on its due subject proves it to be.

    ``last`` is that record with its sequence. None means that the record belongs to a
    newer definition than the row's: the row must be renewed first.
    """
    if last is None:
        return replace(row, due_seq=0, due_stored_at=None, confirmed=True)
    record, due_seq = last
    if record.change_seq > row.change_seq:
        return None
    cursor, next_fire_at = row.cursor, row.next_fire_at
    # What was decided of a deleted trigger says nothing of the one that has its id now.
    decided = record.cursor if record.creation_id == row.creation_id else None
    if decided is not None and (cursor is None or decided > cursor):
        cursor = decided
        if next_fire_at is not None and next_fire_at <= cursor and row.schedule is not None:
            next_fire_at = row.schedule.next_after(cursor)
    return replace(
        row,
        next_fire_at=next_fire_at,
        cursor=cursor,
        due_seq=due_seq,
        due_stored_at=recorded_at(record),
        confirmed=True,
    )
