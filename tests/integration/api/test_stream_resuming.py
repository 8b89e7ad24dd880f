"""Live tails that go on where they were, at whatever gateway: no gap and no duplicate."""

import asyncio
import random
import signal
from datetime import timedelta

import httpx
from nats.aio.client import Client

from tests.integration.api.conftest import Running, ready, serving
from tests.integration.api.gateway_process import gateway_process
from tests.integration.api.streams import flood, opened, payloads
from tests.support import sse
from tests.support.eventually import eventually
from tests.support.log_entries import make_entry, store
from tests.support.servers import Broker, Database
from trigger_api.entrypoints.serving import GRACEFUL_S
from trigger_local.secrets import Secrets


async def test_the_header_counts_and_an_empty_id_is_none(
    gateway: Running, executor: Client
) -> None:
    """A browser that comes back asks the address that it began with, and adds the header."""
    await store(executor, [make_entry("1"), make_entry("2"), make_entry("3")])
    async with opened(gateway, last_event_id="2") as source:
        assert payloads(await source.take(1)) == ["3"]
        assert source.last_event_id.endswith("-3")
    url, key = gateway.url, gateway.secrets.api_key
    async with sse.opened(url, key, "2", params={"last_event_id": "0"}) as source:
        assert payloads(await source.take(1)) == ["3"]
    async with sse.opened(url, key, params={"last_event_id": "1"}) as source:
        assert payloads(await source.take(2)) == ["2", "3"]
    async with sse.opened(url, key, "", params={"last_event_id": ""}) as source:
        await store(executor, [make_entry("4")])
        assert payloads(await source.take(1)) == ["4"]


async def test_resumed_over_gateways_while_events_come_there_is_no_gap_and_no_duplicate(
    platform_streams: Broker, empty_database: Database, secrets: Secrets, executor: Client
) -> None:
    """Readers break off wherever they are and go on at another gateway, again and again."""
    total = 600
    chance = random.Random(4)

    async def publish() -> None:
        for number in range(total):
            trigger_id = "even" if number % 2 == 0 else "odd"
            await store(executor, [make_entry(str(number), trigger_id=trigger_id)])

    begun = asyncio.Barrier(11)

    async def read(gateways: list[Running], params: dict[str, str], expected: list[str]) -> None:
        async with opened(chance.choice(gateways), params=params) as source:
            last_id = (await source.block()).id  # its place comes first of all
        await begun.wait()
        found: list[str] = []
        while len(found) < len(expected):
            async with opened(chance.choice(gateways), last_id, params=params) as source:
                for _ in range(min(chance.randrange(60), len(expected) - len(found))):
                    found += payloads(await source.take(1))
                last_id = source.last_event_id or last_id
        assert found == expected

    every = [str(number) for number in range(total)]
    async with (
        serving(platform_streams, empty_database, secrets) as one,
        serving(platform_streams, empty_database, secrets) as other,
        asyncio.TaskGroup() as tasks,
    ):
        await ready(one)
        await ready(other)
        for _ in range(5):
            tasks.create_task(read([one, other], {}, every))
            tasks.create_task(read([one, other], {"trigger_id": "odd"}, every[1::2]))
        await begun.wait()
        tasks.create_task(publish())


async def test_without_a_broker_open_streams_wait_and_new_ones_are_refused(
    platform_streams: Broker, empty_database: Database, secrets: Secrets, executor: Client
) -> None:
    options = {
        "publish_timeout": timedelta(milliseconds=300),
        "stream_heartbeat": timedelta(milliseconds=50),
    }
    async with serving(platform_streams, empty_database, secrets, **options) as running:
        await ready(running)
        async with opened(running) as source:
            await store(executor, [make_entry("1")])
            assert payloads(await source.take(1)) == ["1"]
            await platform_streams.kill()
            try:
                response = await running.http.get("/events/stream")
                assert (response.status_code, response.json()["code"]) == (503, "unavailable")
                assert response.headers["retry-after"] == "1"
                for _ in range(10):
                    beat = await asyncio.wait_for(source.block(), 5)
                    assert (beat.id, beat.data) == (source.last_event_id, "")
            finally:
                await platform_streams.start()
            await eventually(lambda: executor.is_connected)
            await store(executor, [make_entry("2"), make_entry("3")])
            assert payloads(await source.take(2)) == ["2", "3"]
            async with opened(running, "0") as late:
                assert payloads(await late.take(3)) == ["1", "2", "3"]


async def test_a_stop_ends_streams_at_once_and_they_go_on_at_another_gateway(
    platform_streams: Broker, empty_database: Database, secrets: Secrets, executor: Client
) -> None:
    """Even where a client takes nothing."""
    key = secrets.api_key
    async with gateway_process(platform_streams, empty_database, secrets) as started:
        async with httpx.AsyncClient(base_url=started.url) as http:

            async def is_ready() -> bool:
                return (await http.get("/ready")).status_code == 200

            await eventually(is_ready, within=20)
        async with (
            sse.opened(started.url, key) as source,
            sse.opened(started.url, key, receive_buffer=4096),
        ):
            stored = await flood(executor, range(400))
            assert payloads(await source.take(400)) == [entry.payload for entry in stored]
            started.process.send_signal(signal.SIGTERM)
            last = await source.next()
            assert (last.type, last.json["code"]) == ("closing", "gateway-stopping")
            assert await source.rest() == []
            # Less than what a stop waits for requests that do not end by themselves.
            assert await asyncio.wait_for(started.process.wait(), GRACEFUL_S) == 0
    said = await started.said()
    assert "Traceback" not in said
    assert "graceful shutdown exceeded" not in said
    await store(executor, [make_entry("next")])
    async with serving(platform_streams, empty_database, secrets) as running:
        await ready(running)
        async with opened(running, source.last_event_id) as again:
            assert payloads(await again.take(1)) == ["next"]
