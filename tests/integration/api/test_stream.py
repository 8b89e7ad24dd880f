"""The live tail by REST, on a real broker: what is stored is what every reader gets, once."""

import asyncio
import contextlib
import random
import signal
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from nats.aio.client import Client
from prometheus_client import REGISTRY

from tests.integration.api.conftest import Running, ready, serving
from tests.integration.api.gateway_process import gateway_process
from tests.support import sse
from tests.support.eventually import eventually
from tests.support.log_entries import body_of, make_entry, store
from tests.support.servers import Broker, Database
from trigger_api.entrypoints.serving import GRACEFUL_S
from trigger_contracts import subjects
from trigger_contracts.events import EntryStatus, LogEntry, Source
from trigger_local.secrets import Secrets


@pytest.fixture
async def executor(platform_streams: Broker) -> AsyncIterator[Client]:
    async with platform_streams.connected("executor") as client:
        yield client


def opened(running: Running, last_event_id: str | None = None, **options: Any) -> Any:
    return sse.opened(running.url, running.secrets.api_key, last_event_id, **options)


def payloads(events: list[sse.Event]) -> list[Any]:
    return [event.json["data"]["payload"] for event in events if "data" in event.json]


def metric(name: str) -> float:
    return REGISTRY.get_sample_value(name) or 0.0


async def test_what_is_stored_is_heard_as_cloud_events(gateway: Running, executor: Client) -> None:
    await store(executor, [make_entry("before")])
    async with opened(gateway) as source:
        assert source.headers["content-type"] == "text/event-stream"
        assert source.headers["cache-control"] == "no-store"
        assert source.headers["x-accel-buffering"] == "no"
        missed = make_entry("late", status=EntryStatus.MISSED, fired_at=None)
        stored = [make_entry("first\nsecond"), missed, make_entry("ü € 😀")]
        await store(executor, stored)
        events = await source.take(3)
        assert source.retry == 1000
    assert [event.data.encode() for event in events] == [body_of(entry) for entry in stored]
    kinds = ["trigger.fired.v1", "trigger.missed.v1", "trigger.fired.v1"]
    assert [event.type for event in events] == [event.json["type"] for event in events] == kinds
    assert len({event.id for event in events}) == 3


async def test_the_filters_are_those_of_the_lists(
    platform_streams: Broker, empty_database: Database, secrets: Secrets, executor: Client
) -> None:
    now = datetime.now(UTC)
    entries = [
        make_entry("plain words", trigger_id="a"),
        make_entry("a test", is_test=True, source=Source.TEST),
        make_entry("late", trigger_type="scheduled", scheduled_for=now - timedelta(seconds=9)),
        make_entry("no", status=EntryStatus.REJECTED, fired_at=None, trigger_name="Other"),
        make_entry("old", age=timedelta(hours=1)),
    ]
    await store(executor, entries)
    ago = (now - timedelta(minutes=1)).isoformat()
    expected = {
        (): ["plain words", "a test", "late", "no", "old"],
        ("trigger_id", "a"): ["plain words"],
        ("trigger_name", "Other"): ["no"],
        ("type", "scheduled"): ["late"],
        ("source", "test"): ["a test"],
        ("status", "rejected"): ["no"],
        ("is_test", "false", "source", "api", "status", "fired"): ["plain words", "late", "old"],
        ("min_lateness", "5"): ["late"],
        ("max_lateness", "5"): [],
        ("from", ago): ["plain words", "a test", "late", "no"],
        ("to", ago): ["old"],
        ("q", "WORDS plain"): ["plain words"],
    }
    often = {"stream_heartbeat": timedelta(milliseconds=50)}
    async with serving(platform_streams, empty_database, secrets, **often) as running:
        await ready(running)
        for query, found in expected.items():
            params = dict(zip(query[::2], query[1::2], strict=True))
            async with opened(running, "0", params=params) as source:
                # An id without an event says how far it is: to the end of what is stored.
                while not source.last_event_id.endswith("-5"):
                    await source.block()
                assert payloads(source.seen) == found, query


