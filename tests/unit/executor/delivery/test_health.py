"""When a target's health changes, by the records of its deliveries."""

import asyncio
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.virtual_time import run_virtually
from tests.unit.contracts.deliveries.factories import (
    EVENT,
    NOON,
    attempted,
    ended,
    planned,
)
from trigger_contracts.deliveries.health import HealthChange
from trigger_contracts.deliveries.outcomes import Final, Outcome, Reason
from trigger_contracts.deliveries.records import (
    DeliveryAttempted,
    DeliveryRecord,
    delivery_id_of,
    recorded_at,
)
from trigger_contracts.ids import ALERTS_TRIGGER_ID, uuid7
from trigger_executor.domain.delivery.breaker import OPENS_AFTER
from trigger_executor.domain.delivery.health import (
    DEAD_EVERY,
    UNOBSERVED,
    ObservedChange,
    ObservedHealth,
    dumped,
    fact_of,
    loaded,
)
from trigger_executor.domain.delivery.projecting import StoredRecord, project

from .world import Replica, World, a_target, answer, ok

FAILING, GONE = HealthChange.FAILING, HealthChange.GONE
RECOVERED, DEAD = HealthChange.RECOVERED, HealthChange.DEAD
MINUTE = timedelta(minutes=1)


def about(number: int, trigger_id: str = "backup", target_id: str = "erp") -> dict[str, Any]:
    """Another event each, on its way to the target."""
    event_id = str(uuid7(NOON, str(number)))
    return {
        "event_id": event_id,
        "delivery_id": delivery_id_of(event_id, target_id),
        "trigger_id": trigger_id,
        "target_id": target_id,
    }


class Stream:
    """The records of a target, each the only one of its page."""

    def __init__(self, trigger_id: str = "backup") -> None:
        self.trigger_id = trigger_id
        self.health: dict[str, ObservedHealth] = {}
        self.known: dict[str, Any] = {}
        self.seq = 0
        self.at = NOON
        self.told: list[ObservedChange] = []

    def add(self, record: DeliveryRecord) -> list[HealthChange]:
        """What it is news of."""
        self.seq += 1
        page = [StoredRecord(record, self.seq, NOON)]
        result = project(page, self.known, {}, self.health)
        for one in result.ended:
            del self.known[one]
        self.known |= {one.planned.delivery_id: one for one in result.pending}
        for target_id, lane in result.lanes.items():
            if lane.health is not None:
                self.health[target_id] = lane.health
        self.told += result.changes
        return [one.change for one in result.changes]

    def attempt(self, outcome: Outcome = Outcome.FAILED, **given: Any) -> list[HealthChange]:
        """One at another event, a minute later."""
        self.at += MINUTE
        here = about(self.seq, self.trigger_id)
        self.add(planned(**here))
        return self.add(attempted(outcome, **{"started_at": self.at, **here, **given}))

    def fail(self, times: int = OPENS_AFTER) -> list[HealthChange]:
        return [change for _ in range(times) for change in self.attempt()]


def test_it_begins_to_fail_with_the_fifth_failure_in_a_row_and_is_told_once():
    stream = Stream()

    assert stream.fail(OPENS_AFTER - 1) == []
    assert stream.attempt() == [FAILING]
    assert stream.fail() == []
    (told,) = stream.told
    assert (told.failures, told.since) == (5, NOON + MINUTE + timedelta(milliseconds=12))


def test_a_success_between_begins_the_count_anew():
    stream = Stream()
    stream.fail(OPENS_AFTER - 1)

    assert stream.attempt(Outcome.DELIVERED) == []
    assert stream.fail(OPENS_AFTER - 1) == []
    assert stream.fail(1) == [FAILING]


def test_the_first_success_is_its_recovery_and_says_what_it_ended():
    stream = Stream()
    stream.fail(7)

    assert stream.attempt(Outcome.DELIVERED) == [RECOVERED]
    assert stream.attempt(Outcome.DELIVERED) == []
    assert (stream.told[-1].failures, stream.told[-1].since) == (7, stream.told[0].since)
    assert stream.fail() == [FAILING]


