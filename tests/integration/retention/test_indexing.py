"""The words of new rows: each row waits for the index or is in it, until its hour is closed."""

import asyncio
from datetime import UTC, datetime, timedelta

import asyncpg

from tests.integration.retention.conftest import MakeLog
from tests.support.eventually import eventually
from tests.unit.retention.factories import make_row
from trigger_retention.adapters.event_log import PostgresEventLog
from trigger_retention.domain.hours import partition_name

_WAITING = "SELECT event_id::text FROM retention.waiting_words ORDER BY 1"
_INDEXED = "SELECT event_id::text FROM retention.recent_words ORDER BY 1"


async def waiting(owner: asyncpg.Connection) -> list[str]:
    return [row[0] for row in await owner.fetch(_WAITING)]


async def indexed(owner: asyncpg.Connection) -> list[str]:
    return [row[0] for row in await owner.fetch(_INDEXED)]


async def index_all(log: PostgresEventLog) -> None:
    """Also what makes and drops the tables of an hour, which is a pass of its own."""
    while await log.index_words():
        pass


async def test_rows_wait_until_they_are_worth_it_and_are_indexed_then(
    make_log: MakeLog, owner: asyncpg.Connection
) -> None:
    log = make_log(indexed_from=3)
    rows = [make_row() for _ in range(3)]
    ids = sorted(row.event_id for row in rows)
    await log.insert(rows[:2])
    assert await log.index_words() == 0
    await log.insert([rows[2], rows[0], make_row(status="rejected", payload=None)])
    assert await waiting(owner) == ids, "what says nothing does not wait"
    await index_all(log)
    assert (await waiting(owner), await indexed(owner)) == ([], ids)
    index_of = "SELECT hashes FROM retention.recent_words WHERE event_id = $1"
    payload = "SELECT retention.word_hashes(payload) FROM retention.event WHERE event_id = $1"
    assert await owner.fetchval(index_of, ids[0]) == await owner.fetchval(payload, ids[0])


async def test_what_replaces_a_row_is_indexed_whenever_it_comes(
    make_log: MakeLog, owner: asyncpg.Connection
) -> None:
    """By the copy that was stored first: before, while and after the other one is indexed."""
    log, other = make_log(indexed_from=1), make_log()
    row = make_row(stream_seq=9)
    seq = 8

    async def replace() -> None:
        nonlocal seq
        await other.insert([row._replace(stream_seq=seq, payload=f'"number {seq}"')])
        seq -= 1

    async def knows_what_it_says() -> bool:
        return bool(
            await owner.fetchval(
                "SELECT EXISTS (SELECT FROM retention.waiting_words) OR EXISTS ("
                " SELECT FROM retention.recent_words JOIN retention.event USING (event_id)"
                " WHERE hashes = retention.word_hashes(payload))"
            )
        )

    await log.insert([row])
    await index_all(log)
    await replace()
    assert await knows_what_it_says()
    async with owner.transaction():
        assert await owner.fetchval("SELECT retention.index_words(1, 10)") == 1
        replacing = asyncio.create_task(replace())
        await eventually(lambda: somebody_waits(owner), what="the row's writer waits")
    await replacing
    assert await knows_what_it_says()
    await index_all(log)
    async with owner.transaction():
        await owner.execute(
            "UPDATE retention.event SET payload = '\"last\"' WHERE event_id = $1", row.event_id
        )
        assert await log.index_words() == 0
    assert await knows_what_it_says()
    await index_all(log)
    assert await knows_what_it_says()


async def somebody_waits(owner: asyncpg.Connection) -> bool:
    return bool(await owner.fetchval("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)"))


async def test_many_replicas_lose_no_row_and_index_none_twice(
    make_log: MakeLog, owner: asyncpg.Connection
) -> None:
    logs = [make_log(indexed_from=1) for _ in range(3)]
    rows = [make_row() for _ in range(300)]

    async def work(number: int) -> None:
        for start in range(number * 100, number * 100 + 100, 10):
            await logs[number].insert(rows[start : start + 10])
            await logs[number].index_words()

    await asyncio.gather(*map(work, range(3)))
    known = await waiting(owner) + await indexed(owner)
    assert sorted(known) == sorted(row.event_id for row in rows)


async def test_a_closed_hour_needs_neither_and_searches_are_not_waited_for(
    make_log: MakeLog, owner: asyncpg.Connection, at: datetime
) -> None:
    log, other = make_log(indexed_from=3), make_log()
    rows = [make_row(at) for _ in range(4)]
    await log.insert(rows[:3])
    await index_all(log)
    await log.insert(rows[3:])
    while await other.close_hour():
        pass
    assert await waiting(owner) == []
    async with owner.transaction():
        assert len(await indexed(owner)) == 3  # a search, amid its transaction
        assert await log.index_words() == 0
    assert await log.index_words() == 1, "the table is dropped"
    assert await indexed(owner) == []
    await log.insert([make_row(at) for _ in range(2)])
    assert await log.index_words() == 0, "late rows: the hour's own index has them"
    assert await waiting(owner) == []


async def test_an_hour_that_is_gone_leaves_no_words(
    make_log: MakeLog, owner: asyncpg.Connection, at: datetime
) -> None:
    log = make_log(indexed_from=1)
    await log.insert([make_row(at)])
    await index_all(log)
    await make_log().insert([make_row(at)])
    # With all hours before it, some of which other tests have left open.
    for row in await owner.fetch(
        "SELECT relname FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid"
        " WHERE inhparent = 'retention.event'::regclass AND relname <= $1",
        partition_name(at),
    ):
        await owner.execute(f"DROP TABLE retention.{row['relname']}")
    await index_all(make_log())
    assert (await waiting(owner), await indexed(owner)) == ([], [])


async def test_at_most_so_many_are_indexed_at_once_the_newest_first(
    make_log: MakeLog, owner: asyncpg.Connection
) -> None:
    log = make_log(indexed_from=1)
    now = datetime.now(UTC)
    first, *rows = [make_row(now - timedelta(milliseconds=6 - n)) for n in range(6)]
    await log.insert([first])
    await index_all(log)
    await log.insert(rows)
    assert await owner.fetchval("SELECT retention.index_words(1, 2)") == 2
    assert await indexed(owner) == [row.event_id for row in (first, *rows[3:])]
