"""Deliveries are planned once for each target of the version that fired, whatever is broken off."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.integration.executor.conftest import Around, Start
from tests.support.eventually import eventually
from tests.support.redrives import letters, redrive
from tests.support.servers import Broker
from tests.unit.executor.factories import deleted, fire_body, make_api_change, make_change, make_due
from trigger_contracts import subjects, topology
from trigger_contracts.deliveries.records import DeliveryPlanned, message_id_of, record_in
from trigger_contracts.events import TriggerChanged
from trigger_contracts.targets.changes import TargetChanged, TargetChangeKind, TargetStatus
from trigger_contracts.targets.fields import TargetDefinition
from trigger_executor.adapters.event_stream import JetStreamEventWriter
from trigger_executor.bootstrap import Executor
from trigger_executor.domain.row import row_of
from trigger_runtime.jetstream.publisher import JetStreamPublisher, Message
from trigger_runtime.process.errors import BrokerUnavailable, PublishRefused

NOW = datetime.now(UTC)
MS = timedelta(milliseconds=1)
TIMEOUT = timedelta(seconds=5)
PAID = {"amount": 1}
INBOX = "_INBOX_client.test.1"


def to(change: TriggerChanged, *targets: str) -> TriggerChanged:
    definition = change.definition.model_copy(update={"targets": targets})
    return change.model_copy(update={"definition": definition})


async def plans(around: Around) -> list[tuple[DeliveryPlanned, dict[str, str]]]:
    found = []
    for message in await around.stored(topology.EVENTS):
        if subjects.matches(message.subject, (subjects.ALL_DELIVERY,)):
            record = record_in(message.subject, message.payload)
            # Whoever delivers may have begun.
            if isinstance(record, DeliveryPlanned):
                found.append((record, dict(message.headers)))
    return found


async def rows(around: Around) -> dict[int, str]:
    """The log's rows: the event id at each sequence."""
    return {
        message.seq: json.loads(message.payload)["id"]
        for message in await around.stored(topology.EVENTS)
        if subjects.matches(message.subject, subjects.LOG_ROWS)
    }


async def add_target(around: Around, target_id: str, **fields: Any) -> None:
    change = TargetChanged(
        kind=TargetChangeKind.CREATED,
        target_id=target_id,
        creation_id="c",
        command_id="c",
        version=1,
        status=TargetStatus.ACTIVE,
        definition=TargetDefinition(**{"type": "nats", "subject": "out.lab", **fields}),
        actor="key:owner",
        at=NOW,
        created_at=NOW,
        created_by="key:owner",
    )
    publisher = JetStreamPublisher(around.connection, topology.TARGETS.name, timeout=TIMEOUT)
    await publisher.publish(Message(subjects.target(target_id), change.model_dump_json().encode()))


async def add_targets_that_nobody_takes(around: Around, *target_ids: str) -> None:
    """What is delivered to them waits for its next attempt: there is no stream for them."""
    for target_id in target_ids:
        await add_target(around, target_id, durable=True, retry=[3600])


async def test_a_due_event_is_planned_after_its_row_with_its_sequence(
    around: Around, executor: Executor
):
    change = to(make_change(), "erp", "crm")
    seq = await around.change(change)
    times = [NOW + MS * n for n in range(20)]

    await around.due(*(make_due(change, seq, scheduled_for=t, published_at=NOW) for t in times))
    await around.dues_handled()

    by_seq = await rows(around)
    found = await plans(around)
    assert len(by_seq) == 20
    assert len(found) == 40
    for plan, headers in found:
        assert by_seq[plan.event_seq] == plan.event_id
        assert headers["Nats-Msg-Id"] == message_id_of(plan)
        life = timedelta(seconds=int(headers["Nats-TTL"].rstrip("s")))
        assert timedelta() <= plan.planned_at + life - plan.expires_at < timedelta(seconds=1)
    assert {plan.target_id for plan, _ in found} == {"erp", "crm"}


async def test_a_crash_between_row_and_plan_leads_to_the_same_deliveries(
    around: Around, start: Start, monkeypatch
):
    change = to(make_api_change(), "erp")
    await around.change(change)
    whole, failed = JetStreamEventWriter.plan, []

    async def lost(self, records):
        if not failed:
            failed.extend(records)
            raise BrokerUnavailable("the process was killed here")
        await whole(self, records)

    monkeypatch.setattr(JetStreamEventWriter, "plan", lost)
    await start()
    await around.fire(fire_body(payload=PAID))
    await around.fires_handled()

    ((plan, headers),) = await plans(around)
    assert [record.message_id for record in failed] == [headers["Nats-Msg-Id"]]
    assert plan.target_id == "erp"
    assert len(await rows(around)) == 1


async def test_what_fired_before_an_edit_goes_where_it_was_to_go(
    around: Around, start: Start, monkeypatch
):
    """The row is there and the plan is not; then the trigger is edited, or deleted."""
    first = to(make_api_change(), "erp")
    other = to(make_api_change("a2"), "erp")
    await around.change(first)
    await around.change(other)
    whole, failed = JetStreamEventWriter.plan, []

    async def lost(self, records):
        if not failed:
            failed.extend(records)
            now = datetime.now(UTC)
            edited = to(first, "new").model_copy(update={"version": 2, "at": now})
            await around.change(edited)
            await around.change(deleted(other, now))
            raise BrokerUnavailable("the process was killed here")
        await whole(self, records)

    monkeypatch.setattr(JetStreamEventWriter, "plan", lost)
    await start()
    await around.fire(fire_body("a1", payload=PAID), fire_body("a2", payload=PAID))
    await around.fires_handled()

    found = await plans(around)
    assert sorted((plan.trigger_id, plan.target_id) for plan, _ in found) == [
        ("a1", "erp"),
        ("a2", "erp"),
    ]
    assert {plan.event_id for plan, _ in found} == set((await rows(around)).values())
    assert await around.dead() == []


