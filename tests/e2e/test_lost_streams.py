"""A stream or a database that was there yesterday: refused with a sentence, or made anew."""

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from tests.support.eventually import eventually
from tests.support.good_traffic import good_traffic
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
    """First a stream while all runs, then what others do not need, then the database while all runs
    and while nothing does, then every stream, moved away and restored to what it was before.
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
    await others_go_on_without_what_they_do_not_need(platform)
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


async def others_go_on_without_what_they_do_not_need(platform: Platform) -> None:
    """The stream of dead letters and the log's tables are lost; the log itself is not.

    What would be a dead letter waits, behind nobody, and the rows come with the tables.
    """
    async with good_traffic(platform) as traffic, platform.connected("admin") as admin:
        await admin.jetstream(timeout=10).delete_stream("TRIGGER_DEAD")
        async with platform.connected() as client:
            await platform.send(client, "create", b"junk")
            await platform.send(client, "fire", b"junk")

        async def dropped() -> bool:
            """It locks tables in an order of its own, beside services that have some of them:
            PostgreSQL may choose it to end a deadlock."""
            await platform.query("DROP SCHEMA retention CASCADE")
            return True

        await eventually(dropped, what="the log's tables are gone")
        answer = await platform.rest.get("/events/")
        assert answer.status_code == 503 or answer.json(), "an empty list of what is there"
        await traffic.go_round()
        await rebuilt_by_somebody(platform)
        await platform.until_ready()
        await eventually(lambda: two_letters(platform), within=30, what="both are dead letters")
        await traffic.go_round()


async def rebuilt_by_somebody(platform: Platform) -> None:
    """Unless etp up was first: it looks every half minute, and of two at once one is refused."""
    refused: set[str] = set()

    async def rebuilt() -> bool:
        code, told = await platform.call("rebuild", "--accept-loss")
        if code:
            refused.add(told.strip())
        return code == 0

    await eventually(rebuilt, within=60, what="the tables are made anew")
    assert refused <= {"etp: Another admin step is under way on this database."}


async def two_letters(platform: Platform) -> bool:
    letters = await platform.dead_letters()
    return [one["stream"] for one in letters] == ["TRIGGER_COMMANDS"] * 2


async def a_database_removed_while_all_runs_is_made_anew(platform: Platform, api_id: str) -> None:
    """Nobody is shown an empty list meanwhile, and what was accepted is applied: no dead letter.

    Its directory is deleted under the running server, which would go on for up to a minute.
    """
    letters = await platform.dead_letters()
    removed(platform.root / "postgres")
    rest = platform.rest

    async def away() -> bool:
        return (await rest.get("/triggers/")).status_code == 503

    await eventually(away, within=30, poll=0.01, what="the server is not believed any more")
    created = await rest.post("/triggers/", json={"name": "meanwhile", "type": "api"})
    assert created.status_code in {201, 202}, created.text

    async def back() -> bool:
        lists = await rest.get("/triggers/")
        rows = await rest.get("/events/", params={"trigger_id": api_id})
        for answer in (lists, rows):
            assert answer.status_code in {200, 503}, answer.text
            assert answer.status_code == 503 or answer.json(), "an empty list of what is there"
        return lists.status_code == rows.status_code == 200

    await eventually(back, within=60, what="the tables are there again")
    printed = platform.printed.read_text()
    assert "postgres is started anew, for it cannot go on: its files are gone" in printed
    assert "PostgreSQL is new and the streams are not" in printed
    await platform.until_ready()

    async def applied() -> bool:
        return await names(platform) == {"again", "often", "meanwhile"}

    await eventually(applied, within=30, what="what was accepted meanwhile is applied")
    assert await platform.dead_letters() == letters


def removed(folder: Path) -> None:
    """Delete a folder although a server works in it."""
    while folder.exists():
        shutil.rmtree(folder, ignore_errors=True)


async def a_lost_database_is_made_anew(platform: Platform) -> None:
    await platform.down()
    shutil.rmtree(platform.root / "postgres")
    shutil.copytree(platform.root / "nats", platform.root.with_name("older"))
    said = len(platform.printed.read_text())
    await platform.up()
    assert "PostgreSQL is new and the streams are not" in platform.printed.read_text()[said:]


async def lost_streams_are_not_made_anew_empty(platform: Platform) -> None:
    """They are moved away under the running broker, which would go on acknowledging into nothing:
    it stops, and so does all but reading, with a sentence.
    """
    moved = platform.root.with_name("moved")
    said = len(platform.printed.read_text())
    (platform.root / "nats").rename(moved)

    async def told_so() -> bool:
        printed = platform.printed.read_text()[said:]
        return (
            "nats is started anew, for it cannot go on: its files are gone" in printed
            and "the stream TRIGGER_CHANGES is missing" in printed
            and "the stream TRIGGER_COMMANDS is missing" in printed
            and f"etp rebuild --accept-loss --data-dir {platform.root}" in printed
        )

    await eventually(told_so, within=60, what="etp up says what is lost")
    assert await names(platform) == {"again", "often", "meanwhile"}
    refused = await platform.rest.post("/triggers/", json={"name": "no", "type": "api"})
    assert refused.status_code == 503, refused.text
    await platform.down()
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
