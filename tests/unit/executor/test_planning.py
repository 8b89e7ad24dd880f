"""What is planned for an event that fires: once its row is there, before it is acknowledged."""

import dataclasses
from datetime import timedelta

import pytest

from tests.unit.executor.factories import (
    NOON,
    SECOND,
    deleted,
    fire_body,
    make_api_change,
    make_change,
    make_due,
    make_fire,
    make_missed,
)
from tests.unit.executor.test_handlers import World, dues, fires
from trigger_contracts.deliveries.records import delivery_id_of
from trigger_contracts.idempotency import claim_for
from trigger_contracts.ids import fire_event_id
from trigger_contracts.targets.fields import TargetDefinition
from trigger_contracts.targets.in_tests import TestTarget
from trigger_contracts.topology import LOG_LIFE
from trigger_executor.domain.fire import RecordedFire
from trigger_runtime.process.errors import BrokerUnavailable


def to(change, *targets):
    definition = change.definition.model_copy(update={"targets": targets})
    return change.model_copy(update={"definition": definition})


def edited(change, *targets, at=NOON + SECOND):
    return to(change, *targets).model_copy(update={"version": change.version + 1, "at": at})


def again(messages):
    return [dataclasses.replace(message, delivered_count=2) for message in messages]


TEA = to(make_change(), "erp", "crm")
ORDER = to(make_api_change(), "erp")
PAID = fire_body(payload={"amount": 1})


async def test_a_due_event_is_planned_for_each_target_of_the_version_that_fired():
    world = World(TEA)

    await world.dues(dues(make_due(TEA)))

    (row,) = world.entries
    assert [plan.target_id for plan in world.plans] == ["erp", "crm"]
    for plan in world.plans:
        assert plan.delivery_id == delivery_id_of(row.event_id, plan.target_id)
        assert (plan.event_id, plan.trigger_id) == (row.event_id, "t1")
        assert (plan.event_seq, plan.round, plan.is_test) == (1, 1, False)
        assert plan.logged_at == row.fired_at
        assert plan.planned_at == NOON
        assert plan.expires_at == row.logged_at + LOG_LIFE
        assert plan.change_seq is None
    assert world.planned_count == 2


async def test_plans_follow_the_rows_of_their_batch_in_one_write():
    world = World(TEA)
    instants = (NOON, NOON + SECOND)

    await world.dues(dues(*(make_due(TEA, scheduled_for=instant) for instant in instants)))

    assert world.happened == ["versions", "append", "plan"]
    assert [(plan.target_id, plan.event_seq) for plan in world.plans] == [
        ("erp", 1),
        ("crm", 1),
        ("erp", 2),
        ("crm", 2),
    ]


async def test_without_targets_nothing_is_added():
    world = World(make_change(), make_api_change())

    await world.dues(dues(make_due(make_change())))
    await world.fires(fires(PAID))

    assert "plan" not in world.happened
    assert world.plans == []


async def test_missed_and_rejected_rows_are_not_delivered():
    world = World(TEA, ORDER)

    await world.dues(dues(make_missed(TEA)))
    await world.fires(fires(fire_body(payload={"amount": "three"})))

    assert [entry.status for entry in world.entries] == ["missed"] * 3 + ["rejected"]
    assert world.plans == []


async def test_what_is_too_old_to_be_recorded_is_not_delivered():
    world = World(TEA)
    world.now_at = NOON + LOG_LIFE + SECOND

    await world.dues(dues(make_due(TEA)))

    assert (world.rows, world.plans) == ([], [])


async def test_a_fire_is_planned_before_it_is_answered():
    world = World(ORDER)

    await world.fires(fires(PAID))

    assert world.happened.index("append") < world.happened.index("plan")
    assert world.happened.index("plan") < world.happened.index("send")
    assert [plan.target_id for plan in world.plans] == ["erp"]


async def test_a_broker_that_does_not_take_the_plan_has_the_batch_come_again():
    world = World(ORDER)

    async def away(_):
        raise BrokerUnavailable("away")

    world.plan, whole = away, world.plan
    with pytest.raises(BrokerUnavailable):
        await world.fires(fires(PAID))
    assert world.sent == []

    world.plan = whole
    await world.fires(again(fires(PAID)))
    assert [plan.target_id for plan in world.plans] == ["erp"]


async def test_what_comes_again_is_planned_with_the_same_ids():
    world = World(TEA)

    await world.dues(dues(make_due(TEA)))
    await world.dues(again(dues(make_due(TEA))))

    first, second = world.plans[:2], world.plans[2:]
    assert [plan.delivery_id for plan in first] == [plan.delivery_id for plan in second]


@pytest.mark.parametrize("now", [edited(ORDER, "new"), deleted(ORDER, NOON + SECOND)])
async def test_a_fire_that_was_recorded_before_an_edit_goes_where_it_was_to_go(now):
    world = World(ORDER)
    world.change(now)
    event_id = str(fire_event_id("a1", "m1", NOON))
    world.recorded_as = {event_id: RecordedFire(ORDER, has_fired=True)}

    await world.fires(again(fires(PAID)))

    assert world.entries[0].event_id == event_id
    assert world.entries[0].trigger_version == 1
    assert [plan.target_id for plan in world.plans] == ["erp"]


async def test_a_fire_that_was_rejected_before_an_edit_stays_rejected():
    world = World(ORDER)
    lax = ORDER.definition.model_copy(update={"payload_schema": None})
    world.change(edited(ORDER, "new").model_copy(update={"definition": lax}))
    event_id = str(fire_event_id("a1", "m1", NOON))
    world.recorded_as = {event_id: RecordedFire(ORDER, has_fired=False)}

    await world.fires(again(fires(fire_body(payload={"amount": "three"}))))

    assert [entry.status for entry in world.entries] == ["rejected"]
    assert world.plans == []


