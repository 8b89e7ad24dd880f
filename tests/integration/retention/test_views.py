"""Views are predicates on a row's age, exact to the microsecond; now() is the transaction's."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.servers import Database
from tests.unit.retention.factories import make_row
from trigger_retention.adapters.event_log import PostgresEventLog
from trigger_retention.adapters.insert import write
from trigger_retention.adapters.statements import Statements
from trigger_retention.domain.lifetime import Lifetime

TICK = timedelta(microseconds=1)
ACTIVE_FOR = timedelta(hours=2)
KEPT_FOR = timedelta(hours=48)
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


@pytest.fixture
async def transaction(owner: asyncpg.Connection) -> AsyncIterator[asyncpg.Connection]:
    """One transaction, rolled back: its now() stands still."""
    started = owner.transaction()
    await started.start()
    yield owner
    await started.rollback()


async def states(connection: asyncpg.Connection, ages: list[timedelta]) -> list[str | None]:
    """In which view a row of each age is, told by one statement on all three views."""
    now: datetime = await connection.fetchval("SELECT now()")
    rows = [make_row(now - age, stream_seq=n) for n, age in enumerate(ages)]
    await write(
        connection,
        Statements("retention"),
        rows,
        erased_before=LONG_AGO,
        known_hours=set(),
    )
    found = await connection.fetch(
        """SELECT wanted.n, e.state,
                  (SELECT count(*) FROM retention.active a WHERE a.event_id = id) AS active,
                  (SELECT count(*) FROM retention.archived a WHERE a.event_id = id) AS archived
           FROM unnest($1::uuid[]) WITH ORDINALITY AS wanted (id, n)
           LEFT JOIN retention.events e ON e.event_id = wanted.id
           ORDER BY n""",
        [row.event_id for row in rows],
    )
    for row in found:
        assert (row["active"], row["archived"]) == {
            "active": (1, 0),
            "archived": (0, 1),
            None: (0, 0),
        }[row["state"]]
    return [row["state"] for row in found]


async def test_both_boundaries_to_the_microsecond(transaction: asyncpg.Connection) -> None:
    boundaries = {
        timedelta(0): "active",
        ACTIVE_FOR - TICK: "active",
        ACTIVE_FOR: "archived",
        ACTIVE_FOR + TICK: "archived",
        KEPT_FOR - TICK: "archived",
        KEPT_FOR: None,
        KEPT_FOR + TICK: None,
    }
    assert await states(transaction, list(boundaries)) == list(boundaries.values())


@settings(
    max_examples=30,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    ages=st.lists(
        st.timedeltas(-timedelta(minutes=5), timedelta(hours=50))
        | st.builds(
            lambda edge, ticks: edge + ticks * TICK,
            st.sampled_from([ACTIVE_FOR, KEPT_FOR]),
            st.integers(-3, 3),
        ),
        min_size=1,
        max_size=20,
    )
)
async def test_any_age_is_in_exactly_one_of_active_archived_and_neither(
    database: Database, ages: list[timedelta]
) -> None:
    async with database.connected() as connection:
        started = connection.transaction()
        await started.start()
        await connection.execute("DELETE FROM retention.life_setting")
        expected = [
            "active" if age < ACTIVE_FOR else "archived" if age < KEPT_FOR else None for age in ages
        ]
        assert await states(connection, ages) == expected
        await started.rollback()


async def test_a_row_tells_when_it_changes_and_when_it_goes(
    log: PostgresEventLog, owner: asyncpg.Connection
) -> None:
    row = make_row()
    await log.insert([row])
    seen: Any = await owner.fetchrow("SELECT * FROM retention.events")
    assert seen["archives_at"] == row.logged_at + ACTIVE_FOR
    assert seen["deletes_at"] == row.logged_at + KEPT_FOR


async def test_lives_are_what_the_service_sets(
    log: PostgresEventLog, transaction: asyncpg.Connection
) -> None:
    """Whole days are no days to PostgreSQL here: an interval of 24 hours is exact in any zone."""
    await log.set_lifetime(Lifetime(timedelta(hours=1), timedelta(days=1)))
    await transaction.execute("SET LOCAL timezone = 'America/New_York'")
    ages = [timedelta(hours=1) - TICK, timedelta(hours=1), timedelta(days=1) - TICK]
    assert await states(transaction, [*ages, timedelta(days=1)]) == [
        "active",
        "archived",
        "archived",
        None,
    ]


async def test_the_newest_rows_are_read_from_indexes(
    log: PostgresEventLog, owner: asyncpg.Connection
) -> None:
    """No sort and no scan of a whole partition stands between the views and a page."""
    await log.insert([make_row(stream_seq=n) for n in range(200)])
    await owner.execute("SET enable_seqscan = off")
    for query in (
        "SELECT event_id FROM retention.events ORDER BY logged_at DESC, event_id DESC LIMIT 50",
        (
            "SELECT event_id FROM retention.archived WHERE trigger_id = 'one'"
            " ORDER BY logged_at DESC, event_id DESC LIMIT 50"
        ),
        (
            "SELECT event_id FROM retention.events WHERE status = 'missed'"
            " ORDER BY logged_at DESC, event_id DESC LIMIT 50"
        ),
    ):
        plan = "\n".join(r[0] for r in await owner.fetch(f"EXPLAIN {query}"))
        assert "Seq Scan on event_" not in plan, plan
        assert "Sort  " not in plan, plan
