"""The due index on PostgreSQL: what its locks promise."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest

from tests.integration.scheduler.conftest import Platform, now, once
from trigger_contracts.commands import CreateTrigger
from trigger_contracts.events import TriggerChanged
from trigger_contracts.trigger import Changed, Moment, Trigger, complete, decide
from trigger_runtime.postgres.database import Database
from trigger_scheduler.adapters.due_index import PostgresIndex
from trigger_scheduler.domain.arming import armed_row


@pytest.fixture
async def index(platform: Platform) -> AsyncIterator[PostgresIndex]:
    database = Database(platform.settings(), "test", server_settings={"search_path": "scheduler"})
    yield PostgresIndex(database, database)
    await database.close()


def created(trigger_id: str) -> TriggerChanged:
    command = CreateTrigger.model_validate(once(timedelta(hours=1)))
    decision = decide(
        command, None, Moment(now(), now()), trigger_id=trigger_id, command_id=trigger_id
    )
    assert isinstance(decision, Changed)
    return decision.change


async def test_a_row_that_was_awaited_is_held_as_it_is_now(
    platform: Platform, index: PostgresIndex
) -> None:
    """Whoever waits for a row that changes meanwhile gets it with its newest change."""
    first = Trigger(created("t1"), 1)
    async with index.transaction() as transaction:
        await transaction.project([(first, armed_row(first, None))])
    second = Trigger(complete(first, now(), 0), 2)

    async def hold() -> int:
        async with index.transaction() as transaction:
            return (await transaction.lock(["t1"]))["t1"].trigger.change_seq

    async def waiting() -> bool:
        async with platform.database.connected() as owner:
            return bool(await owner.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted"))

    async with index.transaction() as transaction:
        held = await transaction.lock(["t1"])
        waiter = asyncio.create_task(hold())
        while not await waiting():
            assert not waiter.done()
        row = replace(held["t1"].row, cursor=now(), due_seq=7)
        await transaction.project([(second, armed_row(second, row))])
    assert await waiter == 2


async def test_claims_share_rows_and_never_wait_for_each_other(index: PostgresIndex) -> None:
    triggers = [Trigger(created(f"t{n}"), n) for n in range(1, 5)]
    async with index.transaction() as transaction:
        await transaction.project([(one, armed_row(one, None)) for one in triggers])
    ahead = timedelta(hours=2)
    async with index.transaction() as first, index.transaction() as second:
        mine = {row.trigger_id for row in (await first.claim(ahead, 3)).rows}
        others = {row.trigger_id for row in (await second.claim(ahead, 3)).rows}
    assert len(mine) == 3
    assert len(others) == 1
    assert mine | others == {"t1", "t2", "t3", "t4"}


async def test_an_older_change_never_replaces_a_newer_one(
    platform: Platform, index: PostgresIndex
) -> None:
    first = Trigger(created("t1"), 1)
    second = Trigger(complete(first, now(), 0), 2)
    async with index.transaction() as transaction:
        await transaction.project([(second, armed_row(second, None))])
        await transaction.project([(first, armed_row(first, None))])
    row = await platform.row("t1")
    assert row is not None
    assert (row["change_seq"], row["status"]) == (2, "completed")
