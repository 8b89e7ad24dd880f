"""Commands with slow schemas wait for their turn; others go by, and each is settled once."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import count
from typing import Any

import pytest

from tests.support.stretches import stretches
from trigger_contracts import schema_time
from trigger_runtime.consuming.ack_policy import dead_letter_all
from trigger_scheduler.domain import turn_queue
from trigger_scheduler.handlers import answering, turns
from trigger_scheduler.handlers.answering import AnswerCommands
from trigger_scheduler.handlers.turns import SlowLast

SEQUENCES = count(1)


@dataclass
class FakeDelivery:
    subject: str
    payload: bytes
    stream_seq: int
    headers: dict[str, str] = field(default_factory=dict)
    delivered_count: int = 1
    stored_at: datetime = datetime(2026, 11, 29, tzinfo=UTC)
    kept: bool = False
    answers: list[str] = field(default_factory=list)

    def keep(self) -> None:
        self.kept = True

    async def ack(self) -> None:
        self.answers.append("ack")

    async def nak(self, delay: timedelta = timedelta()) -> None:
        self.answers.append("nak")


Turns = SlowLast[FakeDelivery]


class World:
    """Time passes only while a schema is compiled: 30 ms each."""

    def __init__(self) -> None:
        self.time = 0.0
        self.settled: list[str] = []
        self.turned_away: list[str] = []
        self.compiled = 0
        self.breaks = False
        self.unready: list[tuple[int, Exception]] = []
        self.turns = self.settling_by(self.settle)

    def settling_by(self, settle: Callable[[list[FakeDelivery]], Awaitable[None]]) -> Turns:
        return SlowLast(
            settle,
            partial(dead_letter_all, self.turn_away),  # type: ignore[arg-type]
            monotonic=lambda: self.time,
            on_unready=lambda stream_seq, error: self.unready.append((stream_seq, error)),
        )

    async def settle(self, batch: list[FakeDelivery]) -> None:
        self.settled += [name_of(one) for one in batch]

    async def turn_away(self, delivery: FakeDelivery, reason: str) -> None:
        if self.breaks:
            raise ConnectionError
        self.turned_away.append(name_of(delivery))

    def compile(self, _schema: Any, _monotonic: Any) -> float:
        self.compiled += 1
        self.time += 0.03
        return 0.03

    async def take(self, *deliveries: FakeDelivery) -> None:
        await self.turns(list(deliveries))

    async def all_passes(self) -> None:
        while self.turns.waiting:
            await self.turns.one_pass()


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    made = World()
    monkeypatch.setattr(schema_time, "make_ready", made.compile)
    return made


def name_of(delivery: FakeDelivery) -> str:
    return delivery.headers["name"]


def command(verb: str, called: str, /, **fields: Any) -> FakeDelivery:
    body = json.dumps(fields).encode()
    return FakeDelivery(f"trigger.command.{verb}", body, next(SEQUENCES), {"name": called})


def slow_schema(name: str) -> Any:
    return {"allOf": [{"pattern": r"\p{L}{3}" + f"{part}{name}"} for part in range(12)]}


def create(name: str, **fields: Any) -> FakeDelivery:
    return command("create", name, name=name, type="api", trigger_id=f"id-{name}", **fields)


def slow(name: str, **fields: Any) -> FakeDelivery:
    return create(name, payload_schema=slow_schema(name), **fields)


async def test_what_is_cheap_is_answered_first_and_what_is_slow_in_slices(world: World) -> None:
    slows = [slow(f"slow{n}") for n in range(4)]
    await world.take(slows[0], create("a"), *slows[1:], create("b"))
    assert world.settled == ["a", "b"]
    assert all(one.kept and not one.answers for one in slows)
    pause = await world.turns.one_pass()
    # Two are more than a slice of 50 ms.
    assert world.settled[2:] == ["slow0", "slow1"]
    assert pause is not None
    assert pause.total_seconds() == pytest.approx(0.03)
    await world.take(create("c"))
    assert world.settled[4:] == ["c"]
    assert await world.turns.one_pass() is None
    assert world.settled[5:] == ["slow2", "slow3"]
    assert (world.turns.waiting, world.turned_away) == (0, [])


async def test_commands_of_a_trigger_keep_their_order(world: World) -> None:
    edit = command("update", "edit", trigger_id="id-s", patch={"name": "x"})
    other = command("update", "other", trigger_id="id-t", patch={"name": "x"})
    await world.take(slow("s"), edit, other)
    delete = command("delete", "delete", trigger_id="id-s")
    await world.take(delete)
    assert world.settled == ["other"]
    await world.all_passes()
    assert world.settled == ["other", "s", "edit", "delete"]
    await world.take(command("update", "later", trigger_id="id-s", patch={"name": "y"}))
    assert world.settled[-1] == "later"


async def test_what_follows_a_command_in_hand_waits_for_it(world: World) -> None:
    in_hand, go_on = asyncio.Event(), asyncio.Event()

    async def settle(batch: list[FakeDelivery]) -> None:
        if name_of(batch[0]) == "s":
            in_hand.set()
            await go_on.wait()
        world.settled += [name_of(one) for one in batch]

    world.turns = world.settling_by(settle)
    await world.take(slow("s"))
    passing = asyncio.create_task(world.turns.one_pass())
    await in_hand.wait()
    await world.take(command("delete", "delete", trigger_id="id-s"))
    assert world.settled == []
    go_on.set()
    await passing
    await world.all_passes()
    assert world.settled == ["s", "delete"]


async def test_a_slow_command_does_not_overtake_a_cheap_one_of_its_trigger(world: World) -> None:
    in_hand, go_on = asyncio.Event(), asyncio.Event()

    async def settle(batch: list[FakeDelivery]) -> None:
        if name_of(batch[0]) == "edit":
            in_hand.set()
            await go_on.wait()
        world.settled += [name_of(one) for one in batch]

    world.turns = world.settling_by(settle)
    edit = command("update", "edit", trigger_id="id-s", patch={"name": "x"})
    taking = asyncio.create_task(world.take(edit, slow("s")))
    await in_hand.wait()
    await world.turns.one_pass()
    assert world.settled == []
    go_on.set()
    await taking
    await world.all_passes()
    assert world.settled == ["edit", "s"]


async def test_senders_have_their_turns_by_turns(world: World) -> None:
    flood = [slow(f"n{n}") for n in range(6)]
    await world.take(*flood, slow("k", actor="key:k"), slow("l", actor="key:l"))
    await world.turns.one_pass()
    await world.turns.one_pass()
    assert world.settled == ["n0", "k", "l", "n1"]


async def test_a_merge_into_a_stored_schema_waits_and_other_patches_do_not(world: World) -> None:
    merged = command("update", "merged", trigger_id="t", patch={"payload_schema": {"title": "x"}})
    removed = command("update", "removed", trigger_id="u", patch={"payload_schema": None})
    escaped = command("update", "escaped", trigger_id="v", patch={"name": "x"})
    hidden = slow("hidden")
    hidden.payload = hidden.payload.replace(b"payload_schema", b"payload\\u005fschema")
    await world.take(merged, removed, escaped, hidden, create("small", payload_schema={"a": 1}))
    assert world.settled == ["removed", "escaped", "small"]
    await world.all_passes()
    assert world.settled[3:] == ["merged", "hidden"]
    assert world.compiled == 1


async def test_what_cannot_be_read_goes_by(world: World) -> None:
    junk = FakeDelivery("trigger.command.create", b'{"payload_schema"', 1, {"name": "junk"})
    await world.take(slow("s"), junk)
    assert world.settled == ["junk"]


async def test_whoever_waits_too_long_is_turned_away_and_told(world: World) -> None:
    early, late = slow("early"), slow("late")
    await world.take(early)
    world.time += turns.TURN_TIMEOUT_S + 1
    await world.take(late)
    await world.all_passes()
    assert (world.turned_away, world.settled) == (["early"], ["late"])
    assert (early.answers, late.answers) == (["ack"], [])


async def test_nobodys_patience_ends_while_a_server_is_away(world: World) -> None:
    async def settle(batch: list[FakeDelivery]) -> None:
        world.time += 60.0
        world.settled += [name_of(one) for one in batch]

    world.turns = world.settling_by(settle)
    await world.take(create("cheap"), *(slow(f"s{n}") for n in range(6)))
    await world.all_passes()
    assert world.settled == ["cheap", *(f"s{n}" for n in range(6))]
    assert world.turned_away == []


async def test_no_more_wait_than_there_is_room_for(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turn_queue, "MAX_COMMANDS", 2)
    asked = [slow(f"s{n}") for n in range(3)]
    await world.take(*asked)
    assert world.turned_away == ["s2"]
    await world.all_passes()
    assert world.settled == ["s0", "s1"]
    monkeypatch.setattr(turn_queue, "MAX_BYTES", len(asked[0].payload))
    await world.take(*asked)
    assert world.turned_away == ["s2", "s1", "s2"]


async def test_what_cannot_be_turned_away_comes_again(world: World) -> None:
    asked = slow("s")
    await world.take(asked)
    world.time += turns.TURN_TIMEOUT_S + 1
    world.breaks = True
    await world.all_passes()
    assert asked.answers == ["nak"]
    assert world.turns.waiting == 0


async def test_a_schema_that_fails_is_left_to_be_decided(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(_schema: Any, _monotonic: Any) -> float:
        raise RecursionError

    monkeypatch.setattr(schema_time, "make_ready", fails)
    asked = slow("s")
    await world.take(asked)
    await world.all_passes()
    assert world.settled == ["s"]
    [(stream_seq, error)] = world.unready
    assert stream_seq == asked.stream_seq
    assert isinstance(error, RecursionError)


async def test_others_have_their_turn_after_each_schema(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with stretches() as work:
        monkeypatch.setattr(turns, "is_slow", work.counting(turns.is_slow))
        await world.take(*(slow(f"s{n}") for n in range(10)))
    assert (work.calls, work.longest) == (10, 1)
    monkeypatch.setattr(turns, "SLICE_S", 1.0)
    async with stretches() as work:
        monkeypatch.setattr(schema_time, "make_ready", work.counting(world.compile))
        await world.turns.one_pass()
    assert (work.calls, work.longest) == (10, 1)


async def test_commands_are_read_a_few_at_a_stretch(monkeypatch: pytest.MonkeyPatch) -> None:
    class Handler:
        async def answer(self, requests: list[Any]) -> list[None]:
            return [None for _ in requests]

    class NoDeadLetters:
        async def dead_letter(self, *_: Any) -> None:
            raise AssertionError

    answers = AnswerCommands(Handler(), None, None, NoDeadLetters(), None)  # type: ignore[arg-type]
    async with stretches() as work:
        monkeypatch.setattr(answering, "parse_command", work.counting(answering.parse_command))
        later = await answers([create(f"c{n}") for n in range(50)])
    assert len(later) == 50
    assert work.longest == answering.TURN_AFTER
