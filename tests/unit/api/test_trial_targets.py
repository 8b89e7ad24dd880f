"""Where tests deliver to: targets that there are, and those written out for one test alone."""

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
from tests.unit.api.trials import KEYS, trial_targets
from trigger_api.adapters.descriptions import describe
from trigger_api.domain.triggers.fires import FireRequest, fire_fields
from trigger_api.handlers.command_ports import CommandPorts
from trigger_api.handlers.fires import Fires
from trigger_api.handlers.schemas import SchemaTurns
from trigger_api.handlers.triggers import TriggerCommands
from trigger_contracts.commands import FireTrigger, TestTrigger, id_of_test_target
from trigger_contracts.errors import Code, Refused
from trigger_contracts.targets.sealing import SECRET_FIELD, header_field
from trigger_contracts.targets.secrets import key_of, new_secret

CANARY = "Bearer c4n4ry"
WEBHOOK: dict[str, Any] = {"type": "webhook", "url": "https://a.example/hook"}


class World:
    def __init__(self) -> None:
        self.commands = FakeCommands()
        self.targets = FakeTargets("there")
        definitions, clock = FakeDefinitions(), FakeClock()
        definitions.stored["t"] = make_change()
        ports = CommandPorts(
            commands=self.commands,
            claims=FakeClaims(),
            definitions=definitions,
            clock=clock,
            new_id=ids(),
            schemas=SchemaTurns(clock.monotonic),
        )
        self.triggers = TriggerCommands(ports, describe, trial_targets())
        self.fires = Fires(ports, self.targets)

    @property
    def published(self) -> list[Any]:
        return [command for _, command, _ in self.commands.published]


@pytest.fixture
def world() -> World:
    return World()


async def refusal(of: Any) -> tuple[Code, list[str]]:
    with pytest.raises(Refused) as caught:
        await of
    found = caught.value.problem
    return found.code, [error.pointer for error in found.errors]


@pytest.mark.parametrize("named", [["there"], []])
async def test_a_test_is_delivered_to_what_it_names(world: World, named: list[str]) -> None:
    fields = fire_fields({"targets": named}, is_test=True)
    await world.fires.fire(FireRequest("t", fields, "a", is_test=True))

    (command,) = world.published
    assert isinstance(command, FireTrigger)
    assert command.targets == tuple(named)
    assert command.is_test


async def test_one_that_names_none_goes_to_the_triggers_own(world: World) -> None:
    await world.fires.fire(FireRequest("t", fire_fields({}, is_test=True), "a", is_test=True))

    assert world.published[0].targets is None


async def test_a_test_that_names_a_target_that_there_is_not_is_refused_and_logged(
    world: World,
) -> None:
    request = FireRequest("t", {"targets": ["there", "none"], "payload": 1}, "a", is_test=True)

    assert await refusal(world.fires.fire(request)) == (Code.UNKNOWN_TARGET, ["/targets/1"])
    (recorded,) = world.published
    assert [error.pointer for error in recorded.refused] == ["/targets/1"]
    assert not recorded.has_payload


async def test_without_the_database_the_executor_says_whether_there_is_such_a_target(
    world: World,
) -> None:
    world.targets.away = True
    await world.fires.fire(FireRequest("t", {"targets": ["none"]}, "a", is_test=True))

    assert world.published[0].refused is None


@pytest.mark.parametrize(
    ("targets", "pointer"),
    [
        (["a", "a"], "/targets/1"),
        ("a", "/targets"),
        (["a.b"], "/targets/0"),
        ([f"t{n}" for n in range(9)], "/targets"),
        ([1], "/targets/0"),
    ],
)
def test_targets_of_a_test_are_ids_each_once_and_few(targets: Any, pointer: str) -> None:
    with pytest.raises(Refused) as caught:
        fire_fields({"targets": targets}, is_test=True)
    found = caught.value.problem
    assert (found.code, found.errors[0].pointer) == (Code.INVALID, pointer)


def test_a_fire_that_is_no_test_names_none() -> None:
    with pytest.raises(Refused) as caught:
        fire_fields({"targets": []})
    assert caught.value.problem.errors[0].pointer == "/targets"


async def test_a_target_that_a_test_writes_out_is_sealed_for_this_test_alone(world: World) -> None:
    own = new_secret()
    target = {**WEBHOOK, "secret": own, "secret_headers": {"Authorization": CANARY}}
    accepted = await world.triggers.test("api", {"payload": 1, "target": target}, "key:k")

    (command,) = world.published
    assert isinstance(command, TestTrigger)
    assert command.command_id is not None
    target_id = id_of_test_target(command.command_id, NOW)
    carried = command.target
    assert isinstance(carried, dict)
    assert KEYS.open(carried["secret"], target_id=target_id, field=SECRET_FIELD) == own
    sealed = carried["secret_headers"]["Authorization"]
    assert KEYS.open(sealed, target_id=target_id, field=header_field("Authorization")) == CANARY
    text = command.model_dump_json()
    assert own not in text
    assert CANARY not in text
    # Whoever brought it along knows it.
    assert accepted.secret is None


async def test_a_secret_that_was_made_for_a_test_is_shown_once(world: World) -> None:
    accepted = await world.triggers.test("api", {"payload": 1, "target": WEBHOOK}, "key:k")

    assert accepted.secret is not None
    key_of(accepted.secret)
    command = world.published[0]
    target_id = id_of_test_target(command.command_id, NOW)
    opened = KEYS.open(command.target["secret"], target_id=target_id, field=SECRET_FIELD)
    assert opened == accepted.secret


@pytest.mark.parametrize("target", ["there", {"type": "nats", "subject": "out.a"}])
async def test_what_has_no_secret_is_carried_as_it_is(world: World, target: Any) -> None:
    accepted = await world.triggers.test("api", {"payload": 1, "target": target}, "key:k")

    assert world.published[0].target == target
    assert "secret" not in accepted.model_dump()


@pytest.mark.parametrize(
    ("target", "code", "pointer"),
    [
        ("a.b", Code.INVALID, "/target"),
        (7, Code.INVALID, "/target"),
        ([], Code.INVALID, "/target"),
        ({}, Code.INVALID, "/target/type"),
        ({**WEBHOOK, "timeout": 31}, Code.INVALID, "/target/timeout"),
        ({**WEBHOOK, "url": "https://127.1/"}, Code.ADDRESS_NOT_ALLOWED, "/target/url"),
        ({**WEBHOOK, "alert_target": "there"}, Code.INVALID, "/target/alert_target"),
        ({**WEBHOOK, "secret": "short"}, Code.INVALID, "/target/secret"),
        ({"type": "nats", "subject": "trigger.x"}, Code.SUBJECT_NOT_ALLOWED, "/target/subject"),
    ],
)
async def test_what_is_wrong_with_a_tests_target_is_said_at_its_field(
    world: World, target: Any, code: Code, pointer: str
) -> None:
    found = await refusal(world.triggers.test("api", {"payload": 1, "target": target}, "key:k"))

    assert found[0] is code
    assert pointer in found[1]
    assert world.published == []
