"""The due index on PostgreSQL.

Two pools: claims commit with ``synchronous_commit = off``, since a lost advance is read
back from TRIGGER_DUE, and everything else durably. Adapters hold no decision.
"""

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import datetime, timedelta
from typing import Any, cast

import asyncpg
from asyncpg.pool import PoolConnectionProxy

from trigger_contracts import schedule
from trigger_contracts.errors import Problem
from trigger_contracts.events import Status, TriggerChanged
from trigger_contracts.trigger import Trigger
from trigger_runtime.postgres.database import Database
from trigger_runtime.process.logging_setup import get_logger
from trigger_scheduler.domain.planning import DueRow
from trigger_scheduler.domain.quotas import creator_of, load_of
from trigger_scheduler.ports import Claimed, IndexTransaction, LockedTrigger, StoredAnswer

from . import statements, target_statements
from .target_index import PostgresTargets

log = get_logger(__name__)


class PostgresIndex:
    """Implements ``ports.Index``."""

    def __init__(self, durable: Database, relaxed: Database) -> None:
        self._durable = durable
        self._relaxed = relaxed

    def transaction(self, *, durable: bool = True) -> AbstractAsyncContextManager[IndexTransaction]:
        return self._transaction(self._durable if durable else self._relaxed)

    @asynccontextmanager
    async def _transaction(self, database: Database) -> AsyncIterator[IndexTransaction]:
        async with database.transaction() as connection:
            yield PostgresTransaction(connection)

    async def earliest(self, after: timedelta) -> tuple[datetime, datetime | None]:
        async with self._relaxed.connection() as connection:
            row = await connection.fetchrow(statements.EARLIEST, after)
        return cast("asyncpg.Record", row)["now"], cast("asyncpg.Record", row)["earliest"]


