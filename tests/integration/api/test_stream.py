"""The live tail by REST, on a real broker: what is stored is what every reader gets, once."""

from collections.abc import AsyncIterator

import pytest
from nats.aio.client import Client

from tests.integration.api.conftest import Running
from tests.support import sse
from tests.support.log_entries import make_entry, store
from tests.support.servers import Broker


@pytest.fixture
async def executor(platform_streams: Broker) -> AsyncIterator[Client]:
    async with platform_streams.connected("executor") as client:
        yield client


async def test_what_is_stored_is_heard(gateway: Running, executor: Client) -> None:
    key = gateway.secrets.api_key
    await store(executor, [make_entry("before")])
    async with sse.opened(gateway.url, key) as source:
        await store(executor, [make_entry(str(n)) for n in range(3)])
        events = await source.take(3)
        print(source.headers, events, source.retry)
    assert [event.json["data"]["payload"] for event in events] == ["0", "1", "2"]
