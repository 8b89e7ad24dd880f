"""Targets in the due index's schema: on the connection of its transaction.

So whether a trigger may name a target, and a target be deleted, is decided on rows that nobody
changes meanwhile. Adapters hold no decision.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import asyncpg
from asyncpg.pool import PoolConnectionProxy

from trigger_contracts.errors import Problem
from trigger_contracts.targets.changes import TargetChanged
from trigger_contracts.targets.target import MAX_NAMES, Target, place_of
from trigger_scheduler.ports import NamedBy, StoredTargetAnswer

from . import target_statements as statements


class PostgresTargets:
    """Implements ``ports.TargetTransaction``."""

    def __init__(
        self, connection: "PoolConnectionProxy[asyncpg.Record] | asyncpg.Connection[Any]"
    ) -> None:
        self._connection = connection

    async def lock(self, target_ids: Sequence[str]) -> dict[str, Target]:
        if not target_ids:
            return {}
        rows = await self._connection.fetch(statements.HOLD, sorted(set(target_ids)))
        found = await self._connection.fetch(statements.STATES, [row["change_seq"] for row in rows])
        targets = [_target(row) for row in found]
        return {one.change.target_id: one for one in targets}

    async def lock_named(self, target_ids: Sequence[str]) -> set[str]:
        rows = await self._connection.fetch(statements.HOLD_NAMED, sorted(set(target_ids)))
        return {row["target_id"] for row in rows}

    async def count(self) -> int:
        return int(await self._connection.fetchval(statements.COUNT, True))

    async def named_by(self, target_ids: Sequence[str]) -> dict[str, NamedBy]:
        rows = await self._connection.fetch(statements.NAMED_BY, list(target_ids), MAX_NAMES)
        return {row["target_id"]: NamedBy(row["count"], tuple(row["names"])) for row in rows}

    async def project(self, targets: Sequence[Target]) -> None:
        if not targets:
            return
        changes = [one.change for one in targets]
        seqs = [one.change_seq for one in targets]
        ids = [change.target_id for change in changes]
        versions = [change.version for change in changes]
        await self._connection.execute(
            statements.INSERT_CHANGES,
            seqs,
            ids,
            [change.command_id for change in changes],
            [change.kind.value for change in changes],
            versions,
            [change.actor for change in changes],
            [change.at for change in changes],
            [change.model_dump_json() for change in changes],
        )
        newest = list({one.change.target_id: one for one in targets}.values())
        states = [one.change for one in newest]
        await self._connection.execute(
            statements.UPSERT,
            [state.target_id for state in states],
            [state.version for state in states],
            [state.status.value for state in states],
            [state.definition.type for state in states],
            [state.definition.name for state in states],
            [place_of(state.definition) for state in states],
            [state.definition.alert_target for state in states],
            [one.change_seq for one in newest],
            [state.created_at for state in states],
            [state.at for state in states],
        )

    async def answers(self, command_ids: Sequence[str]) -> dict[str, StoredTargetAnswer]:
        found: dict[str, StoredTargetAnswer] = {}
        for row in await self._connection.fetch(statements.ANSWERED, list(command_ids)):
            if row["problem"] is not None:
                answer = StoredTargetAnswer(None, Problem.model_validate_json(row["problem"]))
            elif row["state"] is not None:
                answer = StoredTargetAnswer(_target(row), None)
            else:
                continue  # Of a command about a trigger.
            found[row["command_id"]] = answer
        for row in await self._connection.fetch(statements.ACCEPTED, list(command_ids)):
            found[row["command_id"]] = StoredTargetAnswer(_target(row), None)
        return found

    async def remember(
        self, answers: Mapping[str, tuple[int | None, Problem | None]], at: datetime
    ) -> None:
        if not answers:
            return
        await self._connection.execute(
            statements.REMEMBER,
            list(answers),
            [seq for seq, _ in answers.values()],
            [problem and problem.model_dump_json() for _, problem in answers.values()],
            at,
        )

    async def change_seqs(self, target_ids: Sequence[str]) -> dict[str, int]:
        rows = await self._connection.fetch(statements.CHANGE_SEQS, list(target_ids))
        return {row["target_id"]: row["change_seq"] for row in rows}

    async def position(self) -> int:
        return int(await self._connection.fetchval(statements.POSITION))

    async def move_position(self, change_seq: int) -> None:
        await self._connection.execute(statements.MOVE_POSITION, change_seq)

    async def erasable(self, before: datetime, limit: int) -> list[tuple[str, int]]:
        rows = await self._connection.fetch(statements.ERASABLE, before, limit)
        return [(row["target_id"], row["change_seq"]) for row in rows]

    async def erasable_versions(
        self, versions: int, superseded_before: datetime, limit: int
    ) -> dict[str, int]:
        rows = await self._connection.fetch(
            statements.ERASABLE_VERSIONS, versions, superseded_before, limit
        )
        return {row["target_id"]: row["change_seq"] for row in rows}

    async def erase_versions(
        self, up_to: Mapping[str, int], answer: Problem, *, answered_after: datetime
    ) -> None:
        await self._connection.execute(
            statements.ERASE_VERSIONS,
            list(up_to),
            list(up_to.values()),
            answer.model_dump_json(),
            answered_after,
        )

    async def delete(self, target_ids: Sequence[str]) -> None:
        await self._connection.execute(statements.FORGET_TARGETS, list(target_ids))
        await self._connection.execute(statements.FORGET_CHANGES, list(target_ids))


def _target(row: Any) -> Target:
    return Target(TargetChanged.model_validate_json(row["state"]), row["change_seq"])
