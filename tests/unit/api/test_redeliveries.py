"""Redeliveries and cancellations by REST: which commands they become, once for each wish."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from tests.unit.api.fake_views import FakeViews, make_entry
from tests.unit.api.fakes import (
    NOW,
    FakeClaims,
    FakeClock,
    FakeCommands,
    FakeDefinitions,
    FakeTargets,
    ids,
)
from trigger_api.domain.deliveries.again import requested, requested_targets
from trigger_api.domain.deliveries.queries import DeliveryFilter, DeliveryQuery
from trigger_api.domain.deliveries.shown import DeliveryShown
from trigger_api.handlers import redeliveries as handler
from trigger_api.handlers.arrivals import Arrivals
from trigger_api.handlers.command_ports import CommandPorts
from trigger_api.handlers.lookup import Lookup
from trigger_api.handlers.redeliveries import DeliveriesWish, Redeliveries
from trigger_api.handlers.schemas import SchemaTurns
from trigger_api.ports.paging import Listed
from trigger_contracts.commands import MAX_ROUND, CancelDelivery, Redeliver
from trigger_contracts.deliveries.outcomes import DeliveryState
from trigger_contracts.deliveries.records import delivery_id_of
from trigger_contracts.errors import Code, Refused
from trigger_contracts.events import EntryStatus, LogEntry
from trigger_contracts.subjects import Verb
from trigger_runtime.process.errors import DatabaseUnavailable

WISH = DeliveriesWish(Verb.REDELIVER, "key:k", "k")
KEYED = DeliveriesWish(Verb.REDELIVER, "key:k", "k", "same")
CANCEL = DeliveriesWish(Verb.CANCEL, "key:k", "k")
ALL = DeliveryFilter(trigger_id=("t",))


class FakeDeliveries:
    """Retention's views of deliveries, in memory: the newest events first."""

    def __init__(self) -> None:
        self.rows: list[DeliveryShown] = []
        self.away_after: int | None = None

    async def deliveries(self, query: DeliveryQuery) -> Listed[DeliveryShown]:
        if self.away_after is not None:
            self.away_after -= 1
            if self.away_after < 0:
                raise DatabaseUnavailable
        start = int(query.cursor or 0)
        end = start + query.limit
        return Listed(self.rows[start:end], str(end) if end < len(self.rows) else None)

    async def number_of(self, wanted: DeliveryFilter, most: int) -> int:
        return min(len(self.rows), most + 1)

    async def delivery(self, delivery_id: UUID) -> None:
        raise NotImplementedError

    async def of_event(self, event_id: UUID) -> Sequence[Any]:
        return [row for row in self.rows if row.event_id == event_id]


class World:
    def __init__(self) -> None:
        self.commands = FakeCommands()
        self.claims = FakeClaims()
        self.views = FakeDeliveries()
        self.log = FakeViews()
        self.targets = FakeTargets("erp", "crm")
        clock = FakeClock()
        lookup = Lookup(
            views=self.log,  # type: ignore[arg-type]
            arrivals=Arrivals(self.log),  # type: ignore[arg-type]
            clock=clock,
            kept_for=timedelta(hours=48),
        )
        ports = CommandPorts(
            commands=self.commands,
            claims=self.claims,
            definitions=FakeDefinitions(),
            clock=clock,
            new_id=ids(),
            schemas=SchemaTurns(clock.monotonic),
        )
        self.again = Redeliveries(ports, self.views, lookup, self.targets)

    def event(self, *rounds: tuple[str, int], **fields: Any) -> LogEntry:
        """An event, and the newest round of each of its deliveries, by target."""
        entry = self.log.add(NOW - timedelta(minutes=1), **fields)
        self.views.rows += [make_shown(entry, target, number) for target, number in rounds]
        return entry

    def moves_on(self) -> None:
        """Each delivery's next round has begun, and ended."""
        self.views.rows = [
            row.model_copy(update={"round": row.round + 1}) for row in self.views.rows
        ]

    @property
    def asked(self) -> list[tuple[str, int]]:
        """What the commands name: target and round."""
        found = [one for _, one, _ in self.commands.published]
        assert all(isinstance(one, Redeliver | CancelDelivery) for one in found)
        return [(one.target_id, one.round) for one in found]  # type: ignore[union-attr]


