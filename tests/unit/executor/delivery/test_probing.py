"""Tests of targets: one attempt, whatever it comes to an answer; of a good one its lane is told."""

import json
from collections.abc import Collection
from datetime import UTC, datetime

import pytest

from trigger_contracts.deliveries.outcomes import FailureCode, Outcome
from trigger_contracts.deliveries.probes import Probe, Probed
from trigger_contracts.errors import Code, Problem
from trigger_contracts.targets.changes import TargetChanged, TargetChangeKind, TargetStatus
from trigger_contracts.targets.fields import TargetDefinition
from trigger_executor.domain.delivery.attempt import (
    Attempt,
    Attempted,
    Cause,
    NotAttempted,
    SendResult,
)
from trigger_executor.handlers.delivery.probing import ProbeTargets
from trigger_runtime.process.errors import BrokerUnavailable, DatabaseUnavailable
from trigger_runtime.process.record_clock import ClockOfRecord

NOW = datetime(2027, 2, 1, 12, tzinfo=UTC)
DELIVERED = Attempted(NOW, 12, Outcome.DELIVERED, "out.lab")
FAILED = Attempted(NOW, 9, Outcome.FAILED, "out.lab", code=FailureCode.STATUS, status=503)


class World:
    """The log of targets, their lanes, receivers and replicas."""

    def __init__(self) -> None:
        self.target: TargetChanged | None = make_target()
        self.result: SendResult = DELIVERED
        self.begins: list[datetime | Exception | None] = [NOW]
        self.sent: list[Attempt] = []
        self.well: list[str] = []
        self.hinted: list[str] = []
        self.lane_is_away = False
        self.probe = ProbeTargets(
            self, self, self, self, ClockOfRecord(lambda: 0.0), lambda: "probe"
        )

    async def last(self, target_id: str) -> TargetChanged | None:
        return self.target

    async def begin(self, target_id: str) -> datetime | None:
        found = self.begins.pop(0)
        if isinstance(found, Exception):
            raise found
        return found

    async def found_well(self, target_id: str) -> None:
        if self.lane_is_away:
            raise DatabaseUnavailable
        self.well.append(target_id)

    async def send(self, attempt: Attempt) -> SendResult:
        self.sent.append(attempt)
        return self.result

    def appended(self) -> None:
        raise AssertionError("nothing is recorded")

    def waiting(self, target_ids: Collection[str]) -> None:
        self.hinted += target_ids

    async def asked(self) -> Probed | Problem:
        return await self.probe(Probe(target_id="erp"))


def make_target(status: TargetStatus = TargetStatus.ACTIVE) -> TargetChanged:
    return TargetChanged(
        kind=TargetChangeKind.CREATED,
        target_id="erp",
        creation_id="c",
        command_id="c",
        version=3,
        status=status,
        definition=TargetDefinition(type="nats", subject="out.lab"),
        actor="key:owner",
        at=NOW,
        created_at=NOW,
        created_by="key:owner",
    )


@pytest.fixture
def world() -> World:
    return World()


async def test_a_good_test_is_answered_and_half_opens_the_breaker(world: World) -> None:
    answer = await world.asked()

    assert isinstance(answer, Probed)
    (attempt,) = world.sent
    assert (answer.outcome, answer.target_version) == (Outcome.DELIVERED, 3)
    assert answer.event_id == attempt.event_id
    assert (attempt.is_test, attempt.number) == (True, 1)
    event = json.loads(attempt.event)
    assert event["id"] == attempt.event_id
    assert event["data"]["is_test"]
    assert event["data"]["payload"]["text"]
    assert (world.well, world.hinted) == (["erp"], ["erp"])


async def test_one_that_fails_says_why_and_changes_nothing(world: World) -> None:
    world.result = FAILED
    answer = await world.asked()

    assert isinstance(answer, Probed)
    assert (answer.code, answer.status) == (FailureCode.STATUS, 503)
    assert (world.well, world.hinted) == ([], [])


async def test_a_lane_that_cannot_be_told_spoils_no_answer(world: World) -> None:
    world.lane_is_away = True

    assert isinstance(await world.asked(), Probed)
    assert world.hinted == []


@pytest.mark.parametrize("cause", list(Cause))
async def test_what_of_ours_is_in_the_way_is_no_fault_of_the_target(
    world: World, cause: Cause
) -> None:
    world.result = NotAttempted(cause)
    answer = await world.asked()

    assert isinstance(answer, Problem)
    assert answer.code is Code.UNAVAILABLE


@pytest.mark.parametrize("target", [None, make_target(TargetStatus.DELETED)])
async def test_what_is_not_there_is_not_tested(world: World, target: TargetChanged | None) -> None:
    world.target = target
    answer = await world.asked()

    assert isinstance(answer, Problem)
    assert (answer.code, world.sent) == (Code.NOT_FOUND, [])


@pytest.mark.parametrize(
    ("begun", "code"),
    [
        (None, Code.TOO_MANY_REQUESTS),
        (DatabaseUnavailable(), Code.UNAVAILABLE),
        (BrokerUnavailable(), Code.UNAVAILABLE),
        (KeyError("x"), Code.INTERNAL),
    ],
    ids=["too soon", "database", "broker", "a fault"],
)
async def test_it_is_answered_where_nothing_can_be_sent(
    world: World, begun: Exception | None, code: Code
) -> None:
    world.begins = [begun]
    answer = await world.asked()

    assert isinstance(answer, Problem)
    assert (answer.code, world.sent) == (code, [])
