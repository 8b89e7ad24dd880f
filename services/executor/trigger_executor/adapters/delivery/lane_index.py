"""Lanes and what is pending, in schema ``executor``: ``ports.lanes.LaneIndex``. Decides nothing."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import asyncpg

from trigger_executor.domain.delivery import stored
from trigger_executor.domain.delivery.due import PendingDelivery
from trigger_executor.ports.lanes import (
    DueAsk,
    DueDeliveries,
    LaneLease,
    RenewedLeases,
    TakenLane,
    TakenLanes,
)
from trigger_runtime.postgres.database import Database

from . import lane_statements as statements

_LOWEST_ID = "00000000-0000-0000-0000-000000000000"


class PostgresLanes:
    """``margin``: how long before the end of its event's life a delivery has to have started."""

    def __init__(self, database: Database, *, margin: timedelta) -> None:
        self._database = database
        self._margin = margin

    async def take(self, owner: str, most: int, lease: timedelta) -> TakenLanes:
        return await self._take(statements.TAKE, owner, most, lease)

    async def take_lost(self, owner: str, most: int, lease: timedelta) -> TakenLanes:
        return await self._take(statements.TAKE_LOST, owner, most, lease)

    async def _take(self, statement: str, owner: str, most: int, lease: timedelta) -> TakenLanes:
        async with self._database.connection() as connection:
            rows = await connection.fetch(statement, owner, most, lease)
        lanes = [
            TakenLane(
                row["target_id"],
                row["epoch"],
                stored.loaded(row["state"]),
                row["others_until"],
                is_asked=row["is_asked"],
            )
            for row in rows
            if row["target_id"] is not None
        ]
        return TakenLanes(rows[0]["now"], lanes, rows[0]["next_wake_at"])

    async def renew(
        self, owner: str, leases: Sequence[LaneLease], lease: timedelta
    ) -> RenewedLeases:
        async with self._database.connection() as connection:
            rows = await connection.fetch(
                statements.RENEW,
                owner,
                [one.target_id for one in leases],
                [one.epoch for one in leases],
                [stored.dumped(one.record) for one in leases],
                lease,
            )
        held = [row for row in rows if row["target_id"] is not None]
        return RenewedLeases(
            rows[0]["now"],
            frozenset(row["target_id"] for row in held),
            frozenset(row["target_id"] for row in held if row["is_asked"]),
        )

    async def release(
        self, owner: str, leases: Sequence[LaneLease], opens_at: Sequence[datetime | None]
    ) -> None:
        async with self._database.transaction() as connection:
            locked = await connection.fetch(
                statements.LOCK,
                owner,
                [one.target_id for one in leases],
                [one.epoch for one in leases],
            )
            ours = {row["target_id"] for row in locked}
            released = [
                (one, at) for one, at in zip(leases, opens_at, strict=True) if one.target_id in ours
            ]
            target_ids = [one.target_id for one, _ in released]
            await connection.execute(
                statements.RELEASE,
                target_ids,
                [stored.dumped(one.record) for one, _ in released],
                [at for _, at in released],
                self._margin,
            )
            await connection.execute(statements.FORGET, target_ids)

    async def due(self, asked: Sequence[DueAsk]) -> DueDeliveries:
        async with self._database.connection() as connection:
            rows = await connection.fetch(
                statements.DUE,
                [one.target_id for one in asked],
                [one.most for one in asked],
                [one.choice.value for one in asked],
            )
        return DueDeliveries(
            rows[0]["now"],
            rows[0]["position"],
            [_delivery(row) for row in rows if row["delivery_id"] is not None],
            {row["asked"]: row["next_at"] for row in rows if row["next_at"] is not None},
        )

    async def expiring(
        self, target_ids: Sequence[str], before: datetime, most: int
    ) -> tuple[int, Sequence[PendingDelivery]]:
        async with self._database.connection() as connection:
            rows = await connection.fetch(statements.EXPIRING, target_ids, before, most)
        return _with_position(rows)

    async def pending(
        self, target_id: str, after: str, most: int
    ) -> tuple[int, Sequence[PendingDelivery]]:
        async with self._database.connection() as connection:
            rows = await connection.fetch(statements.PENDING, target_id, after or _LOWEST_ID, most)
        return _with_position(rows)

    async def wake(self, target_ids: Sequence[str]) -> None:
        async with self._database.connection() as connection:
            await connection.execute(statements.WAKE, target_ids)

    async def wake_changed(self, versions: Sequence[tuple[str, int]]) -> None:
        async with self._database.connection() as connection:
            await connection.execute(
                statements.WAKE_CHANGED,
                [target_id for target_id, _ in versions],
                [version for _, version in versions],
            )


def _with_position(
    rows: Sequence[asyncpg.Record],
) -> tuple[int, Sequence[PendingDelivery]]:
    return rows[0]["position"], [_delivery(row) for row in rows if row["delivery_id"] is not None]


def _delivery(row: asyncpg.Record) -> PendingDelivery:
    return PendingDelivery(
        delivery_id=row["delivery_id"],
        event_id=row["event_id"],
        trigger_id=row["trigger_id"],
        target_id=row["target_id"],
        round=row["round"],
        attempts=row["attempts"],
        event_seq=row["event_seq"],
        logged_at=row["logged_at"],
        next_attempt_at=row["next_attempt_at"],
        expires_at=row["expires_at"],
        is_test=row["is_test"],
        change_seq=row["change_seq"],
    )
