"""Replays on fakes: what is published for an event, for many, and what is refused before."""

from datetime import timedelta
from typing import Any

import pytest

from tests.unit.api.fake_views import FakeViews
from tests.unit.api.fakes import (
    NOW,
    FakeClaims,
    FakeClock,
    FakeCommands,
    FakeDefinitions,
    ids,
    make_change,
)
from trigger_api.domain.queries import StateFilter
from trigger_api.domain.replays import MAX_REPLAYS, requested
from trigger_api.handlers.bulk_replays import SLICE, BulkReplay, BulkReplays
from trigger_api.handlers.fires import Fires
from trigger_api.handlers.lookup import Lookup
from trigger_api.handlers.replays import Replays
from trigger_contracts.commands import FireTrigger
from trigger_contracts.errors import Code, Problem, Refused
from trigger_contracts.events import EntryStatus, LogEntry, Source, Status
from trigger_contracts.ids import fire_event_id
from trigger_runtime.errors import BrokerUnavailable, DatabaseUnavailable

SECOND = timedelta(seconds=1)
INTEGER = {"payload_schema": {"properties": {"n": {"type": "integer"}}}}
EVERYTHING = StateFilter(trigger_id="t")


class World:
    def __init__(self) -> None:
        self.commands = FakeCommands()
        self.claims = FakeClaims()
        self.definitions = FakeDefinitions()
        self.clock = FakeClock()
        self.log = FakeViews()
        self.definitions.stored["t"] = make_change(payload={"own": 1})
        fires = Fires(
            commands=self.commands,
            claims=self.claims,
            definitions=self.definitions,
            clock=self.clock,
            new_id=ids(),
        )
        lookup = Lookup(views=self.log, clock=self.clock, kept_for=timedelta(hours=48))  # type: ignore[arg-type]
        self.one = Replays(lookup=lookup, fires=fires)
        self.many = BulkReplays(
            views=self.log,  # type: ignore[arg-type]
            fires=fires,
            commands=self.commands,
            claims=self.claims,
            clock=self.clock,
        )

    def add(self, count: int, **fields: Any) -> list[LogEntry]:
        """Events of as many seconds, the last of them a second ago."""
        return [
            self.log.add(NOW - (count - n) * SECOND, **{"payload": {"n": n}, **fields})
            for n in range(count)
        ]

    @property
    def fired(self) -> list[FireTrigger]:
        return [c for _, c, _ in self.commands.published if isinstance(c, FireTrigger)]

    @property
    def event_ids(self) -> set[str]:
        """Those that the executor will give, if all is as it was checked."""
        return {
            command.command_id or ""
            if command.key
            else str(fire_event_id("t", command.command_id or "", command.accepted_at or NOW))
            for command in self.fired
        }


@pytest.fixture
def world() -> World:
    return World()


def asked(key: str | None = None, wanted: StateFilter = EVERYTHING) -> BulkReplay:
    return BulkReplay(wanted, "key:k", "k", key)


async def refusal(awaitable: Any) -> Problem:
    with pytest.raises(Refused) as caught:
        await awaitable
    return caught.value.problem


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


async def test_many_are_replayed_in_the_order_of_their_origins(world: World) -> None:
    origins = world.add(3 * SLICE + 7)
    world.log.chunk = SLICE + 11
    world.log.entries.reverse()

    done = await world.many.replay(asked())

    assert (done.count, done.replayed, done.refused) == (len(origins), len(origins), {})
    assert [command.replay_of for command in world.fired] == [one.event_id for one in origins]
    instants = [command.accepted_at for command in world.fired if command.accepted_at]
    assert instants == sorted(set(instants))
    assert len(world.event_ids) == len(origins)


async def test_nothing_logged_since_the_request_is_replayed(world: World) -> None:
    world.add(3)
    world.log.add(NOW)
    store = world.commands.store_each

    async def logs_at_once(verb: Any, commands: Any, **options: Any) -> None:
        await store(verb, commands, **options)
        for command in world.fired:
            world.log.add(command.accepted_at or NOW, source=Source.REPLAY)

    world.commands.store_each = logs_at_once  # type: ignore[method-assign]
    assert (await world.many.replay(asked())).replayed == 3
    earlier = asked(wanted=StateFilter(trigger_id="t", to=NOW - 2 * SECOND))
    assert (await world.many.count(earlier)).count == 1


