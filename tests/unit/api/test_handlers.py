"""The gateway's use cases on fakes: what is published, and what is refused before."""

from datetime import timedelta
from typing import Any

import pytest

from tests.unit.api.fakes import (
    NOW,
    FakeClaims,
    FakeClock,
    FakeCommands,
    FakeDefinitions,
    FakeTargets,
    ids,
    make_change,
)
from tests.unit.api.trials import trial_targets
from trigger_api.adapters.descriptions import describe
from trigger_api.domain.triggers.fires import FireRequest
from trigger_api.handlers.command_ports import CommandPorts
from trigger_api.handlers.fires import Fires
from trigger_api.handlers.outcomes import Applied, Stored
from trigger_api.handlers.schemas import SchemaTurns
from trigger_api.handlers.triggers import TriggerCommands
from trigger_contracts.commands import CommandDone, CreateTrigger, FireTrigger, UpdateTrigger
from trigger_contracts.errors import Code, Refused, problem
from trigger_contracts.events import Status
from trigger_contracts.idempotency import Claim, store_key
from trigger_runtime.process.errors import BrokerUnavailable

ONCE = {"name": "n", "type": "scheduled", "schedule_time": "2027-02-01T00:00:00"}
INTEGER = {"payload_schema": {"type": "integer"}}


class World:
    parts: dict[str, Any]

    def __init__(self) -> None:
        self.commands = FakeCommands()
        self.claims = FakeClaims()
        self.definitions = FakeDefinitions()
        self.clock = FakeClock()
        self.ports = CommandPorts(
            commands=self.commands,
            claims=self.claims,
            definitions=self.definitions,
            clock=self.clock,
            new_id=ids(),
            schemas=SchemaTurns(self.clock.monotonic),
        )
        self.targets = FakeTargets("there")
        self.triggers = TriggerCommands(self.ports, describe, trial_targets())
        self.fires = Fires(self.ports, self.targets)

    @property
    def fired(self) -> list[FireTrigger]:
        return [c for _, c, _ in self.commands.published if isinstance(c, FireTrigger)]


@pytest.fixture
def world() -> World:
    return World()


async def test_a_create_carries_what_a_later_answer_needs(world: World) -> None:
    outcome = await world.triggers.create(ONCE, "key:k", "k", None)
    (_, command, message_id) = world.commands.published[0]
    assert isinstance(command, CreateTrigger)
    assert outcome == Stored(command.trigger_id or "")
    assert command.accepted_at == NOW
    assert command.definition == ONCE
    assert command.actor == "key:k"
    assert message_id != command.command_id


async def test_a_result_is_passed_on(world: World) -> None:
    world.definitions.remembered["t"] = make_change()
    done = CommandDone(command_id="c", trigger_id="t", version=2)
    world.commands.result = done
    assert await world.triggers.patch("t", {"name": "x"}, "a", 1) == Applied(done)
    assert world.definitions.cached("t") is None
    world.commands.result = problem(Code.VERSION_MISMATCH, "…")
    with pytest.raises(Refused) as refusal:
        await world.triggers.delete("t", "a", 1)
    assert refusal.value.problem.status == 412


async def test_a_keyed_create_retried_later_is_the_same_command(world: World) -> None:
    first = await world.triggers.create(ONCE, "a", "k", "key")
    world.clock.advance(timedelta(days=40))  # its time has passed: a new one would be refused
    again = await world.triggers.create(dict(reversed(ONCE.items())), "a", "k", "key")
    assert first == again
    one, two = (c for _, c, _ in world.commands.published)
    assert one.command_id == two.command_id
    assert one.accepted_at == two.accepted_at
    assert len({message_id for _, _, message_id in world.commands.published}) == 2
    with pytest.raises(Refused) as refusal:
        await world.triggers.create({**ONCE, "name": "m"}, "a", "k", "key")
    assert refusal.value.problem.status == 409
    assert await world.triggers.create({**INTEGER, "name": "n", "type": "api"}, "a", "j", "key")


