"""A target that fails, recovers or is gone: recorded once, and told to its alert target."""

from tests.support.eventually import eventually
from trigger_contracts import subjects, topology
from trigger_contracts.deliveries.health import HealthChange, HealthChanged, health_in
from trigger_contracts.deliveries.outcomes import Final, Reason
from trigger_contracts.ids import ALERTS_TRIGGER_ID
from trigger_executor.adapters.delivery.fired_events import FiredRows
from trigger_runtime.jetstream.reader import StreamReader

from .conftest import TIMEOUT, Deliveries, answer

FAILING, RECOVERED = HealthChange.FAILING, HealthChange.RECOVERED


async def facts(deliveries: Deliveries) -> list[HealthChanged]:
    """All that were recorded, in their order."""
    reader = StreamReader(deliveries.admin, topology.EVENTS.name, timeout=TIMEOUT)
    page = await reader.after(0, subjects.ALL_HEALTH, 1000)
    return [health_in(one.subject, one.payload) for one in page]


def bodies_to(deliveries: Deliveries, target_id: str) -> list[bytes]:
    return [one.event for _, one in deliveries.receivers.sent if one.target_id == target_id]


async def test_a_target_that_fails_and_recovers_is_told_of_by_the_fact_itself(
    deliveries: Deliveries,
):
    await deliveries.has("ops", ordered=True)
    change = await deliveries.has("shop", name="Shop", alert_target="ops")
    deliveries.receivers.answers["shop"] = answer(500)
    await deliveries.start(2)
    await deliveries.fire("shop", count=8)
    await eventually(lambda: bodies_to(deliveries, "ops"), within=10)

    deliveries.receivers.answers["shop"] = answer(200)
    # An edit lets it be tried at once.
    await deliveries.has("shop", version=2, **change.definition.model_dump(exclude_unset=True))
    await eventually(lambda: len(bodies_to(deliveries, "ops")) == 2, within=20)
    told = await facts(deliveries)
    assert [(one.target_id, one.change) for one in told] == [("shop", FAILING), ("shop", RECOVERED)]
    assert [one.target_name for one in told] == ["Shop", "Shop"]
    sent = [health_in(subjects.health("shop"), body) for body in bodies_to(deliveries, "ops")]
    assert sent == told
    alerts = [one for one in await deliveries.attempted() if one.target_id == "ops"]
    assert {one.trigger_id for one in alerts} == {ALERTS_TRIGGER_ID}
    assert {one.final for one in alerts} == {Final.DELIVERED}
    assert [one.event_id for one in alerts] == [one.event_id for one in told]


async def test_of_an_alert_that_fails_nothing_is_told(deliveries: Deliveries):
    """Two that name each other, and neither takes anything."""
    await deliveries.has("shop", alert_target="ops")
    await deliveries.has("ops", alert_target="shop", retry=[1])
    deliveries.receivers.answers["shop"] = answer(
        410, final=Final.DEAD, reason=Reason.FINAL_STATUS, is_gone=True
    )
    deliveries.receivers.answers["ops"] = answer(500)
    await deliveries.start()
    await deliveries.fire("shop")
    await eventually(lambda: bodies_to(deliveries, "ops"), within=10)
    await deliveries.all_done()

    told = await facts(deliveries)
    assert [one.target_id for one in told] == ["shop", "shop"]
    assert {one.change for one in told} == {HealthChange.GONE, HealthChange.DEAD}
    alerts = [one for one in await deliveries.attempted() if one.target_id == "ops"]
    assert [one.final for one in alerts].count(Final.DEAD) == 2


async def test_an_alert_is_found_to_be_delivered_again(deliveries: Deliveries):
    await deliveries.has("ops")
    await deliveries.has("shop", alert_target="ops")
    deliveries.receivers.answers["shop"] = answer(500)
    await deliveries.start()
    await deliveries.fire("shop", count=8)
    await eventually(lambda: bodies_to(deliveries, "ops"), within=10)
    (fact,) = await facts(deliveries)
    reader = StreamReader(deliveries.admin, topology.EVENTS.name, timeout=TIMEOUT)
    found = await FiredRows(reader).find(ALERTS_TRIGGER_ID, {fact.event_id})

    assert found[fact.event_id].logged_at == fact.logged_at
    assert not found[fact.event_id].is_test
