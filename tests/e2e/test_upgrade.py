"""The last release's data under today's code: it is all there, goes on, and nothing fires twice."""

import asyncio
import json
import shutil
import tempfile
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from tests.releases.loading import RELEASES, Release
from tests.support.eventually import eventually
from tests.support.new_cluster import new_cluster
from tests.support.whole_platform import Json, Platform, distinct, now
from trigger_admin.installation import Installation
from trigger_local import running
from trigger_local.home import Home
from trigger_local.output import Output

pytestmark = pytest.mark.timeout(300)

RECORDED = sorted(path.parent for path in RELEASES.glob("*/seen.json"))

REPEATED = ("often", "eager", "limited", "edited")
"""Triggers that are due each second."""


@pytest.fixture(params=RECORDED, ids=lambda folder: folder.name)
async def release(request: pytest.FixtureRequest) -> Release:
    return Release(request.param, now())


@pytest.fixture
async def platform(release: Release) -> AsyncIterator[Platform]:
    """Today's platform on what the release left; up."""
    # Not pytest's own temporary directory: as root, the database's user could not enter that one.
    folder = Path(tempfile.mkdtemp(prefix="etp-test-"))
    platform = Platform(folder / "home")

    async def load(target: Installation, _output: Output) -> None:
        await release.load(target)

    try:
        await asyncio.to_thread(new_cluster, platform.root)
        await running.on_stopped(Home.at(platform.root), load)
        await platform.up()
        yield platform
    finally:
        if platform.up_is_running:
            await platform.down()
        shutil.rmtree(folder, ignore_errors=True)


async def test_a_release_s_data_is_read_goes_on_and_fires_nothing_twice(
    platform: Platform, release: Release
) -> None:
    seen, ids = release.seen, release.seen["ids"]
    for name in REPEATED:
        await eventually(lambda one=ids[name]: goes_on(platform, one, seen), within=60)
    await the_log_is_as_it_was(platform, seen)
    for name in REPEATED:
        await each_second_has_its_row(platform, ids[name], seen)
    await triggers_are_as_they_were(platform, seen)
    await what_was_stored_is_handled_once(platform, seen)
    await yesterday_s_keys_hold(platform, seen)
    await old_triggers_are_edited_and_their_history_told(platform, ids["edited"])
    code, told = await platform.call("rebuild")
    assert code == 0, told
    await the_log_is_as_it_was(platform, seen)
    for name in REPEATED:
        await each_second_has_its_row(platform, ids[name], seen)


async def test_services_of_the_release_can_work_on_today_s_schema(
    platform: Platform, release: Release
) -> None:
    """While an upgrade is rolled out, and after it was rolled back: each statement that they say
    is planned, with their rights. No migration may take away what the release before it uses.
    """
    refused: dict[str, str] = {}
    for role, texts in release.statements.items():
        connection = await asyncpg.connect(platform.database_url(role))
        try:
            await connection.execute(f"SET search_path TO {role.removeprefix('etp_')}")
            for text in texts:
                try:
                    await connection.execute(f"EXPLAIN (GENERIC_PLAN) {text}")
                except asyncpg.PostgresError as error:
                    refused[text] = str(error)
        finally:
            await connection.close()
    assert {role: len(texts) > 2 for role, texts in release.statements.items()} == dict.fromkeys(
        ("etp_api", "etp_retention", "etp_scheduler"), True
    )
    assert refused == {}


async def goes_on(platform: Platform, trigger_id: str, seen: Json) -> bool:
    rows = await platform.log_rows(trigger_id)
    old = {id_of(row) for row in seen["events"]}
    in_time = [
        row
        for row in rows
        if row["status"] == "fired" and not row["misfire"] and str(row["event_id"]) not in old
    ]
    return len(in_time) >= 2


async def the_log_is_as_it_was(platform: Platform, seen: Json) -> None:
    rows = {row["id"]: row for row in await platform.events()}
    for old in seen["events"]:
        assert_same(rows[id_of(old)], old, without={"state", "event_id"})


def id_of(row: Json) -> str:
    """Earlier releases showed it under another name."""
    found: str = row.get("id") or row["event_id"]
    return found


def assert_same(new: Json, old: Json, *, without: set[str]) -> None:
    """All that was shown is shown. Instants are compared as such: they were moved."""
    for name in old.keys() - without:
        assert as_instant(new[name]) == as_instant(old[name]), name


def as_instant(value: Any) -> Any:
    try:
        return datetime.fromisoformat(value) if isinstance(value, str) else value
    except ValueError:
        return value


async def each_second_has_its_row(platform: Platform, trigger_id: str, seen: Json) -> None:
    """Fired, or missed and perhaps counted: none is lost, and none is there twice."""

    async def complete() -> list[Json]:
        rows = sorted(await platform.log_rows(trigger_id), key=lambda row: row["scheduled_for"])
        assert distinct(row["scheduled_for"] for row in rows)
        lived = rows[-1]["scheduled_for"] - rows[0]["scheduled_for"]
        assert sum(row["count"] for row in rows) == lived / timedelta(seconds=1) + 1
        return rows

    # It goes on meanwhile: a later second may be in the log a moment before an earlier one.
    rows = await eventually(complete, within=30, what="every second has its row")
    old = {id_of(row) for row in seen["events"]}
    fired_before = {row["scheduled_for"] for row in rows if str(row["event_id"]) in old}
    stored = await platform.stored("TRIGGER_DUE", f"trigger.due.{trigger_id}")
    records = [json.loads(message.payload) for message in stored]
    fired = [as_instant(one["scheduled_for"]) for one in records if one["kind"] == "due"]
    assert fired_before <= set(fired)
    assert distinct(fired), "something fired twice"


async def triggers_are_as_they_were(platform: Platform, seen: Json) -> None:
    found = {
        one["id"]: one
        for one in (await platform.rest.get("/triggers/", params={"limit": 100})).json()
    }
    for old in seen["triggers"]:
        assert_same(found[old["id"]], old, without={"next_fire_at"})
    answer = await platform.rest.get(f"/triggers/{seen['ids']['deleted']}")
    assert answer.status_code == 404


async def what_was_stored_is_handled_once(platform: Platform, seen: Json) -> None:
    """A fire and a message that nobody can read came while no service lived."""
    api = seen["ids"]["api"]
    old = [row for row in seen["events"] if row["trigger_id"] == api]
    rows = await platform.until_events(len(old) + 1, trigger_id=api)
    assert len(rows) == len(old) + 1
    letters = await platform.rest.get("/dead-letters/")
    assert len(letters.json()) == 2
    (spent,) = await platform.events(trigger_id=seen["ids"]["spent"])
    assert spent["status"] == "fired"


async def yesterday_s_keys_hold(platform: Platform, seen: Json) -> None:
    again = await platform.rest.post(
        f"/triggers/{seen['ids']['api']}/fire",
        json={"payload": {"n": 0}},
        headers={"Idempotency-Key": "of the last release"},
    )
    assert again.json()["event_id"] == seen["keyed"]
    replayed = await platform.rest.post(f"/events/{seen['keyed']}/replay")
    assert replayed.status_code == 202, replayed.text
    await platform.until_events(1, event_id=replayed.json()["event_id"])


async def old_triggers_are_edited_and_their_history_told(
    platform: Platform, trigger_id: str
) -> None:
    edit = await platform.rest.patch(f"/triggers/{trigger_id}", json={"name": "of today"})
    assert edit.status_code == 200, edit.text
    history = (await platform.rest.get(f"/triggers/{trigger_id}/history")).json()
    assert [one["version"] for one in history] == [3, 2, 1]