async def test_a_replacement_may_keep_a_time_that_has_passed(world: World) -> None:
    """Whether it says anything new only the scheduler knows."""
    past = {**ONCE, "schedule_time": "2026-12-01T00:00:00"}
    await world.triggers.replace("t", past, "a", 3)
    (_, command, _) = world.commands.published[0]
    assert isinstance(command, UpdateTrigger)
    assert command.definition == past
    assert command.expected_version == 3
    with pytest.raises(Refused):
        await world.triggers.create(past, "a", "k", None)


@pytest.mark.parametrize(
    "fields",
    [None, [], {"name": "x", "paused": None}, {"colour": 1}, {"misfire": {"colour": None}}],
)
async def test_a_patch_that_can_never_fit_is_refused_at_once(world: World, fields: Any) -> None:
    with pytest.raises(Refused):
        await world.triggers.patch("t", fields, "a", None)
    assert world.commands.published == []


async def test_a_test_knows_its_event_before_anybody_answers(world: World) -> None:
    quiet = await world.triggers.test("scheduled", {"interval": 60}, "a")
    assert quiet.fires_at == NOW
    assert quiet.next_fires[0] == NOW + timedelta(seconds=60)
    later = await world.triggers.test("scheduled", {"schedule_time": "2027-02-01T00:00:00"}, "a")
    assert later.fires_at.month == 2
    assert later.next_fires == ()
    world.commands.result = CommandDone(
        command_id="c", trigger_id="t", version=1, event_id="e", fires_at=NOW
    )
    assert (await world.triggers.test("api", {"payload": 1}, "a")).event_id == "e"


async def test_what_is_remembered_is_enough_to_accept(world: World) -> None:
    world.definitions.remembered["t"] = make_change(**INTEGER)
    await world.fires.fire(FireRequest("t", {"payload": 1}, "a"))
    assert world.definitions.loads == 0
    assert world.fired[0].payload == 1


async def test_what_is_remembered_is_not_enough_to_refuse(world: World) -> None:
    world.definitions.remembered["t"] = make_change(**INTEGER)
    world.definitions.stored["t"] = make_change()
    assert await world.fires.fire(FireRequest("t", {"payload": "x"}, "a"))
    world.definitions.stored["t"] = make_change(status=Status.DELETED)
    world.definitions.remembered.clear()
    with pytest.raises(Refused) as refusal:
        await world.fires.fire(FireRequest("t", {}, "a"))
    assert refusal.value.problem.code is Code.NOT_FOUND
    assert len(world.fired) == 1


async def test_without_a_database_every_fire_is_accepted(world: World) -> None:
    world.definitions.away = True
    world.definitions.remembered["t"] = make_change(**INTEGER)
    assert await world.fires.fire(FireRequest("t", {"payload": "x"}, "a"))
    assert await world.fires.fire(FireRequest("unknown", {}, "a", key="k"))


async def test_a_fire_that_nobody_checked_has_one_event_however_often_it_is_repeated(
    world: World,
) -> None:
    world.definitions.away = True
    event_id = await world.fires.fire(FireRequest("t", {"payload": "x"}, "key:a", key="k"))
    claim = Claim.model_validate_json(world.claims.values[store_key("t", "k")])
    assert (claim.event_id, claim.change_seq) == (event_id, None)
    world.clock.advance(timedelta(seconds=1))
    assert await world.fires.fire(FireRequest("t", {"payload": "x"}, "key:a", key="k")) == event_id
    with pytest.raises(Refused) as refusal:
        await world.fires.fire(FireRequest("t", {"payload": 1}, "key:a", key="k"))
    assert refusal.value.problem.code is Code.IDEMPOTENCY_MISMATCH


@pytest.mark.parametrize("where", ["remembered", "stored"])
async def test_a_claim_names_the_version_that_was_checked(world: World, where: str) -> None:
    getattr(world.definitions, where)["t"] = make_change()
    world.definitions.change_seq = 42
    await world.fires.fire(FireRequest("t", {}, "a", key="k"))
    claim = Claim.model_validate_json(world.claims.values[store_key("t", "k")])
    assert claim.change_seq == 42