def make_shown(entry: LogEntry, target_id: str, number: int) -> DeliveryShown:
    return DeliveryShown(
        id=UUID(delivery_id_of(entry.event_id, target_id)),
        event_id=UUID(entry.event_id),
        trigger_id=entry.trigger_id,
        target_id=target_id,
        state=DeliveryState.DEAD,
        reason=None,
        round=number,
        attempt_count=1,
        next_attempt_at=None,
        code=None,
        status=None,
        attempted_at=None,
        planned_at=None,
        ended_at=None,
        is_test=entry.is_test,
        logged_at=entry.logged_at,
    )


@pytest.fixture
def world() -> World:
    return World()


async def refusal(of: Any) -> tuple[Code, list[str]]:
    with pytest.raises(Refused) as caught:
        await of
    found = caught.value.problem
    return found.code, [error.pointer for error in found.errors]


async def test_an_event_goes_to_its_own_targets_again(world: World) -> None:
    entry = world.event(("crm", 1), ("erp", 3))
    accepted = await world.again.event(entry.event_id, None, WISH)

    assert world.asked == [("crm", 1), ("erp", 3)]
    assert [(one.target_id, one.round) for one in accepted.deliveries] == world.asked
    assert accepted.deliveries[0].id == delivery_id_of(entry.event_id, "crm")
    (verb, command, _), *_ = world.commands.published
    assert verb is Verb.REDELIVER
    assert isinstance(command, Redeliver)
    assert (command.event_id, command.trigger_id) == (entry.event_id, "t")
    assert (command.actor, command.accepted_at) == ("key:k", NOW)


async def test_and_to_others_that_have_no_round_yet(world: World) -> None:
    entry = world.event(("erp", 2))
    await world.again.event(entry.event_id, ("crm", "erp"), WISH)

    assert world.asked == [("crm", 0), ("erp", 2)]


async def test_what_cannot_be_delivered_again(world: World) -> None:
    entry = world.event()
    assert await refusal(world.again.event(entry.event_id, None, WISH)) == (
        Code.INVALID,
        ["/targets"],
    )
    assert await refusal(world.again.event(entry.event_id, ("erp", "none"), WISH)) == (
        Code.UNKNOWN_TARGET,
        ["/targets/1"],
    )
    assert (await refusal(world.again.event(str(uuid4()), None, WISH)))[0] is Code.NOT_FOUND
    missed = world.event(status=EntryStatus.MISSED, fired_at=None)
    assert (await refusal(world.again.event(missed.event_id, ("erp",), WISH)))[0] is Code.INVALID
    gone = world.event(("gone", 1))
    assert (await refusal(world.again.event(gone.event_id, None, WISH)))[0] is Code.UNKNOWN_TARGET
    assert world.commands.published == []


async def test_a_tests_own_target_needs_no_name(world: World) -> None:
    entry = world.event(("written-out", 1), is_test=True)
    await world.again.event(entry.event_id, None, WISH)

    assert world.asked == [("written-out", 1)]


async def test_under_a_key_a_repetition_names_the_rounds_of_the_first(world: World) -> None:
    entry = world.event(("erp", 1))
    first = await world.again.event(entry.event_id, None, KEYED)
    world.moves_on()

    assert await world.again.event(entry.event_id, None, KEYED) == first
    assert world.asked == [("erp", 1)] * 2
    one, other = (message_id for _, _, message_id in world.commands.published)
    assert one == other
    assert await refusal(world.again.event(entry.event_id, ("crm",), KEYED)) == (
        Code.IDEMPOTENCY_MISMATCH,
        [],
    )


async def test_without_one_it_is_another_wish(world: World) -> None:
    entry = world.event(("erp", 1))
    await world.again.event(entry.event_id, None, WISH)
    world.moves_on()
    await world.again.event(entry.event_id, None, WISH)

    assert world.asked == [("erp", 1), ("erp", 2)]


async def test_many_are_counted_first_and_then_asked_for_page_by_page(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handler, "PAGE", 2)
    for number in (1, 2, 3, 4, 5):
        world.event(("erp", number))
    assert (await world.again.count(ALL)).count == 5
    assert world.commands.published == []

    accepted = await world.again.change(ALL, WISH)
    assert (accepted.count, accepted.accepted, accepted.refused) == (5, 5, {})
    assert world.asked == [("erp", number) for number in (1, 2, 3, 4, 5)]


