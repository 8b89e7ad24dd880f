"""Redeliveries, cancellations and tests of targets, by the executor as it is wired."""

import json
from typing import Any

import pytest
from nats.aio.msg import Msg

from tests.integration.executor.conftest import TIMEOUT, Around
from tests.integration.executor.delivery.conftest import StartRole
from tests.integration.executor.test_plans import PAID, add_target, to
from tests.support.eventually import eventually
from tests.support.servers import Database
from tests.unit.executor.factories import fire_body, make_api_change
from trigger_contracts import subjects, topology
from trigger_contracts.deliveries.fold import DeliveryProgress, folded
from trigger_contracts.deliveries.records import (
    DeliveryRecord,
    delivery_id_of,
    record_in,
)
from trigger_contracts.subjects import Verb
from trigger_contracts.targets.in_tests import written_out
from trigger_executor.adapters.delivery.fired_events import TestedTargets
from trigger_executor.adapters.schema import SCHEMA
from trigger_runtime.jetstream.publisher import JetStreamPublisher, Message
from trigger_runtime.jetstream.reader import StreamReader

INBOX, REPLIES = "_INBOX_client.again", "_INBOX_client.replies"


class Lab:
    """A client, a subject's subscriber and an onlooker."""

    def __init__(self, around: Around) -> None:
        self._around = around
        self.got: list[Msg] = []

    async def listen(self) -> None:
        """Be the subscriber of what the targets are sent."""

        async def hear(message: Msg) -> None:
            self.got.append(message)

        await self._around.connection.client.subscribe("out.lab", cb=hear)
        await self._around.connection.client.flush()

    async def fire(self, *targets: str) -> str:
        """Fire a trigger that names these targets; the event's id."""
        await self._around.change(to(make_api_change(), *targets))
        async with self._around.inbox(INBOX) as heard:
            await self._around.fire(fire_body(payload=PAID), reply_to=INBOX)
            await eventually(lambda: heard, within=10)
        event_id: str = heard[0]["event_id"]
        return event_id

    async def ask(self, verb: Verb, event_id: str, target_id: str, number: int) -> dict[str, Any]:
        """The answer to a command about a delivery of the trigger's event."""
        command = {
            "event_id": event_id,
            "trigger_id": make_api_change().trigger_id,
            "target_id": target_id,
            "round": number,
        }
        return await self.publish(verb, json.dumps(command).encode())

    async def publish(self, verb: Verb, body: bytes) -> dict[str, Any]:
        publisher = JetStreamPublisher(
            self._around.connection, topology.COMMANDS.name, timeout=TIMEOUT
        )
        async with self._around.inbox(INBOX) as heard:
            message = Message(subjects.command(verb), body, headers={"reply_to": INBOX})
            await publisher.publish(message)
            await eventually(lambda: heard, within=10)
        return heard[0]

    async def request(self, subject: str, body: dict[str, Any]) -> dict[str, Any]:
        """What the gateway asks, with its reply."""
        async with self._around.inbox(REPLIES) as heard:
            await self._around.connection.client.publish(
                subject, json.dumps(body).encode(), reply=REPLIES
            )
            await eventually(lambda: heard, within=10)
        return heard[0]

    async def state(self, event_id: str, target_id: str) -> DeliveryProgress | None:
        wanted = delivery_id_of(event_id, target_id)
        return folded(one for one in await self.records() if one.delivery_id == wanted)

    async def records(self) -> list[DeliveryRecord]:
        return [
            record_in(message.subject, message.payload)
            for message in await self._around.stored(topology.EVENTS)
            if subjects.matches(message.subject, (subjects.ALL_DELIVERY,))
        ]

    async def until(self, event_id: str, target_id: str, number: int, state: str) -> None:
        async def is_so() -> bool:
            found = await self.state(event_id, target_id)
            return found is not None and (found.planned.round, found.state.value) == (number, state)

        await eventually(is_so, within=10, what=f"{target_id} is {state}")


@pytest.fixture
async def lab(around: Around, start_role: StartRole, empty_database: Database) -> Lab:
    await start_role("record,deliver", empty_database.url("etp_executor"))
    for target_id in ("erp", "crm"):
        await add_target(around, target_id)
    made = Lab(around)
    await made.listen()
    return made


