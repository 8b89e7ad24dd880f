"""Hours that are over are made quick to search."""

import asyncio
from datetime import UTC, datetime, timedelta

import asyncpg

from tests.integration.retention.conftest import MakeLog
from tests.support.eventually import eventually
from tests.unit.retention.factories import make_row
from trigger_retention.adapters.event_log import PostgresEventLog
from trigger_retention.domain.hours import partition_name


async def indexes(owner: asyncpg.Connection, at: datetime) -> list[str]:
    """Those that closing the hour of ``at`` makes."""
    found = await owner.fetch(
        "SELECT indexname FROM pg_indexes WHERE tablename = $1 AND indexname ~ $2 ORDER BY 1",
        partition_name(at),
        "_(words|names|unusual_source|unusual_trigger_type)$",
    )
    return [row["indexname"].removeprefix(partition_name(at)) for row in found]


async def close_all(log: PostgresEventLog) -> int:
    closed = 0
    while await log.close_hour():
        closed += 1
    return closed


async def test_an_hour_is_closed_once_it_is_over(
    log: PostgresEventLog, owner: asyncpg.Connection, at: datetime
) -> None:
    now = datetime.now(UTC)
    await log.insert([make_row(at), make_row(now)])
    assert await close_all(log) >= 1  # hours of other tests are still there
    assert await indexes(owner, at) == [
        "_names",
        "_unusual_source",
        "_unusual_trigger_type",
        "_words",
    ]
    assert await indexes(owner, now) == []
    assert not await log.close_hour()


async def test_a_row_that_comes_while_its_hour_is_closed_is_stored_when_that_is_done(
    make_log: MakeLog, owner: asyncpg.Connection, at: datetime
) -> None:
    log, other = make_log(), make_log()
    hour = at.replace(minute=0, second=0, microsecond=0)
    await log.insert([make_row(at)])
    async with owner.transaction():
        assert await owner.fetchval("SELECT retention.close_hour($1)", hour)
        late = asyncio.create_task(other.insert([make_row(at)]))
        assert not await log.close_hour(), "another one is at it"
    assert (await late).stored == 1
    assert not await owner.fetchval("SELECT retention.close_hour($1)", hour), "it is done"


async def test_the_words_of_a_payload_are_known_by_their_hashes_alone(
    log: PostgresEventLog, owner: asyncpg.Connection, at: datetime
) -> None:
    """What an index and its statistics keep of a payload cannot be read."""
    await log.insert([make_row(at, payload={"word": "canarybird"}) for _ in range(100)])
    for _ in range(2):  # the hour's table is made, then filled
        await owner.fetchval("SELECT retention.index_words(1, 100)")
    assert await owner.fetchval("SELECT count(*) FROM retention.recent_words") == 100
    await owner.execute("ANALYZE retention.recent_word")
    await close_all(log)
    kept = await owner.fetchval(
        "SELECT string_agg(s::text, ' ') FROM pg_stats s WHERE schemaname = 'retention'"
    )
    assert "recent_word" in kept
    assert "canarybird" not in kept


async def test_an_hour_that_is_being_filled_is_left_open(
    make_log: MakeLog, owner: asyncpg.Connection, at: datetime
) -> None:
    """A log that catches up after a downtime is not stopped once a batch."""
    quiet_for = timedelta(seconds=0.2)
    log = make_log(quiet_for=quiet_for)
    payload = {"text": "x" * 500}
    for _ in range(5):
        await log.insert([make_row(at, payload=payload) for _ in range(50)])
        assert not await log.close_hour(), "it has only just grown"
    assert await indexes(owner, at) == []
    # By itself, once nothing has come for a while.
    await eventually(log.close_hour, what="the hour is closed")
    assert await indexes(owner, at)


async def test_no_partition_is_vacuumed_for_what_the_sweep_erases(
    log: PostgresEventLog, owner: asyncpg.Connection, at: datetime
) -> None:
    await log.insert([make_row(at)])
    await close_all(log)
    options = await owner.fetchval(
        "SELECT reloptions FROM pg_class WHERE relname = $1", partition_name(at)
    )
    assert "autovacuum_vacuum_threshold=2147483647" in options
