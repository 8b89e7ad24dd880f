"""From a trigger's newest change to the row that says when it fires next, and to its fence.

A change alone arms a trigger; with the last record of its due subject one also knows how far
its schedule is decided. Pure. Called wherever a change is projected, and by a rebuild.
"""

from dataclasses import replace
from datetime import datetime

from trigger_contracts import misfire
from trigger_contracts.events import AnyDueRecord, Fence, Status, recorded_at
from trigger_contracts.schedule import following
from trigger_contracts.trigger import Trigger, counted_fires

from .planning import DueRow


def armed_row(trigger: Trigger, row: DueRow | None) -> DueRow:
    """The row that a change leads to, keeping what is known of the trigger's due subject."""
    change = trigger.change
    same_creation = row is not None and row.creation_id == change.creation_id
    cursor, fires = None, change.fires
    if row is not None and same_creation:
        cursor, fires = row.cursor, counted_fires(change, row.schedule, row.fires)
    next_fire_at = None
    if change.status is Status.ACTIVE and change.schedule is not None:
        decided = change.armed_from if cursor is None else max(change.armed_from, cursor)
        next_fire_at = following(change.schedule, decided, fires)
    return DueRow(
        trigger_id=change.trigger_id,
        creation_id=change.creation_id,
        version=change.version,
        change_seq=trigger.change_seq,
        schedule=change.schedule,
        next_fire_at=next_fire_at,
        cursor=cursor,
        due_seq=0 if row is None else row.due_seq,
        due_stored_at=None if row is None else row.due_stored_at,
        fires=fires,
    )


def decided_row(
    trigger: Trigger, last: tuple[AnyDueRecord | None, int] | None, now: datetime
) -> DueRow:
    """The row of a trigger, from its newest change and its last due record.

    Without a record, nothing was decided in the last 48 h: occurrences before the misfire
    horizon are taken as decided, since nothing could prove that they were not.
    """
    row = armed_row(trigger, None)
    record, due_seq = (None, 0) if last is None else last
    if record is not None:
        known = replace(
            row,
            cursor=record.cursor if record.creation_id == row.creation_id else None,
            fires=record.fires if record.creation_id == row.creation_id else row.fires,
            due_seq=due_seq,
            due_stored_at=recorded_at(record),
        )
        return armed_row(trigger, known)
    # Records that cannot be read decide nothing, and stand there all the same.
    row = replace(row, due_seq=due_seq)
    horizon = now - misfire.MAX_AGE
    if row.next_fire_at is not None and row.next_fire_at < horizon:
        return replace(row, next_fire_at=row.following(horizon))
    return row


def fence(row: DueRow, trigger: Trigger, now: datetime) -> Fence:
    """The record that keeps versions before the trigger's newest out of its due subject."""
    change = trigger.change
    same_creation = row.creation_id == change.creation_id
    return Fence(
        trigger_id=row.trigger_id,
        creation_id=change.creation_id,
        version=change.version,
        change_seq=trigger.change_seq,
        cursor=row.cursor if same_creation else None,
        fires=counted_fires(change, row.schedule, row.fires) if same_creation else change.fires,
        fenced_at=now,
    )
