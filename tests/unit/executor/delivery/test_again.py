"""Redeliveries and cancellations: what they make of a delivery, however often they are asked."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trigger_contracts.commands import DeliveryDone
from trigger_contracts.deliveries.fold import DeliveryProgress, folded
from trigger_contracts.deliveries.outcomes import DeliveryState, FailureCode, Final, Outcome, Reason
from trigger_contracts.deliveries.records import (
    DeliveryAttempted,
    DeliveryEnded,
    DeliveryPlanned,
    DeliveryRecord,
    RecordMessage,
    delivery_id_of,
    message_id_of,
    record_in,
)
from trigger_contracts.errors import Problem
from trigger_contracts.ids import fire_event_id
from trigger_executor.domain.delivery.again import FiredEvent
from trigger_executor.domain.delivery.due import PendingDelivery
from trigger_executor.handlers.delivery.again import ChangeDeliveries
from trigger_runtime.process.errors import BrokerUnavailable, DependencyUnavailable

NOW = datetime(2027, 2, 1, 12, tzinfo=UTC)
DAY = timedelta(hours=48)
EVENT_ID = str(fire_event_id("t", "c", NOW))
DELIVERY_ID = delivery_id_of(EVENT_ID, "erp")


@dataclass
class Message:
    payload: bytes
    subject: str = "trigger.command.redeliver"
    headers: Mapping[str, str] = field(default_factory=dict)
    stream_seq: int = 1
    stored_at: datetime = NOW
    delivered_count: int = 1


class Hints:
    """What replicas were told."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def appended(self) -> None:
        """Whoever projects looks by itself here."""

    def waiting(self, target_ids: Collection[str]) -> None:
        self.told += target_ids


class World:
    """The log as a list, the index as its fold, and everything else that a command meets."""

    def __init__(self) -> None:
        self.now_is = NOW + timedelta(minutes=1)
        self.records: list[DeliveryRecord] = []
        self.remembered: set[str] = set()
        self.unprojected = 0
        """Records at the end that the index does not have; one less at each look."""
        self.away = False
        self.events = {EVENT_ID: FiredEvent(EVENT_ID, 7, NOW, is_test=False)}
        self.known = {"erp", "crm"}
        self.in_tests: dict[str, int] = {}
        self.made_due: list[tuple[str, int]] = []
        self.woken: list[str] = []
        self.hints = Hints()
        self.sent: list[tuple[str, bytes]] = []
        self.dead: list[str] = []
        self.changes = ChangeDeliveries(
            self,
            self,  # type: ignore[arg-type]
            self,
            self,
            self,
            self.hints,
            self,
            self,
            self,
            monotonic=lambda: 0.0,
            kept_for=DAY,
        )

    def now(self) -> datetime:
        return self.now_is

    # The log.
    async def append(self, message: RecordMessage) -> int:
        if self.away:
            raise BrokerUnavailable
        record = record_in(message.subject, message.body)
        if message.message_id not in self.remembered:
            self.add(record)
        return len(self.records)

    def add(self, record: DeliveryRecord) -> None:
        self.records.append(record)
        self.remembered.add(message_id_of(record))

    async def newest(self) -> int:
        return len(self.records)

    # The index.
    async def waiting(
        self, delivery_ids: Collection[str]
    ) -> tuple[int, Mapping[str, PendingDelivery]]:
        position = len(self.records) - self.unprojected
        self.unprojected = max(0, self.unprojected - 1)
        found = {}
        for one in delivery_ids:
            state = folded(r for r in self.records[:position] if r.delivery_id == one)
            if state is not None and state.state is DeliveryState.PENDING:
                found[one] = pending(state)
        return position, found

    async def make_due(self, rounds: Sequence[tuple[str, int]]) -> None:
        self.made_due += rounds

    async def wake(self, target_ids: Collection[str]) -> None:
        self.woken += target_ids

    # Events, targets and those of tests.
    async def find(self, trigger_id: str, event_ids: Collection[str]) -> Mapping[str, FiredEvent]:
        return {k: v for k, v in self.events.items() if trigger_id == "t" and k in event_ids}

    async def unknown(self, target_ids: Collection[str]) -> Collection[str]:
        return set(target_ids) - self.known

    async def change_of(self, trigger_id: str, target_id: str) -> int | None:
        return self.in_tests.get(target_id)

    # Results and dead letters.
    async def send(self, subject: str, body: bytes) -> None:
        self.sent.append((subject, body))

    async def dead_letter(self, stream: str, delivery: Any, reason: str) -> None:
        self.dead.append(reason)

    async def ask(self, verb: str, **fields: Any) -> DeliveryDone | Problem:
        """The answer to a command about the delivery to `erp`."""
        named = {"event_id": EVENT_ID, "trigger_id": "t", "target_id": "erp"}
        body = json.dumps({**named, **fields}).encode()
        return await self.give(body, verb)

    async def give(self, body: bytes, verb: str) -> DeliveryDone | Problem:
        self.sent.clear()
        headers = {"reply_to": "_INBOX_client.a", "Nats-Msg-Id": "m1"}
        message = Message(body, f"trigger.command.{verb}", headers)
        assert await self.changes([message]) == []
        ((subject, answer),) = self.sent
        assert subject == "_INBOX_client.a"
        model = Problem if b'"code"' in answer else DeliveryDone
        return model.model_validate_json(answer)

    @property
    def state(self) -> DeliveryProgress | None:
        return folded(one for one in self.records if one.delivery_id == DELIVERY_ID)


