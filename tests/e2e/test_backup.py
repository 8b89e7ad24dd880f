"""A backup taken while all runs, more fires, everything lost, a restore: nothing fires twice."""

import json
import shutil
import subprocess
import time
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from tests.support.eventually import eventually
from tests.support.whole_platform import Json, Platform, ahead, distinct, now, running
from trigger_admin.backup import MANIFEST

pytestmark = pytest.mark.timeout(300)

REASON = "restored from the backup of "

EVERY_SECOND = {"type": "scheduled", "interval": 1}


@pytest.fixture
async def platform() -> AsyncIterator[Platform]:
    async with running() as started:
        yield started


async def backed_up(platform: Platform, folder: Path) -> datetime:
    """A backup of the running platform; the instant up to which it has everything."""
    code, told = await platform.call("backup", str(folder))
    assert code == 0, told
    assert "All that was acknowledged before is in it." in told
    return datetime.fromisoformat(json.loads((folder / MANIFEST).read_text())["began_at"])


def copied(source: Path, to: Path) -> None:
    """With its owners: as root, the database belongs to another user."""
    subprocess.run(["cp", "-a", str(source), str(to)], check=True)


async def lost(platform: Platform, *folders: str) -> None:
    await platform.down()
    for name in folders:
        shutil.rmtree(platform.root / name)


async def rows_of(platform: Platform, trigger: Json) -> list[Json]:
    rows = await platform.log_rows(trigger["id"])
    return sorted(rows, key=lambda row: row["scheduled_for"])


def fired_in(rows: list[Json]) -> set[datetime]:
    return {row["scheduled_for"] for row in rows if row["status"] == "fired"}


async def each_second_has_its_row(platform: Platform, trigger: Json) -> list[Json]:
    """Fired once, or missed with a reason, one by one or counted."""

    async def complete() -> list[Json]:
        rows = await rows_of(platform, trigger)
        assert distinct(row["scheduled_for"] for row in rows)
        lived = rows[-1]["scheduled_for"] - rows[0]["scheduled_for"]
        assert sum(row["count"] for row in rows) == lived / timedelta(seconds=1) + 1
        return rows

    # It goes on meanwhile: a later second may be in the log a moment before an earlier one.
    return await eventually(complete, within=30, what=f"{trigger['name']} has every second")


@pytest.mark.parametrize(
    "folders", [("nats", "postgres"), ("nats",)], ids=["all is lost", "the database is left"]
)
async def test_fires_after_the_backup_are_told_apart_and_nothing_fires_twice(
    platform: Platform, tmp_path: Path, folders: tuple[str, ...]
) -> None:
    folder = tmp_path / "backup"
    api = await platform.create(name="api", type="api")
    often = await platform.create(name="often", **EVERY_SECOND)
    # Of all policies the one that would fire each of them again.
    eager = await platform.create(
        name="eager", **EVERY_SECOND, misfire={"policy": "all", "max_count": 1000}
    )
    edited = await platform.create(name="edited", **EVERY_SECOND)
    deleted = await platform.create(name="deleted", type="api")
    keyed = {"Idempotency-Key": "of before"}
    fire = f"/triggers/{api['id']}/fire"
    first = (await platform.rest.post(fire, json={"payload": 1}, headers=keyed)).json()
    for number in range(20):
        await platform.fire(api["id"], payload=number)
    await platform.until_events(3, trigger_id=eager["id"])
    await platform.until_events(21, trigger_id=api["id"])
    # Later than the backup begins, however long a command takes to start on this machine.
    asked = time.monotonic()
    await platform.call("status")
    within = 5 + 3 * (time.monotonic() - asked)
    soon = await platform.create(name="soon", type="scheduled", schedule_time=ahead(within))
    began_at = await backed_up(platform, folder)
    before = [row for row in await platform.log_rows() if row["logged_at"] < began_at]
    assert len(before) >= 21 + 2 * 3

    # What the backup knows nothing of.
    late = await platform.fire(api["id"], payload="after the backup")
    assert (await platform.rest.delete(f"/triggers/{deleted['id']}")).is_success
    patched = await platform.rest.patch(f"/triggers/{edited['id']}", json={"name": "renamed"})
    assert patched.status_code == 200, patched.text
    later = await platform.create(name="later", **EVERY_SECOND)
    (fired_soon,) = await platform.until_events(1, trigger_id=soon["id"])
    for trigger in (often, eager, edited, later):
        seen = len(await platform.events(trigger_id=trigger["id"]))
        await platform.until_events(seen + 2, trigger_id=trigger["id"])
    await platform.until_events(22, trigger_id=api["id"])
    fired = {one["id"]: fired_in(await rows_of(platform, one)) for one in (often, eager, edited)}

    await lost(platform, *folders)
    began = now()
    code, told = await platform.call("restore", str(folder))
    assert code == 0, told
    assert "since the backup do not fire: they are logged as missed" in told
    await platform.up()

    for trigger in (often, eager, edited):
        await eventually(lambda one=trigger: fires_again(platform, one, began), within=60)
    rows = {str(row["event_id"]): row for row in await platform.log_rows()}
    for row in before:
        assert rows[str(row["event_id"])]["status"] == row["status"]
        assert rows[str(row["event_id"])]["logged_at"] == row["logged_at"]
    assert late not in rows
    for trigger in (often, eager, edited):
        each = await each_second_has_its_row(platform, trigger)
        again = {row["scheduled_for"] for row in each if row["logged_at"] > began}
        missed = [row for row in each if (row["reason"] or "").startswith(REASON)]
        assert missed
        assert all(row["status"] == "missed" for row in missed)
        assert not fires_of(each, began) & fired[trigger["id"]], "something fired twice"
        assert min(again) <= began < max(again)
    (missed_soon,) = await platform.until_events(1, trigger_id=soon["id"])
    assert (missed_soon["id"], missed_soon["status"]) == (fired_soon["id"], "missed")
    assert missed_soon["reason"].startswith(REASON)
    await eventually(lambda: is_completed(platform, soon), what="it has no occurrence any more")
    await what_else_is_as_it_was(platform, api, edited, deleted, later)

    again = (await platform.rest.post(fire, json={"payload": 1}, headers=keyed)).json()
    assert again["event_id"] == first["event_id"], "its key was used before the backup"
    replayed = await platform.rest.post(f"/events/{missed_soon['id']}/replay")
    assert replayed.status_code == 202, "whoever knows that it did not fire has it fired"
    await platform.until_events(2, trigger_id=soon["id"])
    assert await platform.dead_letters() == []


