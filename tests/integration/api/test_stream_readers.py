"""Readers of live tails: many, slow, gone, and more than there is room for."""

import asyncio
import contextlib
from datetime import timedelta

import pytest
from nats.aio.client import Client

from tests.integration.api.conftest import Running, ready, serving
from tests.integration.api.streams import FLOOD, flood, metric, opened, payloads
from tests.support.eventually import eventually
from tests.support.log_entries import make_entry, store
from tests.support.servers import Broker, Database
from trigger_local.secrets import Secrets


async def test_a_slow_reader_is_dropped_with_a_reason_and_may_resume(
    platform_streams: Broker, empty_database: Database, secrets: Secrets, executor: Client
) -> None:
    async with serving(platform_streams, empty_database, secrets, stream_backlog=1000) as running:
        await ready(running)
        dropped = metric("etp_stream_dropped_total")
        async with opened(running, receive_buffer=4096) as slow, opened(running) as quick:
            reading = asyncio.create_task(quick.take(FLOOD))
            await flood(executor, range(FLOOD))
            await eventually(lambda: metric("etp_stream_dropped_total") == dropped + 1)
            got = await slow.rest()
            everything = payloads(await reading)
        assert [event.type for event in got if event.type != "trigger.fired.v1"] == ["dropped"]
        assert got[-1].json["code"] == "reader-too-slow"
        assert payloads(got) == everything[: len(got) - 1]
        assert len(got) < FLOOD
        async with opened(running, slow.last_event_id) as again:
            assert payloads(await again.take(FLOOD - len(got) + 1)) == everything[len(got) - 1 :]


async def test_who_does_not_even_take_the_reason_is_cut(
    platform_streams: Broker, empty_database: Database, secrets: Secrets, executor: Client
) -> None:
    """Also one that never came so far as to follow the log live."""
    options = {"stream_backlog": 1000, "stream_write_timeout": timedelta(milliseconds=100)}
    async with serving(platform_streams, empty_database, secrets, **options) as running:
        await ready(running)
        await flood(executor, range(FLOOD))
        dropped = metric("etp_stream_dropped_total")
        async with opened(running, "0", receive_buffer=4096) as slow:
            await eventually(lambda: metric("etp_stream_dropped_total") == dropped + 1)
            ours = slow.writer.get_extra_info("sockname")
            await eventually(
                lambda: all(one.client != ours for one in running.server.server_state.connections)
            )
            with pytest.raises((asyncio.IncompleteReadError, ConnectionResetError)):
                await slow.rest()
        assert all(event.type == "trigger.fired.v1" for event in slow.seen)


async def test_a_reader_that_goes_away_is_noticed_at_once(gateway: Running) -> None:
    async with opened(gateway) as source:
        await source.block()
        await eventually(lambda: metric("etp_stream_readers") == 1)
    await eventually(lambda: metric("etp_stream_readers") == 0)
    assert metric("etp_stream_readers") == 0


async def test_hundreds_of_readers_each_get_every_event(gateway: Running, executor: Client) -> None:
    readers, events = 300, 200
    async with contextlib.AsyncExitStack() as stack:
        sources = await asyncio.gather(
            *(stack.enter_async_context(opened(gateway)) for _ in range(readers))
        )
        assert metric("etp_stream_readers") == readers
        reading = [asyncio.create_task(source.take(events)) for source in sources]
        await store(executor, [make_entry(str(number)) for number in range(events)])
        found = await asyncio.gather(*reading)
        assert (await gateway.http.get("/events/")).status_code == 200
    expected = [str(number) for number in range(events)]
    assert all(payloads(each) == expected for each in found)
    assert len({tuple(event.id for event in each) for each in found}) == 1


async def test_there_is_room_for_so_many_readers(
    platform_streams: Broker, empty_database: Database, secrets: Secrets
) -> None:
    async with serving(platform_streams, empty_database, secrets, max_stream_readers=2) as running:
        await ready(running)
        async with opened(running):
            async with opened(running):
                response = await running.http.get("/events/stream")
                assert response.status_code == 503
                assert "another gateway" in response.json()["detail"]
                assert response.headers["retry-after"]

            async def has_room() -> bool:
                async with opened(running):
                    return True

            await eventually(has_room)