@pytest.mark.parametrize(
    ("messages", "now"),
    [
        (fires(PAID), edited(ORDER, "erp")),
        (again(fires(PAID)), ORDER.model_copy(update={"at": NOON - timedelta(hours=1)})),
    ],
)
async def test_nobody_looks_for_what_was_recorded_unless_it_could_be_decided_otherwise(
    messages, now
):
    world = World(now)

    await world.fires(messages)

    assert "recorded" not in world.happened
    assert [plan.target_id for plan in world.plans] == ["erp"]


async def test_a_keyed_fire_goes_where_the_version_of_its_key_says():
    world = World(ORDER)
    keyed = fire_body(payload={"amount": 1}, key="k")
    await world.fires(fires(keyed))
    world.change(edited(ORDER, "new"))

    await world.fires(again(fires(keyed)))

    assert [plan.target_id for plan in world.plans] == ["erp", "erp"]
    assert len({plan.delivery_id for plan in world.plans}) == 1


async def test_a_test_of_a_trigger_is_delivered_to_its_own_targets():
    world = World(ORDER)

    await world.fires(fires(fire_body(payload={"amount": 1}, is_test=True)))

    assert [(plan.target_id, plan.is_test) for plan in world.plans] == [("erp", True)]
    assert "unknown" not in world.happened


async def test_a_test_of_a_trigger_is_delivered_to_the_targets_that_it_names():
    world = World(ORDER)
    world.targets = {"crm", "lab"}

    await world.fires(fires(fire_body(payload={"amount": 1}, is_test=True, targets=["lab", "crm"])))

    assert [plan.target_id for plan in world.plans] == ["lab", "crm"]


async def test_a_test_that_names_no_targets_is_delivered_nowhere():
    world = World(ORDER)

    await world.fires(fires(fire_body(payload={"amount": 1}, is_test=True, targets=[])))

    assert [entry.status for entry in world.entries] == ["fired"]
    assert world.plans == []


async def test_a_test_that_names_an_unknown_target_is_refused_at_its_place():
    world = World(ORDER)
    world.targets = {"crm"}

    await world.fires(
        fires(fire_body(payload={"amount": 1}, is_test=True, targets=["crm", "nobody"]))
    )

    ((_, answer),) = world.sent
    assert answer["code"] == "unknown-target"
    assert [error["pointer"] for error in answer["errors"]] == ["/targets/1"]
    assert [entry.status for entry in world.entries] == ["rejected"]
    assert world.plans == []


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"is_test": False, "targets": ["crm"]}, "/targets"),
        ({"is_test": True, "targets": ["crm", "crm"]}, "/targets/1"),
        ({"is_test": True, "targets": ["a.b"]}, "/targets/0"),
        ({"is_test": True, "targets": [f"t{n}" for n in range(9)]}, "/targets"),
        ({"is_test": True, "targets": "crm"}, "/targets"),
    ],
)
async def test_targets_that_a_fire_may_not_name_are_refused(fields, pointer):
    world = World(ORDER)
    world.targets = {"crm"}

    await world.fires(fires(fire_body(payload={"amount": 1}, **fields)))

    ((_, answer),) = world.sent
    assert (answer["status"], answer["errors"][0]["pointer"]) == (422, pointer)
    assert world.plans == []


def test_a_key_is_held_to_the_targets_that_it_was_first_used_with():
    hashes = {
        claim_for(make_fire(is_test=True, **fields).command, "k", NOON).payload_hash
        for fields in ({}, {"targets": []}, {"targets": ["erp"]})
    }
    assert len(hashes) == 3


async def test_a_target_written_out_in_a_test_is_found_by_the_tests_own_change():
    target = TestTarget(
        target_id="01a351dd-fefa-773e-a3a5-d161f2062b44",
        definition=TargetDefinition(type="nats", subject="out.lab"),
    )
    test = make_change(is_test=True, test_target=target)
    world = World(test)

    await world.dues(dues(make_due(test)))

    (plan,) = world.plans
    assert (plan.target_id, plan.change_seq) == (target.target_id, 1)
    assert plan.is_test


async def test_a_repeated_key_adds_nothing_to_what_was_recorded_long_before():
    world = World(ORDER)
    keyed = fire_body(payload={"amount": 1}, key="k")
    await world.fires(fires(keyed))
    (row,) = world.entries
    world.recorded_as = {row.event_id: RecordedFire(ORDER, has_fired=True)}
    later = [
        dataclasses.replace(message, stored_at=NOON + timedelta(hours=1))
        for message in fires(keyed)
    ]

    await world.fires(later)

    assert len(world.rows) == 1
    assert len(world.plans) == 1
    assert [answer["event_id"] for _, answer in world.sent] == [row.event_id] * 2


async def test_a_key_whose_first_fire_was_never_recorded_fires_with_the_next():
    """The gateway reserved it, and could not publish."""
    world = World(ORDER)
    command = make_fire(payload={"amount": 1}, key="k").command
    world.claims["a1", "k"] = claim_for(command, "k", NOON, 1)
    later = [
        dataclasses.replace(message, stored_at=NOON + timedelta(hours=1))
        for message in fires(fire_body(payload={"amount": 1}, key="k"))
    ]

    await world.fires(later)

    assert [entry.status for entry in world.entries] == ["fired"]
    assert [plan.target_id for plan in world.plans] == ["erp"]
