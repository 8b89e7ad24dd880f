"""What is due is published once, at its instant, under the version it belongs to."""

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import Any

import pytest

from tests.integration.scheduler.conftest import Platform, now, once, text
from tests.support.eventually import eventually
from trigger_contracts import subjects, topology
from trigger_contracts.events import Due, Fence, Missed
from trigger_contracts.subjects import Verb
from trigger_scheduler.bootstrap import Scheduler
from trigger_scheduler.handlers import claims
from trigger_scheduler.handlers.claims import BURST_SIZE, STAGED_VALID_FOR, STUCK_PAUSE

ALONE: dict[str, Any] = {"claimers": 1, "burst_claimers": 0}
"""One claim: of two at the same time, each may take a part that is too small for a crowd."""


async def test_a_one_time_trigger_fires_once_and_is_completed(platform: Platform) -> None:
    async with platform.scheduler():
        done = await platform.ask(Verb.CREATE, **once(timedelta(seconds=0.5)))
        (due,) = await platform.fires(done["trigger_id"], 1)
        assert due.scheduled_for <= due.published_at < due.scheduled_for + timedelta(seconds=2)

        async def completed() -> bool:
            row = await platform.row(done["trigger_id"])
            return row is not None and row["status"] == "completed"

        await eventually(completed)
        assert await platform.records(done["trigger_id"]) == [due]


