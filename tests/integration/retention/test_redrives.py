"""A message of the log that could not be projected becomes its row when it is redriven."""

from collections.abc import AsyncIterator

import asyncpg
import pytest
from nats.aio.client import Client

from tests.integration.retention.conftest import Start
from tests.support.eventually import eventually
from tests.support.redrives import letters, redrive
from tests.support.servers import Broker
from tests.unit.retention.factories import body, make_entry
from trigger_contracts import subjects
from trigger_runtime.postgres.database import Database as Pool
from trigger_runtime.process.errors import DatabaseUnavailable

REFUSE = "ALTER TABLE retention.event ADD CONSTRAINT no_tea CHECK (trigger_name <> 'tea')"
ACCEPT = "ALTER TABLE retention.event DROP CONSTRAINT IF EXISTS no_tea"


@pytest.fixture
async def refusing(owner: asyncpg.Connection) -> AsyncIterator[None]:
    """The table refuses rows of the trigger named tea."""
    await owner.execute(REFUSE)
    yield
    await owner.execute(ACCEPT)


async def test_a_row_that_was_refused_is_stored_once(
    client: Client, service: Start, owner: asyncpg.Connection, refusing: None, broker: Broker
) -> None:
    await service()
    entry = make_entry(trigger_name="tea", payload={"leaf": "canary"})
    await client.jetstream().publish(subjects.fired("trigger-1"), body(entry))
    await eventually(lambda: letters(broker))
    (stored,) = await letters(broker)
    assert "canary" not in stored.letter.reason
    failed = await redrive(broker, stored)
    assert (failed.outcome, "canary" in (failed.reason or "")) == ("failed", False)
    assert await owner.fetchval("SELECT count(*) FROM retention.event") == 0

    await owner.execute(ACCEPT)
    outcomes = [(await redrive(broker, stored)).outcome for _ in range(2)]

    assert outcomes == ["handled", "handled"]
    (row,) = await owner.fetch("SELECT * FROM retention.event")
    assert str(row["event_id"]) == entry.event_id
    assert row["logged_at"] == entry.logged_at
    assert await letters(broker) == []


async def test_while_the_database_is_away_a_redrive_decides_nothing(
    client: Client,
    service: Start,
    owner: asyncpg.Connection,
    refusing: None,
    broker: Broker,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await service()
    entry = make_entry(trigger_name="tea")
    await client.jetstream().publish(subjects.fired("trigger-1"), body(entry))
    await eventually(lambda: letters(broker))
    (stored,) = await letters(broker)

    def away(*_: object, **__: object) -> object:
        raise DatabaseUnavailable("away")

    with monkeypatch.context() as broken:
        broken.setattr(Pool, "transaction", away)
        assert (await redrive(broker, stored)).outcome == "unavailable"

    assert await letters(broker) == [stored]
    assert await owner.fetchval("SELECT count(*) FROM retention.event") == 0
