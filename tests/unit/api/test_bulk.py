"""Many creates in one request, on fakes: what is published, what is refused, what is said of it."""

import asyncio
import json
from collections.abc import Iterable
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from tests.unit.api.fakes import (
    FakeClaims,
    FakeClock,
    FakeCommands,
    FakeDefinitions,
    FakeTargets,
    ids,
)
from trigger_api.domain.triggers.bulk import MAX_LISTED_ERRORS, BulkCreated, Line
from trigger_api.handlers.bulk import BulkCreates, BulkRequest
from trigger_api.handlers.command_ports import CommandPorts
from trigger_api.handlers.schemas import SchemaTurns
from trigger_contracts import bulk_body
from trigger_contracts.commands import CreateTrigger
from trigger_contracts.errors import Code, Refused, problem

EVERY = {"name": "n", "type": "scheduled", "interval": 60}
ONCE = {"name": "n", "type": "scheduled", "schedule_time": "2027-01-01T12:00:05Z"}
WRONG = {"name": "n", "type": "scheduled", "interval": 0}


class World:
    def __init__(self) -> None:
        self.commands = FakeCommands()
        self.claims = FakeClaims()
        self.clock = FakeClock()
        self.targets = FakeTargets()
        self.creates = BulkCreates(
            CommandPorts(
                commands=self.commands,
                claims=self.claims,
                definitions=FakeDefinitions(),
                clock=self.clock,
                new_id=ids(),
                schemas=SchemaTurns(self.clock.monotonic),
            ),
            self.targets,
        )

    async def create(self, definitions: Iterable[Any], **options: Any) -> BulkCreated:
        """``definitions`` are NDJSON: a text among them is a line as it stands."""
        texts = [one if isinstance(one, str) else json.dumps(one) for one in definitions]
        split = partial(bulk_body.lines, "\n".join(texts).encode())
        return await self.creates.create(BulkRequest(split, "key:k", "k", **options))

    async def refusal(self, definitions: Iterable[Any], **options: Any) -> Any:
        with pytest.raises(Refused) as caught:
            await self.create(definitions, **options)
        return caught.value.problem

    @property
    def published(self) -> list[CreateTrigger]:
        return [one for _, one, _ in self.commands.published if isinstance(one, CreateTrigger)]


@pytest.fixture
def world() -> World:
    return World()


async def test_each_definition_is_a_create_of_its_own(world: World) -> None:
    outcome = await world.create([EVERY, "", ONCE])
    first, second = world.published
    assert first.definition == EVERY
    assert second.definition == ONCE
    assert first.command_id != second.command_id
    assert outcome.status == 201
    assert outcome.lines == (
        Line(line=1, status="created", id=first.trigger_id, version=1),
        Line(line=3, status="created", id=second.trigger_id, version=1),
    )
    assert len({message_id for _, _, message_id in world.commands.published}) == 2


async def test_one_refused_definition_refuses_all(world: World) -> None:
    lines = [EVERY, WRONG, '{"a": 1, "a": 2}', {"actor": "me", **EVERY}, "7", EVERY]
    found = await world.refusal(lines, key="k")
    assert found.code is Code.INVALID
    assert found.detail == "4 of 6 definitions are refused, and so nothing is created"
    assert [error.pointer for error in found.errors] == ["/1/interval", "/2", "/3/actor", "/4"]
    assert [error.message.partition(":")[0] for error in found.errors] == [
        *("line 2", "line 3", "line 4", "line 5")
    ]
    assert world.published == []
    assert world.claims.values == {}


async def test_at_most_twenty_errors_are_named(world: World) -> None:
    found = await world.refusal([WRONG] * 25)
    assert len(found.errors) == 20
    assert "25 of 25" in found.detail
    assert "the first 20 errors are named" in found.detail


async def test_partial_creates_what_is_acceptable(world: World) -> None:
    outcome = await world.create([EVERY, WRONG, "{oops", EVERY], partial=True)
    assert (outcome.created, outcome.refused, outcome.accepted) == (2, 2, 0)
    assert outcome.status == 200
    assert [line.status for line in outcome.lines] == ["created", "refused", "refused", "created"]
    wrong, broken = outcome.lines[1].problem, outcome.lines[2].problem
    assert wrong is not None
    assert broken is not None
    assert [error.pointer for error in wrong.errors] == ["/interval"]
    assert broken.code is Code.MALFORMED_JSON
    assert broken.detail.endswith(" at column 2")


async def test_an_answer_names_only_so_many_errors(world: World) -> None:
    outcome = await world.create([{"a": 1, "b": 2}] * 600, partial=True)
    named = [len(line.problem.errors) for line in outcome.lines if line.problem]
    assert len(named) == 600
    assert sum(named) == MAX_LISTED_ERRORS