@pytest.fixture
def world() -> World:
    return World()


def pending(state: DeliveryProgress) -> PendingDelivery:
    planned = state.planned
    return PendingDelivery(
        delivery_id=planned.delivery_id,
        event_id=planned.event_id,
        trigger_id=planned.trigger_id,
        target_id=planned.target_id,
        round=planned.round,
        attempts=state.attempts,
        event_seq=planned.event_seq,
        logged_at=planned.logged_at,
        next_attempt_at=state.next_attempt_at,
        expires_at=planned.expires_at,
        is_test=planned.is_test,
        change_seq=planned.change_seq,
    )


def planned(number: int = 1) -> DeliveryPlanned:
    return DeliveryPlanned(
        delivery_id=DELIVERY_ID,
        event_id=EVENT_ID,
        trigger_id="t",
        target_id="erp",
        round=number,
        logged_at=NOW,
        event_seq=7,
        planned_at=NOW,
        expires_at=NOW + DAY,
    )


def attempted(
    number: int = 1, attempt: int = 1, final: Final | None = None, epoch: int = 1
) -> DeliveryAttempted:
    delivered = final is Final.DELIVERED
    return DeliveryAttempted(
        delivery_id=DELIVERY_ID,
        event_id=EVENT_ID,
        trigger_id="t",
        target_id="erp",
        round=number,
        logged_at=NOW,
        attempt=attempt,
        epoch=epoch,
        target_version=1,
        started_at=NOW,
        duration_ms=1,
        outcome=Outcome.DELIVERED if delivered else Outcome.FAILED,
        code=None if delivered else FailureCode.STATUS,
        origin="https://a.example",
        next_attempt_at=NOW + timedelta(hours=1) if final is None else None,
        final=final,
        reason=Reason.EXHAUSTED if final is Final.DEAD else None,
    )


def said(answer: DeliveryDone | Problem) -> tuple[str, int]:
    assert isinstance(answer, DeliveryDone)
    return answer.change.value, answer.round


def refused(answer: DeliveryDone | Problem) -> tuple[str, list[str]]:
    assert isinstance(answer, Problem)
    return answer.code.value, [error.pointer for error in answer.errors]


@pytest.mark.parametrize("final", [Final.DELIVERED, Final.DEAD])
async def test_what_has_ended_begins_its_next_round_with_the_same_ids(
    world: World, final: Final
) -> None:
    world.records = [planned(), attempted(final=final)]
    answer = await world.ask("redeliver", round=1)

    assert said(answer) == ("planned", 2)
    (record,) = world.records[2:]
    assert record == planned(2).model_copy(update={"planned_at": world.now_is})
    assert world.state is not None
    assert world.state.state is DeliveryState.PENDING


