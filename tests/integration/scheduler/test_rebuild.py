"""A rebuilt due index equals the one it replaces, and fires nothing again."""

import itertools
from datetime import timedelta
from typing import Any

import pytest

from tests.integration.scheduler.conftest import Platform, now, once, text
from tests.support.eventually import eventually
from trigger_admin import streams
from trigger_contracts import subjects, topology
from trigger_contracts.subjects import Verb
from trigger_runtime.jetstream.reader import StreamReader
from trigger_scheduler.adapters.rebuild import TriggerRebuildReport, rebuild

TARGET = {"type": "nats", "subject": "out.a"}
TABLES = ("change", "trigger", "answer", "target_change", "target", "trigger_target")


async def rebuilt(platform: Platform, *, keep_cursors: bool = False) -> TriggerRebuildReport:
    async with platform.database.connected() as owner:
        return await rebuild(
            owner,
            StreamReader(platform.admin, topology.CHANGES.name, timeout=timedelta(seconds=5)),
            StreamReader(platform.admin, topology.DUE.name, timeout=timedelta(seconds=5)),
            StreamReader(platform.admin, topology.TARGETS.name, timeout=timedelta(seconds=5)),
            keep_cursors=keep_cursors,
        )


async def tables(platform: Platform) -> dict[str, list[Any]]:
    async with platform.database.connected() as owner:
        return {
            table: await owner.fetch(f"SELECT t::text FROM scheduler.{table} t ORDER BY 1")
            for table in TABLES
        }


async def make_history(platform: Platform) -> None:
    """Triggers of every kind, in every stage of life, and targets that some of them name."""
    create = Verb.CREATE
    for target_id in ("named", "unnamed", "gone", "edited"):
        await platform.ask(Verb.CREATE_TARGET, target_id=target_id, **TARGET)
    await platform.ask(Verb.UPDATE_TARGET, target_id="edited", patch={"alert_target": "named"})
    await platform.ask(Verb.UPDATE_TARGET, target_id="edited", patch={"alert_target": "named"})
    await platform.ask(Verb.DELETE_TARGET, target_id="gone")
    await platform.ask(Verb.DELETE_TARGET, target_id="nobody")
    await platform.ask(
        create,
        trigger_id="later",
        **once(timedelta(days=3), labels=["a", "b"], targets=["named", "edited"]),
    )
    await platform.ask(create, trigger_id="fired", **once(timedelta(seconds=0.3)))
    await platform.ask(create, trigger_id="tick", name="i", type="scheduled", interval=1)
    await platform.ask(create, trigger_id="api", name="a", type="api", payload={"x": 1})
    await platform.ask(create, trigger_id="gone", **once(timedelta(hours=1)))
    await platform.ask(create, trigger_id="rearmed", **once(timedelta(seconds=0.3)))
    limited = {"name": "l", "type": "scheduled", "interval": 1, "max_fires": 1}
    await platform.ask(create, trigger_id="limited", **{**limited, "max_fires": 1000})
    await platform.ask(create, trigger_id="spent", **limited)
    await platform.ask(create, trigger_id="cron", name="c", type="scheduled", cron="@yearly")
    await platform.ask(Verb.TEST, type="scheduled", interval=60)
    await platform.ask(Verb.TEST, **once(timedelta(hours=1)))
    await platform.ask(Verb.UPDATE, trigger_id="later", patch={"name": "renamed"})
    await platform.ask(Verb.UPDATE, trigger_id="later", patch={"name": "renamed"})
    await platform.ask(Verb.DELETE, trigger_id="gone")
    await platform.ask(create, trigger_id="gone", **once(timedelta(hours=2)))
    await platform.ask(Verb.DELETE, trigger_id="nobody")
    await platform.fires("rearmed", 1)
    await platform.ask(
        Verb.UPDATE,
        trigger_id="rearmed",
        patch={"schedule_time": text(now() + timedelta(hours=1))},
    )
    await platform.fires("tick", 2)


async def quiet(platform: Platform) -> bool:
    async with platform.database.connected() as owner:
        waiting = await owner.fetchval(
            "SELECT count(*) FROM scheduler.trigger WHERE needs_completion"
        )
    return waiting == 0


async def test_a_rebuilt_index_equals_what_it_replaces_row_by_row(platform: Platform) -> None:
    async with platform.scheduler():
        await make_history(platform)
        await eventually(lambda: quiet(platform))
    before = await tables(platform)
    report = await rebuilt(platform)
    assert await tables(platform) == before
    assert report.triggers == len(before["trigger"])
    assert report.targets == 3
    assert all(before[table] for table in TABLES)


async def test_nothing_fires_again_after_a_rebuild(platform: Platform) -> None:
    async with platform.scheduler():
        await make_history(platform)
        await eventually(lambda: quiet(platform))
    async with platform.database.connected() as owner:
        # All is lost but the streams.
        await owner.execute("TRUNCATE scheduler.change, scheduler.trigger, scheduler.answer")
    before = {one: len(await platform.records(one)) for one in ("fired", "rearmed", "gone")}
    await rebuilt(platform)
    async with platform.scheduler():
        ticks = len(list(await platform.records("tick")))
        fires = await platform.fires("tick", ticks + 2)
        occurrences = [one.scheduled_for for one in fires]
        assert len(set(occurrences)) == len(occurrences)
        done = await platform.ask(Verb.CREATE, **once(timedelta(seconds=0.3)))
        await platform.fires(done["trigger_id"], 1)
    assert {one: len(await platform.records(one)) for one in before} == before