async def test_what_cannot_be_asked_for(gateway: Running) -> None:
    http = gateway.http
    for params, headers, pointer in (
        ({"trigger": "a"}, {}, "/query/trigger"),
        ({"state": "active"}, {}, "/query/state"),
        ({"status": "gone"}, {}, "/query/status"),
        ({"from": "2027-01-02T00:00:00Z", "to": "2027-01-01T00:00:00Z"}, {}, "/query/to"),
        ({"q": "%"}, {}, "/query/q"),
        ({}, {"Last-Event-ID": "x"}, "/header/Last-Event-ID"),
        ({}, {"Last-Event-ID": "-1"}, "/header/Last-Event-ID"),
        ({}, {"Last-Event-ID": "1-"}, "/header/Last-Event-ID"),
        ({}, {"Last-Event-ID": "9" * 30}, "/header/Last-Event-ID"),
        ({}, {"Last-Event-ID": "' OR 1=1"}, "/header/Last-Event-ID"),
        ({"last_event_id": "1;2"}, {}, "/query/last_event_id"),
        ({"last_event_id": "٣"}, {}, "/query/last_event_id"),
        ({"last_event_id": "x" * 10_000}, {}, "/query/last_event_id"),
        ({"last_event_id": "y"}, {"Last-Event-ID": "x"}, "/header/Last-Event-ID"),
    ):
        response = await http.get("/events/stream", params=params, headers=headers)
        assert response.status_code == 422, (params, headers)
        assert response.headers["content-type"] == "application/problem+json"
        assert [error["pointer"] for error in response.json()["errors"]] == [pointer]
    assert (await http.post("/events/stream")).status_code == 405
    async with gateway.without_key() as stranger:
        assert (await stranger.get("/events/stream")).status_code == 401


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


async def test_what_is_over_is_not_shown(
    platform_streams: Broker, empty_database: Database, secrets: Secrets, executor: Client
) -> None:
    """Not even while the stream still holds it, and from the instant on at which it is over."""
    kept_for = timedelta(seconds=3)
    options = {"kept_for": kept_for}
    async with serving(platform_streams, empty_database, secrets, **options) as running:
        await ready(running)
        await store(executor, [make_entry("over", age=kept_for), make_entry("dies soon")])
        async with opened(running, "0") as source:
            assert payloads(await source.take(1)) == ["dies soon"]

        async def is_gone() -> bool:
            await store(executor, [make_entry("end")])
            async with opened(running, "0") as source:
                return "dies soon" not in payloads(await source.take(1))

        await eventually(is_gone)
        async with platform_streams.connected() as admin:
            kept = await admin.jetstream().get_msg("TRIGGER_EVENTS", 2)
        assert b"dies soon" in (kept.data or b"")


BIG = "x" * 20_000
FLOOD = 2000
"""Events of some 20 kB: far more than what sockets hold, and than the least backlog."""


async def flood(executor: Client, numbers: range) -> list[LogEntry]:
    entries = [make_entry(f"{number} {BIG}") for number in numbers]
    jetstream = executor.jetstream()
    for start in range(0, len(entries), 50):
        await asyncio.gather(
            *(
                jetstream.publish(subjects.fired("t"), body_of(entry))
                for entry in entries[start : start + 50]
            )
        )
    return entries


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
    options = {"stream_backlog": 1000, "stream_patience": timedelta(milliseconds=100)}
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
    async with serving(platform_streams, empty_database, secrets, stream_readers=2) as running:
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


async def test_what_is_no_event_is_skipped_and_a_log_made_anew_is_told(
    gateway: Running, executor: Client, platform_streams: Broker
) -> None:
    before = metric("etp_stream_unreadable_total")
    async with opened(gateway) as source:
        for body in (b"not JSON", b"{}", b""):
            await executor.jetstream().publish(subjects.fired("t"), body)
        await store(executor, [make_entry("1")])
        assert payloads(await source.take(1)) == ["1"]
        assert metric("etp_stream_unreadable_total") == before + 3
        old_id = source.last_event_id
        await platform_streams.fresh_streams()
        await store(executor, [make_entry("2")])
        reset, event = await source.take(2)
        assert (reset.type, reset.json["code"]) == ("reset", "log-reset")
        assert payloads([event]) == ["2"]
        for last_id in (old_id, "99999"):
            async with opened(gateway, last_id) as other:
                assert (await other.next()).type == "reset"


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


async def test_streams_are_counted_and_their_length_is_no_latency(gateway: Running) -> None:
    def counted(name: str, **labels: str) -> float:
        return REGISTRY.get_sample_value(name, {"route": "/events/stream", **labels}) or 0.0

    def streams() -> float:
        return counted("etp_http_requests_total", method="GET", status="200")

    before, latencies = streams(), counted("etp_http_request_seconds_count")
    async with opened(gateway) as source:
        await source.block()
    await eventually(lambda: streams() == before + 1)
    assert counted("etp_http_request_seconds_count") == latencies