async def test_what_has_no_target_any_more_is_counted_by_its_code(world: World) -> None:
    world.event(("erp", 1), ("gone", 1))
    world.event(("crm", MAX_ROUND + 1))
    accepted = await world.again.change(ALL, WISH)

    assert (accepted.count, accepted.accepted) == (3, 1)
    assert accepted.refused == {"unknown-target": 1, "invalid": 1}


async def test_what_waits_for_a_target_that_is_gone_can_be_cancelled(world: World) -> None:
    world.event(("gone", 2))
    await world.again.change(ALL, CANCEL)

    assert world.asked == [("gone", 2)]
    assert isinstance(world.commands.published[0][1], CancelDelivery)


async def test_too_many_are_refused_and_nothing_happens(world: World) -> None:
    entry = make_entry(NOW)
    world.views.rows = [make_shown(entry, "erp", 1)] * 10_001

    assert await refusal(world.again.change(ALL, KEYED)) == (Code.INVALID, ["/filter"])
    assert world.commands.published == []
    assert world.claims.values == {}


async def test_under_a_key_many_go_on_where_the_first_request_ended(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handler, "PAGE", 2)
    for number in (1, 2, 3):
        world.event(("erp", number))
    world.views.away_after = 1
    code, _ = await refusal(world.again.change(ALL, KEYED))
    assert code is Code.UNAVAILABLE
    assert world.asked == [("erp", 1), ("erp", 2)]

    world.views.away_after = None
    world.moves_on()
    accepted = await world.again.change(ALL, KEYED)
    assert accepted.accepted == 3
    # Two as they were seen at first; the third was seen by the second request.
    assert world.asked[2:] == [("erp", 1), ("erp", 2), ("erp", 4)]

    world.moves_on()
    await world.again.change(ALL, KEYED)
    assert world.asked[5:] == [("erp", 1), ("erp", 2), ("erp", 4)]


async def test_a_broker_that_goes_away_is_told_with_what_is_stored(world: World) -> None:
    world.event(("erp", 1))
    world.event(("erp", 2))
    world.commands.breaks_after = 1
    with pytest.raises(Refused) as caught:
        await world.again.change(ALL, WISH)

    assert caught.value.problem.code is Code.UNAVAILABLE
    assert "at least 1" in caught.value.problem.detail


@pytest.mark.parametrize(
    ("body", "verb", "pointer"),
    [
        ({}, Verb.REDELIVER, "/filter"),
        ({"filter": {}}, Verb.REDELIVER, "/filter"),
        ({"filter": {"target_id": "a", "more": 1}}, Verb.REDELIVER, "/filter/more"),
        ({"filter": {"state": "lost"}}, Verb.REDELIVER, "/filter/state"),
        ({"filter": {"state": "dead"}}, Verb.CANCEL, "/filter/state"),
        ({"filter": {"state": ["dead", "pending"]}}, Verb.CANCEL, "/filter/state"),
        (
            {"filter": {"from": "2027-01-02T00:00:00Z", "to": "2027-01-01T00:00:00Z"}},
            Verb.CANCEL,
            "/filter/to",
        ),
        ({"filter": {"target_id": "a"}, "dry_run": "yes"}, Verb.CANCEL, "/dry_run"),
        ([], Verb.REDELIVER, ""),
    ],
)
def test_what_is_wrong_with_a_filter_is_said_at_its_field(
    body: Any, verb: Verb, pointer: str
) -> None:
    with pytest.raises(Refused) as caught:
        requested(body, verb)
    found = caught.value.problem
    assert (found.code, found.errors[0].pointer.startswith(pointer)) == (Code.INVALID, True)


def test_only_what_waits_is_meant_by_a_cancellation() -> None:
    found = requested({"filter": {"target_id": "a"}}, Verb.CANCEL)
    assert found.filter.state == (DeliveryState.PENDING,)


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"targets": []}, "/targets"),
        ({"targets": ["a", "a"]}, "/targets/1"),
        ({"targets": ["a.b"]}, "/targets/0"),
        ({"targets": [f"t{n}" for n in range(9)]}, "/targets"),
        ({"target": "a"}, "/target"),
        ([], ""),
    ],
)
def test_targets_of_a_redelivery_are_ids_each_once_and_few(body: Any, pointer: str) -> None:
    with pytest.raises(Refused) as caught:
        requested_targets(body)
    assert caught.value.problem.errors[0].pointer == pointer


@pytest.mark.parametrize("body", [None, {}])
def test_none_need_be_named(body: Any) -> None:
    assert requested_targets(body) is None
