"""Requests about targets become commands: checked, with nothing in them that is secret."""

import asyncio
import base64
import json
from collections.abc import Sequence
from datetime import timedelta
from ipaddress import ip_address
from typing import Any

import pytest

from tests.unit.api.fakes import NOW, FakeClaims, FakeClock, FakeCommands, FakeDefinitions, ids
from trigger_api.domain.targets.sealing import SETTING, Seals
from trigger_api.domain.targets.shown import TargetShown, shown, version_of, written
from trigger_api.handlers.command_ports import CommandPorts
from trigger_api.handlers.outcomes import Applied, Stored
from trigger_api.handlers.schemas import SchemaTurns
from trigger_api.handlers.target_addresses import AddressCheck
from trigger_api.handlers.targets import Asked, TargetCommands
from trigger_contracts.commands import CreateTarget, RotateTarget, TargetDone, UpdateTarget
from trigger_contracts.errors import Code, Refused, problem
from trigger_contracts.ids import is_valid_id
from trigger_contracts.targets.addresses import Address, Allowance
from trigger_contracts.targets.changes import TargetChanged, representation
from trigger_contracts.targets.fields import MASK
from trigger_contracts.targets.sealing import (
    SECRET_FIELD,
    OpeningKeys,
    header_field,
    new_key,
    opening_keys,
)
from trigger_contracts.targets.secrets import key_of, new_secret
from trigger_contracts.targets.target import ChangedTarget, Target, Unchanged, decide
from trigger_runtime.process.target_settings import TargetRuleSettings

KEYS: OpeningKeys = opening_keys([new_key()])
CANARY = "Bearer c4n4ry"
WEBHOOK: dict[str, Any] = {"type": "webhook", "url": "https://a.example/hook"}
NATS: dict[str, Any] = {"type": "nats", "subject": "out.a"}
BY_KEY = Asked("key:k", "k", "same")
UNKEYED = Asked("key:k", "k", None)


class FakeNames:
    """Answers what it was told, and says what it was asked."""

    def __init__(self) -> None:
        self.known: dict[str, list[str]] = {}
        self.asked: list[str] = []

    async def addresses(self, name: str) -> Sequence[Address]:
        self.asked.append(name)
        return [ip_address(one) for one in self.known.get(name, ())]


class World:
    def __init__(self, *, has_key: bool = True, allowed: str = "") -> None:
        self.commands = FakeCommands()
        self.claims = FakeClaims()
        self.clock = FakeClock()
        self.names = FakeNames()
        ports = CommandPorts(
            commands=self.commands,
            claims=self.claims,
            definitions=FakeDefinitions(),
            clock=self.clock,
            new_id=ids(),
            schemas=SchemaTurns(self.clock.monotonic),
        )
        settings = TargetRuleSettings(webhook_allow=allowed)
        self.targets = TargetCommands(
            ports,
            settings.target_rules(),
            Seals(KEYS.current if has_key else None),
            AddressCheck(self.names, settings.allowance()),
        )

    @property
    def published(self) -> list[Any]:
        return [command for _, command, _ in self.commands.published]

    @property
    def stored(self) -> str:
        """Everything that anybody else could read."""
        commands = [one.model_dump_json() for one in self.published]
        return "".join([*commands, *(value.decode() for value in self.claims.values.values())])


@pytest.fixture
def world() -> World:
    return World()


def opened(command: CreateTarget | RotateTarget) -> str:
    assert command.secret is not None
    assert command.target_id is not None
    return KEYS.open(command.secret, target_id=command.target_id, field=SECRET_FIELD)


async def refusal(of: Any) -> tuple[Code, list[str]]:
    with pytest.raises(Refused) as caught:
        await of
    found = caught.value.problem
    return found.code, [error.pointer for error in found.errors]


async def test_a_secret_is_made_sealed_and_shown_to_whoever_asked(world: World) -> None:
    made = await world.targets.create(WEBHOOK, UNKEYED)

    (command,) = world.published
    assert isinstance(command, CreateTarget)
    assert made.secret is not None
    assert len(key_of(made.secret)) >= 24
    assert opened(command) == made.secret
    assert made.outcome == Stored(command.target_id or "")
    assert is_valid_id(command.target_id or "")
    assert made.secret not in world.stored


async def test_a_secret_is_brought_along(world: World) -> None:
    own = new_secret()
    made = await world.targets.create({**WEBHOOK, "secret": own}, UNKEYED)
    assert (made.secret, opened(world.published[0])) == (own, own)
    assert own not in world.stored