def test_a_receiver_that_wants_no_more_is_gone_at_once_and_once():
    stream = Stream()

    assert stream.attempt(status=410, is_gone=True) == [GONE]
    assert stream.attempt(status=410, is_gone=True) == []
    assert stream.fail() == []
    assert stream.attempt(Outcome.DELIVERED, is_gone=True) == []
    assert stream.attempt(Outcome.DELIVERED) == [RECOVERED]


def test_one_that_fails_may_be_gone_then():
    stream = Stream()

    assert stream.fail() == [FAILING]
    assert stream.attempt(status=410, is_gone=True) == [GONE]


def test_an_answer_that_refuses_its_event_for_good_says_nothing_of_the_endpoint():
    stream = Stream()
    refused = {"final": Final.DEAD, "reason": Reason.FINAL_STATUS, "status": 422}
    told = [change for _ in range(9) for change in stream.attempt(**refused)]

    assert told == [DEAD]
    assert stream.fail(OPENS_AFTER - 1) == []


def test_an_address_that_is_not_allowed_does():
    stream = Stream()
    told = [change for _ in range(9) for change in stream.attempt(Outcome.BLOCKED)]

    assert told == [DEAD, FAILING]


def test_of_what_is_given_up_the_first_of_an_hour_is_told():
    stream = Stream()
    dead = {"final": Final.DEAD}

    assert stream.attempt(**dead) == [DEAD]
    assert [stream.attempt(**dead), stream.attempt(**dead)] == [[], []]
    stream.at = NOON + DEAD_EVERY
    assert stream.attempt(**dead) == [DEAD]


def test_a_delivery_that_ends_without_an_attempt_is_told_as_well():
    stream = Stream()
    stream.add(planned(**about(1)))

    assert stream.add(ended(Reason.EXPIRED, **about(1))) == [DEAD]


@pytest.mark.parametrize("reason", [Reason.CANCELLED, Reason.TARGET_DELETED])
def test_what_somebody_asked_for_is_no_news(reason: Reason):
    stream = Stream()
    stream.add(planned(**about(1)))

    assert stream.add(ended(reason, **about(1))) == []


def test_a_delivery_ends_once_however_often_it_is_said():
    stream = Stream()
    stream.add(planned(**about(1)))
    stream.add(ended(**about(1)))

    assert stream.add(ended(**about(1), ended_at=NOON + 2 * DEAD_EVERY)) == []


def test_what_alerts_themselves_come_to_is_no_news():
    stream = Stream(ALERTS_TRIGGER_ID)
    stream.fail(9)
    stream.attempt(final=Final.DEAD)
    stream.attempt(status=410, is_gone=True)

    assert stream.told == []
    assert stream.health == {}


def test_targets_are_apart():
    page = [
        StoredRecord(attempted(**about(number, target_id=target_id)), number, NOON)
        for number in range(OPENS_AFTER)
        for target_id in ("erp", "crm")
    ]

    told = project(page, {}, {}).changes
    assert [(one.target_id, one.change) for one in told] == [("erp", FAILING), ("crm", FAILING)]


OUTCOMES = st.lists(
    st.sampled_from([Outcome.DELIVERED, Outcome.FAILED, Outcome.FAILED, Outcome.FAILED]),
    max_size=30,
)


@settings(max_examples=60)
@given(OUTCOMES, st.lists(st.integers(0, 30), max_size=4))
def test_in_whatever_pages_it_is_told_the_same(outcomes: list[Outcome], cuts: list[int]):
    """Against a naive count; failing and recovered always alternate."""
    records = [
        StoredRecord(attempted(outcome, **about(number)), number, NOON)
        for number, outcome in enumerate(outcomes)
    ]
    health: dict[str, ObservedHealth] = {}
    told: list[tuple[int, HealthChange]] = []
    bounds = [0, *sorted({cut for cut in cuts if cut < len(records)}), len(records)]
    for begin, end in pairwise(bounds):
        result = project(records[begin:end], {}, {}, health)
        told += [(one.seq, one.change) for one in result.changes]
        for target_id, lane in result.lanes.items():
            if lane.health is not None:
                health[target_id] = loaded(dumped(lane.health))

    expected: list[tuple[int, HealthChange]] = []
    for number, outcome in enumerate(outcomes):
        last = outcomes[max(0, number - OPENS_AFTER + 1) : number + 1]
        is_failing = bool(expected) and expected[-1][1] is FAILING
        if outcome is Outcome.DELIVERED:
            if is_failing:
                expected.append((number, RECOVERED))
        elif not is_failing and len(last) == OPENS_AFTER and Outcome.DELIVERED not in last:
            expected.append((number, FAILING))
    assert told == expected


