"""Decides what was due since a backup, so that nothing of it fires a second time.

The decisions since then are lost with the logs' newer part, and the occurrences may have fired. Of
each trigger one record says that they are missed, and why. Called by a rebuild, on its shadow and
while claims wait; what a rebuild that was killed has appended, the next one reads.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg

from trigger_runtime.jetstream.publisher import JetStreamPublisher
from trigger_runtime.process.command_line import ExplainedError
from trigger_runtime.process.logging_setup import get_logger
from trigger_scheduler.domain.planning import DueRow, MissStep, advanced, plan_after_restore
from trigger_scheduler.ports import LockedTrigger

from .change_and_due_log import append_dues
from .due_index import PostgresTransaction

log = get_logger(__name__)

PAGE = 1000

_UNDECIDED = """
SELECT trigger_id FROM trigger WHERE next_fire_at <= $1 AND trigger_id > $2
ORDER BY trigger_id LIMIT $3
"""


@dataclass(frozen=True, slots=True)
class Restored:
    """That the logs were brought back from a backup, and what to say of the time since."""

    publisher: JetStreamPublisher
    """Of TRIGGER_DUE."""
    reason: str
    """Of each occurrence since the backup, for whoever reads the log."""


@dataclass(frozen=True, slots=True)
class MissedReport:
    """What was decided: so many occurrences of so many triggers."""

    triggers: int = 0
    occurrences: int = 0


async def miss_undecided(connection: "asyncpg.Connection[Any]", restored: Restored) -> MissedReport:
    """Decide every occurrence up to now, in the schema that the search path names.

    Raises ``ExplainedError`` where a scheduler decides at the same time.
    """
    index = PostgresTransaction(connection)
    until = await index.now()
    report, after = MissedReport(), ""
    while rows := await connection.fetch(_UNDECIDED, until, after, PAGE):
        after = rows[-1]["trigger_id"]
        held = await index.lock([row["trigger_id"] for row in rows])
        steps = [
            (one, step) for one in held.values() if (step := _step(one.row, until, restored.reason))
        ]
        sequences = await append_dues(
            restored.publisher,
            [(step.record(one.row, until), one.row.expected_seq(until)) for one, step in steps],
        )
        decided: list[tuple[LockedTrigger, DueRow]] = []
        for (one, step), seq in zip(steps, sequences, strict=True):
            if seq is None:
                raise ExplainedError(
                    "A scheduler decides what is due while it is decided here: stop all services, "
                    "and repeat this."
                )
            decided.append((one, advanced(one.row, step, seq, until)))
        await index.advance([row for _, row in decided])
        # A test leaves nothing once all of it is decided.
        await index.delete([one.row.trigger_id for one, row in decided if _is_over(one, row)])
        report = MissedReport(
            report.triggers + len(steps), report.occurrences + sum(step.count for _, step in steps)
        )
    return report


def _step(row: DueRow, until: datetime, reason: str) -> MissStep | None:
    try:
        return plan_after_restore(row, until, reason)
    except Exception:
        # Its own trigger's matter: it cannot fire either.
        log.exception("a schedule cannot be planned", trigger_id=row.trigger_id)
        return None


def _is_over(one: LockedTrigger, row: DueRow) -> bool:
    return one.trigger.change.is_test and row.next_fire_at is None
