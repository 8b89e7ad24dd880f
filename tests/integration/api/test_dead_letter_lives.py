"""How long dead letters live: no longer than their original, to the microsecond."""

from datetime import datetime, timedelta

import httpx

from tests.integration.api.conftest import Running, ready, serving
from tests.integration.api.letter_owner import Owner, listed, owning, stored_letters
from tests.support.eventually import eventually
from tests.support.servers import Broker, Database
from trigger_contracts.subjects import Service
from trigger_local.secrets import Secrets


async def test_a_letter_lives_no_longer_than_its_original(
    gateway: Running, owner: Owner, platform_streams: Broker
) -> None:
    """The rest of 48 h, or of what a row that was recorded late had; the broker keeps time."""
    late = {"Nats-TTL": "7200s"}
    await owner.dead_letter(1, age=timedelta(hours=47, minutes=30))
    await owner.dead_letter(2, age=timedelta(minutes=30), headers=late, subject="trigger.fired.x")
    await owner.dead_letter(3, age=timedelta(hours=48))
    last = await owner.dead_letter(4, age=timedelta(hours=47, minutes=59, seconds=59))

    lives = [
        int(m.headers["Nats-TTL"].removesuffix("s")) for m in await stored_letters(platform_streams)
    ]
    assert [round(life, -1) for life in lives] == [1800, 5400, 0]

    async def forgotten() -> bool:
        return len(await stored_letters(platform_streams)) == 2

    await eventually(forgotten, what="the broker forgets it")
    rows = await listed(gateway.http)
    assert [row["original"]["stream_seq"] for row in rows] == [2, 1]
    gone = await gateway.http.get(f"/dead-letters/{last}")
    assert gone.status_code == 410


async def test_a_shorter_life_is_kept_by_the_gateway_too(
    platform_streams: Broker, empty_database: Database, secrets: Secrets, owner: Owner
) -> None:
    """To the microsecond, and whatever the one who buried it thought of its life."""
    options = {"kept_for": timedelta(minutes=5)}
    over = await owner.dead_letter(1, age=timedelta(minutes=5))
    alive = await owner.dead_letter(2, age=timedelta(minutes=4))
    async with serving(platform_streams, empty_database, secrets, **options) as running:
        await ready(running)
        (row,) = await listed(running.http)
        assert row["id"] == alive
        stored_at = datetime.fromisoformat(row["original"]["stored_at"])
        assert datetime.fromisoformat(row["deletes_at"]) == stored_at + timedelta(minutes=5)
        assert (await running.http.get(f"/dead-letters/{over}")).status_code == 410
        redrive = await running.http.post(f"/dead-letters/{over}/redrive")
        assert (redrive.status_code, redrive.json()["code"]) == (410, "gone")
    assert owner.seen == []


async def test_who_buries_with_a_shorter_life_has_the_broker_keep_it(
    http: httpx.AsyncClient, platform_streams: Broker, secrets: Secrets
) -> None:
    kept_for = timedelta(seconds=2)
    async with owning(platform_streams, secrets, Service.EXECUTOR, kept_for=kept_for) as owner:
        letter_id = await owner.dead_letter(1, b"canary")
        assert (await http.get(f"/dead-letters/{letter_id}")).status_code == 200

        async def forgotten() -> bool:
            return await stored_letters(platform_streams) == []

        await eventually(forgotten, what="the broker forgets it")
    assert await listed(http) == []
