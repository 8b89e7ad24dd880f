"""Builds the due index anew from the logs, beside the live one, and puts it in its place.

Definitions are folded from TRIGGER_CHANGES by the very projection of the service; each
trigger's last record on TRIGGER_DUE says how far its schedule is decided. Claims and
commands wait only while the last changes are folded and the schemas change names: they
need a lock on the table that is held here. A rebuilt index fires nothing again. Called by
``etp rebuild`` as a superuser; one at a time.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import asyncpg

from trigger_contracts import subjects
from trigger_runtime.jetstream.reader import StoredMessage
from trigger_runtime.postgres.shadow import ShadowSchema, shadow_schema
from trigger_runtime.process.logging_setup import get_logger
from trigger_scheduler.domain.arming import armed_row, decided_row
from trigger_scheduler.domain.planning import DueRow
from trigger_scheduler.handlers.projecting import project_in_order

from . import schema
from .after_restore import MissedReport, Restored, miss_undecided
from .due_index import PostgresTransaction
from .records import EVERY_CHANGE, last_dues, read_change
from .schema import SCHEMA
from .target_log import read_target

log = get_logger(__name__)

PAGE = 1000
"""Changes or triggers handled at once: the most that one read of the broker gives."""


_KEPT = f"""
SELECT t.trigger_id, kept.cursor_at, kept.fires
FROM trigger AS t JOIN {SCHEMA}.trigger AS kept USING (trigger_id, creation_id)
WHERE kept.cursor_at > coalesce(t.cursor_at, '-infinity') AND t.trigger_id > $1
ORDER BY t.trigger_id LIMIT $2
"""
"""Of a log that was cut off an older decision is left, and the index knows a later one: of the
same version or, where changes were lost as well, of a later one."""


_KEEP_ANSWERS = f"""
INSERT INTO answer
SELECT a.* FROM {SCHEMA}.answer AS a
WHERE (a.change_seq IS NULL OR EXISTS (
        SELECT FROM change AS c JOIN {SCHEMA}.change AS was USING (change_seq, command_id)
        WHERE c.change_seq = a.change_seq))
    AND (a.target_seq IS NULL OR EXISTS (
        SELECT FROM target_change AS c
        JOIN {SCHEMA}.target_change AS was USING (change_seq, command_id)
        WHERE c.change_seq = a.target_seq))
