"""Limits of schedules, as the running scheduler keeps them: counts outlive crashes and records."""

import itertools
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from tests.integration.scheduler.conftest import Platform, now, text
from tests.integration.scheduler.test_rebuild import rebuilt
from tests.support.eventually import eventually
from trigger_contracts import subjects, topology
from trigger_contracts.events import ChangeKind, Due, Missed, TriggerChanged
from trigger_contracts.subjects import Verb
from trigger_scheduler.handlers.upkeep import CHECKPOINT_PAUSE

SECOND = timedelta(seconds=1)


async def completed(platform: Platform, trigger_id: str) -> bool:
    row = await platform.row(trigger_id)
    return row is not None and row["status"] == "completed"


async def changes(platform: Platform, trigger_id: str) -> list[TriggerChanged]:
    found = await platform.stored(topology.CHANGES.name, subjects.changed(trigger_id))
    return [TriggerChanged.model_validate_json(body) for body in found]


async def create(platform: Platform, **fields: Any) -> str:
    done = await platform.ask(Verb.CREATE, **{"name": "x", "type": "scheduled", **fields})
    assert "trigger_id" in done, done
    return done["trigger_id"]


def fires_of(records: Sequence[Any]) -> list[int]:
    return [one.fires for one in records if isinstance(one, Due)]


async def test_after_its_fires_a_schedule_is_over_until_more_are_allowed(
    platform: Platform,
) -> None:
    async with platform.scheduler():
        trigger_id = await create(platform, cron="* * * * * *", max_fires=2)
        await eventually(lambda: completed(platform, trigger_id))

        refused = await platform.ask(Verb.UPDATE, trigger_id=trigger_id, patch={"max_fires": 1})
        assert refused["errors"][0]["pointer"] == "/max_fires"
        assert await completed(platform, trigger_id)
        await platform.ask(Verb.UPDATE, trigger_id=trigger_id, patch={"name": "renamed"})
        assert await completed(platform, trigger_id)
        done = await platform.ask(Verb.UPDATE, trigger_id=trigger_id, patch={"max_fires": 3})
        assert len(done["next_fires_after"]) == 1
        await eventually(lambda: completed(platform, trigger_id))

    assert fires_of(await platform.records(trigger_id)) == [1, 2, 3]
    assert [one.fires for one in await changes(platform, trigger_id)] == [0, 2, 2, 2, 3]


async def test_a_count_begins_with_the_limit(platform: Platform) -> None:
    async with platform.scheduler():
        trigger_id = await create(platform, interval=1)
        await platform.fires(trigger_id, 2)
        await platform.ask(Verb.UPDATE, trigger_id=trigger_id, patch={"max_fires": 2})
        await eventually(lambda: completed(platform, trigger_id))

    assert fires_of(await platform.records(trigger_id))[-3:] == [0, 1, 2]


async def test_an_edit_writes_the_count_down(platform: Platform) -> None:
    async with platform.scheduler() as scheduler:
        trigger_id = await create(platform, interval=1, max_fires=1000)
        await platform.fires(trigger_id, 2)
        await platform.ask(Verb.UPDATE, trigger_id=trigger_id, patch={"interval": 3600})
        await platform.ask(Verb.UPDATE, trigger_id=trigger_id, patch={"name": "same"})
        edited = await changes(platform, trigger_id)
        assert not await _checkpoints_within(platform, scheduler, edited[-1])
    counted = fires_of(await platform.records(trigger_id))[-1]
    assert edited[-1].fires == counted >= 2


async def _checkpoints_within(platform: Platform, scheduler: Any, last: TriggerChanged) -> bool:
    """Whether a pass writes a count down that the newest change holds already."""
    await scheduler.upkeep.checkpoint()
    return (await changes(platform, last.trigger_id))[-1].kind is ChangeKind.CHECKPOINTED


async def test_a_grown_count_is_written_down_after_a_day(platform: Platform) -> None:
    """Then all due records expire and all of PostgreSQL is lost: it is not begun anew."""
    async with platform.scheduler(loops=False) as scheduler:
        trigger_id = await create(platform, interval=1, max_fires=1000)
        for claimer in scheduler.claimers[:1]:
            while len(fires_of(await platform.records(trigger_id))) < 2:
                await claimer.one_pass()
        created = (await changes(platform, trigger_id))[-1]
        assert not await _checkpoints_within(platform, scheduler, created)
        async with platform.database.connected() as owner:
            await owner.execute(
                "UPDATE scheduler.trigger SET recorded_at = recorded_at - interval '25 hours'"
            )

        assert await _checkpoints_within(platform, scheduler, created)
        assert await scheduler.upkeep.checkpoint() == CHECKPOINT_PAUSE

        checkpoint = (await changes(platform, trigger_id))[-1]
        assert (checkpoint.fires, checkpoint.version, checkpoint.at) == (2, 1, created.at)
        assert len(await changes(platform, trigger_id)) == 2, "once a day is enough"
        async with platform.database.connected() as owner:
            history = await owner.fetch(
                "SELECT kind FROM scheduler.trigger_history WHERE trigger_id = $1", trigger_id
            )
            assert [row["kind"] for row in history] == ["created"]
            await owner.execute("TRUNCATE scheduler.change, scheduler.trigger")
    async with platform.broker.connected() as admin:
        await admin.jetstream().purge_stream(topology.DUE.name)
    await rebuilt(platform)

    row = await platform.row(trigger_id)
    assert row is not None
    assert (row["fires"], row["recorded_fires"]) == (2, 2)


@pytest.mark.parametrize(
    ("misfire", "fired", "missed"),
    [
        ({"policy": "none"}, 0, 5),
        ({"policy": "none", "max_count": 4}, 0, 1),
        ({"policy": "last"}, 1, 4),
        ({"policy": "all"}, 5, 0),
        ({"policy": "all", "max_count": 2}, 2, 3),
    ],
)
async def test_what_downtime_left_follows_the_triggers_own_policy(
    platform: Platform, misfire: dict[str, Any], fired: int, missed: int
) -> None:
    """Five occurrences pass while no scheduler claims; then one comes with a grace of nothing."""
    begin = now() + SECOND
    bounds = {"starts_at": text(begin), "ends_at": text(begin + 4 * SECOND)}
    async with platform.scheduler(loops=False):
        trigger_id = await create(platform, interval=1, misfire=misfire, **bounds)
        # Only what is not due yet is edited: a command publishes what is due before it.
        async with platform.database.connected() as owner:
            # The clock of record is the database's: when all five have passed, it says so.
            async def passed() -> bool:
                late = "SELECT clock_timestamp() > $1::timestamptz"
                return bool(await owner.fetchval(late, begin + 4.2 * SECOND))

            await eventually(passed, within=10)
    async with platform.scheduler(misfire_grace=timedelta(milliseconds=100)):
        await eventually(lambda: completed(platform, trigger_id))

    records = await platform.records(trigger_id)
    due = [one for one in records if isinstance(one, Due)]
    lost = [one for one in records if isinstance(one, Missed)]
    assert len(due) == fired
    assert all(one.misfire for one in due)
    assert [a.scheduled_for < b.scheduled_for for a, b in itertools.pairwise(due)] == (
        [True] * (len(due) - 1)
    )
    assert sum(len(one.occurrences) or 1 for one in lost) == missed
    assert sum(one.count for one in lost) + len(due) == 5
    assert all("later than the grace of 0.1 s" in one.reason for one in lost)