async def test_a_crowd_is_made_ready_ahead_and_stored_when_it_is_due(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    # However busy this machine is: that a record may be made anew has a test of its own.
    monkeypatch.setattr(claims, "STAGED_VALID_FOR", timedelta(seconds=10))
    at = now() + timedelta(seconds=3)
    async with platform.scheduler(claim_ahead=timedelta(seconds=1), **ALONE):
        crowd = await platform.due_together(BURST_SIZE, at)
        for trigger_id in crowd:
            (due,) = await platform.fires(trigger_id, 1)
            assert due.published_at == due.scheduled_for == at

            async def kept(trigger_id=trigger_id) -> bool:
                row = await platform.row(trigger_id)
                return row is not None and row["due_stored_at"] == at

            await eventually(kept, what="the row says what its record says")
    stored = await platform.stored_at(topology.DUE.name, subjects.ALL_DUE)
    assert len(stored) == len(crowd)
    assert min(stored) >= at


async def test_a_crowd_that_is_ready_too_late_says_when_it_is_published(
    platform: Platform,
) -> None:
    delay = 20 * STAGED_VALID_FOR
    at = now() + timedelta(seconds=5)

    async def until_too_late(_records: object) -> None:
        # By this process's clock: the clock of record may be behind it by some microseconds.
        await asyncio.sleep((at + delay + timedelta(milliseconds=5) - now()).total_seconds())

    async with platform.scheduler(loops=False):
        crowd = await platform.due_together(BURST_SIZE, at)
    async with platform.scheduler(alter=_after_staging(until_too_late), **ALONE):
        for trigger_id in crowd:
            (due,) = await platform.fires(trigger_id, 1)
            assert due.published_at - due.scheduled_for >= delay
            assert not due.misfire


async def test_few_are_made_when_they_are_due_and_say_it_exactly(platform: Platform) -> None:
    ahead: list[object] = []

    async def seen(records: Sequence[object]) -> None:
        ahead.extend(records)

    at = now() + timedelta(seconds=2)
    async with platform.scheduler(claim_ahead=timedelta(seconds=1), alter=_after_staging(seen)):
        few = await platform.due_together(BURST_SIZE - 1, at)
        dues = [due for trigger_id in few for due in await platform.fires(trigger_id, 1)]
    assert min(due.published_at for due in dues) >= at
    assert not ahead


async def test_an_interval_fires_on_its_grid_without_drift(platform: Platform) -> None:
    async with platform.scheduler():
        done = await platform.ask(Verb.CREATE, name="tick", type="scheduled", interval=1)
        fires = await platform.fires(done["trigger_id"], 3)
        steps = {
            later.scheduled_for - earlier.scheduled_for
            for earlier, later in itertools.pairwise(fires)
        }
        assert steps == {timedelta(seconds=1)}


async def test_a_sleeping_scheduler_wakes_for_a_nearer_trigger(platform: Platform) -> None:
    async with platform.scheduler(claim_poll=timedelta(minutes=5)):
        await platform.ask(Verb.CREATE, **once(timedelta(hours=1)))
        done = await platform.ask(Verb.CREATE, **once(timedelta(seconds=0.3)))
        (due,) = await platform.fires(done["trigger_id"], 1, within=5)
        assert due.published_at - due.scheduled_for < timedelta(seconds=1)


async def test_an_edit_fences_the_version_before(platform: Platform) -> None:
    async with platform.scheduler():
        done = await platform.ask(Verb.CREATE, **once(timedelta(hours=1)))
        trigger_id = done["trigger_id"]
        later = text(now() + timedelta(hours=2))
        edited = await platform.ask(
            Verb.UPDATE, trigger_id=trigger_id, patch={"schedule_time": later}
        )
        assert edited["version"] == 2
        assert len(edited["next_fires_before"]) == len(edited["next_fires_after"]) == 1
        (fence,) = await platform.records(trigger_id)
        assert isinstance(fence, Fence)
        assert fence.version == 2


async def test_a_deleted_trigger_never_fires(platform: Platform) -> None:
    async with platform.scheduler():
        # Time enough to delete it, also where two commands take a second.
        done = await platform.ask(Verb.CREATE, **once(timedelta(seconds=3)))
        await platform.ask(Verb.DELETE, trigger_id=done["trigger_id"])
        witness = await platform.ask(Verb.CREATE, **once(timedelta(seconds=3.2)))
        await platform.fires(witness["trigger_id"], 1)
        assert [type(one) for one in await platform.records(done["trigger_id"])] == [Fence]


async def test_what_is_due_fires_before_an_edit_takes_effect(platform: Platform) -> None:
    async with platform.scheduler(loops=False):
        done = await platform.ask(Verb.CREATE, **once(timedelta(seconds=0.2)))
        trigger_id = done["trigger_id"]

        async def passed() -> bool:
            row = await platform.row(trigger_id)
            return row is not None and row["next_fire_at"] < now()

        await eventually(passed)
        await platform.ask(Verb.UPDATE, trigger_id=trigger_id, patch={"name": "renamed"})
        due, fence = await platform.records(trigger_id)
        assert isinstance(due, Due)
        assert due.version == 1
        assert isinstance(fence, Fence)


async def test_an_edited_time_rearms_a_completed_trigger_once(platform: Platform) -> None:
    async with platform.scheduler():
        done = await platform.ask(Verb.CREATE, **once(timedelta(seconds=0.2)))
        trigger_id = done["trigger_id"]
        await platform.fires(trigger_id, 1)
        again = text(now() + timedelta(seconds=0.5))
        await platform.ask(Verb.UPDATE, trigger_id=trigger_id, patch={"schedule_time": again})
        renamed = await platform.ask(Verb.UPDATE, trigger_id=trigger_id, patch={"name": "renamed"})
        assert renamed["version"] == 3
        fires = await platform.fires(trigger_id, 2)
        assert [fire.version for fire in fires] in ([1, 2], [1, 3])
        renamed = await platform.ask(Verb.UPDATE, trigger_id=trigger_id, patch={"name": "again"})
        assert renamed["version"] == 4
        assert len(await platform.fires(trigger_id, 2)) == 2


async def test_after_downtime_the_last_fires_late_and_the_rest_are_missed(
    platform: Platform,
) -> None:
    async with platform.scheduler(loops=False):
        done = await platform.ask(
            Verb.CREATE,
            name="down",
            type="scheduled",
            interval=10,
            starts_at=text(now() + timedelta(seconds=30)),
        )
    trigger_id = done["trigger_id"]
    async with platform.database.connected() as connection:
        # As if nobody had looked for two minutes.
        await connection.execute(
            "UPDATE scheduler.trigger SET schedule = regexp_replace(schedule, $1, $2),"
            " next_fire_at = now() - interval '120 s'",
            '"anchor":"[^"]*"',
            f'"anchor":"{text(now() - timedelta(seconds=120))}"',
        )
        await connection.execute(
            "UPDATE scheduler.trigger SET next_fire_at = (schedule::json ->> 'anchor')::timestamptz"
        )
    async with platform.scheduler():
        await platform.fires(trigger_id, 4)
    missed, late, *punctual = await platform.records(trigger_id)
    assert isinstance(missed, Missed)
    assert missed.count == len(missed.occurrences) == 9 or missed.count == 8
    assert isinstance(late, Due)
    assert late.misfire
    assert late.scheduled_for - missed.last == timedelta(seconds=10)
    assert not any(one.misfire for one in punctual if isinstance(one, Due))


async def test_rows_that_are_awaited_are_given_back_when_the_clock_is_set_back(
    platform: Platform,
) -> None:
    """Another claim of the process has seen it; this one does not sleep on for an hour."""
    long = timedelta(minutes=1)
    async with platform.scheduler(loops=False, claim_ahead=long, lock_timeout=long) as scheduler:
        done = await platform.ask(Verb.CREATE, **once(timedelta(seconds=10)))
        passing = asyncio.create_task(scheduler.claimers[0].one_pass())

        async def waiting() -> bool:
            async with platform.database.connected() as connection:
                return await connection.fetchval(
                    "SELECT count(*) = 1 FROM pg_stat_activity WHERE datname = current_database()"
                    " AND state = 'idle in transaction'"
                )

        await eventually(waiting)
        clock = scheduler.claimers[1]._clock
        reading = clock.monotonic()
        clock.observe(now() - timedelta(hours=1), reading, reading)

        assert await asyncio.wait_for(passing, 20) == STUCK_PAUSE
        assert not await waiting()
        assert await platform.records(done["trigger_id"]) == []


async def test_a_crowd_is_taken_by_further_claims_before_it_is_due(platform: Platform) -> None:
    """One claim holds one row until it is due; the others are in the helpers' hands by then."""
    long = timedelta(minutes=1)
    due_at = once(timedelta(seconds=5))
    async with platform.scheduler(loops=False):
        asked = [await platform.ask(Verb.CREATE, **due_at) for _ in range(3)]
    async with platform.scheduler(
        claimers=1, burst_claimers=2, claim_batch=1, claim_ahead=long, lock_timeout=long
    ):

        async def all_held() -> bool:
            ahead = "FROM scheduler.trigger WHERE next_fire_at > now()"
            async with platform.database.connected() as connection, connection.transaction():
                waiting = await connection.fetchval(f"SELECT count(*) {ahead}")
                free = await connection.fetch(f"SELECT 1 {ahead} FOR UPDATE SKIP LOCKED")
            assert waiting == 3, "too slow: they are due already"
            return not free

        await eventually(all_held)
        for done in asked:
            (due,) = await platform.fires(done["trigger_id"], 1)
            assert due.published_at >= due.scheduled_for


async def test_a_test_fires_at_once_and_leaves_nothing(platform: Platform) -> None:
    async with platform.scheduler():
        done = await platform.ask(Verb.TEST, type="scheduled", interval="PT1H", payload={"a": 1})
        assert done["event_id"]
        await platform.fires(done["trigger_id"], 1)
        await eventually(lambda: _gone(platform, done["trigger_id"]))


def _after_staging(
    then: Callable[[Sequence[object]], Awaitable[None]],
) -> Callable[[Scheduler], None]:
    """Alters a scheduler: it does this when it has made records ready ahead."""

    def altered(scheduler: Scheduler) -> None:
        for claimer in scheduler.claimers:
            quick = claimer._due_log.stage

            async def stage(records, quick=quick):
                staged = await quick(records)
                await then(records)
                return staged

            claimer._due_log.stage = stage

    return altered


async def _gone(platform: Platform, trigger_id: str) -> bool:
    return await platform.row(trigger_id) is None