async def test_what_is_counted_first_is_what_is_done_then(world: World) -> None:
    world.definitions.stored["t"] = make_change(**INTEGER)
    world.add(4)
    world.add(3, payload={"n": "SECRET"})
    world.add(2, status=EntryStatus.REJECTED, payload=None)
    world.add(1, trigger_id="gone")
    wanted = StateFilter.model_validate({"from": NOW - timedelta(hours=1)})

    counted = await world.many.count(asked("key", wanted))

    assert (counted.count, counted.replayable) == (10, 4)
    assert counted.refused == {"payload-schema-mismatch": 3, "not-replayable": 2, "not-found": 1}
    assert (world.commands.published, world.claims.values) == ([], {})
    done = await world.many.replay(asked("key", wanted))
    assert (done.count, done.replayed, done.refused) == (10, 4, counted.refused)
    recorded = [command for command in world.fired if command.refused]
    assert len(recorded) == 3
    assert not any(command.has_payload for command in recorded)
    assert len(world.fired) == 7


async def test_a_payload_too_large_for_a_command_is_counted_among_the_refused(
    world: World,
) -> None:
    world.add(2)
    world.add(1, payload="x" * 524_280)

    done = await world.many.replay(asked())

    assert (done.replayed, done.refused) == (2, {"body-too-large": 1})
    assert (await world.many.count(asked())).refused == {"body-too-large": 1}


async def test_a_request_repeated_under_its_key_goes_on_where_it_broke_off(world: World) -> None:
    origins = world.add(SLICE + 20)
    world.log.chunk = 50
    world.commands.breaks_after = 70

    broken = await refusal(world.many.replay(asked("key")))

    assert broken.status == 503
    assert f"of {len(origins)} events that match at least 70 are certainly" in broken.detail
    assert "each of them once" in broken.detail
    first = world.event_ids
    world.commands.breaks_after = None
    world.clock.advance(600 * SECOND)
    world.log.add(NOW + SECOND, source=Source.REPLAY)  # of the first attempt, say
    world.definitions.stored["t"] = make_change(payload_schema=False)
    again = await world.many.replay(asked("key"))
    # What was never claimed is checked as it stands now.
    assert again.replayed + again.refused.get("payload-schema-mismatch", 0) == len(origins)
    assert {c.replay_of for c in world.fired} == {one.event_id for one in origins}
    assert first <= world.event_ids
    assert len({c.command_id for c in world.fired if c.key}) == again.replayed


async def test_a_repeated_request_has_the_same_events(world: World) -> None:
    world.add(10)

    first = await world.many.replay(asked("key"))
    events = world.event_ids
    world.clock.advance(3600 * SECOND)

    assert await world.many.replay(asked("key")) == first
    assert world.event_ids == events
    assert len(events) == 10
    other = await refusal(world.many.replay(asked("key", StateFilter(status=EntryStatus.FIRED))))
    assert other.code is Code.IDEMPOTENCY_MISMATCH
    await world.many.replay(asked("another key"))
    await world.many.replay(BulkReplay(EVERYTHING, "key:other", "other", "key"))
    assert len(world.event_ids) == 30


async def test_without_a_key_a_broken_request_says_so(world: World) -> None:
    world.add(5)
    world.log.away_after = 1

    found = await refusal(world.many.replay(asked()))

    assert found.code is Code.UNAVAILABLE
    assert "the database" in found.detail
    assert "at least 3 are" in found.detail
    assert "replays them again" in found.detail


async def test_before_anything_is_stored_a_request_is_simply_unavailable(world: World) -> None:
    world.add(5)

    async def away(_wanted: Any, **_options: Any) -> Any:
        raise DatabaseUnavailable

    world.log.away_after = 0
    with pytest.raises(DatabaseUnavailable):
        await world.many.replay(asked())
    world.log.count = away  # type: ignore[method-assign]
    with pytest.raises(DatabaseUnavailable):
        await world.many.replay(asked("key"))
    assert world.claims.values == {}


async def test_without_a_broker_no_single_replay_is_promised(world: World) -> None:
    (origin,) = world.add(1)
    world.commands.away = True
    with pytest.raises(BrokerUnavailable):
        await world.one.replay(origin.event_id, "key:k", None)