async def test_a_rebuild_beside_a_running_scheduler_loses_nothing(platform: Platform) -> None:
    async with platform.scheduler():
        await make_history(platform)
        for _ in range(3):
            await rebuilt(platform)
            done = await platform.ask(Verb.CREATE, **once(timedelta(seconds=0.2)))
            await platform.fires(done["trigger_id"], 1)
        fires = await platform.fires("tick", 4)
    steps = {b.scheduled_for - a.scheduled_for for a, b in itertools.pairwise(fires)}
    assert steps == {timedelta(seconds=1)}


async def test_an_empty_index_is_repaired_without_firing_or_missing_what_was_decided(
    platform: Platform,
) -> None:
    """All of PostgreSQL was lost and nobody rebuilt: the repair reads both logs by itself."""
    async with platform.scheduler():
        await make_history(platform)
        await eventually(lambda: quiet(platform))
    before = {one: len(await platform.records(one)) for one in ("fired", "rearmed", "gone")}
    async with platform.database.connected() as owner:
        await owner.execute("TRUNCATE scheduler.change, scheduler.trigger, scheduler.projection")
    ticks = len(await platform.records("tick"))
    async with platform.scheduler():
        fires = await platform.fires("tick", ticks + 2)
        assert len({one.scheduled_for for one in fires}) == len(fires)
        row = await platform.row("fired")
        assert row is not None
        assert row["next_fire_at"] is None
    assert {one: len(await platform.records(one)) for one in before} == before


async def made_anew(platform: Platform, stream: str) -> None:
    """Empty, and with its consumers."""
    jetstream = platform.admin.client.jetstream(timeout=10)
    config = (await jetstream.stream_info(stream)).config
    await jetstream.delete_stream(stream)

    async def made() -> bool:
        await jetstream.add_stream(config)
        await streams.apply(platform.admin.client)
        return True

    await eventually(made, what="the stream is made anew")


@pytest.mark.parametrize("left", [0, 1], ids=["removed", "cut off"])
async def test_nothing_fires_again_where_the_decisions_were_lost(
    platform: Platform, left: int
) -> None:
    """How far schedules were decided is taken from the index as it was: no log knows it."""
    async with platform.scheduler():
        await platform.ask(Verb.CREATE, trigger_id="tick", name="i", type="scheduled", interval=1)
        await platform.ask(Verb.CREATE, trigger_id="once", **once(timedelta(seconds=0.5)))
        before = await platform.fires("tick", 3)
        fired_once = await platform.fires("once", 1)
        await eventually(lambda: quiet(platform))
    decided = [one.scheduled_for for one in await platform.fires("tick", 3)]
    records = await platform.stored(topology.DUE.name, subjects.due("tick"))
    await made_anew(platform, topology.DUE.name)
    for body in records[:left]:
        await platform.admin.client.jetstream().publish(subjects.due("tick"), body)
    await rebuilt(platform, keep_cursors=True)
    async with platform.scheduler():
        after = [one.scheduled_for for one in await platform.fires("tick", left + 2)][left:]
        assert not set(decided) & set(after), (decided, after)
        assert min(after) > max(decided)
    assert fired_once
    assert before
    assert await platform.records("once") == []


async def test_nothing_fires_again_where_changes_were_lost_with_the_decisions(
    platform: Platform,
) -> None:
    """An older store beside a newer index: that knows an edit and a completion more."""
    changes = platform.admin.client.jetstream(timeout=10)
    async with platform.scheduler():
        await platform.ask(Verb.CREATE, trigger_id="tick", name="i", type="scheduled", interval=1)
        await platform.ask(Verb.CREATE, trigger_id="once", **once(timedelta(seconds=0.5)))
        assert await platform.fires("once", 1)
        for _ in range(2):
            await platform.ask(Verb.UPDATE, trigger_id="tick", patch={"name": "edited"})
        await eventually(lambda: quiet(platform))
        await platform.fires("tick", 2)
    assert len((await tables(platform))["answer"]) == 1, "the second changed nothing"
    decided = [one.scheduled_for for one in await platform.fires("tick", 2)]
    for trigger_id in ("tick", "once"):
        newest = await changes.get_last_msg(topology.CHANGES.name, subjects.changed(trigger_id))
        assert newest.seq is not None
        await changes.delete_msg(topology.CHANGES.name, newest.seq)
    await made_anew(platform, topology.DUE.name)
    await rebuilt(platform, keep_cursors=True)
    assert (await tables(platform))["answer"] == [], "it would tell of a change that is lost"
    async with platform.scheduler():
        after = [one.scheduled_for for one in await platform.fires("tick", 2)]
        assert min(after) > max(decided)
        await eventually(lambda: completed(platform, "once"), what="it is completed again")
    assert await platform.records("once") == []


async def completed(platform: Platform, trigger_id: str) -> bool:
    row = await platform.row(trigger_id)
    return row is not None and row["status"] == "completed"
