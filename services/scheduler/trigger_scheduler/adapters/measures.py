"""``ports.Measures`` on PostgreSQL: reads without locks, one statement each."""

from datetime import datetime, timedelta
from typing import cast

import asyncpg

from trigger_runtime.postgres.database import Database
from trigger_scheduler.domain.planning import DueRow

from . import statements
from .due_index import read_row

COUNTED_UP_TO = 16 * 1024 * 1024
"""Bytes of the table up to which triggers are counted: some 50,000 of them, in 10 ms."""


class PostgresMeasures:
    """Implements ``ports.Measures``."""

    def __init__(self, database: Database, *, counted_up_to: int = COUNTED_UP_TO) -> None:
        """``counted_up_to``: bytes of the table beyond which types are estimated."""
        self._database = database
        self._counted_up_to = counted_up_to

    async def due(self, most: int) -> tuple[datetime, int]:
        async with self._database.connection() as connection:
            row = cast("asyncpg.Record", await connection.fetchrow(statements.OVERDUE, most))
        return row["now"], row["count"]

    async def oldest_due(self, limit: int) -> list[tuple[datetime, DueRow | None]]:
        async with self._database.connection() as connection:
            rows = await connection.fetch(statements.OLDEST_DUE, limit)
        return [(row["next_fire_at"], _readable(row)) for row in rows]

    async def triggers(self) -> dict[str, int] | None:
        async with self._database.connection() as connection:
            is_small = await connection.fetchval(statements.TABLE_SIZE) <= self._counted_up_to
            rows = await connection.fetch(
                statements.COUNT_TYPES if is_small else statements.ESTIMATE_TYPES
            )
        return {row["type"]: row["triggers"] for row in rows} if is_small or rows else None

    async def erasure_overdue(self, erase_after: timedelta) -> timedelta:
        async with self._database.connection() as connection:
            found = await connection.fetchval(statements.ERASURE_OVERDUE, erase_after)
        return max(cast("timedelta | None", found) or timedelta(), timedelta())


def _readable(row: asyncpg.Record) -> DueRow | None:
    try:
        return read_row(row)
    except Exception:  # noqa: BLE001 - whoever claims it says what is wrong with it
        return None