@pytest.mark.parametrize("act", ["count", "replay"])
async def test_more_than_a_request_may_replay_is_refused_and_counted(
    world: World, act: str
) -> None:
    world.add(MAX_REPLAYS + 1)

    found = await refusal(getattr(world.many, act)(asked("key")))

    assert (found.status, found.code) == (422, Code.INVALID)
    assert f"{MAX_REPLAYS + 1} events match" in found.detail
    assert found.errors[0].pointer == "/filter"
    assert (world.commands.published, world.claims.values) == ([], {})


async def test_a_filter_that_nothing_passes_replays_nothing(world: World) -> None:
    world.add(2)
    future = StateFilter.model_validate({"from": NOW + 60 * SECOND})

    assert (await world.many.replay(asked(wanted=future))).count == 0


def test_a_body_is_a_filter_as_in_the_query_string() -> None:
    fields = {
        "state": "active",
        "trigger_id": "t",
        "trigger_name": "n",
        "type": "api",
        "source": "nats",
        "status": "fired",
        "is_test": False,
        "min_lateness": 1,
        "max_lateness": 2.5,
        "from": "2027-01-01T00:00:00Z",
        "to": "2027-01-01T00:00:00.000001",
        "q": "a word",
    }
    found = requested({"filter": fields, "dry_run": True})
    assert found.dry_run
    assert set(fields) == {name.rstrip("_") for name in found.filter.model_dump(exclude_none=True)}
    assert (found.filter.from_, found.filter.source) == (NOW.replace(hour=0), Source.NATS)
    assert not requested({"filter": {"q": "x"}}).dry_run


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        (None, ""),
        ([], ""),
        ("filter", ""),
        ({}, "/filter"),
        ({"filter": None}, "/filter"),
        ({"filter": []}, "/filter"),
        ({"filter": {}}, "/filter"),
        ({"filter": {"trigger_id": None}}, "/filter"),
        ({"filter": {"q": "x"}, "dry_run": "yes"}, "/dry_run"),
        ({"filter": {"q": "x"}, "dry_run": 1}, "/dry_run"),
        ({"filter": {"q": "x"}, "dry_run": None}, "/dry_run"),
        ({"filter": {"q": "x"}, "colour": 1}, "/colour"),
        ({"filter": {"limit": 5}}, "/filter/limit"),
        ({"filter": {"cursor": "x"}}, "/filter/cursor"),
        ({"filter": {"from_": "2027-01-01T00:00:00Z"}}, "/filter/from_"),
        ({"filter": {"from": 5}}, "/filter/from"),
        ({"filter": {"from": "yesterday"}}, "/filter/from"),
        ({"filter": {"to": True}}, "/filter/to"),
        ({"filter": {"is_test": "true"}}, "/filter/is_test"),
        ({"filter": {"is_test": 1}}, "/filter/is_test"),
        ({"filter": {"min_lateness": "1"}}, "/filter/min_lateness"),
        ({"filter": {"min_lateness": -1}}, "/filter/min_lateness"),
        ({"filter": {"min_lateness": 10**400}}, "/filter/min_lateness"),
        ({"filter": {"status": "lost"}}, "/filter/status"),
        ({"filter": {"source": ["api"]}}, "/filter/source"),
        ({"filter": {"trigger_id": 5}}, "/filter/trigger_id"),
        ({"filter": {"trigger_id": ""}}, "/filter/trigger_id"),
        ({"filter": {"trigger_id": "\x00"}}, "/filter/trigger_id"),
        ({"filter": {"q": "x" * 201}}, "/filter/q"),
        ({"filter": {"q": "%"}}, "/filter/q"),
        ({"filter": {"min_lateness": 2, "max_lateness": 1}}, "/filter/max_lateness"),
        (
            {"filter": {"from": "2027-01-02T00:00:00Z", "to": "2027-01-01T00:00:00Z"}},
            "/filter/to",
        ),
    ],
)
def test_a_bad_body_is_refused_where_it_is_bad(body: Any, pointer: str) -> None:
    with pytest.raises(Refused) as caught:
        requested(body)
    found = caught.value.problem
    assert (found.status, found.errors[0].pointer) == (422, pointer)
    assert not found.errors[0].message.startswith("Value error")