@pytest.mark.parametrize(
    "state",
    [
        UNOBSERVED,
        ObservedHealth(3, NOON),
        ObservedHealth(7, NOON, FAILING, NOON + MINUTE),
        ObservedHealth(told=GONE),
    ],
)
def test_what_was_observed_is_stored_and_read(state: ObservedHealth):
    assert loaded(dumped(state)) == state


@pytest.mark.parametrize("text", ["", "[]", "1", '{"told":"ill"}', '{"failures":"x"}'])
def test_what_cannot_be_read_counts_as_nothing_observed(text: str):
    assert loaded(text) == UNOBSERVED


def test_a_fact_has_the_targets_name_its_cause_and_its_own_words():
    stream = Stream()
    stream.fail()
    fact = fact_of(stream.told[0], a_target("erp", name="ERP"))

    assert (fact.target_id, fact.target_name, fact.change) == ("erp", "ERP", FAILING)
    assert fact.logged_at == recorded_at(stream.told[0].cause)
    assert (fact.cause.status, fact.cause.trigger_id) == (503, "backup")
    assert (fact.cause.final, fact.cause.reason) == (None, None)
    assert fact.payload["text"] == fact.payload["content"]
    assert "ERP fails since 2027-01-26T12:01:00Z: 5 attempts" in fact.payload["text"]
    assert fact_of(stream.told[0], a_target("erp", name="ERP")) == fact


def test_a_fact_of_a_delivery_that_was_given_up_names_its_event():
    stream = Stream()
    event = {"event_id": EVENT, "delivery_id": delivery_id_of(EVENT, "erp")}
    stream.add(planned(**event))
    stream.add(ended(Reason.EXPIRED, **event))
    fact = fact_of(stream.told[0], a_target("erp"))

    assert fact.target_name == "erp"
    assert (fact.cause.final, fact.cause.reason) == (Final.DEAD, Reason.EXPIRED)
    assert EVENT in fact.payload["text"]
    assert "expired" in fact.payload["text"]


def test_over_a_handover_an_outage_is_told_once_as_the_breaker_opens():
    async def work():
        world = World()
        world.has(a_target())
        world.answers["shop"] = answer(500)
        world.fired(count=12)
        await world.start(2)
        owner = await serving(world)
        await world.until(lambda: owner.hands.lanes["shop"].lane.breaker.open_until, within=5)
        opened = len(world.records)
        await owner.kill()
        await asyncio.sleep(120)
        world.answers["shop"] = ok
        await world.until(lambda: not world.pending, within=3600)
        await world.stop()
        records = world.records
        page = [StoredRecord(record, seq, NOON) for seq, record in enumerate(records, 1)]
        told = [(one.change, one.seq) for one in project(page, {}, {}).changes]
        outcomes = [record.outcome for record in records if isinstance(record, DeliveryAttempted)]
        recovered = outcomes.index(Outcome.DELIVERED) + 1
        assert told == [(FAILING, OPENS_AFTER), (RECOVERED, recovered)]
        # What was in flight as it opened may follow.
        assert OPENS_AFTER <= opened <= OPENS_AFTER + 1

    async def serving(world: World) -> Replica:
        await world.until(lambda: any(one.hands.lanes for one in world.replicas), within=5)
        return next(one for one in world.replicas if one.hands.lanes)

    run_virtually(work())