async def test_a_refused_payload_is_recorded_and_nowhere_kept(world: World) -> None:
    world.definitions.stored["t"] = make_change(**INTEGER)
    with pytest.raises(Refused) as refusal:
        await world.fires.fire(FireRequest("t", {"payload": "SECRET"}, "a", key="k", is_test=True))
    (recorded,) = world.fired
    assert recorded.refused == refusal.value.problem.errors
    assert not recorded.has_payload
    assert recorded.is_test
    assert recorded.key is None
    assert world.claims.values == {}


async def test_without_a_broker_nothing_is_promised(world: World) -> None:
    world.commands.away = True
    world.definitions.stored["t"] = make_change(**INTEGER)
    for payload in (1, "refused, and not recorded"):
        with pytest.raises(BrokerUnavailable):
            await world.fires.fire(FireRequest("t", {"payload": payload}, "a"))


async def test_a_keys_later_fires_repeat_the_first(world: World) -> None:
    world.definitions.stored["t"] = make_change(**INTEGER)
    first = await world.fires.fire(FireRequest("t", {"payload": 1}, "a", key="k"))
    world.definitions.stored["t"] = make_change(payload_schema=False)
    world.clock.advance(timedelta(minutes=10))
    again = await world.fires.fire(FireRequest("t", {"payload": 1}, "a", key="k"))
    assert first == again
    one, two = world.fired
    assert one == two
    assert [m for _, _, m in world.commands.published] == [first, first]
    for other in (
        FireRequest("t", {"payload": 2}, "a", key="k"),
        FireRequest("t", {}, "a", key="k"),
    ):
        with pytest.raises(Refused) as refusal:
            await world.fires.fire(other)
        assert refusal.value.problem.code is Code.IDEMPOTENCY_MISMATCH


async def test_a_fire_that_loses_the_race_takes_the_winners_event(world: World) -> None:
    world.definitions.stored["t"] = make_change()
    winner = await world.fires.fire(FireRequest("t", {"payload": 1}, "a", key="k"))
    find = world.claims.find

    async def not_yet(_key: str) -> None:
        return None

    world.claims.find = not_yet  # type: ignore[method-assign, assignment]
    world.clock.advance(timedelta(seconds=1))
    assert await world.fires.fire(FireRequest("t", {"payload": 1}, "a", key="k")) == winner
    world.claims.find = find  # type: ignore[method-assign]


async def test_a_fire_repeated_under_its_key_keeps_its_payload_no_longer_than_the_first_one(
    world: World,
) -> None:
    world.definitions.stored["t"] = make_change()
    for waited in (timedelta(), timedelta(hours=47)):
        world.clock.advance(waited)
        await world.fires.fire(FireRequest("t", {"payload": "canary"}, "a", key="k"))
    assert world.commands.ttls == [None, timedelta(hours=1)]


async def test_where_the_log_lives_shorter_so_does_each_fires_command(world: World) -> None:
    world.definitions.stored["t"] = make_change()
    fires = Fires(world.ports, world.targets, kept_for=timedelta(minutes=5))
    await fires.fire(FireRequest("t", {"payload": "canary"}, "a"))
    assert world.commands.ttls == [timedelta(minutes=5)]


@pytest.mark.parametrize("schema", [{"pattern": r"\w" * 9_000}, {"pattern": "a(?=b)"}])
async def test_a_schema_stored_before_its_bounds_refuses_its_own_fires_and_is_recorded(
    world: World, schema: dict[str, Any]
) -> None:
    old = make_change()
    definition = old.definition.model_copy(update={"payload_schema": schema})
    world.definitions.stored["t"] = old.model_copy(update={"definition": definition})
    world.definitions.stored["u"] = old

    with pytest.raises(Refused) as refused:
        await world.fires.fire(FireRequest("t", {"payload": "x"}, "key:k"))
    await world.fires.fire(FireRequest("u", {"payload": "x"}, "key:k"))

    assert refused.value.problem.code is Code.INVALID_SCHEMA
    recorded, other = world.fired
    assert recorded.refused is not None
    assert recorded.refused[0].pointer == "/payload_schema/pattern"
    assert other.refused is None