"""
"""Answers to commands that changed nothing are a memory of the index, not of a log. Not those that
tell of a change which the log has lost: another one may have its place."""


class ChangesReader(Protocol):
    """Reads TRIGGER_CHANGES; ``trigger_runtime.jetstream.reader.StreamReader`` is one."""

    async def after(self, seq: int, subject: str, limit: int) -> list[StoredMessage]: ...
    async def last_seq(self) -> int: ...
    async def last_from_leader(self, subject: str) -> StoredMessage | None: ...
    async def last_many(self, subjects: Sequence[str]) -> dict[str, StoredMessage]: ...


class TargetsReader(Protocol):
    """Reads TRIGGER_TARGETS; ``trigger_runtime.jetstream.reader.StreamReader`` is one."""

    async def after(self, seq: int, subject: str, limit: int) -> list[StoredMessage]: ...
    async def last_seq(self) -> int: ...


class DueReader(Protocol):
    """Reads TRIGGER_DUE; ``trigger_runtime.jetstream.reader.StreamReader`` is one."""

    async def last_many(self, subjects: Sequence[str]) -> dict[str, StoredMessage]: ...
    async def after(self, seq: int, subject: str, limit: int) -> list[StoredMessage]: ...
    async def count_from(self, seq: int, subject: str) -> int: ...
    async def last_seq(self) -> int: ...


@dataclass(frozen=True, slots=True)
class TriggerRebuildReport:
    """What a rebuild did: up to which change, and how many it folded into how many triggers."""

    last_seq: int
    changes: int
    triggers: int
    targets: int
    missed: MissedReport
    """What was decided of the time since a backup."""


async def rebuild(
    connection: "asyncpg.Connection[Any]",
    changes: ChangesReader,
    due: DueReader,
    targets: TargetsReader,
    *,
    keep_cursors: bool = False,
    restored: Restored | None = None,
) -> TriggerRebuildReport:
    """Replace schema ``scheduler`` by one folded from the logs. Safe to repeat after a crash.

    Where there is none, or not all of it, there is one only once it is folded.

    ``keep_cursors``: where TRIGGER_DUE was lost, how far each schedule is decided is taken from
    the index as it is, or all of it would seem to be undecided since the trigger was made.

    ``restored``: the logs are a backup's, so what was due since may have fired, and does not fire.
    """
    async with shadow_schema(connection, SCHEMA, schema.apply, schema.is_whole) as shadow:
        await connection.execute(f"SET search_path TO {shadow.name}")
        try:
            return await _fold_and_swap(
                shadow, changes, due, targets, keep_cursors=keep_cursors, restored=restored
            )
        finally:
            await connection.execute("RESET search_path")


async def _fold_and_swap(
    schemas: ShadowSchema,
    changes: ChangesReader,
    due: DueReader,
    targets: TargetsReader,
    *,
    keep_cursors: bool,
    restored: Restored | None,
) -> TriggerRebuildReport:
    connection = schemas.connection
    shadow = PostgresTransaction(connection)
    # Most of it beside the running service …
    due_seq = await due.last_seq()
    target_seq = await _fold_targets(shadow, targets, 0, await targets.last_seq())
    folded, seq = await _fold(shadow, changes, 0, await changes.last_seq())
    await _arm(shadow, due, changes, sorted(folded))
    # … and what came meanwhile while claims and commands wait for this lock.
    async with connection.transaction():
        if schemas.is_whole:
            await connection.execute(f"LOCK TABLE {SCHEMA}.trigger IN EXCLUSIVE MODE")
            await connection.execute(f"LOCK TABLE {SCHEMA}.target IN EXCLUSIVE MODE")
        # Targets first: what names one now was let to.
        target_seq = await _fold_targets(shadow, targets, target_seq, await targets.last_seq())
        last_seq = await changes.last_seq()
        tail, _ = await _fold(shadow, changes, seq, last_seq)
        moved = await _moved(due, due_seq)
        await _arm(shadow, due, changes, sorted(moved | tail.keys()))
        if keep_cursors and schemas.is_whole:
            await _keep_cursors(shadow, connection)
        missed = await miss_undecided(connection, restored) if restored else MissedReport()
        if schemas.is_whole:
            await connection.execute(_KEEP_ANSWERS)
        await shadow.move_position(last_seq)
        await shadow.targets.move_position(target_seq)
        triggers: int = await connection.fetchval("SELECT count(*) FROM trigger")
        kept = await shadow.targets.count()
        await schemas.swap()
    count = folded.total() + tail.total()
    log.info("due index rebuilt", last_seq=last_seq, changes=count, triggers=triggers)
    return TriggerRebuildReport(last_seq, count, triggers, kept, missed)


async def _fold_targets(
    shadow: PostgresTransaction, targets: TargetsReader, seq: int, last_seq: int
) -> int:
    """Project the changes of targets after ``seq`` to ``last_seq``; how far that is."""
    while seq < last_seq:
        messages = await targets.after(seq, subjects.ALL_TARGETS, PAGE)
        if not messages:
            break
        found = [read_target(message) for message in messages if message.seq <= last_seq]
        await shadow.targets.project([one for one in found if one is not None])
        seq = messages[-1].seq
    return max(seq, last_seq)


async def _fold(
    shadow: PostgresTransaction, changes: ChangesReader, seq: int, last_seq: int
) -> tuple[Counter[str], int]:
    """Project the changes after ``seq`` to ``last_seq`` inclusive.

    Returns how many of each trigger, and the sequence up to which all are projected.
    """
    folded: Counter[str] = Counter()
    while seq < last_seq:
        messages = await changes.after(seq, EVERY_CHANGE, PAGE)
        if not messages:
            break
        triggers = [
            trigger
            for message in messages
            if message.seq <= last_seq and (trigger := read_change(message)) is not None
        ]
        await project_in_order(shadow, [(one, armed_row(one, None)) for one in triggers])
        folded.update(one.change.trigger_id for one in triggers)
        seq = messages[-1].seq
    return folded, max(seq, last_seq)


async def _moved(due: DueReader, seq: int) -> set[str]:
    """The triggers about which something was decided after ``seq``."""
    moved: set[str] = set()
    while messages := await due.after(seq, subjects.ALL_DUE, PAGE):
        moved.update(one.subject.rpartition(".")[2] for one in messages)
        seq = messages[-1].seq
    return moved


async def _arm(
    shadow: PostgresTransaction,
    due: DueReader,
    changes: ChangesReader,
    trigger_ids: Sequence[str],
) -> None:
    """Give rows what their last due record decided; forget tests that have fired."""
    now = await shadow.now()
    for page in _pages(trigger_ids):
        held = await shadow.lock(page)
        last = await last_dues(due, changes, page, now)
        rows: list[DueRow] = []
        fired_tests: list[str] = []
        for trigger_id, one in held.items():
            row = decided_row(one.trigger, last.get(trigger_id), now)
            if one.trigger.change.is_test and row.next_fire_at is None:
                fired_tests.append(trigger_id)
            rows.append(row)
        await shadow.advance(rows)
        await shadow.delete(fired_tests)


async def _keep_cursors(shadow: PostgresTransaction, connection: "asyncpg.Connection[Any]") -> None:
    """Take from the live index how far schedules are decided, where it knows more of it."""
    after = ""
    while kept := await connection.fetch(_KEPT, after, PAGE):
        after = kept[-1]["trigger_id"]
        held = await shadow.lock([row["trigger_id"] for row in kept])
        rows: list[DueRow] = []
        for row in kept:
            one = held[row["trigger_id"]]
            fires = max(one.row.fires, row["fires"])
            known = replace(one.row, cursor=row["cursor_at"], fires=fires)
            rows.append(armed_row(one.trigger, known))
        await shadow.advance(rows)


def _pages(items: Sequence[str]) -> Iterable[Sequence[str]]:
    return (items[start : start + PAGE] for start in range(0, len(items), PAGE))
