"""The cache of log reads on a real Valkey: shared, exact, and no loss when it is gone."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from prometheus_client import REGISTRY

from tests.integration.api.conftest import Running, ready, serving
from tests.integration.api.log_rows import Log, listed
from tests.support.eventually import eventually
from tests.support.servers import Broker, Database
from tests.support.valkey import Valkey, valkey
from trigger_api.adapters.cache import CashewsCache
from trigger_local.secrets import Secrets
from trigger_runtime.process.clock import SystemClock
from trigger_runtime.process.errors import Noted


@pytest.fixture(scope="module")
async def cache() -> AsyncIterator[Valkey]:
    async with valkey() as running:
        yield running


@pytest.fixture
async def gateways(
    platform_streams: Broker, empty_database: Database, secrets: Secrets, cache: Valkey
) -> AsyncIterator[tuple[Running, Running]]:
    """Two gateways with one cache."""
    await cache.ask("FLUSHALL")
    options: dict[str, Any] = {"cache_url": cache.url}
    async with (
        serving(platform_streams, empty_database, secrets, **options) as one,
        serving(platform_streams, empty_database, secrets, **options) as other,
    ):
        await ready(one)
        await ready(other)
        yield one, other


def counted(result: str) -> float:
    """How often a cache was asked with this result; both gateways are in this process."""
    return REGISTRY.get_sample_value("etp_cache_requests_total", {"result": result}) or 0.0


async def test_a_page_read_by_one_gateway_is_shown_by_the_other(
    gateways: tuple[Running, Running], log: Log
) -> None:
    one, other = gateways
    event_id = str(await log.add())

    async def shared() -> bool:
        for gateway in (one, other):  # what is asked for again is kept
            await listed(gateway.http)
        before = counted("hit")
        pages = [await listed(gateway.http) for gateway in (one, other)]
        assert pages == [[event_id], [event_id]]
        return counted("hit") > before

    await eventually(shared, what="the second gateway takes the first one's page")


async def test_a_new_event_is_shown_within_a_second(
    gateways: tuple[Running, Running], log: Log
) -> None:
    one, other = gateways
    for _ in range(3):
        await listed(one.http)
        event_id = str(await log.add())
        for gateway in (one, other):

            async def shown(gateway: Running = gateway, event_id: str = event_id) -> list[str]:
                page = await listed(gateway.http)
                return page if event_id in page else []

            page = await eventually(shown, within=1.0, what="the new event is shown")
            assert event_id in page


async def test_no_page_shows_a_row_past_the_end_of_a_life(
    gateways: tuple[Running, Running], log: Log, empty_database: Database
) -> None:
    one, other = gateways
    lives = ("'2 seconds'", "'4 seconds'")
    async with empty_database.connected() as admin:
        await admin.execute(
            "INSERT INTO retention.life_setting (active_for, kept_for)"
            f" VALUES ({lives[0]}, {lives[1]})"
        )
        event_id = await log.add()
        states: set[str] = set()
        while True:
            for gateway in (one, other):
                # What the database says before and after frames what the gateway may say.
                before = await state(admin, event_id)
                response = await gateway.http.get("/events/")
                after = await state(admin, event_id)
                shown = response.json()[0]["state"] if response.json() else "gone"
                assert shown in (before, after), (before, shown, after)
                states.add(shown)
            if before == "gone":
                break
        assert states == {"active", "archived", "gone"}
    assert counted("hit") > 0


async def state(admin: Any, event_id: Any) -> str:
    found = await admin.fetchval("SELECT state FROM retention.events WHERE event_id = $1", event_id)
    return found or "gone"


async def told(gateway: Running) -> tuple[int, str]:
    """The status of ``/ready``, and what it says of the cache."""
    answer = await gateway.http.get("/ready")
    report = answer.json()
    said = report["checks"]["cache"]
    assert said == "ok" or report["status"] == "degraded"
    return answer.status_code, said


async def test_a_dead_cache_only_slows_things_down(
    gateways: tuple[Running, Running], log: Log, cache: Valkey
) -> None:
    one, _ = gateways
    event_id = str(await log.add())
    await eventually(lambda: listed(one.http), what="the event is listed")

    async def is_well() -> bool:
        return await told(one) == (200, "ok")

    async def says_away() -> bool:
        status, said = await told(one)
        return status == 200 and said.startswith("does not answer, and reads go on without it: ")

    await eventually(is_well, what="the cache is told as well")
    await cache.server.kill()
    try:
        await eventually(says_away, what="the gateway is ready, and says that the cache is away")
        checked = {"check": "cache"}
        assert REGISTRY.get_sample_value("etp_ready_check", checked) == 1, "nobody is to be woken"
        for _ in range(20):
            assert await listed(one.http) == [event_id]
        assert counted("away") > 0
    finally:
        await cache.server.start(cache.answers)
    before = counted("hit")

    async def used_again() -> bool:
        await listed(one.http)
        return counted("hit") > before

    await eventually(used_again, within=15, what="the cache is used again")
    await eventually(is_well, what="the cache is told as well again")


async def test_a_cache_that_hangs_is_left_alone(
    platform_streams: Broker, empty_database: Database, secrets: Secrets, log: Log
) -> None:
    """It accepts connections and never answers."""

    async def hang(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await reader.read()

    server = await asyncio.start_server(hang, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        url = f"redis://127.0.0.1:{port}/0"
        async with serving(platform_streams, empty_database, secrets, cache_url=url) as running:
            event_id = str(await log.add())
            before = counted("away")
            for _ in range(2):
                assert await listed(running.http) == [event_id]
                assert await listed(running.http, limit=1) == [event_id]
            assert counted("away") > before
            await ready(running)
            assert (await told(running))[1].startswith("does not answer")


async def test_a_cache_that_cannot_be_used_as_it_is_named_fails_no_list(cache: Valkey) -> None:
    named = CashewsCache(f"{cache.url}?no_such_option=1", SystemClock())
    await named.set("a", b"page", timedelta(seconds=1))
    assert await named.get("a") is None
    with pytest.raises(Noted):
        await named.check()
    await named.close()


async def test_what_is_kept_is_gone_soon(
    gateways: tuple[Running, Running], log: Log, cache: Valkey
) -> None:
    one, _ = gateways
    await log.add(payload='{"word": "canarybird"}')
    for _ in range(2):  # what is asked for again is kept
        assert len(await listed(one.http, q="canarybird")) == 1
    assert await cache.ask("DBSIZE") == b":1"

    async def is_empty() -> bool:
        return await cache.ask("DBSIZE") == b":0"

    await eventually(is_empty, within=3, what="every page is forgotten")


async def test_without_a_cache_every_list_is_read(
    platform_streams: Broker, empty_database: Database, secrets: Secrets, log: Log
) -> None:
    async with serving(platform_streams, empty_database, secrets, cache_url="off") as running:
        for expected in range(1, 4):
            await log.add(timedelta(milliseconds=expected))
            assert len(await listed(running.http)) == expected
        assert "cache" not in (await running.http.get("/ready")).json()["checks"]