async def test_secret_headers_are_sealed_for_their_target_and_name(world: World) -> None:
    await world.targets.create({**WEBHOOK, "secret_headers": {"X-Token": CANARY}}, BY_KEY)
    edit = {"secret_headers": {"X-Token": CANARY, "x-kept": MASK, "X-Gone": None}}
    await world.targets.patch("t", edit, "a", None)
    await world.targets.replace("t", {**WEBHOOK, "secret_headers": {"x": CANARY}}, "a", 3)

    create, patch, replace = world.published
    sealed = create.definition["secret_headers"]["X-Token"]
    field = header_field("x-token")
    assert KEYS.open(sealed, target_id=create.target_id, field=field) == CANARY
    patched = patch.patch["secret_headers"]
    assert KEYS.open(patched["X-Token"], target_id="t", field=field) == CANARY
    assert (patched["x-kept"], patched["X-Gone"]) == (MASK, None)
    assert replace.expected_version == 3
    assert CANARY not in world.stored


async def test_whichever_create_under_a_key_is_handled_first_the_shown_secret_holds(
    world: World,
) -> None:
    fields = {**WEBHOOK, "secret_headers": {"X-Token": CANARY}}
    first = await world.targets.create(fields, BY_KEY)
    world.clock.advance(timedelta(minutes=5))
    again = await world.targets.create(fields, BY_KEY)

    one, other = world.published
    assert first.secret is not None
    assert again.secret is None
    assert (one.command_id, one.target_id) == (other.command_id, other.target_id)
    assert opened(one) == opened(other) == first.secret
    assert one.accepted_at == other.accepted_at == NOW
    assert CANARY not in world.stored
    assert first.secret not in world.stored


async def test_another_body_under_the_key_is_refused(world: World) -> None:
    await world.targets.create(WEBHOOK, BY_KEY)
    for body in ({**WEBHOOK, "name": "b"}, NATS, [], {**WEBHOOK, "secret": new_secret()}):
        found = await refusal(world.targets.create(body, BY_KEY))
        assert found == (Code.IDEMPOTENCY_MISMATCH, [])
    await world.targets.rotate("t", None, BY_KEY, None)
    other = world.targets.rotate("t", {"overlap": 0}, BY_KEY, None)
    assert (await refusal(other))[0] is Code.IDEMPOTENCY_MISMATCH


async def test_what_is_refused_uses_up_no_key(world: World) -> None:
    world.names.known["a.example"] = ["127.0.0.1"]
    assert (await refusal(world.targets.create(WEBHOOK, BY_KEY)))[0] is Code.ADDRESS_NOT_ALLOWED
    wrong = {**WEBHOOK, "timeout": 0}
    assert await refusal(world.targets.create(wrong, BY_KEY)) == (Code.INVALID, ["/timeout"])
    assert not world.claims.values
    assert not world.published


async def test_a_repetition_is_answered_whatever_the_settings_say_since(world: World) -> None:
    await world.targets.create(WEBHOOK, BY_KEY)
    world.names.known["a.example"] = ["127.0.0.1"]
    await world.targets.create(WEBHOOK, BY_KEY)
    assert len(world.published) == 2


async def test_a_rotation_is_sealed_shown_and_repeated(world: World) -> None:
    first = await world.targets.rotate("t", {"overlap": "PT1H"}, BY_KEY, 4)
    again = await world.targets.rotate("t", {"overlap": "PT1H"}, BY_KEY, 4)
    other = await world.targets.rotate("u", {"overlap": "PT1H"}, BY_KEY, 4)

    one, two, three = world.published
    assert isinstance(one, RotateTarget)
    assert (one.overlap, one.expected_version) == ("PT1H", 4)
    assert opened(one) == opened(two) == first.secret
    assert again.secret is None
    assert one.command_id == two.command_id != three.command_id
    assert other.secret == opened(three)


async def test_a_secret_that_came_sealed_is_passed_on(world: World) -> None:
    sealed = KEYS.current.seal(new_secret(), target_id="t", field=SECRET_FIELD)
    made = await world.targets.rotate("t", {"secret": sealed}, UNKEYED, None)
    assert made.secret is None
    header = KEYS.current.seal(CANARY, target_id="t", field=header_field("x"))
    await world.targets.patch("t", {"secret_headers": {"X": header}}, "a", None)
    rotation, edit = world.published
    assert rotation.secret == sealed
    assert edit.patch["secret_headers"]["X"] == header