async def test_what_another_replica_recorded_meanwhile_goes_where_its_row_says(
    around: Around, start: Start, monkeypatch
):
    """One is stopped with a fire in hand; another one is handed it as well, after an edit."""
    long_ago = NOW - timedelta(hours=1)
    first = to(make_api_change(), "erp").model_copy(update={"at": long_ago})
    await around.change(first)
    whole, others = JetStreamEventWriter.append, []

    async def stopped_before(self, rows):
        if not others:
            edited = to(first, "new").model_copy(update={"version": 2, "at": datetime.now(UTC)})
            await around.change(edited)
            entry = rows[0].entry.model_copy(update={"trigger_version": 2})
            others.append(row_of(entry, datetime.now(UTC), topology.LOG_LIFE))
            await whole(self, others)
        return await whole(self, rows)

    monkeypatch.setattr(JetStreamEventWriter, "append", stopped_before)
    await start()
    await around.fire(fire_body("a1", payload=PAID))
    await around.fires_handled()

    (seq,) = await rows(around)
    ((plan, _),) = await plans(around)
    assert (plan.event_seq, plan.event_id) == (seq, others[0].event_id)
    assert plan.target_id == "new"


async def test_everything_delivered_again_is_planned_with_the_same_ids(
    around: Around, executor: Executor
):
    await around.change(to(make_api_change(), "erp"))
    await around.fire(*(fire_body(payload=PAID) for _ in range(3)))
    await around.fires_handled()
    before = await plans(around)

    await around.deliver_fires_again()
    await around.fires_handled()

    assert await plans(around) == before
    assert len(before) == 3


async def test_a_broker_that_forgot_its_counts_leads_to_the_same_deliveries_after_an_edit(
    around: Around, executor: Executor
):
    """As for the first time: the rows that it still knows by their ids say which version fired."""
    first = to(make_api_change(), "erp")
    other = to(make_api_change("a2"), "erp")
    strict = to(make_api_change("a3"), "erp")
    for change in (first, other, strict):
        await around.change(change)
    bodies = [
        fire_body("a1", payload=PAID),
        fire_body("a2", payload=PAID),
        fire_body("a3", payload={"amount": "three"}),
        fire_body("a3", payload={"amount": "four"}, key="k"),
    ]
    await around.fire(*bodies)
    await around.fires_handled()
    before, stored = await plans(around), await rows(around)
    now = datetime.now(UTC)
    await around.change(to(first, "new").model_copy(update={"version": 2, "at": now}))
    await around.change(deleted(other, now))
    lax = strict.definition.model_copy(update={"payload_schema": None})
    await around.change(strict.model_copy(update={"version": 2, "at": now, "definition": lax}))

    await around.deliver_fires_again()
    await around.fires_handled()

    assert await rows(around) == stored
    assert await plans(around) == before
    assert sorted(plan.trigger_id for plan, _ in before) == ["a1", "a2"]
    assert [row["status"] for row in await log(around)].count("rejected") == 2


async def test_plans_that_are_refused_for_ever_are_letters_that_say_so_and_are_redriven(
    around: Around, executor: Executor, broker: Broker, monkeypatch
):
    scheduled, asked = to(make_change(), "erp"), to(make_api_change(), "erp")
    seq = await around.change(scheduled)
    await around.change(asked)

    async def refuse(_self, _records):
        raise PublishRefused("maximum messages exceeded", code=10122)

    with monkeypatch.context() as refused:
        refused.setattr(JetStreamEventWriter, "plan", refuse)
        async with around.inbox(INBOX) as heard:
            await around.fire(fire_body(payload=PAID), reply_to=INBOX)
            await around.due(make_due(scheduled, seq, scheduled_for=NOW, published_at=NOW))
            await around.fires_handled(within=30)
            await around.dues_handled(within=30)
            await eventually(lambda: heard)
    kept = await letters(broker)
    assert len(kept) == 2
    for one in kept:
        assert "its row is recorded, its deliveries cannot be planned: maximum" in one.letter.reason
    by_seq = await rows(around)
    assert len(by_seq) == 2
    assert heard[0]["event_id"] in by_seq.values()
    assert await plans(around) == []

    assert [(await redrive(broker, one)).outcome for one in kept] == ["handled"] * 2

    assert {plan.event_id for plan, _ in await plans(around)} == set(by_seq.values())
    assert await letters(broker) == []


async def test_a_test_names_targets_that_there_are(around: Around, executor: Executor):
    await around.change(to(make_api_change(), "erp"))
    await add_target(around, "lab")

    await around.fire(
        fire_body(payload=PAID, is_test=True, targets=["lab"]),
        fire_body(payload=PAID, is_test=True, targets=["lab", "nobody"]),
    )
    await around.fires_handled()

    ((plan, _),) = await plans(around)
    assert (plan.target_id, plan.is_test) == ("lab", True)
    assert sorted(row["status"] for row in await log(around)) == ["fired", "rejected"]


async def log(around: Around) -> list[dict]:
    return [
        json.loads(message.payload)["data"]
        for message in await around.stored(topology.EVENTS)
        if subjects.matches(message.subject, subjects.LOG_ROWS)
    ]
