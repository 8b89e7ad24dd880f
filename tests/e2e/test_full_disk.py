"""A disk that is full, and then is not: all heals by itself.

On a small disk of the test's own (tmpfs), which only root may mount.
"""

import os
import signal
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path

import httpx
import psutil
import pytest

from tests.support.eventually import eventually
from tests.support.good_traffic import good_traffic
from tests.support.small_disk import fill, only_root_mounts, small_disk
from tests.support.whole_platform import Json, Platform, ahead, distinct

SIZE = "192m"
"""A new database takes 40 MB, and a segment of its log 16."""

pytestmark = only_root_mounts


@pytest.fixture
def disk() -> Iterator[Path]:
    with small_disk(SIZE) as mounted:
        yield mounted


@pytest.fixture
async def platform(disk: Path) -> AsyncIterator[Platform]:
    started = Platform(disk / "home")
    started.printed = disk.with_name("printed")
    try:
        await started.up()
        yield started
    finally:
        (disk / "fill").unlink(missing_ok=True)
        if started.up_is_running:
            await started.down(signal.SIGTERM)


def executors(root: Path) -> list[int]:
    """Every process that records, of this platform's, watched or not."""
    found = []
    for process in psutil.process_iter(["cmdline"]):
        if "trigger_executor" not in " ".join(process.info["cmdline"] or ()):
            continue
        try:
            # Its standard output is a pipe to its own supervisor alone: known by its parent.
            mine = str(root) in " ".join(psutil.Process(process.ppid()).cmdline())
            mine = mine and process.environ().get("ETP_EXECUTOR_ROLES") == "record"
        except psutil.Error:
            continue
        if mine:
            found.append(process.pid)
    return found


async def status_of(rest: httpx.AsyncClient, address: str) -> int:
    try:
        return (await rest.get(address)).status_code
    except httpx.HTTPError:
        return 0


async def test_a_full_disk_heals_by_itself_once_there_is_space(
    platform: Platform, disk: Path
) -> None:
    """Writes are 503 and `/ready` fails while it is full, and reads go on; afterwards what was
    acknowledged is there, and others are on time.
    """
    rest = platform.rest
    often = await platform.create(
        name="often", type="scheduled", interval=1, starts_at=ahead(1), ends_at=ahead(300)
    )
    api = await platform.create(name="api", type="api")
    fired = {await platform.fire(api["id"], payload=n) for n in range(20)}
    await platform.until_events(2, trigger_id=often["id"])

    filler = fill(disk)

    async def refused() -> bool:
        response = await rest.post(f"/triggers/{api['id']}/fire", json={"payload": "x" * 20_000})
        if response.status_code == 202:
            fired.add(response.json()["event_id"])
        fill(disk)
        return response.status_code == 503

    await eventually(refused, within=60, what="a fire is refused")

    async def not_ready() -> bool:
        return await status_of(rest, "/ready") == 503

    await eventually(not_ready, within=30, what="/ready says that it cannot store")
    for address in ("/triggers/", f"/triggers/{api['id']}", f"/events/?trigger_id={api['id']}"):
        assert await status_of(rest, address) == 200, address

    told = platform.printed.read_text()
    assert "nats is started anew, for it cannot go on" in told
    assert "nats is not started for now: 8 MiB cannot be written to" in told
    assert "No space left on device" in told

    # A service that dies meanwhile comes back, once and not twice.
    most = 0

    async def back() -> bool:
        nonlocal most
        now = executors(platform.root)
        most = max(most, len(now))
        return bool(now) and killed not in now

    (killed,) = executors(platform.root)
    os.kill(killed, signal.SIGKILL)
    await eventually(back, within=30, what="another executor runs")
    assert most == 1
    assert await status_of(rest, "/ready") == 503
    assert await status_of(rest, f"/triggers/{api['id']}") == 200

    filler.unlink()
    seen = await platform.until_ready()
    assert executors(platform.root) == [seen["pids"]["executor"]]

    async def accepted() -> bool:
        response = await rest.post(f"/triggers/{api['id']}/fire", json={"payload": "after"})
        if response.status_code == 202:
            fired.add(response.json()["event_id"])
        return response.status_code == 202

    await eventually(accepted, within=30, what="a fire is taken again")
    rows = await platform.until_events(len(fired), trigger_id=api["id"], within=60)
    assert {row["id"] for row in rows} >= fired
    assert distinct(row["id"] for row in rows)
    await goes_on(platform, often)
    async with good_traffic(platform) as traffic:
        await traffic.go_round()


async def goes_on(platform: Platform, often: Json) -> None:
    """Each second has its row, once, fired or missed with a reason, or is counted in one."""
    before = len(await platform.events(trigger_id=often["id"]))
    await platform.until_events(before + 3, trigger_id=often["id"])
    rows = sorted(await platform.log_rows(often["id"]), key=lambda row: row["scheduled_for"])
    assert distinct(row["scheduled_for"] for row in rows)
    assert {row["status"] for row in rows} <= {"fired", "missed"}
    lived = rows[-1]["scheduled_for"] - rows[0]["scheduled_for"]
    assert sum(row["count"] for row in rows) == lived / timedelta(seconds=1) + 1
