"""A replay on fakes: what is published for an event, and what is refused before."""

from datetime import timedelta

import pytest

from tests.unit.api.fakes import NOW, make_change
from tests.unit.api.replaying import INTEGER, SECOND, World, refusal
from trigger_contracts.errors import Code
from trigger_contracts.events import EntryStatus, Source, Status
from trigger_runtime.process.errors import BrokerUnavailable


@pytest.fixture
def world() -> World:
    return World()


async def test_a_replay_is_a_fire_with_what_its_origin_carried(world: World) -> None:
    (origin,) = world.add(1, payload={"n": None}, is_test=True)

    accepted = await world.one.replay(origin.event_id.upper(), "key:k", None)

    (command,) = world.fired
    assert command.payload == {"n": None}
    assert command.replay_of == accepted.replay_of == origin.event_id
    assert (command.is_test, command.actor, command.accepted_at) == (True, "key:k", NOW)
    assert world.event_ids == {accepted.event_id}


async def test_a_missed_event_fires_with_the_triggers_own_payload(world: World) -> None:
    (origin,) = world.add(1, status=EntryStatus.MISSED, payload=None, fired_at=None)

    await world.one.replay(origin.event_id, "key:k", None)

    assert not world.fired[0].has_payload


async def test_null_is_a_payload_too(world: World) -> None:
    (origin,) = world.add(1, payload=None)

    await world.one.replay(origin.event_id, "key:k", None)

    assert world.fired[0].has_payload


async def test_a_replay_of_a_replay_names_the_one_that_was_asked_for(world: World) -> None:
    first, replay = world.add(2)
    replayed = replay.model_copy(update={"source": Source.REPLAY, "replay_of": first.event_id})
    world.log.entries[1] = replayed

    await world.one.replay(replay.event_id, "key:k", None)

    assert world.fired[0].replay_of == replay.event_id


async def test_what_cannot_be_replayed_says_why(world: World) -> None:
    rejected, orphan = world.add(2, payload=None)
    world.log.entries[0] = rejected.model_copy(update={"status": EntryStatus.REJECTED})
    world.log.entries[1] = orphan.model_copy(update={"trigger_id": "gone"})
    world.definitions.stored["gone"] = make_change("gone", Status.DELETED)

    found = await refusal(world.one.replay(rejected.event_id, "key:k", None))
    assert (found.status, found.code) == (422, Code.NOT_REPLAYABLE)
    assert "without its payload" in found.detail
    found = await refusal(world.one.replay(orphan.event_id, "key:k", None))
    assert (found.status, found.detail) == (
        404,
        "there is no trigger gone: it was deleted, or never saved",
    )
    assert world.fired == []


async def test_an_event_that_is_not_there_is_unknown_or_gone(world: World) -> None:
    over = world.log.add(NOW - timedelta(hours=49)).event_id
    world.log.entries.clear()

    assert (await refusal(world.one.replay(over, "key:k", None))).code is Code.GONE
    for unknown in ("x", str(over).replace("-7", "-4"), "ffffffff-ffff-7fff-bfff-ffffffffffff"):
        assert (await refusal(world.one.replay(unknown, "key:k", None))).code is Code.NOT_FOUND


async def test_a_payload_that_no_longer_matches_is_refused_and_recorded(world: World) -> None:
    (origin,) = world.add(1, payload={"n": "SECRET"})
    world.definitions.stored["t"] = make_change(**INTEGER)

    found = await refusal(world.one.replay(origin.event_id, "key:k", "key"))

    assert found.code is Code.PAYLOAD_SCHEMA_MISMATCH
    (command,) = world.fired
    assert command.refused == found.errors
    assert command.replay_of == origin.event_id
    assert not command.has_payload
    assert world.claims.values == {}


async def test_a_key_makes_one_replay_of_many_requests(world: World) -> None:
    origin, other = world.add(2, payload={"n": 1})

    first = await world.one.replay(origin.event_id, "key:k", "key")
    world.clock.advance(600 * SECOND)
    world.definitions.stored["t"] = make_change(payload_schema=False)
    assert await world.one.replay(origin.event_id, "key:k", "key") == first

    found = await refusal(world.one.replay(other.event_id, "key:k", "key"))
    assert found.code is Code.IDEMPOTENCY_MISMATCH


async def test_without_a_broker_no_single_replay_is_promised(world: World) -> None:
    (origin,) = world.add(1)
    world.commands.away = True
    with pytest.raises(BrokerUnavailable):
        await world.one.replay(origin.event_id, "key:k", None)
