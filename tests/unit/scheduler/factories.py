"""Rows of the due index as the scheduler's tests need them."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from trigger_contracts.schedule import Interval, Once
from trigger_scheduler.domain.planning import DueRow

NOON = datetime(2027, 1, 26, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
TICK = timedelta(microseconds=1)
GRACE = timedelta(seconds=30)

EVERY_MINUTE = Interval(anchor=NOON, every=MINUTE)
AT_NOON = Once(at=NOON)


def make_row(schedule: Interval | Once | None = EVERY_MINUTE, **fields: Any) -> DueRow:
    """A row whose first occurrence is its schedule's first."""
    first = None if schedule is None else schedule.next_after(NOON - TICK)
    row = DueRow(
        trigger_id="t1",
        creation_id="c1",
        version=1,
        change_seq=10,
        schedule=schedule,
        next_fire_at=first,
        cursor=None,
        due_seq=0,
        due_stored_at=None,
    )
    return replace(row, **fields)
