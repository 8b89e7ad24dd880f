"""Targets that the log has and the index has not: a crash came between append and commit."""

from collections.abc import Iterable

from trigger_contracts.targets.target import Target
from trigger_scheduler.ports import TargetLog, TargetTransaction


class TargetAdopter:
    """Takes from the log what the index does not know of a target."""

    def __init__(self, log: TargetLog) -> None:
        self._log = log

    async def adopt(self, targets: TargetTransaction, target_ids: Iterable[str]) -> set[str]:
        """Project what is missing of these; those of them that exist then, locked or not."""
        wanted = sorted(set(target_ids))
        known = await targets.change_seqs(wanted)
        existing: set[str] = set()
        for target_id in wanted:
            newer = await self._log.of(target_id, known.get(target_id, 0))
            await targets.project(newer)
            if newer and newer[-1].exists:
                existing.add(target_id)
        return existing

    async def newest(self, target: Target | None, target_id: str) -> list[Target]:
        """What the log has of a target after what is known of it, as its leader knows it."""
        latest = await self._log.last(target_id)
        known = 0 if target is None else target.change_seq
        if latest is None or latest.change_seq <= known:
            return []
        newer = await self._log.of(target_id, known)
        if not newer or newer[-1].change_seq < latest.change_seq:
            newer = [*newer, latest]
        return newer
