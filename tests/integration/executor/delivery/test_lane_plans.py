"""What lanes ask costs the same however much waits, though the statements were planned for nothing.

Prepared while the tables are empty, and nobody counts the rows that come then.
"""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from tests.support.plans import Session
from tests.support.servers import Database
from trigger_executor.adapters.delivery import lane_statements
from trigger_executor.ports.lanes import DueChoice

NOW = datetime.now(UTC)
LANES = 40
EACH = 500
FEW_PAGES = 40
"""For a lane's rows and its steps through the indexes; all of them together have hundreds."""


@pytest.fixture
async def session(empty_database: Database) -> AsyncIterator[Session]:
    async with empty_database.connected() as connection:
        for name, value in lane_statements.PLANNING.items():
            await connection.execute(f"SET {name} = {value}")
        await connection.execute(
            "INSERT INTO executor.projection DEFAULT VALUES ON CONFLICT DO NOTHING"
        )
        yield Session(connection)


async def fill(session: Session) -> None:
    await session.connection.execute(
        """
        INSERT INTO executor.delivery
            (delivery_id, event_id, event_seq, next_attempt_at, expires_at, logged_at, planned_at,
             epoch, round, attempts, is_test, target_id, trigger_id)
        SELECT gen_random_uuid(), gen_random_uuid(), n, now() - interval '1 s' * (n % 900),
               now() + interval '40 h', now(), now(), 0, 1, n % 3, false, 't' || n % $1::int,
               'g' || n % 7
        FROM generate_series(1, $1::int * $2::int) n
        """,
        LANES,
        EACH,
    )


@pytest.mark.parametrize("choice", DueChoice)
async def test_what_is_due_of_a_lane_is_found_by_its_index(session: Session, choice: DueChoice):
    arguments = (["t3"], [5], [choice.value])
    for _ in range(7):
        await session.explain(lane_statements.DUE, *arguments)
    await fill(session)

    executed = await session.explain(lane_statements.DUE, *arguments)

    assert executed.rows == 5
    assert executed.pages <= FEW_PAGES + 5 * 7


async def test_what_expires_and_the_end_of_a_lane_are_found_by_an_index(session: Session):
    expiring = (["t3", "t5"], NOW + timedelta(minutes=2), 500)
    release = (["t3"], ["{}"], [None], timedelta(minutes=2))
    for _ in range(7):
        await session.explain(lane_statements.EXPIRING, *expiring)
        await session.explain(lane_statements.RELEASE, *release)
    await fill(session)

    assert (await session.explain(lane_statements.EXPIRING, *expiring)).pages <= FEW_PAGES
    assert (await session.explain(lane_statements.RELEASE, *release)).pages <= FEW_PAGES
