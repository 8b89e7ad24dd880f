"""What is published while something is measured, and that each of it became a row exactly once."""

import time
from datetime import datetime, timedelta
from uuid import UUID

from bench.support.checks import expect, expect_equal, until
from bench.support.event_ids import lowest_uuid7
from bench.support.servers import Servers
from bench.support.workers import Worker

from .report import Arrived

ARRIVAL_TIMEOUT_S = 60
CATCH_UP_S = 300
POLL_S = 0.2
"""A look counts the rows: more often it would slow down what it waits for."""
ID_OLDER = timedelta(minutes=1)
"""An event's id may be a little older than its publication."""
_ARRIVED = "FROM retention.event WHERE event_id >= $1 AND stream_seq > 0"


def begun_at(now: datetime) -> UUID:
    """What bounds the ids of everything that arrives from ``now`` on."""
    return lowest_uuid7(now - ID_OLDER)


async def first_arrived(servers: Servers, begun: object) -> None:
    async with servers.database() as database:

        async def some() -> bool:
            return bool(await database.fetchval(f"SELECT EXISTS (SELECT {_ARRIVED})", begun))

        await until(some, within=ARRIVAL_TIMEOUT_S, what="arriving events are rows")


async def arrived(
    servers: Servers, writer: Worker, begun: object, before: frozenset[str] = frozenset()
) -> Arrived:
    """Stop the writer, and see that everything it published is there once, beside ``before``."""
    writer.tell("stop")
    ids, seconds = await writer.report(within=ARRIVAL_TIMEOUT_S)
    stopped = time.perf_counter()
    await all_there(servers, begun, len(ids) + len(before))
    behind_s = time.perf_counter() - stopped
    published = set(ids)
    expect_equal(len(published), len(ids), "different events that were published")
    await check_ids(servers, begun, published | before)
    return Arrived(len(ids), seconds, behind_s, writer.cpu_s)


async def all_there(servers: Servers, begun: object, count: int) -> None:
    async with servers.database() as database:

        async def enough() -> bool:
            rows = await database.fetchval(f"SELECT count(*) {_ARRIVED}", begun)
            return bool(rows >= count)

        await until(enough, within=CATCH_UP_S, every=POLL_S, what=f"{count} rows are there")


async def check_ids(servers: Servers, begun: object, wanted: set[str]) -> None:
    async with servers.database() as database:
        rows = await database.fetch(f"SELECT event_id::text {_ARRIVED}", begun)
    expect_equal(len(rows), len(wanted), "rows that arrived")
    expect({row[0] for row in rows} == wanted, "other events arrived than were published")


async def there_since(servers: Servers, begun: object) -> frozenset[str]:
    async with servers.database() as database:
        rows = await database.fetch(f"SELECT event_id::text {_ARRIVED}", begun)
    return frozenset(row[0] for row in rows)
