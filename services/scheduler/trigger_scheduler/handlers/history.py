"""Bounds the history of a trigger: the newest versions stay, the older ones are erased.

From the log of changes and from the index, a trigger's newest change never. A version is only
erased once every occurrence that was due under it is recorded: the executor reads the version
that a due record names. One pass is one transaction, safe to repeat and to run on every replica
at once. Called by a loop.
"""

from dataclasses import dataclass
from datetime import timedelta

from trigger_contracts.errors import Code, problem
from trigger_contracts.topology import LOG_LIFE
from trigger_scheduler.ports import ChangeLog, DueBacklog, Index

PAGE = 100
"""Triggers handled in one pass: each is a purge at the broker."""

PAUSE = timedelta(seconds=10)
"""Between passes that find little. What one sender writes meanwhile is bounded by its speed."""

SUPERSEDED_FOR = timedelta(minutes=1)
"""A version is kept for so long after another took its place, at least: the broker may forget
an acknowledgement, and then delivers once more what was recorded."""

ERASED = problem(
    Code.GONE, "the command was applied; the version that it made is not in the history any more"
)
"""The answer to whoever repeats a command whose version is erased."""


@dataclass(frozen=True, slots=True)
class HistoryLimits:
    """So many versions of a trigger, and none superseded for longer than this."""

    versions: int
    kept_for: timedelta


class History:
    """Erases versions beyond those that are kept, once what was due under them is recorded."""

    def __init__(
        self, index: Index, change_log: ChangeLog, due_backlog: DueBacklog, limits: HistoryLimits
    ) -> None:
        self._index = index
        self._change_log = change_log
        self._due_backlog = due_backlog
        self._limits = limits

    async def trim(self) -> timedelta:
        """Erase what is beyond the limits; how long to wait before the next pass."""
        async with self._index.transaction() as transaction:
            if not await transaction.try_lead("trim"):
                return PAUSE
            now = await transaction.now()
            unused = now - await self._due_backlog.oldest() - SUPERSEDED_FOR
            old = min(now - self._limits.kept_for, unused)
            erasable = await transaction.claim_versions(self._limits.versions, old, unused, PAGE)
            for trigger_id, change_seq in erasable.items():
                await self._change_log.erase(trigger_id, change_seq)
            await transaction.erase_versions(erasable, ERASED, answered_after=now - LOG_LIFE)
        return timedelta() if len(erasable) == PAGE else PAUSE
