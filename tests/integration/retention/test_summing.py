"""How many rows there are of each kind: kept up with each row, whoever writes it, and forgotten."""

import asyncio
import random
from datetime import UTC, datetime, timedelta

import asyncpg

from tests.integration.retention.conftest import MakeLog
from tests.unit.retention.factories import ago, make_row
from trigger_contracts.events import EntryStatus, Source
from trigger_retention.adapters.event_log import PostgresEventLog
from trigger_retention.domain.hours import partition_name
from trigger_retention.domain.rows import LogRow

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)

_SUMS = """
SELECT span, begins, status, source, trigger_type, is_test, lateness_step, rows
FROM retention.sums WHERE rows <> 0 ORDER BY 1, 2, 3, 4, 5, 6, 7
"""
_COUNTS = """
SELECT span, date_bin(span, logged_at, 'epoch'), status, source, trigger_type, is_test,
       retention.lateness_step(fired_at - scheduled_for), count(*)
FROM retention.event CROSS JOIN (VALUES (interval '1 minute'), (interval '1 hour')) AS s (span)
GROUP BY 1, 2, 3, 4, 5, 6, 7 ORDER BY 1, 2, 3, 4, 5, 6, 7
"""


async def assert_sums_are_right(owner: asyncpg.Connection) -> list[tuple[object, ...]]:
    """Those of the rows that are there."""
    sums = [tuple(row) for row in await owner.fetch(_SUMS)]
    assert sums == [tuple(row) for row in await owner.fetch(_COUNTS)]
    return sums


def rows_of_all_kinds(dice: random.Random, count: int) -> list[LogRow]:
    return [
        make_row(
            ago(minutes=dice.choice([0, 1, 70, 500])),
            status=dice.choice(list(EntryStatus)),
            source=dice.choice(list(Source)),
            is_test=dice.random() < 0.5,
            scheduled_for=ago(minutes=501, seconds=dice.random()) if dice.random() < 0.5 else None,
        )._replace(stream_seq=dice.randrange(2, 100))
        for _ in range(count)
    ]


async def test_each_row_is_counted_once_whatever_comes_how_often(
    make_log: MakeLog, owner: asyncpg.Connection
) -> None:
    """Two replicas at the same rows: repeated, and replaced by the copy that was stored first."""
    dice = random.Random(11)
    rows = rows_of_all_kinds(dice, 200)
    earlier = [
        row._replace(stream_seq=1, status="missed", logged_at=row.logged_at - MINUTE, source="nats")
        for row in rows[:50]
    ]
    batches = [rows[:120], rows[80:], rows[:80], earlier]
    logs = [make_log(), make_log()]
    await asyncio.gather(
        *(logs[n % 2].insert(batch) for n, batch in enumerate(batches)), return_exceptions=False
    )
    sums = await assert_sums_are_right(owner)
    assert sum(row[-1] for row in sums) == 2 * 200  # type: ignore[misc]  # by minute and by hour


async def test_many_replicas_do_not_stand_in_each_others_way(
    make_log: MakeLog, owner: asyncpg.Connection
) -> None:
    dice = random.Random(12)
    logs = [make_log() for _ in range(4)]

    async def write(log: PostgresEventLog) -> None:
        for _ in range(10):
            await log.insert(rows_of_all_kinds(dice, 20))

    await asyncio.gather(*map(write, logs))
    await assert_sums_are_right(owner)


async def test_what_is_past_is_forgotten_by_minutes_and_by_hours(
    log: PostgresEventLog, owner: asyncpg.Connection
) -> None:
    old, young = make_row(ago(hours=5)), make_row(datetime.now(UTC))
    await log.insert([old, young])
    await owner.execute(
        "INSERT INTO retention.life_setting (active_for, kept_for) VALUES ('1 h', '2 h')"
    )
    while (erased := await log.erase()) and (erased.rows or erased.more):
        pass
    sums = await assert_sums_are_right(owner)
    assert [row[0] for row in sums] == [MINUTE, HOUR]
    assert await owner.fetchval("SELECT count(*) FROM retention.summary") == 2


async def test_what_is_erased_is_not_counted_when_life_gets_longer(
    log: PostgresEventLog, owner: asyncpg.Connection
) -> None:
    """Not even in the hour and the minute that were cut by the end of the shorter life."""
    life = "INSERT INTO retention.life_setting (active_for, kept_for) VALUES ('1 h', '2 h')"
    await owner.execute(life)
    end = ago(hours=2).replace(microsecond=0)
    # Half of them come an hour late, and go with the partition of an hour that is past.
    await log.insert([make_row(end + timedelta(seconds=n)) for n in range(3, 60, 3)])
    late = [make_row(end + timedelta(seconds=n), id_at=end - 3 * HOUR) for n in range(3, 60, 3)]
    await log.insert(late)
    await owner.execute(
        "UPDATE retention.life_setting SET kept_for = '1 hour 59 minutes 30 seconds'"
    )
    while (erased := await log.erase()) and (erased.rows or erased.more):
        pass
    await owner.execute("UPDATE retention.life_setting SET kept_for = '48 h'")
    sums = await assert_sums_are_right(owner)
    assert 0 < sum(row[-1] for row in sums) < 2 * 38  # type: ignore[misc]


async def test_a_partition_that_goes_whole_takes_off_what_was_in_it(
    log: PostgresEventLog, owner: asyncpg.Connection
) -> None:
    """Also of an hour that is not past: its rows came late."""
    at = ago(minutes=1)
    await log.insert([make_row(at, id_at=ago(hours=30)) for _ in range(3)])
    await log.insert([make_row(at)])
    await owner.execute(
        "INSERT INTO retention.life_setting (active_for, kept_for) VALUES ('1 s', '30 s')"
    )
    dropped: set[str] = set()
    while partition_name(ago(hours=30)) not in dropped:
        partitions, _rows = await log._drop(ago(seconds=30))
        dropped |= set(partitions)
    await assert_sums_are_right(owner)


async def test_an_instant_that_the_driver_cannot_write_has_no_lateness(
    log: PostgresEventLog, owner: asyncpg.Connection
) -> None:
    first = datetime.min.replace(tzinfo=UTC)
    await log.insert([make_row(scheduled_for=first)])
    sums = await assert_sums_are_right(owner)
    assert [row[-2] for row in sums] == [None, None]


async def test_a_dropped_hour_takes_its_sums_along(
    log: PostgresEventLog, owner: asyncpg.Connection
) -> None:
    at = ago(hours=47)
    await log.insert([make_row(at)])
    await assert_sums_are_right(owner)
    await owner.execute(
        "INSERT INTO retention.life_setting (active_for, kept_for) VALUES ('1 h', '2 h')"
    )
    dropped: set[str] = set()
    while partition_name(at) not in dropped:  # hours of other tests come first
        erased = await log.erase()
        assert erased is not None
        dropped |= set(erased.partitions)
    assert await owner.fetchval("SELECT count(*) FROM retention.summary") == 0
