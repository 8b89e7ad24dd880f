"""What comes again ends as it did, whatever was edited and whatever the broker has forgotten."""

import dataclasses
from datetime import timedelta

import pytest

from tests.unit.executor.factories import NOON, SECOND, deleted, fire_body, make_api_change
from tests.unit.executor.test_handlers import World, fires
from trigger_contracts.ids import fire_event_id
from trigger_executor.domain.fire import RecordedFire
from trigger_executor.handlers.recording import MAX_DELIVERIES
from trigger_runtime.process.errors import PublishRefused


def to(change, *targets, **fields):
    definition = change.definition.model_copy(update={"targets": targets, **fields})
    return change.model_copy(update={"definition": definition})


def edited(change, *targets, at=NOON + SECOND, **fields):
    return to(change, *targets, **fields).model_copy(
        update={"version": change.version + 1, "at": at}
    )


ORDER = to(make_api_change(), "erp")
LAX = edited(ORDER, "erp", payload_schema=None)
PAID = fire_body(payload={"amount": 1})
NOT_PAID = fire_body(payload={"amount": "three"}, key="k")
BY_GATEWAY = fire_body(
    payload={"amount": "three"}, key="k", actor="key:shop", accepted_at=NOON.isoformat()
)


def again(messages, count=2):
    return [dataclasses.replace(message, delivered_count=count) for message in messages]


@pytest.mark.parametrize("body", [NOT_PAID, BY_GATEWAY])
@pytest.mark.parametrize("count", [2, 1])
async def test_a_keyed_fire_that_was_rejected_before_an_edit_stays_rejected(body, count):
    """Also where the broker has forgotten how often it delivered it."""
    world = World(ORDER)
    await world.fires(fires(body))
    (row,) = world.entries
    world.change(LAX)
    world.recorded_as = {row.event_id: RecordedFire(ORDER, has_fired=False)}

    await world.fires(again(fires(body), count))

    assert [entry.status for entry in world.entries] == ["rejected"] * 2
    assert {entry.event_id for entry in world.entries} == {row.event_id}
    assert world.plans == []
    assert [answer["status"] for _, answer in world.sent] == [422, 422]


async def test_the_key_of_a_rejected_fire_is_free_for_the_next():
    world = World(ORDER)
    await world.fires(fires(NOT_PAID))
    world.change(LAX)
    world.recorded_as = {world.entries[0].event_id: RecordedFire(ORDER, has_fired=False)}
    (message,) = fires(NOT_PAID)
    new = dataclasses.replace(message, headers={**message.headers, "Nats-Msg-Id": "m2"})

    await world.fires([*again([message]), new])

    assert [entry.status for entry in world.entries[1:]] == ["rejected", "fired"]


async def test_a_keyed_fire_that_is_stored_after_an_edit_is_not_looked_up():
    world = World(edited(ORDER, "erp", at=NOON - SECOND))

    await world.fires(fires(fire_body(payload={"amount": 1}, key="k")))

    assert "recorded" not in world.happened
    assert [plan.target_id for plan in world.plans] == ["erp"]


async def test_a_fire_that_has_waited_long_is_looked_up_whatever_the_broker_counts():
    """A crash forgot how often it was delivered, and the two minutes of its id are over."""
    world = World(ORDER)
    world.change(edited(ORDER, "new"))
    world.now_at = NOON + timedelta(minutes=3)
    event_id = str(fire_event_id("a1", "m1", NOON))
    world.recorded_as = {event_id: RecordedFire(ORDER, has_fired=True)}

    await world.fires(fires(PAID))

    assert [entry.trigger_version for entry in world.entries] == [1]
    assert [plan.target_id for plan in world.plans] == ["erp"]


@pytest.mark.parametrize(
    "now", [edited(ORDER, "new"), edited(ORDER, "new", payload_schema=False), deleted(ORDER, NOON)]
)
async def test_a_row_that_the_broker_knows_says_where_its_event_goes(now):
    """Delivered again as if for the first time: the row's id tells that it was not."""
    world = World(ORDER)
    world.knows_ids = True
    await world.fires(fires(PAID))
    world.change(now)

    await world.fires(fires(PAID))

    assert [(row.status, row.trigger_version) for row in world.entries] == [("fired", 1)]
    assert [plan.target_id for plan in world.plans] == ["erp", "erp"]
    assert len({plan.delivery_id for plan in world.plans}) == 1
    assert len({answer["event_id"] for _, answer in world.sent}) == 1


async def test_a_rejection_that_the_broker_knows_is_not_delivered():
    world = World(ORDER)
    world.knows_ids = True
    body = fire_body(payload={"amount": "three"})
    await world.fires(fires(body))
    world.change(LAX)

    await world.fires(fires(body))

    assert [entry.status for entry in world.entries] == ["rejected"]
    assert world.plans == []
    assert [answer["status"] for _, answer in world.sent] == [422, 422]


async def test_a_row_that_is_repeated_without_an_edit_is_not_read():
    world = World(ORDER.model_copy(update={"at": NOON - timedelta(hours=1)}))
    world.knows_ids = True
    await world.fires(fires(PAID))

    await world.fires(fires(PAID))

    assert [plan.target_id for plan in world.plans] == ["erp", "erp"]
    assert ("row", 1) not in world.happened


@pytest.mark.parametrize(("code", "delivery"), [(None, 1), (10077, MAX_DELIVERIES)])
async def test_a_plan_that_is_refused_for_ever_is_a_letter_that_says_so(code, delivery):
    world = World(ORDER)

    async def refuse(_records):
        raise PublishRefused("maximum messages exceeded", code=code)

    world.plan, whole = refuse, world.plan
    assert list(await world.fires(again(fires(PAID), delivery))) == []

    ((_, _, reason),) = world.dead
    assert reason.startswith("its row is recorded, its deliveries cannot be planned: maximum")
    # Whoever asked is told what the log says.
    ((_, answer),) = world.sent
    assert answer["event_id"] == world.entries[0].event_id

    world.plan = whole
    await world.fires(again(fires(PAID), MAX_DELIVERIES + 1))
    assert [plan.event_id for plan in world.plans] == [answer["event_id"]]


@pytest.mark.parametrize(("code", "size"), [(None, 2), (10077, 1)])
async def test_a_refused_plan_comes_again_while_it_may_help(code, size):
    world = World(ORDER)

    async def refuse(_records):
        raise PublishRefused("refused", code=code)

    world.plan = refuse
    with pytest.raises(PublishRefused, match="deliveries cannot be planned"):
        await world.fires(fires(*[PAID] * size))

    assert (world.sent, world.dead) == ([], [])