async def test_a_repetition_makes_no_second_round(world: World) -> None:
    world.records = [planned(), attempted(final=Final.DEAD)]
    await world.ask("redeliver", round=1)
    # Under another id, and once the broker has forgotten the first.
    world.remembered.clear()
    assert said(await world.ask("redeliver", round=1)) == ("unchanged", 2)
    world.add(attempted(2, final=Final.DELIVERED))
    world.remembered.clear()
    await world.ask("redeliver", round=1)

    assert world.state is not None
    assert (world.state.planned.round, world.state.state) == (2, DeliveryState.DELIVERED)


async def test_what_waits_is_due_now_and_no_record_says_so(world: World) -> None:
    world.records = [planned(), attempted()]
    answer = await world.ask("redeliver", round=1)

    assert said(answer) == ("due-now", 1)
    assert world.made_due == [(DELIVERY_ID, 1)]
    assert world.hints.told == ["erp"]
    assert len(world.records) == 2


async def test_an_event_goes_to_another_target_by_a_first_plan(world: World) -> None:
    world.records = [planned()]
    answer = await world.ask("redeliver", target_id="crm", round=0)

    assert said(answer) == ("planned", 1)
    record = world.records[1]
    assert isinstance(record, DeliveryPlanned)
    assert (record.target_id, record.event_seq, record.round) == ("crm", 7, 1)


async def test_what_waits_is_cancelled(world: World) -> None:
    world.records = [planned(), attempted()]
    answer = await world.ask("cancel", round=1)

    assert said(answer) == ("cancelled", 1)
    record = world.records[2]
    assert isinstance(record, DeliveryEnded)
    assert record.reason is Reason.CANCELLED
    assert (world.woken, world.hints.told) == (["erp"], ["erp"])
    assert said(await world.ask("cancel", round=1)) == ("unchanged", 1)


async def test_a_cancellation_is_answered_once_the_index_has_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What lanes read after the answer knows of it: the index has none of it for three looks."""
    world.records = [planned()]
    append = world.append

    async def appended(message: RecordMessage) -> int:
        seq = await append(message)
        world.unprojected = 3
        return seq

    monkeypatch.setattr(world, "append", appended)
    assert said(await world.ask("cancel", round=1)) == ("cancelled", 1)
    assert world.unprojected == 0
    assert world.woken == ["erp"]


async def test_an_attempt_that_delivered_meanwhile_beats_the_cancellation(world: World) -> None:
    world.records = [planned()]
    await world.ask("cancel", round=1)
    world.add(attempted(final=Final.DELIVERED))

    assert world.state is not None
    assert world.state.state is DeliveryState.DELIVERED


async def test_one_that_failed_meanwhile_does_not_bring_it_back(world: World) -> None:
    world.records = [planned()]
    await world.ask("cancel", round=1)
    world.add(attempted())

    assert world.state is not None
    assert world.state.reason is Reason.CANCELLED


async def test_another_round_than_was_seen_is_left_alone(world: World) -> None:
    world.records = [planned(), attempted(final=Final.DEAD), planned(2)]

    assert said(await world.ask("cancel", round=1)) == ("unchanged", 2)
    assert said(await world.ask("redeliver", round=1)) == ("unchanged", 2)
    assert world.made_due == []
    assert len(world.records) == 3


async def test_a_command_waits_for_what_was_in_the_log_before_it(world: World) -> None:
    """Whoever saw in the gateway's views that it has ended is not told that it waits."""
    world.records = [planned(), attempted(final=Final.DEAD)]
    world.unprojected = 1

    assert said(await world.ask("redeliver", round=1)) == ("planned", 2)


async def test_nothing_is_decided_while_the_index_is_behind(world: World) -> None:
    world.records = [planned()]
    clock = iter(range(0, 1000, 3))
    world.changes._monotonic = lambda: float(next(clock))
    world.unprojected = 1000
    body = json.dumps({"event_id": EVENT_ID, "trigger_id": "t", "target_id": "erp", "round": 1})

    with pytest.raises(DependencyUnavailable):
        await world.changes([Message(body.encode())])


