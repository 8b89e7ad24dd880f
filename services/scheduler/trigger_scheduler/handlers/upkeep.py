"""Upkeep: what follows from a decision later, and what a crash left undone.

Completion turns "no further occurrence" into a change event. A checkpoint writes counts of
fires down that would vanish with the due records. Repair projects changes that are in the log
and not in the index. Erasure forgets triggers long over and old answers.
Each pass is one transaction, safe to repeat and to run on every replica at once.
"""

from datetime import datetime, timedelta

from trigger_contracts.events import TriggerChanged
from trigger_contracts.topology import LOG_LIFE
from trigger_contracts.trigger import Trigger, checkpoint, complete
from trigger_runtime.process.errors import StaleExpectation
from trigger_scheduler.domain.arming import armed_row, decided_row
from trigger_scheduler.domain.planning import DueRow
from trigger_scheduler.ports import ChangeLog, DueLog, Index, IndexTransaction, LockedTrigger

from .fencing import fence_all
from .projecting import project_in_order

PAGE = 500
"""Triggers or changes handled in one pass."""

SETTLING_TIME = timedelta(seconds=2)
"""A change younger than this is probably being projected by whoever appended it."""

IDLE_PAUSE = timedelta(seconds=5)
"""Between passes that find nothing; completions are woken by claims besides."""

ERASURE_PAUSE = timedelta(minutes=1)

CHECKPOINT_AFTER = timedelta(days=1)
"""A count that has grown is written down this long after it last was: due records, which hold
it too, live for two days."""

CHECKPOINT_PAUSE = timedelta(minutes=1)


class Upkeep:
    """The passes that complete, checkpoint, repair and erase."""

    def __init__(
        self, index: Index, change_log: ChangeLog, due_log: DueLog, *, erase_after: timedelta
    ) -> None:
        self._index = index
        self._change_log = change_log
        self._due_log = due_log
        self._erase_after = erase_after

    async def complete(self) -> timedelta:
        """Complete triggers without a further occurrence; forget tests that have fired."""
        async with self._index.transaction() as transaction:
            held = await transaction.claim_completions(PAGE)
            if not held:
                return IDLE_PAUSE
            now = await transaction.now()
            tests = [one.row.trigger_id for one in held if one.trigger.change.is_test]
            if tests:
                await transaction.delete(tests)
            over = [one for one in held if not one.trigger.change.is_test]
            changes = [complete(one.trigger, now, one.row.fires) for one in over]
            await self._append(transaction, over, changes, now)
        return timedelta()

    async def checkpoint(self) -> timedelta:
        """Write down counts of fires that have grown since they last were."""
        async with self._index.transaction() as transaction:
            now = await transaction.now()
            held = await transaction.claim_checkpoints(now - CHECKPOINT_AFTER, PAGE)
            changes = [checkpoint(one.trigger, now, one.row.fires) for one in held]
            await self._append(transaction, held, changes, now)
        return timedelta() if len(held) == PAGE else CHECKPOINT_PAUSE

    async def _append(
        self,
        transaction: IndexTransaction,
        held: list[LockedTrigger],
        changes: list[TriggerChanged],
        now: datetime,
    ) -> None:
        """Append a change to each trigger and project it."""
        if not held:
            return
        expected = [one.trigger.change_seq for one in held]
        try:
            sequences = await self._change_log.append(list(zip(changes, expected, strict=True)))
        except StaleExpectation:
            for one, change in zip(held, changes, strict=True):
                await self._append_alone(transaction, one, change, now)
            return
        appended = [Trigger(change, seq) for change, seq in zip(changes, sequences, strict=True)]
        await transaction.project(
            [(one, armed_row(one, before.row)) for one, before in zip(appended, held, strict=True)]
        )

    async def _append_alone(
        self,
        transaction: IndexTransaction,
        held: LockedTrigger,
        change: TriggerChanged,
        now: datetime,
    ) -> None:
        expected = held.trigger.change_seq
        for _ in range(2):
            try:
                (seq,) = await self._change_log.append([(change, expected)])
            except StaleExpectation as stale:
                # A crash after appending: what is in the log is adopted.
                if await self._adopt(transaction, {change.trigger_id: held}, now):
                    return
                # Nothing newer that can be read, and yet something stands there.
                expected = expected if stale.last_seq is None else stale.last_seq
            else:
                appended = Trigger(change, seq)
                await transaction.project([(appended, armed_row(appended, held.row))])
                return

    async def repair(self) -> timedelta:
        """Project changes that are in the log and not in the index; every replica may try."""
        async with self._index.transaction() as transaction:
            if not await transaction.try_lead("repair"):
                return IDLE_PAUSE
            now = await transaction.now()
            position = await transaction.projected_up_to(
                await transaction.position(), now - SETTLING_TIME
            )
            found = await self._change_log.after(position, PAGE)
            settled = [one for one, stored_at in found if now - stored_at >= SETTLING_TIME]
            if not settled:
                await transaction.move_position(position)
                return IDLE_PAUSE
            known = await transaction.change_seqs([one.change.trigger_id for one in settled])
            behind = {
                one.change.trigger_id
                for one in settled
                if not one.change.is_test and known.get(one.change.trigger_id, 0) < one.change_seq
            }
            if behind:
                held = await transaction.lock(sorted(behind))
                await self._adopt(transaction, {one: held.get(one) for one in behind}, now)
            await transaction.move_position(settled[-1].change_seq)
        return timedelta() if len(found) == PAGE else IDLE_PAUSE

    async def _adopt(
        self, transaction: IndexTransaction, held: dict[str, LockedTrigger | None], now: datetime
    ) -> bool:
        """Take each trigger's newer changes from the log, fenced as their command would have.

        Whether there were any.
        """
        projected: list[tuple[Trigger, DueRow]] = []
        for trigger_id, one in held.items():
            known = 0 if one is None else one.trigger.change_seq
            newer = await self._change_log.of(trigger_id, known)
            if not newer:
                continue
            if one is None:
                # The index is empty, perhaps anew: the due log says what was decided.
                last = (await self._due_log.last([trigger_id], now)).get(trigger_id)
                projected.extend((trigger, armed_row(trigger, None)) for trigger in newer[:-1])
                projected.append((newer[-1], decided_row(newer[-1], last, now)))
                continue
            (row,) = await fence_all(self._due_log, [(one.row, newer[-1])], now)
            projected.extend((trigger, armed_row(trigger, row)) for trigger in newer)
        await project_in_order(transaction, projected)
        return bool(projected)

    async def erase(self) -> timedelta:
        """Erase triggers that have been over for long, and answers older than the log."""
        async with self._index.transaction() as transaction:
            if not await transaction.try_lead("erase"):
                return ERASURE_PAUSE
            now = await transaction.now()
            await transaction.forget_answers(now - LOG_LIFE)
            erasable = await transaction.erasable(now - self._erase_after, PAGE)
            for trigger_id, change_seq in erasable:
                await self._change_log.erase(trigger_id, change_seq)
            if erasable:
                await transaction.delete([trigger_id for trigger_id, _ in erasable])
        return timedelta() if len(erasable) == PAGE else ERASURE_PAUSE
