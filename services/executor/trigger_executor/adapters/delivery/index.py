"""The index of pending deliveries, as the projector writes it: ``ports.projecting.DeliveryIndex``.

Every statement names its tables without their schema: the session's ``search_path`` is that of the
live schema, or in a rebuild that of its shadow.
"""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any, TypeAlias

import asyncpg
from asyncpg.pool import PoolConnectionProxy

from trigger_contracts.deliveries.fold import DeliveryProgress
from trigger_contracts.deliveries.records import DeliveryPlanned
from trigger_executor.domain.delivery.health import ObservedHealth, dumped, loaded
from trigger_executor.domain.delivery.projecting import LaneNews, Projection
from trigger_runtime.postgres.database import Database

Connection: TypeAlias = "asyncpg.Connection[Any] | PoolConnectionProxy[asyncpg.Record]"

POSITION = "SELECT seq FROM projection"

BEGIN_AT_0 = "INSERT INTO projection DEFAULT VALUES ON CONFLICT DO NOTHING"
"""Tables that were emptied are projected anew."""

HOLD_POSITION = "SELECT seq FROM projection FOR UPDATE SKIP LOCKED"
"""Whoever has the row projects; another one finds none."""

MOVE_POSITION = "UPDATE projection SET seq = $1"

SWEEP = "DELETE FROM delivery WHERE expires_at < now() - $1::interval"

LOAD = """
SELECT delivery_id::text, event_id::text, trigger_id, target_id, round, attempts, epoch, event_seq,
       next_attempt_at, logged_at, planned_at, expires_at, is_test, change_seq
FROM delivery WHERE delivery_id = ANY($1::uuid[])
"""

SWEEP_BEGUN = "DELETE FROM begun WHERE expires_at < now() - $1::interval"

BEGUN = "SELECT delivery_id::text, round FROM begun WHERE delivery_id = ANY($1::uuid[])"

WRITE_BEGUN = """
INSERT INTO begun (delivery_id, round, expires_at)
SELECT * FROM unnest($1::uuid[], $2::int[], $3::timestamptz[])
ON CONFLICT (delivery_id) DO UPDATE SET round = excluded.round, expires_at = excluded.expires_at
"""

DELETE = "DELETE FROM delivery WHERE delivery_id = ANY($1::uuid[])"

WRITE = """
INSERT INTO delivery (delivery_id, event_id, trigger_id, target_id, round, attempts, epoch,
                      event_seq, next_attempt_at, logged_at, planned_at, expires_at, is_test,
                      change_seq)
SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::int[], $6::int[],
                     $7::bigint[], $8::bigint[], $9::timestamptz[], $10::timestamptz[],
                     $11::timestamptz[], $12::timestamptz[], $13::boolean[], $14::bigint[])
ON CONFLICT (delivery_id) DO UPDATE SET
    round = excluded.round, attempts = excluded.attempts, epoch = excluded.epoch,
    event_seq = excluded.event_seq, next_attempt_at = excluded.next_attempt_at,
    planned_at = excluded.planned_at, expires_at = excluded.expires_at
"""

HEALTH = """
SELECT target_id, health::text FROM lane WHERE target_id = ANY($1::text[]) AND health IS NOT NULL
"""

WRITE_LANES = """
INSERT INTO lane AS l (target_id, wake_at, for_test, epoch, last_attempt_at, last_outcome,
                       last_code, last_success_at, last_failure_at, is_failing, since, health)
SELECT target_id, wake_at, for_test, epoch, last_attempt_at, last_outcome, last_code,
       last_success_at, last_failure_at, is_failing, since, health::json
FROM unnest($1::text[], $2::timestamptz[], $3::boolean[], $4::bigint[],
            $5::timestamptz[], $6::text[], $7::text[], $8::timestamptz[],
            $9::timestamptz[], $10::boolean[], $11::timestamptz[], $12::text[])
    AS r(target_id, wake_at, for_test, epoch, last_attempt_at, last_outcome, last_code,
         last_success_at, last_failure_at, is_failing, since, health)
ON CONFLICT (target_id) DO UPDATE SET
    -- Where an attempt of the other kind lies between as well.
    since = CASE WHEN excluded.since IS NULL THEN l.since
                 WHEN l.is_failing IS DISTINCT FROM excluded.is_failing THEN excluded.since
                 WHEN CASE WHEN excluded.is_failing THEN excluded.last_success_at
                           ELSE excluded.last_failure_at END IS NOT NULL THEN excluded.since
                 ELSE l.since END,
    is_failing = coalesce(excluded.is_failing, l.is_failing),
    wake_at = least(l.wake_at, excluded.wake_at),
    epoch = greatest(l.epoch, excluded.epoch),
    last_attempt_at = coalesce(excluded.last_attempt_at, l.last_attempt_at),
    last_outcome = coalesce(excluded.last_outcome, l.last_outcome),
    last_code = CASE WHEN excluded.last_outcome IS NULL THEN l.last_code
                     ELSE excluded.last_code END,
    last_success_at = coalesce(excluded.last_success_at, l.last_success_at),
    last_failure_at = coalesce(excluded.last_failure_at, l.last_failure_at),
    health = coalesce(excluded.health, l.health)
WHERE excluded.last_attempt_at IS NOT NULL
   OR excluded.health IS NOT NULL
   OR l.wake_at IS NULL OR l.wake_at > excluded.wake_at
"""
"""Locks each lane until the commit, also where it is not changed: whoever gives a lane back locks
it first, and then finds what is projected here. In the order of their targets, as everybody locks
lanes."""


