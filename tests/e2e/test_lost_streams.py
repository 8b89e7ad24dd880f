"""A stream or a database that was there yesterday: refused with a sentence, or made anew."""

import shutil
import signal
from collections.abc import AsyncIterator

import httpx
import pytest

from tests.support.eventually import eventually
from tests.support.whole_platform import Json, Platform, ahead, running


@pytest.fixture
async def platform() -> AsyncIterator[Platform]:
    async with running() as started:
        yield started


async def ready(platform: Platform, service: str) -> tuple[int, Json]:
    port = platform.status["processes"][service]["port"]
    async with httpx.AsyncClient(trust_env=False) as client:
        answer = await client.get(f"http://127.0.0.1:{port}/ready")
    return answer.status_code, answer.json()


async def names(platform: Platform) -> set[str]:
    return {one["name"] for one in (await platform.rest.get("/triggers/")).json()}


@pytest.mark.timeout(600)
async def test_what_was_lost_is_refused_and_a_lost_database_made_anew(platform: Platform) -> None:
    """First a stream while all runs, then the database while all runs and while nothing does, then
    every stream, removed and restored to what it was before.
    """
    api = await platform.create(name="api", type="api")
    await platform.create(name="later", type="scheduled", schedule_time=ahead(3600))
    await platform.fire(api["id"], payload=1)
    await platform.until_events(1, trigger_id=api["id"])
    await a_removed_stream_is_projected_no_further(platform)

    api = await platform.create(name="again", type="api")
    often = await platform.create(name="often", type="scheduled", interval=1)
    fired = {await platform.fire(api["id"], payload=n) for n in range(10)}
    await platform.until_events(10, trigger_id=api["id"])
    await platform.until_events(2, trigger_id=often["id"])
    await a_database_removed_while_all_runs_is_made_anew(platform, api["id"])
    fired.add(await platform.fire(api["id"], payload="after"))
    await platform.until_events(11, trigger_id=api["id"])
    await a_lost_database_is_made_anew(platform)
    rows = await platform.events(trigger_id=api["id"])
    assert sorted(row["id"] for row in rows) == sorted(fired)
    assert await names(platform) == {"again", "often", "meanwhile"}

    await lost_streams_are_not_made_anew_empty(platform)
    assert await names(platform) == {"again", "often", "meanwhile"}
    await platform.until_events(
        len(await platform.events(trigger_id=often["id"])) + 2, trigger_id=often["id"]
    )
    due = [row["scheduled_for"] for row in await platform.events(trigger_id=often["id"])]
    assert len(due) == len(set(due)), "something fired twice"


async def a_removed_stream_is_projected_no_further(platform: Platform) -> None:
    """The scheduler says so itself, and a rebuild removes nothing until the loss is accepted."""
    async with platform.connected("admin") as admin:
        jetstream = admin.jetstream(timeout=10)
        config = (await jetstream.stream_info("TRIGGER_CHANGES")).config
        await jetstream.delete_stream("TRIGGER_CHANGES")

        async def made_anew() -> bool:
            await jetstream.add_stream(config)
            return True

        await eventually(made_anew)

    async def said() -> bool:
        status, report = await ready(platform, "scheduler")
        return status == 503 and "TRIGGER_CHANGES ends at" in report["checks"]["streams"]

    await eventually(said, within=60, what="the scheduler says what is missing")
    code, told = await platform.call("rebuild")
    assert code == 1
    assert "the stream TRIGGER_CHANGES " in told
    assert f"etp rebuild --accept-loss --data-dir {platform.root}" in told
    assert "Traceback" not in told
    assert await names(platform) == {"api", "later"}
    code, told = await platform.call("rebuild", "--accept-loss")
    assert code == 0, told
    await platform.until_ready()
    assert await names(platform) == set()


async def a_database_removed_while_all_runs_is_made_anew(platform: Platform, api_id: str) -> None:
    """Nobody is shown an empty list meanwhile, and what was accepted is applied: no dead letter."""
    platform.signal("supervisor", signal.SIGSTOP)
    try:
        await platform.kill("postgres")
        shutil.rmtree(platform.root / "postgres")
        created = await platform.rest.post("/triggers/", json={"name": "meanwhile", "type": "api"})
        assert created.status_code == 202
    finally:
        platform.signal("supervisor", signal.SIGCONT)
    seen: set[int] = set()

    async def back() -> bool:
        lists = await platform.rest.get("/triggers/")
        rows = await platform.rest.get("/events/", params={"trigger_id": api_id})
        for answer in (lists, rows):
            seen.add(answer.status_code)
            assert answer.status_code in {200, 503}, answer.text
            assert answer.status_code == 503 or answer.json(), "an empty list of what is there"
        return lists.status_code == rows.status_code == 200

    await eventually(back, within=60, what="the tables are there again")
    assert 503 in seen
    assert "PostgreSQL is new and the streams are not" in platform.printed.read_text()
    await platform.until_ready()

    async def applied() -> bool:
        return await names(platform) == {"again", "often", "meanwhile"}

    await eventually(applied, within=30, what="what was accepted meanwhile is applied")
    assert await platform.dead_letters() == []


async def a_lost_database_is_made_anew(platform: Platform) -> None:
    await platform.down()
    shutil.rmtree(platform.root / "postgres")
    shutil.copytree(platform.root / "nats", platform.root.with_name("older"))
    said = len(platform.printed.read_text())
    await platform.up()
    assert "PostgreSQL is new and the streams are not" in platform.printed.read_text()[said:]


async def lost_streams_are_not_made_anew_empty(platform: Platform) -> None:
    await platform.down()
    moved = platform.root.with_name("moved")
    (platform.root / "nats").rename(moved)
    code, told = await platform.call("up", "--port", str(platform.port))
    assert code == 1
    assert "the stream TRIGGER_CHANGES is missing" in told
    assert "the stream TRIGGER_COMMANDS is missing" in told
    assert "Traceback" not in told
    shutil.rmtree(platform.root / "nats")
    platform.root.with_name("older").rename(platform.root / "nats")
    code, told = await platform.call("up", "--port", str(platform.port))
    assert code == 1
    assert "the stream TRIGGER_EVENTS ends at sequence" in told
    assert f"etp rebuild --accept-loss --data-dir {platform.root}" in told
    assert "Traceback" not in told
    shutil.rmtree(platform.root / "nats")
    moved.rename(platform.root / "nats")
    await platform.up()
