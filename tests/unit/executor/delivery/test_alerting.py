"""Changes of health are recorded once, and planned for who is to be told, whatever is cut short."""

from collections.abc import Mapping
from datetime import datetime, timedelta

import pytest

from tests.unit.contracts.deliveries.factories import attempted, ended
from trigger_contracts import subjects
from trigger_contracts.deliveries.health import HealthChange, health_in
from trigger_contracts.deliveries.records import (
    DeliveryPlanned,
    RecordMessage,
    delivery_id_of,
    record_in,
)
from trigger_contracts.ids import ALERTS_TRIGGER_ID
from trigger_contracts.targets.changes import TargetChanged
from trigger_executor.domain.delivery.health import ObservedChange
from trigger_executor.handlers.delivery.alerting import FRESH, NEWS, HealthFacts
from trigger_runtime.process.errors import BrokerUnavailable, PublishRefused

from .world import LIFE, NOON, a_target

SECOND = timedelta(seconds=1)


def observed(
    change: HealthChange = HealthChange.FAILING, number: int = 1, target_id: str = "shop"
) -> ObservedChange:
    """What follows from the record at sequence ``number``, which was stored at noon."""
    cause = attempted(
        target_id=target_id, started_at=NOON, logged_at=NOON, attempt=number, next_attempt_at=NOON
    )
    return ObservedChange(change, cause, number, NOON, 5, NOON)


class Log:
    """TRIGGER_EVENTS and the targets, in memory: ids are known again until they are forgotten."""

    def __init__(self, *targets: TargetChanged) -> None:
        self.targets = {one.target_id: one for one in targets}
        self.stored: list[RecordMessage] = []
        self.known: dict[str, int] = {}
        self.breaks_at: int | None = None
        self.refuses: set[str] = set()
        self.now_at = NOON + SECOND
        self.asked: list[tuple[str, int]] = []
        self.counted: list[HealthChange | None] = []

    is_connected = True

    def now(self) -> datetime:
        return self.now_at

    async def newest(self) -> int:
        return len(self.stored)

    async def append(self, record: RecordMessage) -> int:
        if record.subject in self.refuses:
            raise PublishRefused("never")
        if record.message_id not in self.known:
            if self.breaks_at is not None and len(self.stored) >= self.breaks_at:
                raise BrokerUnavailable("cut short")
            self.stored.append(record)
            self.known[record.message_id] = len(self.stored)
        return self.known[record.message_id]

    async def resolve(self, target_id: str) -> TargetChanged | None:
        return self.targets.get(target_id)

    async def after(self, target_id: str, seq: int) -> Mapping[str, int]:
        self.asked.append((target_id, seq))
        return {
            one.message_id: place
            for place, one in enumerate(self.stored, 1)
            if one.subject == subjects.health(target_id) and place > seq
        }

    def told(self, change: HealthChange) -> None:
        self.counted.append(change)

    def untold(self) -> None:
        self.counted.append(None)

    async def tell(self, *changes: ObservedChange) -> None:
        await HealthFacts(self, self, self.resolve, self, self, kept_for=LIFE).tell(changes)

    def facts(self) -> list[tuple[str, HealthChange]]:
        found = [
            health_in(one.subject, one.body)
            for one in self.stored
            if one.subject.startswith("trigger.health.")
        ]
        return [(one.target_id, one.change) for one in found]

    def plans(self) -> list[DeliveryPlanned]:
        found = [
            record_in(one.subject, one.body)
            for one in self.stored
            if one.subject == subjects.delivery(ALERTS_TRIGGER_ID)
        ]
        return [one for one in found if isinstance(one, DeliveryPlanned)]


def told_of() -> Log:
    return Log(a_target("shop", alert_target="ops"), a_target("ops"))


async def test_a_change_is_recorded_and_planned_for_the_alert_target_by_its_place():
    log = told_of()
    await log.tell(observed())

    assert log.facts() == [("shop", HealthChange.FAILING)]
    (plan,) = log.plans()
    assert (plan.target_id, plan.round, plan.event_seq) == ("ops", 1, 1)
    assert plan.event_id == log.stored[0].message_id
    assert plan.delivery_id == delivery_id_of(plan.event_id, "ops")
    assert plan.logged_at < plan.planned_at == NOON + SECOND
    assert log.stored[0].ttl == log.stored[1].ttl == plan.expires_at - log.now_at


async def test_without_an_alert_target_it_is_recorded_alone():
    log = Log(a_target("shop"))
    await log.tell(observed())

    assert log.facts() == [("shop", HealthChange.FAILING)]
    assert log.plans() == []


async def test_of_a_target_that_is_deleted_or_of_a_test_nothing_is_told():
    log = Log()
    await log.tell(observed())

    assert log.stored == []


async def test_those_of_one_target_are_told_in_their_order():
    log = told_of()
    await log.tell(observed(), observed(HealthChange.RECOVERED, 2), observed(number=3))

    changes = [HealthChange.FAILING, HealthChange.RECOVERED, HealthChange.FAILING]
    assert log.facts() == [("shop", change) for change in changes]
    assert [plan.event_seq for plan in log.plans()] == [1, 3, 5]


@pytest.mark.parametrize("breaks_at", [0, 1, 2, 3])
async def test_cut_short_anywhere_it_is_told_once_when_it_comes_again(breaks_at: int):
    log = told_of()
    changes = [observed(), observed(HealthChange.RECOVERED, 2)]
    log.breaks_at = breaks_at
    with pytest.raises(BrokerUnavailable):
        await log.tell(*changes)
    log.breaks_at = None
    log.now_at += 9 * SECOND
    await log.tell(*changes)
    await log.tell(*changes)

    assert log.facts() == [("shop", HealthChange.FAILING), ("shop", HealthChange.RECOVERED)]
    assert [plan.event_seq for plan in log.plans()] == [1, 3]


async def test_past_the_brokers_memory_the_log_says_what_was_told():
    log = told_of()
    # The records that they follow from are in the same stream.
    log.stored = [RecordMessage("trigger.delivery.backup", b"", str(n), LIFE) for n in range(2)]
    await log.tell(observed())
    log.known.clear()
    log.now_at = NOON + FRESH
    await log.tell(observed(), observed(HealthChange.RECOVERED, 2))

    assert log.asked == [("shop", 1)]
    assert log.facts() == [("shop", HealthChange.FAILING), ("shop", HealthChange.RECOVERED)]
    # A plan that comes again is the same delivery, which the index knows.
    assert len({plan.delivery_id for plan in log.plans()}) == 2


async def test_what_is_projected_anew_long_after_is_no_news():
    log = told_of()
    log.now_at = NOON + NEWS
    await log.tell(observed())

    assert log.stored == []


async def test_one_that_the_broker_refuses_for_good_holds_up_no_other():
    log = told_of()
    log.targets["till"] = a_target("till", alert_target="ops")
    log.refuses = {subjects.health("shop")}
    await log.tell(observed(), observed(target_id="till"))

    assert log.facts() == [("till", HealthChange.FAILING)]
    assert [plan.target_id for plan in log.plans()] == ["ops"]
    assert set(log.counted) == {None, HealthChange.FAILING}


async def test_an_end_without_an_attempt_is_a_cause_as_well():
    log = told_of()
    cause = ended(target_id="shop", ended_at=NOON, logged_at=NOON)
    await log.tell(ObservedChange(HealthChange.DEAD, cause, 1, NOON, 0, None))

    assert log.facts() == [("shop", HealthChange.DEAD)]