class PostgresTransaction:
    """Implements ``ports.IndexTransaction`` on one connection."""

    def __init__(
        self, connection: "PoolConnectionProxy[asyncpg.Record] | asyncpg.Connection[Any]"
    ) -> None:
        self._connection = connection
        self.targets = PostgresTargets(connection)

    async def now(self) -> datetime:
        return cast("datetime", await self._connection.fetchval(statements.NOW))

    async def claim(self, ahead: timedelta, limit: int) -> Claimed:
        rows = await self._connection.fetch(statements.CLAIM, ahead, limit)
        taken = tuple(one for row in rows if (one := _claimed(row)) is not None)
        return Claimed(taken, rows[0]["taken_at"] if rows else None)

    async def claim_completions(self, limit: int) -> list[LockedTrigger]:
        rows = await self._connection.fetch(statements.CLAIM_COMPLETIONS, limit)
        return await self._held([read_row(row) for row in rows])

    async def claim_checkpoints(self, before: datetime, limit: int) -> list[LockedTrigger]:
        rows = await self._connection.fetch(statements.CLAIM_CHECKPOINTS, before, limit)
        return await self._held([read_row(row) for row in rows])

    async def advance(self, rows: Sequence[DueRow]) -> None:
        await self._connection.execute(
            statements.ADVANCE,
            [row.trigger_id for row in rows],
            [row.next_fire_at for row in rows],
            [row.cursor for row in rows],
            [row.due_seq for row in rows],
            [row.due_stored_at for row in rows],
            [row.fires for row in rows],
        )

    async def lock(self, trigger_ids: Sequence[str]) -> dict[str, LockedTrigger]:
        if not trigger_ids:
            return {}
        rows = await self._connection.fetch(statements.HOLD, sorted(trigger_ids))
        held = await self._held([read_row(row) for row in rows])
        return {one.row.trigger_id: one for one in held}

    async def _held(self, rows: Sequence[DueRow]) -> list[LockedTrigger]:
        if not rows:
            return []
        found = await self._connection.fetch(statements.STATES, [row.change_seq for row in rows])
        triggers = {state["change_seq"]: _trigger(state) for state in found}
        return [LockedTrigger(row, triggers[row.change_seq]) for row in rows]

    async def project(self, changes: Sequence[tuple[Trigger, DueRow]]) -> None:
        if not changes:
            return
        states = [trigger.change for trigger, _ in changes]
        rows = [row for _, row in changes]
        trigger_ids = [state.trigger_id for state in states]
        versions = [state.version for state in states]
        statuses = [state.status.value for state in states]
        tests = [state.is_test for state in states]
        change_seqs = [trigger.change_seq for trigger, _ in changes]
        await self._connection.execute(
            statements.INSERT_CHANGES,
            change_seqs,
            trigger_ids,
            [state.command_id for state in states],
            [state.kind.value for state in states],
            versions,
            statuses,
            tests,
            [state.actor for state in states],
            [state.at for state in states],
            [state.model_dump_json() for state in states],
        )
        await self._connection.execute(
            statements.UPSERT_TRIGGERS,
            trigger_ids,
            [state.creation_id for state in states],
            versions,
            statuses,
            tests,
            [state.definition.type for state in states],
            [state.definition.name for state in states],
            [json.dumps(state.definition.labels) for state in states],
            change_seqs,
            [state.created_at for state in states],
            [state.at for state in states],
            [state.schedule and state.schedule.model_dump_json() for state in states],
            [row.next_fire_at for row in rows],
            [row.cursor for row in rows],
            [row.due_seq for row in rows],
            [row.due_stored_at for row in rows],
            [row.fires for row in rows],
            [state.fires for state in states],
            [state.checkpointed_at or state.at for state in states],
            [creator_of(state) for state in states],
            [load_of(state).fires_a_day for state in states],
        )
        await self._name_targets(changes)

    async def _name_targets(self, changes: Sequence[tuple[Trigger, DueRow]]) -> None:
        """Note which targets each trigger names now; most name none, and never did."""
        changed = [
            (trigger.change, trigger.change_seq)
            for trigger, _ in changes
            if not trigger.change.is_test
            and (trigger.change.version > 1 or trigger.change.definition.targets)
        ]
        if not changed:
            return
        await self._connection.execute(
            target_statements.UNNAME,
            [state.trigger_id for state, _ in changed],
            [seq for _, seq in changed],
        )
        naming = [
            (state.trigger_id, seq, target_id)
            for state, seq in changed
            if state.status is not Status.DELETED
            for target_id in state.definition.targets
        ]
        if naming:
            columns = list(map(list, zip(*naming, strict=True)))
            await self._connection.execute(target_statements.NAME, *columns)

    async def usage(self) -> tuple[dict[str, int], int]:
        rows = await self._connection.fetch(statements.USAGE)
        triggers = {row["created_by"]: row["triggers"] for row in rows}
        return triggers, sum(row["fires_a_day"] for row in rows)

    async def delete(self, trigger_ids: Sequence[str]) -> None:
        await self._connection.execute(statements.FORGET_TRIGGERS, trigger_ids)
        await self._connection.execute(statements.FORGET_CHANGES, trigger_ids)
        await self._connection.execute(target_statements.FORGET_NAMES, trigger_ids)

    async def answers(self, command_ids: Sequence[str]) -> dict[str, StoredAnswer]:
        found: dict[str, StoredAnswer] = {}
        for row in await self._connection.fetch(statements.ANSWERED, command_ids):
            problem = row["problem"]
            found[row["command_id"]] = StoredAnswer(
                None if row["state"] is None else _trigger(row),
                None if problem is None else Problem.model_validate_json(problem),
                row["answered_at"],
            )
        for row in await self._connection.fetch(statements.ACCEPTED, command_ids):
            found[row["command_id"]] = StoredAnswer(_trigger(row), None)
        return found

    async def remember(
        self, answers: Mapping[str, tuple[int | None, Problem | None]], at: datetime
    ) -> None:
        if not answers:
            return
        await self._connection.execute(
            statements.REMEMBER,
            list(answers),
            [change_seq for change_seq, _ in answers.values()],
            [problem and problem.model_dump_json() for _, problem in answers.values()],
            at,
        )

    async def previous(self, trigger_id: str, change_seq: int) -> Trigger | None:
        row = await self._connection.fetchrow(statements.PREVIOUS, trigger_id, change_seq)
        return None if row is None else _trigger(row)

    async def try_lead(self, name: str) -> bool:
        return bool(await self._connection.fetchval(statements.TRY_LEAD, name))

    async def position(self) -> int:
        return int(await self._connection.fetchval(statements.POSITION))

    async def projected_up_to(self, change_seq: int, before: datetime) -> int:
        return int(await self._connection.fetchval(statements.PROJECTED_UP_TO, change_seq, before))

    async def move_position(self, change_seq: int) -> None:
        await self._connection.execute(statements.MOVE_POSITION, change_seq)

    async def change_seqs(self, trigger_ids: Sequence[str]) -> dict[str, int]:
        rows = await self._connection.fetch(statements.CHANGE_SEQS, list(trigger_ids))
        return {row["trigger_id"]: row["change_seq"] for row in rows}

    async def erasable(self, before: datetime, limit: int) -> list[tuple[str, int]]:
        rows = await self._connection.fetch(statements.ERASABLE, before, limit)
        return [(row["trigger_id"], row["change_seq"]) for row in rows]

    async def claim_versions(
        self, versions: int, superseded_before: datetime, unused_before: datetime, limit: int
    ) -> dict[str, int]:
        long = await self._connection.fetch(
            statements.LONG_HISTORIES, versions, superseded_before, unused_before, limit
        )
        if not long:
            return {}
        rows = await self._connection.fetch(
            statements.ERASABLE_VERSIONS,
            [row["trigger_id"] for row in long],
            versions,
            superseded_before,
            unused_before,
        )
        return {row["trigger_id"]: row["change_seq"] for row in rows}

    async def erase_versions(
        self, up_to: Mapping[str, int], answer: Problem, *, answered_after: datetime
    ) -> None:
        trigger_ids, change_seqs = list(up_to), list(up_to.values())
        await self._connection.execute(
            statements.ERASE_VERSIONS,
            trigger_ids,
            change_seqs,
            answer.model_dump_json(),
            answered_after,
        )
        await self._connection.execute(statements.COUNT_VERSIONS, trigger_ids)

    async def forget_answers(self, before: datetime) -> None:
        await self._connection.execute(statements.FORGET_ANSWERS, before)


def _claimed(row: Any) -> DueRow | None:
    """None where its schedule cannot be read: that is its own trigger's matter, others are due."""
    try:
        return read_row(row)
    except Exception:
        log.exception("a row of the due index cannot be read", trigger_id=row["trigger_id"])
        return None


def read_row(row: Any) -> DueRow:
    """A row of the index; raises where its schedule cannot be read."""
    text = row["schedule"]
    return DueRow(
        trigger_id=row["trigger_id"],
        creation_id=row["creation_id"],
        version=row["version"],
        change_seq=row["change_seq"],
        schedule=None if text is None else schedule.parse(text),
        next_fire_at=row["next_fire_at"],
        cursor=row["cursor_at"],
        due_seq=row["due_seq"],
        due_stored_at=row["due_stored_at"],
        fires=row["fires"],
    )


def _trigger(row: Any) -> Trigger:
    return Trigger(TriggerChanged.model_validate_json(row["state"]), row["change_seq"])
