"""The table: one row per event id whatever comes how often, and nothing beyond its life."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest

from tests.integration.retention.conftest import MakeLog
from tests.unit.retention.factories import ago, make_row
from trigger_retention.adapters import event_log
from trigger_retention.adapters.event_log import PostgresEventLog
from trigger_retention.adapters.insert import write
from trigger_retention.adapters.statements import Statements
from trigger_retention.domain.hours import HOUR, partition_name
from trigger_retention.domain.rows import LogRow
from trigger_retention.ports import Erased, Inserted, RowsRefused

LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


async def count(owner: asyncpg.Connection) -> int:
    found: int = await owner.fetchval("SELECT count(*) FROM retention.event")
    return found


async def partitions(owner: asyncpg.Connection) -> set[str]:
    rows = await owner.fetch(
        "SELECT relname FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid"
        " WHERE inhparent = 'retention.event'::regclass"
    )
    return {row["relname"] for row in rows}


async def store_whatever_its_age(owner: asyncpg.Connection, rows: list[LogRow]) -> None:
    async with owner.transaction():
        await write(
            owner,
            Statements("retention"),
            rows,
            erased_before=LONG_AGO,
            known_hours=set(),
        )


async def sweep(log: PostgresEventLog) -> list[Erased]:
    """Passes until one has nothing more to do."""
    passes = []
    while True:
        erased = await log.erase()
        assert erased is not None
        passes.append(erased)
        if not erased.more:
            return passes


async def test_repeated_rows_are_one_row(log: PostgresEventLog, owner: asyncpg.Connection) -> None:
    rows = [make_row(stream_seq=n) for n in range(10)]
    assert await log.insert([*rows, *rows]) == Inserted(stored=10, repeated=10)
    assert await log.insert(rows) == Inserted(stored=0, repeated=10)
    assert await count(owner) == 10


@pytest.mark.parametrize("order", [(5, 9), (9, 5)])
async def test_of_two_messages_with_one_id_the_first_stored_wins_in_any_order(
    log: PostgresEventLog, owner: asyncpg.Connection, order: tuple[int, int]
) -> None:
    row = make_row()
    for seq in order:
        await log.insert([row._replace(stream_seq=seq, trigger_name=f"at {seq}")])
    assert await owner.fetchval("SELECT trigger_name FROM retention.event") == "at 5"


async def test_a_row_past_its_life_is_not_stored_and_makes_no_partition(
    log: PostgresEventLog, owner: asyncpg.Connection
) -> None:
    old, young = make_row(ago(hours=48, seconds=1)), make_row(ago(hours=47, minutes=59))
    assert await log.insert([old, young]) == Inserted(stored=1, repeated=0, expired=1)
    much_older = make_row(ago(days=30))
    await log.insert([much_older])
    assert partition_name(much_older.logged_at) not in await partitions(owner)


async def test_replicas_that_need_the_same_partitions_all_get_them(
    make_log: MakeLog, owner: asyncpg.Connection
) -> None:
    rows = [make_row(id_at=ago(days=3, hours=n), stream_seq=n) for n in range(24)]
    logs = [make_log() for _ in range(6)]
    inserted = await asyncio.gather(*(log.insert(rows) for log in logs))
    assert sum(one.stored for one in inserted) == 24
    assert await count(owner) == 24


async def test_a_late_row_finds_its_partition_again_after_another_replica_dropped_it(
    make_log: MakeLog, owner: asyncpg.Connection
) -> None:
    one, other = make_log(), make_log()
    id_at = ago(days=5)
    first = make_row(id_at=id_at)
    await one.insert([first])
    await owner.execute("DELETE FROM retention.event")
    assert partition_name(id_at) in {name for p in await sweep(other) for name in p.partitions}
    assert await one.insert([make_row(id_at=id_at)]) == Inserted(stored=1)


@pytest.mark.parametrize(
    "bad",
    [
        {"trigger_name": "a\x00b"},
        {"trigger_version": 2**31},
        {"event_id": "0fffffff-ffff-7000-8000-000000000000"},  # year 2527
        {"payload": "not json"},
    ],
)
async def test_what_postgresql_never_takes_is_refused_and_leaves_nothing(
    log: PostgresEventLog, owner: asyncpg.Connection, bad: dict[str, Any]
) -> None:
    with pytest.raises(RowsRefused):
        await log.insert([make_row(), make_row()._replace(**bad)])
    assert await count(owner) == 0
    assert await log.insert([make_row()]) == Inserted(stored=1)


async def test_a_pass_erases_what_is_past_and_nothing_else(
    log: PostgresEventLog, owner: asyncpg.Connection
) -> None:
    alive = [make_row(ago(hours=47, minutes=59)), make_row()]
    past = [make_row(ago(hours=48, milliseconds=1)), make_row(ago(hours=60))]
    await store_whatever_its_age(owner, [*alive, *past])
    erased = await sweep(log)
    assert sum(one.rows for one in erased) == 2
    kept = {str(r[0]) for r in await owner.fetch("SELECT event_id FROM retention.event")}
    assert kept == {row.event_id for row in alive}


async def test_an_hour_that_is_past_goes_whole(
    log: PostgresEventLog, owner: asyncpg.Connection
) -> None:
    at = ago(hours=70)
    await store_whatever_its_age(owner, [make_row(at, stream_seq=n) for n in range(50)])
    passes = await sweep(log)
    # A pass drops a few partitions at most, and other tests may have left some.
    assert partition_name(at) in {name for erased in passes for name in erased.partitions}
    assert sum(erased.rows for erased in passes) == 50
    assert partition_name(at) not in await partitions(owner)


async def test_a_row_logged_late_lives_its_full_life_in_an_old_partition(
    log: PostgresEventLog, owner: asyncpg.Connection
) -> None:
    """Missed a week ago, found out just now: 48 h from now, not from then."""
    id_at = ago(days=7)
    late = make_row(ago(hours=47, minutes=59), id_at=id_at)
    gone = make_row(ago(hours=48, seconds=1), id_at=id_at)
    await store_whatever_its_age(owner, [late, gone])
    await sweep(log)
    rows = await owner.fetch("SELECT event_id FROM retention.event")
    assert [str(row[0]) for row in rows] == [late.event_id]
    await owner.execute("UPDATE retention.event SET logged_at = now() - interval '48 hours'")
    await sweep(log)
    assert await count(owner) == 0
    assert partition_name(id_at) not in await partitions(owner)


async def test_a_long_backlog_is_erased_in_bounded_bites(
    log: PostgresEventLog, owner: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_log, "ERASED_AT_ONCE", 100)
    await sweep(log)  # of partitions that other tests left
    this_hour = ago(hours=0)
    rows = [make_row(ago(hours=49), id_at=this_hour, stream_seq=n) for n in range(250)]
    await store_whatever_its_age(owner, rows)
    assert [one.rows for one in await sweep(log)] == [100, 100, 50]


async def test_a_days_downtime_is_caught_up_a_few_partitions_a_pass(
    log: PostgresEventLog, owner: asyncpg.Connection
) -> None:
    await sweep(log)
    rows = [make_row(ago(hours=50 + n), stream_seq=n) for n in range(24)]
    await store_whatever_its_age(owner, rows)
    passes = await sweep(log)
    assert sum(one.rows for one in passes) == 24
    assert max(len(one.partitions) for one in passes) <= event_log.DROPPED_AT_ONCE
    assert sum(len(one.partitions) for one in passes) >= 24


async def test_two_replicas_sweep_without_hindering_each_other(
    make_log: MakeLog, owner: asyncpg.Connection
) -> None:
    rows = [make_row(ago(hours=49 + n % 12), stream_seq=n) for n in range(600)]
    await store_whatever_its_age(owner, rows)
    logs = [make_log() for _ in range(4)]
    total = 0
    for _ in range(10):
        passes = await asyncio.gather(*(log.erase() for log in logs))
        total += sum(one.rows for one in passes if one)
    assert total == 600
    assert await count(owner) == 0


async def test_a_long_reader_delays_a_drop_but_neither_erasure_nor_other_readers(
    log: PostgresEventLog, owner: asyncpg.Connection
) -> None:
    at = ago(hours=80)
    await store_whatever_its_age(owner, [make_row(at, stream_seq=n) for n in range(10)])
    async with asyncio.timeout(5), owner.transaction():
        assert await count(owner) == 10  # holds its locks until the transaction ends
        erased = await log.erase()
        assert erased is not None
        assert (erased.rows, erased.partitions) == (10, ())
        assert await log.insert([make_row()]) == Inserted(stored=1)
    assert partition_name(at) in {name for p in await sweep(log) for name in p.partitions}


async def test_partitions_are_there_before_their_hour(
    log: PostgresEventLog, owner: asyncpg.Connection
) -> None:
    now = datetime.now(UTC)
    await log.erase()
    ahead = {partition_name(now + n * HOUR) for n in range(event_log.HOURS_AHEAD + 1)}
    assert ahead <= await partitions(owner)


async def test_making_a_partition_blocks_neither_readers_nor_writers(
    make_log: MakeLog, owner: asyncpg.Connection
) -> None:
    log, other = make_log(), make_log()
    await log.insert([make_row()])
    async with asyncio.timeout(5), owner.transaction():
        await owner.execute("INSERT INTO retention.event SELECT * FROM retention.event WHERE false")
        assert await count(owner) == 1  # a reader and a writer, holding their locks
        row = make_row(id_at=ago(days=9) + timedelta(minutes=1))
        assert await other.insert([row]) == Inserted(stored=1)


async def test_who_wrote_into_a_table_that_is_replaced_teaches_nothing_of_the_new_one(
    make_log: MakeLog, owner: asyncpg.Connection, at: datetime
) -> None:
    """A rebuild's new table may lack hours of the old one: one writer finds out, while another
    one's transaction with the old table is committed and its caller not told yet."""
    log = make_log()
    writing, began = log._writing, 0
    committed, go_on = asyncio.Event(), asyncio.Event()

    @contextlib.asynccontextmanager
    async def watched() -> AsyncIterator[Any]:
        nonlocal began
        began += 1
        mine = began
        if mine == 4:  # the second try of the writer that found out
            go_on.set()
            await other
        async with writing() as begun:
            yield begun
        if mine == 2:
            committed.set()
            await go_on.wait()

    log._writing = watched  # type: ignore[method-assign]
    before = at - timedelta(hours=1)
    await log.insert([make_row(at)])
    other = asyncio.create_task(log.insert([make_row(before)]))
    await committed.wait()
    for hour in (at, before):
        await owner.execute(f"DROP TABLE retention.{partition_name(hour)}")
    assert await log.insert([make_row(at), make_row(before)]) == Inserted(2)
