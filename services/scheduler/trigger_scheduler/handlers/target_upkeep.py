"""Upkeep of targets: what a crash left undone, and what is over. As ``upkeep`` of triggers.

Each pass is one transaction, safe to repeat and to run on every replica at once.
"""

from datetime import timedelta

from trigger_contracts.topology import LOG_LIFE
from trigger_scheduler.ports import Index, TargetLog

from .history import ERASED, HistoryLimits
from .target_adopting import TargetAdopter
from .upkeep import ERASURE_PAUSE, IDLE_PAUSE, PAGE, SETTLING_TIME


class TargetUpkeep:
    """The passes that repair and erase."""

    def __init__(
        self, index: Index, log: TargetLog, *, erase_after: timedelta, history: HistoryLimits
    ) -> None:
        self._index = index
        self._log = log
        self._adopter = TargetAdopter(log)
        self._erase_after = erase_after
        self._history = history

    async def repair(self) -> timedelta:
        """Project changes that are in the log and not in the index; every replica may try."""
        async with self._index.transaction() as transaction:
            if not await transaction.try_lead("repair targets"):
                return IDLE_PAUSE
            targets = transaction.targets
            now = await transaction.now()
            found = await self._log.after(await targets.position(), PAGE)
            settled = [one for one, stored_at in found if now - stored_at >= SETTLING_TIME]
            if not settled:
                return IDLE_PAUSE
            known = await targets.change_seqs([one.change.target_id for one in settled])
            behind = {
                one.change.target_id
                for one in settled
                if known.get(one.change.target_id, 0) < one.change_seq
            }
            await targets.lock(sorted(behind))
            await self._adopter.adopt(targets, behind)
            await targets.move_position(settled[-1].change_seq)
        return timedelta() if len(found) == PAGE else IDLE_PAUSE

    async def erase(self) -> timedelta:
        """Erase targets that were deleted long ago, and versions beyond those that are kept."""
        async with self._index.transaction() as transaction:
            if not await transaction.try_lead("erase targets"):
                return ERASURE_PAUSE
            targets = transaction.targets
            now = await transaction.now()
            over = await targets.erasable(now - self._erase_after, PAGE)
            for target_id, change_seq in over:
                await self._log.erase(target_id, change_seq)
            await targets.delete([target_id for target_id, _ in over])
            long = await targets.erasable_versions(
                self._history.versions, now - self._history.kept_for, PAGE
            )
            for target_id, change_seq in long.items():
                await self._log.erase(target_id, change_seq)
            await targets.erase_versions(long, ERASED, answered_after=now - LOG_LIFE)
        return timedelta() if PAGE in (len(over), len(long)) else ERASURE_PAUSE
