"""What the executor could not handle is handled again as it would have been at first."""

from datetime import datetime, timedelta

import pytest

from tests.integration.executor.conftest import Around
from tests.support.eventually import eventually
from tests.support.redrives import letters, redrive
from tests.support.servers import Broker
from tests.unit.executor.factories import fire_body, make_api_change, make_change, make_due
from trigger_contracts.ids import fire_event_id, occurrence_event_id
from trigger_executor.adapters.definitions import ChangeReader
from trigger_executor.bootstrap import Executor
from trigger_runtime.process.clock import SystemClock

INBOX = "_INBOX_client.test.1"


async def test_a_due_record_fires_once_its_definition_is_there(
    around: Around, executor: Executor, broker: Broker
):
    """With the id and the instant that it had, and once, however often it is redriven."""
    change = make_change(payload={"tea": "green"})
    due_at = SystemClock().now() - timedelta(hours=3)
    record = make_due(change, 1, scheduled_for=due_at, published_at=due_at)
    await around.due(record)
    await eventually(around.dead, within=20)
    (stored,) = await letters(broker)
    assert "erased" in stored.letter.reason
    assert (await redrive(broker, stored)).outcome == "failed"
    assert await around.rows() == []

    await around.change(change)
    outcomes = [(await redrive(broker, stored)).outcome for _ in range(2)]

    assert outcomes == ["handled", "handled"]
    (row,) = await around.rows()
    assert row["event_id"] == str(occurrence_event_id("t1", change.creation_id, due_at))
    assert datetime.fromisoformat(row["fired_at"]) == due_at
    assert row["payload"] == {"tea": "green"}
    assert await letters(broker) == []


async def test_a_fire_that_failed_by_itself_keeps_its_promise_and_answers(
    around: Around, executor: Executor, broker: Broker, monkeypatch: pytest.MonkeyPatch
):
    """The bug is mended: it fires under the event id that its caller was told."""
    change = make_api_change()
    await around.change(change)
    body = fire_body(payload={"amount": 1}, command_id="c1")

    async def fails(*_: object) -> object:
        raise KeyError("colour")

    with monkeypatch.context() as broken:
        broken.setattr(ChangeReader, "current", fails)
        await around.fire(body, reply_to=INBOX)
        await eventually(around.dead, within=30)
        (stored,) = await letters(broker)
        assert stored.letter.reason == "failed 5 times: KeyError: 'colour'"
        again = await redrive(broker, stored)
        assert (again.outcome, again.reason) == ("failed", "KeyError: 'colour'")

    async with around.inbox(INBOX) as heard:
        assert (await redrive(broker, stored)).outcome == "handled"
        await eventually(lambda: heard)

    (row,) = await around.rows()
    assert row["event_id"] == heard[0]["event_id"]
    assert row["event_id"] == str(fire_event_id("a1", "c1", stored.letter.stored_at))
    assert datetime.fromisoformat(row["fired_at"]) == stored.letter.stored_at


async def test_poison_stays_poison(around: Around, executor: Executor, broker: Broker):
    await around.change(make_api_change())
    await around.fire(b"not json", fire_body(payload={"amount": 1}, colour="red"))
    await around.fires_handled()
    first, second = await letters(broker)

    for stored in (first, second):
        assert (await redrive(broker, stored)).outcome == "failed"

    (row,) = await around.rows()
    assert (row["status"], row["errors"][0]["pointer"]) == ("rejected", "/colour")
    reasons = [stored.letter.reason for stored in await letters(broker)]
    assert [reason.partition(":")[0] for reason in reasons] == ["redriven once, failed again"] * 2


async def test_a_request_that_is_none_is_not_answered(
    around: Around, executor: Executor, broker: Broker
):
    async with broker.connected("api") as api:
        for body in (b"", b"x", b"[]", b'{"id": "a.b", "stream": "TRIGGER_DUE"}'):
            await api.publish("trigger.redrive.executor", body, reply="_INBOX_api.x")
        await api.flush()
    await around.change(make_api_change())
    await around.fire(b"poison")
    await around.fires_handled()
    (stored,) = await letters(broker)
    assert (await redrive(broker, stored)).outcome == "failed"