async def test_where_the_broker_is_away_nobody_is_told_that_it_happened(world: World) -> None:
    world.records = [planned(), attempted(final=Final.DEAD)]
    world.away = True

    with pytest.raises(DependencyUnavailable):
        await world.ask("redeliver", round=1)
    assert world.sent == []


async def test_what_cannot_be_delivered_again_is_refused(world: World) -> None:
    other = str(fire_event_id("t", "other", NOW))

    assert refused(await world.ask("redeliver", event_id=other, round=1)) == (
        "not-found",
        ["/event_id"],
    )
    assert refused(await world.ask("redeliver", trigger_id="u", round=1)) == (
        "not-found",
        ["/event_id"],
    )
    assert refused(await world.ask("redeliver", target_id="none", round=0)) == (
        "unknown-target",
        ["/target_id"],
    )
    world.now_is = NOW + DAY - timedelta(minutes=1)
    assert refused(await world.ask("redeliver", round=1)) == ("gone", ["/event_id"])
    assert world.records == []


async def test_a_tests_own_target_is_found_in_its_change(world: World) -> None:
    world.in_tests["written"] = 40
    await world.ask("redeliver", target_id="written", round=1)

    record = world.records[0]
    assert isinstance(record, DeliveryPlanned)
    assert record.change_seq == 40


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"round": -1}, "/round"),
        ({"round": "1"}, "/round"),
        ({"round": 1_000_001}, "/round"),
        ({"round": 1, "event_id": "x"}, "/event_id"),
        ({"round": 1, "event_id": "e677d21f-dc00-7000-8000-000000000000"}, "/event_id"),
        ({"round": 1, "target_id": "a.b"}, "/target_id"),
        ({"round": 1, "more": 1}, "/more"),
        ({}, "/round"),
    ],
)
async def test_a_command_that_cannot_be_read_is_answered_and_kept(
    world: World, body: dict[str, Any], pointer: str
) -> None:
    answer = await world.ask("redeliver", **body)

    assert refused(answer) == ("invalid", [pointer])
    assert len(world.dead) == 1


@pytest.mark.parametrize("body", [b"", b"[]", b"\xff", b"{", b'{"round": 1, "round": 2}'])
async def test_so_is_one_that_is_no_object(world: World, body: bytes) -> None:
    assert isinstance(await world.give(body, "cancel"), Problem)
    assert len(world.dead) == 1


STEP = st.one_of(
    st.tuples(st.just("redeliver"), st.integers(0, 3)),
    st.tuples(st.just("cancel"), st.integers(1, 3)),
    st.tuples(st.sampled_from(["fails", "delivers", "dies", "forgets"]), st.just(0)),
)


@settings(max_examples=60, deadline=None)
@given(steps=st.lists(STEP, max_size=12))
async def test_a_round_begins_only_after_the_one_that_was_seen(
    steps: list[tuple[str, int]],
) -> None:
    """Whatever is asked, again, in whatever order, between attempts."""
    world = World()
    world.add(planned())
    for what, seen in steps:
        before = world.state
        assert before is not None
        number, is_over = before.planned.round, before.final is not None
        if what == "forgets":
            world.remembered.clear()
        elif what in {"redeliver", "cancel"}:
            if seen > number:
                continue  # Nobody has seen a round that has not begun.
            await world.ask(what, round=seen)
        else:
            final = {"delivers": Final.DELIVERED, "dies": Final.DEAD}.get(what)
            world.add(attempted(number, before.attempts + 1, final))
        after = world.state
        assert after is not None
        begins = what == "redeliver" and seen == number and is_over
        assert after.planned.round == number + begins
        if what == "cancel" and seen == number and not is_over:
            assert after.reason is Reason.CANCELLED
        if is_over and not begins and what != "delivers":
            assert (after.final, after.reason) == (before.final, before.reason)