@pytest.mark.parametrize("options", [{}, {"partial": True}])
async def test_nothing_is_no_request(world: World, options: dict[str, Any]) -> None:
    assert (await world.refusal(["", " "], **options)).code is Code.INVALID


async def test_a_definition_larger_than_a_body_is_refused(world: World) -> None:
    large = {**EVERY, "payload": "a" * 256 * 1024}
    outcome = await world.create([large, EVERY], partial=True)
    (why,) = (line.problem for line in outcome.lines if line.problem)
    assert why.code is Code.BODY_TOO_LARGE


async def test_the_schedulers_refusals_and_silence_are_told_apart(world: World) -> None:
    answers = iter([problem(Code.TRIGGER_EXISTS, "it exists"), None, None])
    world.commands.results = lambda _: next(answers)  # type: ignore[method-assign]
    outcome = await world.create([EVERY] * 3)
    assert (outcome.created, outcome.refused, outcome.accepted) == (0, 1, 2)
    assert outcome.status == 202
    assert [line.status for line in outcome.lines] == ["refused", "accepted", "accepted"]
    assert [line.id for line in outcome.lines[1:]] == [
        command.trigger_id for command in world.published[1:]
    ]


async def test_a_repeated_key_publishes_the_same_commands(world: World) -> None:
    await world.create([EVERY, ONCE], key="k")
    world.clock.advance(timedelta(minutes=10))
    # By now the second one's time has passed; as of the first request it had not.
    await world.create([EVERY, ONCE], key="k")
    first, again = world.published[:2], world.published[2:]
    assert first == again
    assert len({message_id for _, _, message_id in world.commands.published}) == 4
    await world.create([EVERY, ONCE], key="k", partial=True)
    assert world.published[4:] == first


@pytest.mark.parametrize("other", [[EVERY], [ONCE, EVERY], [EVERY, WRONG]])
async def test_a_key_belongs_to_its_definitions(world: World, other: list[Any]) -> None:
    await world.create([EVERY, ONCE], key="k")
    assert (await world.refusal(other, key="k")).code is Code.IDEMPOTENCY_MISMATCH
    assert (await world.create(other, key="other", partial=True)).created


async def test_a_refused_request_uses_up_no_key(world: World) -> None:
    await world.refusal([EVERY, WRONG], key="k")
    assert (await world.create([EVERY, EVERY], key="k")).created == 2


async def test_whoever_loses_the_race_for_a_key_takes_the_winners_moment(world: World) -> None:
    await world.create([EVERY], key="k")
    find = world.claims.find

    async def not_yet(_key: str) -> None:
        return None

    world.claims.find = not_yet  # type: ignore[method-assign, assignment]
    world.clock.advance(timedelta(seconds=1))
    await world.create([EVERY], key="k")
    world.claims.find = find  # type: ignore[method-assign]
    first, again = world.published
    assert first == again


async def test_a_broker_that_goes_away_is_told_with_what_to_do(world: World) -> None:
    world.commands.away = True
    without = await world.refusal([EVERY])
    assert without.code is Code.UNAVAILABLE
    assert "creates them again" in without.detail
    assert "creates each of them once" in (await world.refusal([EVERY], key="k")).detail


async def test_others_have_their_turn_while_many_are_checked(world: World) -> None:
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    others = asyncio.create_task(count())
    await world.create([EVERY] * 2_000)
    others.cancel()
    assert turns > 20


async def test_a_definition_that_names_no_target_is_found_before_anything_is_made(
    world: World,
) -> None:
    world.targets.ids = {"t"}
    named = [{**EVERY, "targets": ["t"]}, EVERY, {**EVERY, "targets": ["t", "u", "v"]}, WRONG]
    refused = await world.refusal(named)
    assert [error.pointer for error in refused.errors] == [
        "/2/targets/1",
        "/2/targets/2",
        "/3/interval",
    ]
    assert world.targets.asked == [{"t", "u", "v"}]
    assert not world.published
    assert (await world.create(named[:2])).created == 2


async def test_a_repetition_is_answered_though_its_targets_went_since(world: World) -> None:
    world.targets.ids = {"t"}
    named = [{**EVERY, "targets": ["t"]}]
    first = await world.create(named, key="same")
    world.targets.ids = set()
    assert await world.create(named, key="same") == first


async def test_targets_are_the_schedulers_to_judge_of_what_is_made_in_part(world: World) -> None:
    """It remembers its refusals: repeated under a key, each line is answered as it was."""
    named = [{**EVERY, "targets": ["u"]}]
    assert (await world.create(named, partial=True)).created == 1
    assert world.targets.asked == []


async def test_targets_are_the_schedulers_to_judge_while_no_view_answers(world: World) -> None:
    world.targets.away = True
    assert (await world.create([{**EVERY, "targets": ["u"]}])).created == 1