class PostgresDeliveries:
    """Schema ``executor``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def position(self) -> int:
        async with self._database.connection() as connection:
            seq: int | None = await connection.fetchval(POSITION)
            if seq is None:
                await connection.execute(BEGIN_AT_0)
        return seq or 0

    async def sweep(self, after: timedelta) -> int:
        async with self._database.connection() as connection:
            await connection.execute(SWEEP_BEGUN, after)
            status: str = await connection.execute(SWEEP, after)
        return int(status.rpartition(" ")[2])

    @asynccontextmanager
    async def projecting(self) -> "AsyncIterator[PostgresProjection | None]":
        async with self._database.transaction() as connection:
            seq: int | None = await connection.fetchval(HOLD_POSITION)
            yield None if seq is None else PostgresProjection(connection, seq)


class PostgresProjection:
    """``ports.projecting.ProjectionTransaction`` on a connection that has the position's row."""

    def __init__(self, connection: Connection, position: int) -> None:
        self._connection = connection
        self.position = position

    async def load(self, delivery_ids: Collection[str]) -> Mapping[str, DeliveryProgress]:
        if not delivery_ids:
            return {}
        rows: Any = await self._connection.fetch(LOAD, list(delivery_ids))
        return {row["delivery_id"]: _progress(row) for row in rows}

    async def begun(self, delivery_ids: Collection[str]) -> dict[str, int]:
        if not delivery_ids:
            return {}
        rows: Any = await self._connection.fetch(BEGUN, list(delivery_ids))
        return {row["delivery_id"]: row["round"] for row in rows}

    async def health(self, target_ids: Collection[str]) -> dict[str, ObservedHealth]:
        if not target_ids:
            return {}
        rows: Any = await self._connection.fetch(HEALTH, list(target_ids))
        return {row["target_id"]: loaded(row["health"]) for row in rows}

    async def write(self, projection: Projection, position: int) -> None:
        if projection.ended:
            await self._connection.execute(DELETE, projection.ended)
        if begun := projection.begun:
            await self._connection.execute(
                WRITE_BEGUN,
                [one.delivery_id for one in begun],
                [one.round for one in begun],
                [one.expires_at for one in begun],
            )
        if projection.pending:
            await self._connection.execute(WRITE, *_columns(projection.pending))
        if projection.lanes:
            await self._connection.execute(WRITE_LANES, *_lane_columns(projection.lanes))
        await self._connection.execute(MOVE_POSITION, position)
        self.position = position


def _progress(row: Mapping[str, Any]) -> DeliveryProgress:
    planned = DeliveryPlanned(
        delivery_id=row["delivery_id"],
        event_id=row["event_id"],
        trigger_id=row["trigger_id"],
        target_id=row["target_id"],
        round=row["round"],
        logged_at=row["logged_at"],
        event_seq=row["event_seq"],
        planned_at=row["planned_at"],
        expires_at=row["expires_at"],
        is_test=row["is_test"],
        change_seq=row["change_seq"],
    )
    return DeliveryProgress(
        planned, row["next_attempt_at"], attempts=row["attempts"], epoch=row["epoch"]
    )


def _columns(pending: Sequence[DeliveryProgress]) -> list[list[Any]]:
    rows = [
        (
            one.planned.delivery_id,
            one.planned.event_id,
            one.planned.trigger_id,
            one.planned.target_id,
            one.planned.round,
            one.attempts,
            one.epoch,
            one.planned.event_seq,
            one.next_attempt_at,
            one.planned.logged_at,
            one.planned.planned_at,
            one.planned.expires_at,
            one.planned.is_test,
            one.planned.change_seq,
        )
        for one in pending
    ]
    return [list(column) for column in zip(*rows, strict=True)]


def _lane_columns(lanes: Mapping[str, LaneNews]) -> list[list[Any]]:
    rows = [
        (
            target_id,
            lane.wake_at,
            lane.for_test,
            lane.epoch,
            None if lane.last_attempt is None else lane.last_attempt.started_at,
            None if lane.last_attempt is None else lane.last_attempt.outcome.value,
            None
            if lane.last_attempt is None or lane.last_attempt.code is None
            else lane.last_attempt.code.value,
            lane.last_success_at,
            lane.last_failure_at,
            lane.is_failing,
            lane.since,
            None if lane.health is None else dumped(lane.health),
        )
        for target_id, lane in sorted(lanes.items())
    ]
    return [list(column) for column in zip(*rows, strict=True)]