async def what_else_is_as_it_was(
    platform: Platform, api: Json, edited: Json, deleted: Json, later: Json
) -> None:
    names = {one["id"]: one["name"] for one in (await platform.rest.get("/triggers/")).json()}
    assert names[edited["id"]] == "edited"
    assert names[deleted["id"]] == "deleted"
    assert later["id"] not in names
    await platform.fire(deleted["id"])
    created = await platform.create(name="new", **EVERY_SECOND)
    await platform.until_events(1, trigger_id=created["id"])
    async with platform.connected() as client:
        done = await platform.ask(client, "fire", {"trigger_id": api["id"], "payload": "by NATS"})
    await platform.until_events(1, event_id=done["event_id"])


def fires_of(rows: list[Json], since: datetime) -> set[datetime]:
    return {row["scheduled_for"] for row in rows if row["fired_at"] and row["fired_at"] > since}


async def fires_again(platform: Platform, trigger: Json, since: datetime) -> bool:
    return len(fires_of(await rows_of(platform, trigger), since)) >= 2


async def is_completed(platform: Platform, trigger: Json) -> bool:
    return (await platform.rest.get(f"/triggers/{trigger['id']}")).json()["status"] == "completed"


async def test_a_copy_of_the_data_directory_restored_fires_nothing_twice(
    platform: Platform, tmp_path: Path
) -> None:
    """The other way to make one: while nothing runs, with any program."""
    often = await platform.create(name="often", **EVERY_SECOND)
    soon = await platform.create(name="soon", type="scheduled", schedule_time=ahead(25))
    await platform.until_events(2, trigger_id=often["id"])
    await platform.down()
    copy = tmp_path / "copy"
    copied(platform.root, copy)
    await platform.up()
    (fired_soon,) = await platform.until_events(1, within=60, trigger_id=soon["id"])
    assert fired_soon["status"] == "fired"
    fired = fired_in(await rows_of(platform, often))
    await lost(platform, "nats", "postgres")
    for name in ("nats", "postgres"):
        copied(copy / name, platform.root / name)
    began = now()
    code, told = await platform.call("rebuild", "--restored")
    assert code == 0, told
    await platform.up()
    await eventually(lambda: fires_again(platform, often, began), within=60)
    rows = await each_second_has_its_row(platform, often)
    assert not fires_of(rows, began) & fired
    (missed_soon,) = await platform.until_events(1, trigger_id=soon["id"])
    assert missed_soon["id"] == fired_soon["id"]
    assert missed_soon["reason"] == "restored from a backup: it may have fired before"
