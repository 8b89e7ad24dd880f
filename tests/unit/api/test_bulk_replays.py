"""Replays of many on fakes: what is published, what is counted, and what a repetition does."""

from datetime import timedelta
from typing import Any

import pytest

from tests.support.kept_spans import KeptSpans
from tests.unit.api.fakes import NOW, make_change
from tests.unit.api.replaying import EVERYTHING, INTEGER, SECOND, World, asked, refusal
from trigger_api.domain.log.replays import MAX_REPLAYS
from trigger_api.domain.queries import StateFilter
from trigger_api.handlers.bulk_replays import SLICE, BulkReplay
from trigger_api.handlers.traces import FireTraces
from trigger_contracts.errors import Code
from trigger_contracts.events import EntryStatus, Source
from trigger_contracts.tracing import root_of
from trigger_runtime.process.errors import DatabaseUnavailable


@pytest.fixture
def world() -> World:
    return World()


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
    earlier = asked(wanted=StateFilter(trigger_id=("t",), to=NOW - 2 * SECOND))
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


async def test_a_request_that_breaks_off_leaves_no_event_without_a_root(world: World) -> None:
    origins, kept = world.add(SLICE + 20), KeptSpans()
    world.log.chunk = SLICE + 20
    world.many._traces = FireTraces(kept, world.clock)
    world.commands.breaks_after = 70

    assert (await refusal(world.many.replay(asked("key")))).status == 503

    roots = [span for span in kept.spans if span.parent is None]
    assert [span.attributes["etp.status"] for span in roots] == ["accepted"] * 70 + ["failed"] * 30
    published = {span.parent for span in kept.spans if span.name == "publish"}
    assert published == {root_of(event_id) for event_id in world.event_ids}
    assert published == {span.context for span in roots[:70]}
    begun = len(kept.spans)
    world.commands.breaks_after = None
    world.clock.advance(SECOND)
    assert (await world.many.replay(asked("key"))).replayed == len(origins)
    again = [span for span in kept.spans[begun:] if "etp.repeated" in span.attributes]
    assert {span.parent for span in again} == {span.context for span in roots}


async def test_a_repeated_request_has_the_same_events(world: World) -> None:
    world.add(10)

    first = await world.many.replay(asked("key"))
    events = world.event_ids
    world.clock.advance(3600 * SECOND)

    assert await world.many.replay(asked("key")) == first
    assert world.event_ids == events
    assert len(events) == 10
    other = await refusal(world.many.replay(asked("key", StateFilter(status=(EntryStatus.FIRED,)))))
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