@pytest.mark.parametrize(
    ("fields", "pointers"),
    [
        ([], [""]),
        (None, [""]),
        ({**WEBHOOK, "secret": "whsec_short"}, ["/secret"]),
        ({**WEBHOOK, "secret": "plain"}, ["/secret"]),
        ({**WEBHOOK, "secret": 5}, ["/secret"]),
        ({**WEBHOOK, "secret": {"a": CANARY}}, ["/secret"]),
        ({**WEBHOOK, "secret": "whsec_" + base64.b64encode(b"x" * 65).decode()}, ["/secret"]),
        ({**NATS, "secret": "whsec_" + "A" * 32}, ["/secret"]),
        ({**WEBHOOK, "secret_headers": {"X": MASK}}, ["/secret_headers/X"]),
        ({**WEBHOOK, "secret_headers": {"a/b": "x"}}, ["/secret_headers/a~1b"]),
        ({**WEBHOOK, "secret_headers": [CANARY]}, ["/secret_headers"]),
        ({**WEBHOOK, "secret_headers": {"X": [CANARY]}}, ["/secret_headers/X"]),
        ({**WEBHOOK, "secret_headers": {"X": "a\r\nb"}}, ["/secret_headers/X"]),
        ({**WEBHOOK, "target_id": "mine"}, ["/target_id"]),
        ({**WEBHOOK, "command_id": "mine"}, ["/command_id"]),
        ({**WEBHOOK, "secret": "no", "timeout": 0}, ["/secret", "/timeout"]),
    ],
)
async def test_a_create_that_can_never_be_is_refused_and_nothing_of_it_published(
    world: World, fields: Any, pointers: list[str]
) -> None:
    assert await refusal(world.targets.create(fields, BY_KEY)) == (Code.INVALID, pointers)
    assert not world.stored


async def test_a_sealed_header_cannot_be_for_a_target_without_an_id(world: World) -> None:
    sealed = KEYS.current.seal("x", target_id="t", field=header_field("x"))
    create = world.targets.create({**WEBHOOK, "secret_headers": {"X": sealed}}, UNKEYED)
    assert await refusal(create) == (Code.INVALID, ["/secret_headers/X"])


@pytest.mark.parametrize(
    ("patch", "pointers"),
    [
        ([], [""]),
        ({"secret": CANARY}, ["/secret"]),
        ({"secret": None}, ["/secret"]),
        ({"secrets": [CANARY]}, ["/secrets"]),
        ({"colour": None}, ["/colour"]),
        ({"secret_headers": CANARY}, ["/secret_headers"]),
        ({"secret_headers": {"X": {"y": CANARY}}}, ["/secret_headers/X"]),
        ({"secret_headers": {"X": "a\0b"}}, ["/secret_headers/X"]),
        ({"secret_headers": {"Host": CANARY}}, ["/secret_headers/Host"]),
        ({"headers": {"X": 5}}, ["/headers/X"]),
        ({"url": "https://u:p@a.example/"}, ["/url"]),
        ({"url": 5}, ["/url"]),
        ({"rate": {"count": 1, "per": "2d"}}, None),
        ({"rate": 5}, ["/rate"]),
        ({"timeout": 0, "retry": [0]}, ["/timeout", "/retry/0"]),
        ({"concurrency": 0}, ["/concurrency"]),
    ],
)
async def test_a_patch_that_can_never_fit_is_refused_and_nothing_of_it_published(
    world: World, patch: Any, pointers: list[str] | None
) -> None:
    if pointers is None:
        # What it is worth follows from what is stored.
        await world.targets.patch("t", patch, "a", None)
        assert len(world.published) == 1
        return
    assert await refusal(world.targets.patch("t", patch, "a", None)) == (Code.INVALID, pointers)
    assert not world.stored


async def test_nulls_and_parts_of_a_patch_are_passed_on(world: World) -> None:
    patch = {"name": None, "rate": {"count": 5}, "headers": {"a": None, "b": "c"}, "url": None}
    await world.targets.patch("t", patch, "a", 2)
    (command,) = world.published
    assert (command.patch, command.expected_version) == (patch, 2)


async def test_an_edit_brings_no_secret(world: World) -> None:
    replace = world.targets.replace("t", {**WEBHOOK, "secret": CANARY}, "a", None)
    assert await refusal(replace) == (Code.INVALID, ["/secret"])
    assert not world.stored


async def test_without_a_key_only_what_needs_one_is_refused() -> None:
    world = World(has_key=False)
    for needs_one in (
        world.targets.create(WEBHOOK, BY_KEY),
        world.targets.rotate("t", None, BY_KEY, None),
        world.targets.patch("t", {"secret_headers": {"X": "y"}}, "a", None),
    ):
        with pytest.raises(Refused) as caught:
            await needs_one
        assert (caught.value.problem.code, caught.value.problem.status) == (Code.UNAVAILABLE, 503)
        assert SETTING in caught.value.problem.detail
    assert not world.stored
    await world.targets.create(NATS, UNKEYED)
    await world.targets.patch("t", {"secret_headers": {"X": None, "Y": MASK}}, "a", None)
    await world.targets.replace("t", {**WEBHOOK, "secret_headers": {"Y": MASK}}, "a", None)
    assert len(world.published) == 3


