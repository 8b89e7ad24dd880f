"""Fencing: after a change, nothing of an earlier version may enter a trigger's due subject.

A fence is a record on that subject, appended before the change is acknowledged. Whoever
still holds an older expected sequence fails from then on. Called for every change of a
trigger that has a schedule, by commands and by the repair of what a crash left behind.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from trigger_contracts.trigger import Trigger
from trigger_runtime.process.errors import StaleExpectation
from trigger_scheduler.domain.arming import fence
from trigger_scheduler.domain.planning import DueRow, reconcile
from trigger_scheduler.ports import DueLog

MAX_RACES = 20
"""Lost races for one trigger after which the round gives up and is delivered again."""


def count_race(races: int) -> int:
    """One more race was lost; raises ``StaleExpectation`` when there were too many."""
    if races >= MAX_RACES:
        raise StaleExpectation("too many lost races for one trigger", last_seq=None)
    return races + 1


async def fence_all(
    due_log: DueLog, changed: Sequence[tuple[DueRow, Trigger]], now: datetime
) -> list[DueRow]:
    """Fence each row against versions before its trigger's; returns the rows as they are then."""
    needed = [
        (row, trigger)
        for row, trigger in changed
        if row.schedule is not None or trigger.change.schedule is not None
    ]
    fenced: dict[str, DueRow] = {}
    if needed:
        sequences = await due_log.append(
            [(fence(row, trigger, now), row.expected_seq(now)) for row, trigger in needed]
        )
        for (row, trigger), seq in zip(needed, sequences, strict=True):
            if seq is None:
                fenced[row.trigger_id] = await _fence_overtaken(due_log, row, trigger, now)
            else:
                fenced[row.trigger_id] = replace(row, due_seq=seq, due_stored_at=now)
    return [fenced.get(row.trigger_id, row) for row, _ in changed]


async def _fence_overtaken(due_log: DueLog, row: DueRow, trigger: Trigger, now: datetime) -> DueRow:
    races = 0
    while True:
        races = count_race(races)
        last = (await due_log.last([row.trigger_id], now)).get(row.trigger_id)
        record = None if last is None else last[0]
        if record is not None and record.change_seq >= trigger.change_seq:
            # Fenced before a crash, and perhaps fired since: that record is the truth.
            newest = replace(row, change_seq=record.change_seq)
            return reconcile(newest, last) or row
        row = reconcile(row, last) or row
        (seq,) = await due_log.append([(fence(row, trigger, now), row.expected_seq(now))])
        if seq is not None:
            return replace(row, due_seq=seq, due_stored_at=now)
