"""Closes hours as retention does, and says what that takes."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg

from bench.support.checks import expect
from bench.support.servers import Servers
from trigger_retention.adapters.event_log import CLOSING_TIMEOUT_S
from trigger_retention.domain.hours import HOUR, partition_name

from .loading import CONNECTIONS, STATEMENTS
from .wal import wal_bytes

_CLOSING_SUFFIXES = ("words", "names", "unusual")
_RETRY_S = 0.2
"""After the hour was in use: PostgreSQL may just be analysing it."""


@dataclass(frozen=True, slots=True)
class Closed:
    """One hour, in seconds and bytes."""

    rows: int
    seconds: float
    wal_bytes: int
    table_bytes: int
    insert_index_bytes: int
    """Of the indexes that every insert keeps up."""
    closing_index_bytes: int
    """Of those that closing adds."""
    words_bytes: int
    summary_rows: int


async def close_one(servers: Servers, hour: datetime) -> Closed:
    """With nothing else going on."""
    name = partition_name(hour)
    async with servers.database() as database:
        await database.execute("CHECKPOINT", timeout=CLOSING_TIMEOUT_S)
        before = await wal_bytes(database)
        started = time.perf_counter()
        await _close(database, hour)
        seconds = time.perf_counter() - started
        written = await wal_bytes(database) - before
        indexes = {
            row["name"]: row["bytes"]
            for row in await database.fetch(
                "SELECT relname AS name, pg_relation_size(indexrelid) AS bytes FROM pg_index"
                " JOIN pg_class ON pg_class.oid = indexrelid WHERE indrelid = $1::regclass",
                f"retention.{name}",
            )
        }
        starts = tuple(f"{name}_{suffix}" for suffix in _CLOSING_SUFFIXES)
        added = {one for one in indexes if one.startswith(starts)}
        return Closed(
            rows=await database.fetchval(f"SELECT count(*) FROM retention.{name}"),
            seconds=seconds,
            wal_bytes=written,
            table_bytes=await database.fetchval(
                "SELECT pg_table_size($1::regclass)", f"retention.{name}"
            ),
            insert_index_bytes=sum(indexes[one] for one in indexes.keys() - added),
            closing_index_bytes=sum(indexes[one] for one in added),
            words_bytes=indexes[f"{name}_words"],
            summary_rows=await database.fetchval(
                "SELECT count(*) FROM retention.summary WHERE begins >= $1 AND begins < $2",
                hour,
                hour + HOUR,
            ),
        )


async def close_all(servers: Servers, hours: Sequence[datetime]) -> None:
    """Several at a time, the newest first."""
    waiting = iter(sorted(hours, reverse=True))

    async def work() -> None:
        async with servers.database() as database:
            for hour in waiting:
                await _close(database, hour)

    await asyncio.gather(*(work() for _ in range(CONNECTIONS)))


async def _close(database: Any, hour: datetime) -> None:
    while True:
        try:
            closed = await database.fetchval(STATEMENTS.close_hour, hour, timeout=CLOSING_TIMEOUT_S)
        except asyncpg.LockNotAvailableError:
            await asyncio.sleep(_RETRY_S)
        else:
            expect(closed, f"the hour {hour} was not closed")
            return