async def test_a_result_is_passed_on_and_a_refusal_raised(world: World) -> None:
    done = TargetDone(command_id="c", target_id="t", version=2, target={"id": "t"})
    world.commands.result = done
    assert await world.targets.patch("t", {}, "a", None) == Applied(done)
    world.commands.result = problem(Code.TARGET_IN_USE, "named by n")
    assert await refusal(world.targets.delete("t", "a", None)) == (Code.TARGET_IN_USE, [])


@pytest.mark.parametrize(
    ("addresses", "is_refused"),
    [
        ([], False),
        (["1.1.1.1"], False),
        (["1.1.1.1", "10.0.0.1"], False),
        (["127.0.0.1"], True),
        (["10.0.0.1", "fd00::1"], True),
        (["::ffff:127.0.0.1"], True),
        (["fe80::1%2"], True),
        (["64:ff9b::7f00:1"], True),
    ],
)
async def test_a_name_that_leads_nowhere_allowed_is_refused(
    world: World, addresses: list[str], *, is_refused: bool
) -> None:
    world.names.known["a.example"] = addresses
    for write in (
        world.targets.create(WEBHOOK, UNKEYED),
        world.targets.replace("t", WEBHOOK, "a", None),
        world.targets.patch("t", {"url": WEBHOOK["url"]}, "a", None),
    ):
        if is_refused:
            with pytest.raises(Refused) as caught:
                await write
            found = caught.value.problem
            assert (found.code, found.status) == (Code.ADDRESS_NOT_ALLOWED, 422)
            assert [error.pointer for error in found.errors] == ["/url"]
            assert "ETP_WEBHOOK_ALLOW" in found.detail
            assert not any(address in found.detail for address in addresses)
        else:
            await write


async def test_only_names_that_need_it_are_looked_up() -> None:
    world = World(allowed="10.0.0.0/8,inside.example,[fd00::]/8:9000")
    world.names.known |= {"inside.example": ["127.0.0.1"], "b.example": ["10.1.2.3"]}
    for url in ("https://inside.example/", "https://10.9.9.9/", "https://1.1.1.1/"):
        await world.targets.create({**WEBHOOK, "url": url}, UNKEYED)
    assert world.names.asked == []
    await world.targets.create({**WEBHOOK, "url": "https://B.example./"}, UNKEYED)
    assert world.names.asked == ["b.example"]
    await world.targets.patch("t", {"name": "n"}, "a", None)
    await world.targets.create(NATS, UNKEYED)
    assert world.names.asked == ["b.example"]


async def test_a_name_that_never_answers_is_given_up_and_accepted() -> None:
    class Silent:
        async def addresses(self, name: str) -> Sequence[Address]:
            await never.wait()
            return ()

    never = asyncio.Event()
    check = AddressCheck(Silent(), Allowance(), timeout_s=0.001)
    async with asyncio.timeout(5):
        await asyncio.gather(*(check.check(f"https://n{n}.example/") for n in range(1000)))
    assert not never.is_set()


def changed(**fields: Any) -> TargetChanged:
    decision = decide(
        CreateTarget(
            target_id="t",
            secret=KEYS.current.seal(new_secret(), target_id="t", field=SECRET_FIELD),
            **{**WEBHOOK, "url": "https://a.example/T0/secret-path", **fields},
        ),
        None,
        NOW,
        target_id="t",
        command_id="c",
        rules=TargetRuleSettings().target_rules(),
    )
    assert isinstance(decision, ChangedTarget), decision
    return decision.change


def test_a_url_is_whole_for_those_who_write_and_its_origin_for_others() -> None:
    change = changed()
    assert shown(change, ("read", "write"))["url"] == "https://a.example/T0/secret-path"
    assert shown(change, ("read",))["url"] == "https://a.example"
    assert version_of(change, ("write",)).definition.url == "https://a.example/T0/secret-path"
    assert version_of(change, ("read",)).definition.url == "https://a.example"


def test_what_is_shown_holds_no_secret_sealed_or_not() -> None:
    sealed = KEYS.current.seal(CANARY, target_id="t", field=header_field("x"))
    change = changed(secret_headers={"X": sealed})
    for fields in (shown(change, ("write",)), version_of(change, ("write",)).model_dump()):
        text = json.dumps(fields, default=str)
        assert "hpke1" not in text
        assert MASK in text


def test_what_is_shown_may_be_sent_back() -> None:
    change = changed()
    fields = shown(change, ("write",))
    assert fields == representation(change)
    TargetShown.model_validate(fields)
    decision = decide(
        UpdateTarget(target_id="t", definition=written(fields)),
        Target(change, 1),
        NOW,
        target_id="t",
        command_id="c",
        rules=TargetRuleSettings().target_rules(),
    )
    assert decision == Unchanged()
    assert written([1]) == [1]
