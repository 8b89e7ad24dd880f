"""The platform at a glance, and that it says what the lists count."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from tests.integration.api.conftest import Running, ready, serving
from tests.integration.api.letter_owner import Owner
from tests.integration.api.log_rows import Log
from tests.integration.api.stand_in import StandInScheduler
from tests.support.eventually import eventually
from tests.support.servers import Broker, Database
from trigger_contracts.events import EntryStatus
from trigger_contracts.topology import DEAD
from trigger_local.secrets import Secrets

NOTHING = {
    "triggers": {"active": 0, "completed": 0, "due_within_1h": 0},
    "attention": {"late": 0, "missed": 0, "rejected": 0},
    "dead_letters": 0,
    "lives": {"active_for_s": 7200, "kept_for_s": 172_800, "misfire_grace_s": 30},
}


async def overview(http: httpx.AsyncClient) -> dict[str, Any]:
    answer = await http.get("/overview")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_counts_are_those_of_the_lists(
    http: httpx.AsyncClient, scheduler: StandInScheduler, log: Log
) -> None:
    empty = await overview(http)
    assert abs(datetime.fromisoformat(empty.pop("now")) - datetime.now(UTC)).total_seconds() < 5
    assert empty == NOTHING

    now = datetime.now(UTC)
    unfired = {"fired_at": None, "scheduled_for": now}
    late = {"scheduled_for": now - timedelta(seconds=2), "fired_at": now}
    kinds: list[dict[str, Any]] = [
        *([late] * 3),
        {"status": EntryStatus.MISSED, **unfired},
        {"status": EntryStatus.REJECTED, **unfired},
    ]
    for number in range(4):
        minutes = 59 if number % 2 else 61
        at = (now + timedelta(minutes=minutes)).isoformat()
        fields = {"name": str(number), "type": "scheduled", "schedule_time": at}
        trigger_id = (await http.post("/triggers/", json=fields)).json()["id"]
        # Several of one kind are one trigger; tests, the archive and deleted triggers are none.
        for kind in kinds[number:]:
            await log.add(trigger_id=trigger_id, **kind)
            await log.add(trigger_id=trigger_id, is_test=True, **kind)
            await log.add(timedelta(hours=3), trigger_id="t", **kind)
            await log.add(trigger_id="deleted", **kind)

    shown = await overview(http)
    assert shown["triggers"] == {"active": 4, "completed": 0, "due_within_1h": 2}
    assert shown["attention"] == {"late": 3, "missed": 4, "rejected": 4}
    counts = {f"attention={kind}": number for kind, number in shown["attention"].items()}
    counts |= {
        "status=active": shown["triggers"]["active"],
        "status=completed": shown["triggers"]["completed"],
        "due_within=1h": shown["triggers"]["due_within_1h"],
    }
    for query, number in counts.items():
        answer = await http.get(f"/triggers/?{query}&count=true")
        assert answer.headers["x-total-count"] == str(number), query


async def test_dead_letters_are_counted_while_they_are_to_be_seen(
    http: httpx.AsyncClient, platform_streams: Broker, owner: Owner
) -> None:
    async def shows(number: int) -> bool:
        listed = len((await http.get("/dead-letters/?limit=500")).json())
        return listed == number == (await overview(http))["dead_letters"]

    for seq in range(30):
        await owner.dead_letter(seq + 1)
    await owner.dead_letter(99, age=timedelta(hours=47, minutes=59, seconds=57))
    last = await owner.dead_letter(31)
    await eventually(lambda: shows(31), what="one is over")
    assert (await http.post(f"/dead-letters/{last}/redrive")).json()["status"] == "handled"
    await eventually(lambda: shows(30))
    async with platform_streams.connected() as admin:
        await admin.jetstream().purge_stream(DEAD.name, keep=3)
    await eventually(lambda: shows(2), what="of the three one says that it was handled")


async def test_without_a_broker_only_the_dead_letters_are_unknown(
    platform_streams: Broker, empty_database: Database, secrets: Secrets, owner: Owner
) -> None:
    await owner.dead_letter(1)
    lives = {"active_for": timedelta(minutes=1), "misfire_grace": timedelta(seconds=5)}
    async with serving(platform_streams, empty_database, secrets, **lives) as running:
        await ready(running)
        assert (await overview(running.http))["dead_letters"] == 1
        await platform_streams.kill()
        try:
            shown = await overview(running.http)
        finally:
            await platform_streams.start()
        assert shown["dead_letters"] is None
        assert shown["triggers"] == NOTHING["triggers"]
        assert shown["lives"] == {"active_for_s": 60, "kept_for_s": 172_800, "misfire_grace_s": 5}


async def test_it_takes_a_key_and_no_parameters(gateway: Running) -> None:
    async with gateway.without_key() as stranger:
        assert (await stranger.get("/overview")).status_code == 401
    assert (await gateway.http.get("/overview?state=active")).status_code == 422