async def test_an_event_is_delivered_again_once_for_each_wish(lab: Lab):
    event_id = await lab.fire("erp")
    await lab.until(event_id, "erp", 1, "delivered")

    answer = await lab.ask(Verb.REDELIVER, event_id, "erp", 1)
    assert (answer["change"], answer["round"]) == ("planned", 2)
    await lab.until(event_id, "erp", 2, "delivered")
    # Asked again by whoever has not heard of it.
    answer = await lab.ask(Verb.REDELIVER, event_id, "erp", 1)
    assert answer["round"] == 2
    # And to another target, which is the last to be heard.
    answer = await lab.ask(Verb.REDELIVER, event_id, "crm", 0)
    assert (answer["change"], answer["round"]) == ("planned", 1)
    await lab.until(event_id, "crm", 1, "delivered")

    assert [one.headers["webhook-id"] for one in lab.got] == [event_id] * 3
    assert len({one.data for one in lab.got}) == 1
    state = await lab.state(event_id, "erp")
    assert state is not None
    assert state.planned.round == 2


async def test_what_waits_is_tried_now_and_given_up_when_told_to(lab: Lab, around: Around):
    """A durable target without a stream fails, and waits for half a minute and longer."""
    await add_target(around, "durable", subject="out.nobody", durable=True)
    event_id = await lab.fire("durable")

    async def attempts(number: int) -> bool:
        state = await lab.state(event_id, "durable")
        return state is not None and state.attempts >= number

    await eventually(lambda: attempts(1), within=10)
    for number in (2, 3):
        answer = await lab.ask(Verb.REDELIVER, event_id, "durable", 1)
        assert (answer["change"], answer["round"]) == ("due-now", 1)
        # The delays are 5 s and 30 s.
        await eventually(lambda number=number: attempts(number), within=4)

    answer = await lab.ask(Verb.CANCEL, event_id, "durable", 1)
    assert answer["change"] == "cancelled"
    await lab.until(event_id, "durable", 1, "dead")
    answer = await lab.ask(Verb.CANCEL, event_id, "durable", 1)
    assert answer["change"] == "unchanged"
    answer = await lab.ask(Verb.REDELIVER, event_id, "durable", 1)
    assert (answer["change"], answer["round"]) == ("planned", 2)


async def test_what_cannot_be_delivered_is_answered_and_what_cannot_be_read_is_kept(
    lab: Lab, around: Around
):
    event_id = await lab.fire("erp")
    await lab.until(event_id, "erp", 1, "delivered")

    assert (await lab.ask(Verb.REDELIVER, event_id, "none", 0))["code"] == "unknown-target"
    other = delivery_id_of(event_id, "erp")
    assert (await lab.ask(Verb.REDELIVER, other, "erp", 1))["code"] == "not-found"
    assert (await lab.publish(Verb.CANCEL, b"{}"))["code"] == "invalid"
    (letter,) = await around.stored(topology.DEAD)
    # Whoever records rows knows nothing of such a command.
    answer = await lab.request(
        subjects.REDRIVE_DELIVERIES,
        {"id": letter.subject.rpartition(".")[2], "stream": topology.COMMANDS.name},
    )
    assert answer["outcome"] == "failed"
    assert len(lab.got) == 1


async def test_a_target_is_tested_once_a_second_and_nothing_is_recorded(
    lab: Lab, around: Around, empty_database: Database
):
    async def probe(target_id: str) -> dict[str, Any]:
        return await lab.request(subjects.EXECUTOR_PROBE, {"target_id": target_id})

    one = await probe("erp")
    assert (await probe("erp"))["code"] == "too-many-requests"
    # Of another target that is another second.
    other = await probe("crm")
    assert (await probe("none"))["code"] == "not-found"

    assert (one["outcome"], one["origin"], one["target_version"]) == ("delivered", "out.lab", 1)
    assert other["outcome"] == "delivered"
    assert one["duration_ms"] >= 0
    await eventually(lambda: len(lab.got) == 2)
    assert {message.headers["webhook-id"] for message in lab.got} == {
        one["event_id"],
        other["event_id"],
    }
    assert lab.got[0].headers["etp-test"] == "true"
    assert json.loads(lab.got[0].data)["data"]["is_test"]
    assert await around.stored(topology.EVENTS) == []
    # Whoever takes its lane half-opens its breaker.
    async with empty_database.connected() as owner:
        rows = await owner.fetch(f"SELECT target_id FROM {SCHEMA}.lane WHERE is_asked")
    assert {row["target_id"] for row in rows} == {"erp", "crm"}


async def test_a_target_that_a_test_wrote_out_is_found_by_its_change(around: Around):
    fields = {"type": "nats", "subject": "out.lab"}
    change = make_api_change().model_copy(
        update={"is_test": True, "test_target": written_out(fields, "written")}
    )
    seq = await around.change(change)
    tests = TestedTargets(StreamReader(around.connection, topology.CHANGES.name, timeout=TIMEOUT))

    assert await tests.change_of(change.trigger_id, "written") == seq
    assert await tests.change_of(change.trigger_id, "erp") is None
    assert await tests.change_of("another", "written") is None
