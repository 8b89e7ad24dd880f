"""A scheduler stopped at exactly one point: what the exactness rules promise still holds."""

import asyncio
import contextlib
import json
import signal
import sys
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import psutil
import pytest

from tests.integration.scheduler.conftest import Platform, now, once, text, until_ready
from tests.support.eventually import eventually
from trigger_contracts import subjects, topology
from trigger_contracts.events import Due, Fence
from trigger_contracts.subjects import Verb
from trigger_local import ports
from trigger_scheduler.handlers.claims import BURST_SIZE


@contextlib.asynccontextmanager
async def faulty(
    platform: Platform, point: str, number: signal.Signals = signal.SIGKILL, *, port: int = 0
) -> AsyncIterator[asyncio.subprocess.Process]:
    """A scheduler process that gets the signal at the point. ``port``: HTTP's; 0 is any."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.support.faulty_scheduler",
        point,
        number.name,
        env=platform.environment(port, ETP_LOCK_TIMEOUT="1s"),
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


@contextlib.asynccontextmanager
async def faulty_at_work(
    platform: Platform, point: str, number: signal.Signals = signal.SIGKILL
) -> AsyncIterator[asyncio.subprocess.Process]:
    """As ``faulty``, once it is ready: for what it must see ahead, however slowly it starts."""
    port = ports.choose_free(set())
    async with faulty(platform, point, number, port=port) as process:
        await until_ready(port)
        yield process


async def died(process: asyncio.subprocess.Process) -> None:
    assert await asyncio.wait_for(process.wait(), 20) == -signal.SIGKILL


async def stopped(process: asyncio.subprocess.Process) -> bool:
    return psutil.Process(process.pid).status() == psutil.STATUS_STOPPED


async def change_count(platform: Platform, trigger_id: str) -> int:
    return len(await platform.stored(topology.CHANGES.name, subjects.changed(trigger_id)))


@pytest.mark.parametrize("point", ["decided", "change appended", "projected", "committed"])
async def test_a_create_is_applied_once(platform: Platform, point: str) -> None:
    async with faulty(platform, point) as process:
        await platform.send(
            Verb.CREATE,
            {"trigger_id": "t1", "command_id": "c1", **once(timedelta(hours=1))},
        )
        await died(process)
    async with platform.scheduler():
        answer = await platform.ask(
            Verb.CREATE, trigger_id="t1", command_id="c1", **once(timedelta(hours=1))
        )
        assert answer["version"] == 1
        await eventually(lambda: platform.row("t1"))
    assert await change_count(platform, "t1") == 1


@pytest.mark.parametrize("point", ["change appended", "fence appended", "projected", "committed"])
async def test_an_edit_is_applied_once_and_fenced(platform: Platform, point: str) -> None:
    async with platform.scheduler():
        await platform.ask(Verb.CREATE, trigger_id="t1", **once(timedelta(hours=1)))
    edit = {
        "trigger_id": "t1",
        "command_id": "c2",
        "patch": {"schedule_time": text(now() + timedelta(hours=2))},
    }
    async with faulty(platform, point) as process:
        await platform.send(Verb.UPDATE, edit)
        await died(process)
    async with platform.scheduler():
        answer = await platform.ask(Verb.UPDATE, **edit)
        assert answer["version"] == 2
        assert len(answer["next_fires_before"]) == 1
    assert await change_count(platform, "t1") == 2
    fences = await platform.records("t1")
    assert fences
    assert all(isinstance(one, Fence) and one.version == 2 for one in fences)
    row = await platform.row("t1")
    assert row is not None
    assert row["version"] == 2


@pytest.mark.parametrize("point", ["claimed", "due appended", "advanced"])
async def test_an_occurrence_is_due_once(platform: Platform, point: str) -> None:
    async with platform.scheduler(loops=False):
        await platform.ask(Verb.CREATE, trigger_id="t1", **once(timedelta(seconds=1.5)))
        await platform.ask(Verb.CREATE, trigger_id="t2", name="i", type="scheduled", interval=3600)
    async with faulty(platform, point) as process:
        await died(process)
    async with platform.scheduler():
        await eventually(lambda: _completed(platform, "t1"))
    records = await platform.records("t1")
    assert [type(one) for one in records] == [Due]


@pytest.mark.parametrize("point", ["made ready", "claimed", "due appended", "advanced"])
async def test_a_crowd_is_due_once(platform: Platform, point: str) -> None:
    """The broker has all but its last message before it is due."""
    async with faulty_at_work(platform, point) as process:
        crowd = await platform.due_together(2 * BURST_SIZE, now() + timedelta(seconds=4))
        await died(process)
    async with platform.scheduler():
        for trigger_id in crowd:
            await eventually(lambda one=trigger_id: _completed(platform, one))
    for trigger_id in crowd:
        assert [type(one) for one in await platform.records(trigger_id)] == [Due]


async def test_a_completion_is_appended_once(platform: Platform) -> None:
    async with platform.scheduler(loops=False):
        await platform.ask(Verb.CREATE, trigger_id="t1", **once(timedelta(seconds=1)))
    async with faulty(platform, "completion appended") as process:
        await died(process)
    async with platform.scheduler():
        await eventually(lambda: _completed(platform, "t1"))
    bodies = await platform.stored(topology.CHANGES.name, subjects.changed("t1"))
    assert [json.loads(body)["kind"] for body in bodies] == ["created", "completed"]


@pytest.mark.parametrize("verb", [Verb.UPDATE, Verb.DELETE])
async def test_a_replica_stopped_in_mid_claim_publishes_nothing_old(
    platform: Platform, verb: Verb
) -> None:
    """SIGSTOP between the claim and its append; an edit is acknowledged; SIGCONT."""
    async with platform.scheduler(loops=False):
        await platform.ask(Verb.CREATE, trigger_id="t1", **once(timedelta(seconds=1.5)))
    async with faulty(platform, "claimed", signal.SIGSTOP) as process:
        await eventually(lambda: stopped(process), within=20)
        async with platform.scheduler(loops=False):
            # It is due already, so it fires under the old version: then the edit is fenced.
            body: dict[str, Any] = {"trigger_id": "t1"}
            if verb is Verb.UPDATE:
                body["patch"] = {"schedule_time": text(now() + timedelta(hours=1))}
            # The stopped replica may have been given the command: it comes after the ack wait.
            await platform.ask(verb, within=40, **body)
        before = await platform.records("t1")
        assert [type(one) for one in before] == [Due, Fence]
        process.send_signal(signal.SIGCONT)
        async with platform.scheduler(loops=False):
            # It works again when it has answered this; only it has claim loops.
            await platform.ask(Verb.CREATE, 40, trigger_id="t2", **once(timedelta(seconds=0.5)))
        await platform.fires("t2", 1)
        assert await platform.records("t1") == before


async def test_a_replica_stopped_with_a_crowd_publishes_nothing_old(platform: Platform) -> None:
    """SIGSTOP before what was made ready is finished; an edit of one is acknowledged; SIGCONT."""
    async with faulty_at_work(platform, "claimed", signal.SIGSTOP) as process:
        crowd = await platform.due_together(2 * BURST_SIZE, now() + timedelta(seconds=4))
        edited = crowd[len(crowd) // 2]
        await eventually(lambda: stopped(process), within=20)
        async with platform.scheduler(loops=False):
            later = {"schedule_time": text(now() + timedelta(hours=1))}
            await platform.ask(Verb.UPDATE, within=40, trigger_id=edited, patch=later)
        before = await platform.records(edited)
        assert [type(one) for one in before] == [Due, Fence]
        process.send_signal(signal.SIGCONT)
        for trigger_id in crowd:
            if trigger_id != edited:
                await platform.fires(trigger_id, 1, within=40)
        async with platform.scheduler(loops=False):
            # It works again when it has answered this; only it has claim loops.
            await platform.ask(Verb.CREATE, 40, trigger_id="t2", **once(timedelta(seconds=0.5)))
        await platform.fires("t2", 1)
    for trigger_id in crowd:
        kept = before if trigger_id == edited else await platform.fires(trigger_id, 1)
        assert await platform.records(trigger_id) == kept
        assert len(kept) == 1 + (trigger_id == edited)


async def _completed(platform: Platform, trigger_id: str) -> bool:
    row = await platform.row(trigger_id)
    return row is not None and row["status"] == "completed"
