"""What a due row calls for: the next step of one trigger's schedule.

A row says what was decided so far; ``plan`` says the one record to append next, and
``reconcile`` learns from the last record appended, which may be ahead of the row after a
crash. Both are pure. Invariant: an occurrence at or before the cursor is never planned.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from trigger_contracts import misfire
from trigger_contracts.events import AnyDueRecord, Due, Missed, recorded_at
from trigger_contracts.schedule import (
    AnySchedule,
    following,
    max_fires_of,
    misfire_of,
    upcoming,
)
from trigger_contracts.topology import LOG_LIFE

EXPIRY_DOUBT = timedelta(seconds=10)
"""The broker removes messages up to 0.4 s after their age; beyond this one is surely gone."""

_TICK = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class DueRow:
    """A trigger as the due index has it.

    ``next_fire_at`` is the first undecided occurrence, ``cursor`` the last decided one;
    ``due_seq`` the sequence of the last record on the trigger's due subject, stored at
    ``due_stored_at``. ``change_seq`` identifies the definition.
    """

    trigger_id: str
    creation_id: str
    version: int
    change_seq: int
    schedule: AnySchedule | None
    next_fire_at: datetime | None
    cursor: datetime | None
    due_seq: int
    due_stored_at: datetime | None
    fires: int = 0
    """How often the schedule has fired, counted where it has a ``max_fires``."""
    confirmed: bool = field(default=False, compare=False)
    """Whether ``due_seq`` was just read from the subject: then no clock decides that it expired."""

    def expected_seq(self, now: datetime) -> int:
        """The last sequence on the due subject, 0 once that message has expired."""
        if self.confirmed or self.due_stored_at is None:
            return self.due_seq
        if now - self.due_stored_at > LOG_LIFE + EXPIRY_DOUBT:
            return 0
        return self.due_seq

    def following(self, after: datetime, *, fires: int | None = None) -> datetime | None:
        """The first occurrence later than ``after``, if the schedule has fired ``fires`` times."""
        if self.schedule is None:
            return None
        return following(self.schedule, after, self.fires if fires is None else fires)


@dataclass(frozen=True, slots=True)
class FireStep:
    """Fire this occurrence; ``misfire`` if it was found later than the grace period."""

    scheduled_for: datetime
    misfire: bool
    next_fire_at: datetime | None
    fires: int = 0
    """How often the schedule has fired then."""

    def record(self, row: DueRow, published_at: datetime) -> Due:
        return Due(
            trigger_id=row.trigger_id,
            creation_id=row.creation_id,
            version=row.version,
            change_seq=row.change_seq,
            cursor=self.scheduled_for,
            fires=self.fires,
            scheduled_for=self.scheduled_for,
            published_at=published_at,
            misfire=self.misfire,
        )


@dataclass(frozen=True, slots=True)
class MissStep:
    """These occurrences will never fire; listed, or only counted from ``first`` to ``last``."""

    occurrences: tuple[datetime, ...]
    first: datetime
    last: datetime
    count: int
    reason: str
    next_fire_at: datetime | None

    def record(self, row: DueRow, published_at: datetime) -> Missed:
        return Missed(
            trigger_id=row.trigger_id,
            creation_id=row.creation_id,
            version=row.version,
            change_seq=row.change_seq,
            cursor=self.last,
            fires=row.fires,
            occurrences=self.occurrences,
            first=self.first,
            last=self.last,
            count=self.count,
            reason=self.reason,
            decided_at=published_at,
        )


Step = FireStep | MissStep


def plan(row: DueRow, now: datetime, grace: timedelta) -> Step | None:
    """The next step for ``row``, or None if it has no undecided occurrence.

    Each occurrence within ``grace`` fires. Of the later ones the schedule's misfire policy
    says which fire all the same, one a step and in order; the ones before these are missed.
    """
    first, schedule = row.next_fire_at, row.schedule
    if first is None or schedule is None:
        return None
    if now - first <= grace:
        return _fire(row, first, misfire=False)
    policy = misfire_of(schedule)
    late = f"found later than the grace of {grace.total_seconds():g} s"
    last_late = _last_before(schedule, now - grace, first)
    if policy.late_fires == 0:
        return _miss(row, schedule, first, last_late, f"{late}; none fires late")
    oldest = now - (policy.max_age or misfire.MAX_AGE)
    if first < oldest:
        last = _last_before(schedule, oldest, first)
        return _miss(row, schedule, first, last, _too_old(policy.max_age))
    surplus = schedule.count(first, last_late) - policy.late_fires
    if surplus <= 0:
        return _fire(row, first, misfire=True)
    last = last_late
    for _ in range(policy.late_fires):
        last = _last_before(schedule, last, first)
    kept = policy.late_fires
    firing = "only the last one fires" if kept == 1 else f"only the last {kept} fire"
    return _miss(row, schedule, first, last, f"{late}; {firing}")


def plan_after_restore(row: DueRow, until: datetime, reason: str) -> MissStep | None:
    """The next step for ``row`` where the last decisions are lost: none up to ``until`` fires.

    Its occurrences since the last decision that is known may have fired, and a second time is
    worse than none: whoever reads ``reason`` can have them fired by a replay. None if it has none.
    """
    first, schedule = row.next_fire_at, row.schedule
    if first is None or schedule is None or first > until:
        return None
    return _miss(row, schedule, first, _last_before(schedule, until + _TICK, first), reason)


def _last_before(schedule: AnySchedule, instant: datetime, first: datetime) -> datetime:
    """The last occurrence before ``instant``, and none before ``first``: that is the one due.

    With newer rules of its zone, ``first`` may be an occurrence no more.
    """
    return max(schedule.last_before(instant) or first, first)


def _too_old(max_age: timedelta | None) -> str:
    if max_age is None:
        return f"found more than {misfire.MAX_AGE // timedelta(hours=1)} h late"
    return f"found later than its max_age of {max_age.total_seconds():g} s"


def _fire(row: DueRow, scheduled_for: datetime, *, misfire: bool) -> FireStep:
    fires = row.fires + 1 if max_fires_of(row.schedule) is not None else 0
    return FireStep(scheduled_for, misfire, row.following(scheduled_for, fires=fires), fires)


def _miss(
    row: DueRow, schedule: AnySchedule, first: datetime, last: datetime, reason: str
) -> MissStep:
    count = schedule.count(first, last)
    listed: list[datetime] = []
    if count <= misfire_of(schedule).listed:
        listed = upcoming(schedule, first - _TICK, count)
    return MissStep(tuple(listed), first, last, max(count, 1), reason, row.following(last))


def advanced(row: DueRow, step: Step, due_seq: int, stored_at: datetime) -> DueRow:
    """The row after the record of ``step`` was appended at ``due_seq``."""
    match step:
        case FireStep():
            cursor, fires = step.scheduled_for, step.fires
        case MissStep():
            cursor, fires = step.last, row.fires
    return replace(
        row,
        next_fire_at=step.next_fire_at,
        cursor=cursor,
        fires=fires,
        due_seq=due_seq,
        due_stored_at=stored_at,
    )


def reconcile(row: DueRow, last: tuple[AnyDueRecord | None, int] | None) -> DueRow | None:
    """The row as the last record on its due subject proves it to be.

    ``last`` is that record, if one can be read, with the subject's last sequence. None means that
    the record belongs to a newer definition than the row's: the row must be renewed first.
    """
    if last is None:
        return replace(row, due_seq=0, due_stored_at=None, confirmed=True)
    record, due_seq = last
    if record is None:
        return replace(row, due_seq=due_seq, due_stored_at=None, confirmed=True)
    if record.change_seq > row.change_seq:
        return None
    cursor, next_fire_at, fires = row.cursor, row.next_fire_at, row.fires
    # What was decided of a deleted trigger says nothing of the one that has its id now.
    decided = record.cursor if record.creation_id == row.creation_id else None
    if decided is not None and (cursor is None or decided > cursor):
        cursor = decided
        fires = max(fires, record.fires)
        if next_fire_at is not None and next_fire_at <= cursor:
            next_fire_at = row.following(cursor, fires=fires)
    return replace(
        row,
        next_fire_at=next_fire_at,
        cursor=cursor,
        fires=fires,
        due_seq=due_seq,
        due_stored_at=recorded_at(record),
        confirmed=True,
    )
