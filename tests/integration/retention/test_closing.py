"""Hours that are over: made quick to search and to count, opened again by what comes late."""

import asyncio
from datetime import UTC, datetime, timedelta

import asyncpg

from tests.integration.retention.conftest import MakeLog
from tests.support.eventually import eventually
from tests.unit.retention.factories import ago, make_row
from trigger_contracts.events import Source
from trigger_retention.adapters.event_log import PostgresEventLog
from trigger_retention.domain.hours import partition_name

HOUR = timedelta(hours=1)


def an_hour_that_is_over() -> timedelta:
    """An age in the middle of the last hour but one: closed whatever the clock says."""
    now = datetime.now(UTC)
    return now - now.replace(minute=0, second=0, microsecond=0) + 1.5 * HOUR


async def summed(owner: asyncpg.Connection) -> int:
    rows: int = await owner.fetchval("SELECT coalesce(sum(rows), 0)::int FROM retention.minutes")
    return rows


async def close_all(log: PostgresEventLog) -> int:
    closed = 0
    while await log.close_hour():
        closed += 1
    return closed


async def test_an_hour_is_closed_once_it_is_over(
    log: PostgresEventLog, owner: asyncpg.Connection
) -> None:
    at = datetime.now(UTC) - an_hour_that_is_over()
    await log.insert([make_row(at), make_row(datetime.now(UTC))])
    assert await close_all(log) >= 1  # hours of other tests are still there
    assert await summed(owner) == 1, "of the hour that is over, and not of the other"
    indexes = await owner.fetch(
        "SELECT indexname FROM pg_indexes WHERE tablename = $1 AND indexname ~ $2",
        partition_name(at),
        "_(words|names|source_not_schedule|trigger_type_not_scheduled)$",
    )
    assert len(indexes) == 4
    assert not await log.close_hour()


async def test_a_late_row_opens_its_hour_and_is_counted_when_it_is_closed_again(
    log: PostgresEventLog, owner: asyncpg.Connection
) -> None:
    age = an_hour_that_is_over()
    await log.insert([make_row(datetime.now(UTC) - age)])
    await close_all(log)
    await log.insert([make_row(datetime.now(UTC) - age)])
    assert await summed(owner) == 0, "the summary lacks the late row: nobody may use it"
    assert await close_all(log) == 1, "and no other hour"
    assert await summed(owner) == 2


async def test_a_row_that_comes_while_its_hour_is_closed_is_not_lost_to_the_summary(
    make_log: MakeLog, owner: asyncpg.Connection
) -> None:
    log, other = make_log(), make_log()
    age = an_hour_that_is_over()
    await log.insert([make_row(datetime.now(UTC) - age)])
    async with owner.transaction():
        hour = (datetime.now(UTC) - age).replace(minute=0, second=0, microsecond=0)
        assert await owner.fetchval("SELECT retention.close_hour($1)", hour)
        late = asyncio.create_task(other.insert([make_row(datetime.now(UTC) - age)]))
        assert not await log.close_hour(), "another one is at it"
    assert (await late).stored == 1
    assert await summed(owner) == 0
    await close_all(log)
    assert await summed(owner) == 2


async def test_a_dropped_hour_takes_its_summary_along(
    log: PostgresEventLog, owner: asyncpg.Connection
) -> None:
    old = make_row(ago(hours=47))
    await log.insert([old])
    await close_all(log)
    assert await summed(owner) == 1
    await owner.execute("UPDATE retention.event SET logged_at = now() - interval '49 hours'")
    await owner.execute(
        "INSERT INTO retention.life_setting (active_for, kept_for) VALUES ('1 h', '2 h')"
    )
    dropped: set[str] = set()
    rows = 0
    while partition_name(ago(hours=47)) not in dropped:  # hours of other tests come first
        erased = await log.erase()
        assert erased is not None
        dropped |= set(erased.partitions)
        rows += erased.rows
    assert rows == 1
    assert await summed(owner) == 0
    left = "SELECT count(*) FROM retention.summary"
    assert await owner.fetchval(left) == 0


async def test_the_words_of_a_payload_are_known_by_their_hashes_alone(
    log: PostgresEventLog, owner: asyncpg.Connection
) -> None:
    """What an index and its statistics keep of a payload cannot be read."""
    age = an_hour_that_is_over()
    await log.insert([make_row(datetime.now(UTC) - age, payload={"word": "canarybird"})])
    await close_all(log)
    kept = await owner.fetchval(
        "SELECT string_agg(s::text, ' ') FROM pg_stats s WHERE schemaname = 'retention'"
    )
    assert kept
    assert "canarybird" not in kept


async def test_an_hour_that_is_being_filled_is_left_open(
    make_log: MakeLog, owner: asyncpg.Connection
) -> None:
    """A log that catches up after a downtime is not stopped once a batch."""
    quiet_for = timedelta(seconds=0.2)
    log = make_log(quiet_for=quiet_for)
    at = datetime.now(UTC) - an_hour_that_is_over()
    payload = {"text": "x" * 500}
    for _ in range(5):
        await log.insert([make_row(at, payload=payload) for _ in range(50)])
        assert not await log.close_hour(), "it has only just grown"
    assert await summed(owner) == 0
    # By itself, once nothing has come for a while.
    await eventually(log.close_hour, what="the hour is closed")
    assert await summed(owner) == 250


async def test_closed_again_an_hour_may_have_another_usual_source(
    log: PostgresEventLog, owner: asyncpg.Connection
) -> None:
    at = datetime.now(UTC) - an_hour_that_is_over()
    await log.insert([make_row(at, source=Source.NATS)])
    await close_all(log)
    await log.insert([make_row(at, source=Source.API) for _ in range(3)])
    await close_all(log)
    found = await owner.fetch(
        "SELECT indexname FROM pg_indexes WHERE indexname LIKE '%_source_not_%' ORDER BY 1"
    )
    assert {"api", "nats"} <= {row["indexname"].rpartition("_")[2] for row in found}


async def test_no_partition_is_vacuumed_for_what_the_sweep_erases(
    log: PostgresEventLog, owner: asyncpg.Connection
) -> None:
    at = datetime.now(UTC) - an_hour_that_is_over()
    await log.insert([make_row(at)])
    await close_all(log)
    options = await owner.fetchval(
        "SELECT reloptions FROM pg_class WHERE relname = $1", partition_name(at)
    )
    assert "autovacuum_vacuum_threshold=2147483647" in options
