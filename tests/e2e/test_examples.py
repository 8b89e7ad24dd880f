"""The programs that a user copies from ``examples/``, run as they stand."""

import asyncio
import json
import os
import re
import sys
from pathlib import Path

import pytest

from tests.support import pages
from tests.support.whole_platform import Platform

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"


async def run(platform: Platform, name: str, *arguments: str, **more: str) -> str:
    """What it prints; fails unless it ends by itself, and well."""
    path = EXAMPLES / name
    environment = {
        "PATH": os.environ["PATH"],
        "ETP_URL": platform.status["url"],
        "ETP_API_KEY": platform.status["api_key"],
        "ETP_NATS_URL": platform.status["nats_url"],
        **more,
    }
    process = await asyncio.create_subprocess_exec(
        *("sh" if path.suffix == ".sh" else sys.executable, str(path), *arguments),
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    printed, _ = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 0, printed.decode()
    return printed.decode()


async def test_create_and_fire_by_curl(platform: Platform) -> None:
    event = json.loads(await run(platform, "create_and_fire.sh"))
    assert (event["status"], event["payload"]) == ("fired", {"currency": "EUR", "amount": 12.5})


async def test_create_and_fire_in_python(platform: Platform) -> None:
    printed = await run(platform, "create_and_fire.py")
    assert re.fullmatch(r"fired \S+ \{'currency': 'EUR', 'amount': 12\.5\}\n", printed)


async def test_hear_events(platform: Platform) -> None:
    kind, event_id, payload = (await run(platform, "hear_events.py")).split(maxsplit=2)
    assert (kind, payload) == ("trigger.fired.v1", "{'amount': 12.5}\n")
    (row,) = await platform.until_events(1, trigger_name="order placed", q="12 5", source="nats")
    assert row["id"] == event_id


async def test_cron_with_preview(platform: Platform) -> None:
    words, *lines = (await run(platform, "cron_with_preview.py")).splitlines()
    assert words == "At 02:30 (Europe/Berlin)."
    assert lines[:4] == [
        "2027-03-27T02:30:00+01:00 is 2027-03-27T01:30:00Z ",
        "2027-03-29T02:30:00+02:00 is 2027-03-29T00:30:00Z ",
        "2027-03-30T02:30:00+02:00 is 2027-03-30T00:30:00Z ",
        "clocks change at 2027-03-28T01:00:00Z and the occurrence is skipped",
    ]
    assert re.fullmatch(r"created \S+ fires next at \S+", lines[4])


async def test_bulk_import(platform: Platform) -> None:
    lines = (await run(platform, "bulk_import.py")).splitlines()
    assert len(lines) == 21
    assert "interval" in lines[20]
    page = await platform.rest.get("/triggers/", params={"q": "heartbeat "})
    assert len(page.json()) == 20


async def test_follow_log_goes_on_where_it_stopped(platform: Platform, tmp_path: Path) -> None:
    for n in range(4):
        fired = await platform.rest.post("/test/api/", json={"payload": {"n": n}})
        await platform.until_events(1, q=f"n {n}", is_test=True)
        assert fired.status_code == 202
    kept = str(tmp_path / "last-id")
    first, second = [
        [json.loads(line) for line in printed.splitlines()]
        for printed in (
            await run(platform, "follow_log.py", "2", ETP_LAST_ID=kept),
            await run(platform, "follow_log.py", "2", ETP_LAST_ID=kept),
        )
    ]
    ids = [one["id"] for one in (*first, *second)]
    assert len(first) == len(second) == 2
    # The last of the first run was not handled yet when it ended, so it may come once more.
    assert len(set(ids)) in (3, 4)


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.py")), ids=lambda path: path.name)
def test_each_example_is_listed_and_tested(path: Path) -> None:
    assert f"`{path.name}`" in (EXAMPLES / "README.md").read_text() or path.stem == "environment"
    tests = [Path(__file__), Path(__file__).with_name("test_deliveries.py")]
    assert any(f'"{path.name}"' in one.read_text() for one in tests)


async def test_environment_prints_what_the_others_need(platform: Platform) -> None:
    printed = await run(platform, "environment.py", ETP_DATA_DIR=str(platform.root))
    assert f"export ETP_URL={platform.status['url']}\n" in printed
    assert f"export ETP_API_KEY={platform.status['api_key']}\n" in printed
    assert "export ETP_NATS_URL=" in printed


@pytest.mark.parametrize(
    ("page", "under"), [("README.md", "First request"), ("docs/api.md", "")], ids=["README", "api"]
)
async def test_the_requests_of_a_page_work_as_they_stand(
    platform: Platform, page: str, under: str, tmp_path: Path
) -> None:
    blocks = pages.requests(page, under)
    assert blocks
    url, key = platform.status["url"], platform.status["api_key"]
    assert await pages.paste(blocks, tmp_path, URL=url, KEY=key)
