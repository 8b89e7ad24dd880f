"""An hour past its life: dropped as retention does it, beside deleting as many rows.

Both while events arrive and are read. Retention's own sweep is kept away meanwhile, by the lock
that lets one replica sweep at a time; what the bench leaves, it then drops by itself.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg
import httpx

from bench.support.checks import BenchFailed, expect, expect_equal, until
from bench.support.event_ids import lowest_uuid7
from bench.support.servers import Platform
from trigger_contracts.topology import LOG_LIFE
from trigger_retention.adapters.statements import SWEEP_KEY
from trigger_retention.domain.hours import HOUR, partition_name

from .loading import STATEMENTS, TRIGGERS, Hour, hour_of, loader
from .payloads import Notes
from .wal import wal_bytes

TIMEOUT_S = 600
TRIES = 50
"""Of a drop, which waits 100 ms for long readers, and gives up."""
SWEPT_WITHIN_S = 30

_DELETE = "DELETE FROM retention.event WHERE event_id >= $1 AND event_id < $2"


@dataclass(frozen=True, slots=True)
class Step:
    """``slowest_read_ms``: a reader's who asked by trigger all the while."""

    seconds: float
    wal_bytes: int
    slowest_read_ms: float


@dataclass(frozen=True, slots=True)
class Expired:
    rows: int
    dropped: Step
    deleted: Step
    vacuumed: Step


async def expire(
    servers: Platform, http: httpx.AsyncClient, notes: Notes, now: datetime, first: int, rows: int
) -> Expired:
    """Two hours of ``rows`` each, numbered from ``first``; ``now`` must not be in the future."""
    this = now.replace(minute=0, second=0, microsecond=0)
    newest = this - LOG_LIFE - 2 * HOUR
    to_drop, to_delete = (
        hour_of(newest - number * HOUR, first + number * rows, rows) for number in range(2)
    )
    async with _unswept(servers), servers.database() as database:
        for hour in (to_drop, to_delete):
            await _fill(servers, notes, now, hour)
        # Rows of that age were written out long ago: whoever changes them logs whole pages first.
        await database.execute("CHECKPOINT", timeout=TIMEOUT_S)
        bounds = (lowest_uuid7(to_delete.start), lowest_uuid7(to_delete.start + HOUR))

        async def drop() -> None:
            expect_equal(await _drop(database, to_drop.start), rows, "rows dropped")

        async def delete() -> None:
            # The bare minimum keeps no sums: without the table's triggers.
            await database.execute("SET session_replication_role = replica")
            status = await database.execute(_DELETE, *bounds, timeout=TIMEOUT_S)
            await database.execute("RESET session_replication_role")
            expect_equal(status, f"DELETE {rows}", "rows deleted")

        async def vacuum() -> None:
            name = partition_name(to_delete.start)
            await database.execute(f"VACUUM retention.{name}", timeout=TIMEOUT_S)

        found = [await _step(database, http, one) for one in (drop, delete, vacuum)]
    await _swept(servers, to_delete.start)
    return Expired(rows, *found)


@contextlib.asynccontextmanager
async def _unswept(servers: Platform) -> AsyncIterator[None]:
    async with servers.database() as database:
        await database.execute("SELECT pg_advisory_lock($1)", SWEEP_KEY)
        yield


async def _fill(servers: Platform, notes: Notes, now: datetime, hour: Hour) -> None:
    """Closed, too, and in one transaction: retention would close what it sees."""
    async with loader(servers, notes, now) as (database, load), database.transaction():
        await load(hour)
        closed = await database.fetchval(STATEMENTS.close_hour, hour.start, timeout=TIMEOUT_S)
        expect(closed, "an hour past its life was not closed")


async def _drop(database: Any, hour: datetime) -> int | None:
    for _ in range(TRIES):
        with contextlib.suppress(asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError):
            async with database.transaction():
                await database.execute(STATEMENTS.take_off_sums, hour, timeout=TIMEOUT_S)
                erased: int | None = await database.fetchval(STATEMENTS.drop_partition, hour)
            return erased
    raise BenchFailed("the partition could not be dropped")


async def _step(database: Any, http: httpx.AsyncClient, do: Any) -> Step:
    before = await wal_bytes(database)
    async with _reading(http) as took:
        started = time.perf_counter()
        await do()
        seconds = time.perf_counter() - started
    return Step(seconds, await wal_bytes(database) - before, max(took) * 1000)


@contextlib.asynccontextmanager
async def _reading(http: httpx.AsyncClient) -> AsyncIterator[list[float]]:
    """One reader; in the end its last answer is waited for."""
    took: list[float] = []
    over = asyncio.Event()

    async def read() -> None:
        number = 0
        while not over.is_set():
            number += 1
            started = time.perf_counter()
            answer = await http.get(f"/events/?trigger_id=bench-{number % TRIGGERS:04}")
            took.append(time.perf_counter() - started)
            expect_equal(answer.status_code, 200, "a read during expiry")

    reading = asyncio.create_task(read())
    try:
        yield took
    finally:
        over.set()
        await reading


async def _swept(servers: Platform, hour: datetime) -> None:
    async with servers.database() as database:

        async def is_gone() -> bool:
            name = f"retention.{partition_name(hour)}"
            return await database.fetchval("SELECT to_regclass($1)", name) is None

        await until(is_gone, within=SWEPT_WITHIN_S, what="retention drops the emptied hour")
