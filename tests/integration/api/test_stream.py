"""The live tail by REST, on a real broker: what is heard, by whom, and what is not shown."""

from datetime import UTC, datetime, timedelta

from nats.aio.client import Client
from prometheus_client import REGISTRY

from tests.integration.api.conftest import Running, ready, serving
from tests.integration.api.streams import metric, opened, payloads
from tests.integration.runtime.test_reading import KEPT, hpub, spoken
from tests.support.eventually import eventually
from tests.support.log_entries import body_of, make_entry, store
from tests.support.servers import Broker, Database
from trigger_contracts import subjects
from trigger_contracts.events import EntryStatus, Source
from trigger_local.secrets import Secrets

BAD = KEPT[1:]
"""Header blocks; of one byte the broker leaves nothing when it reads it."""


async def test_what_is_stored_is_heard_as_cloud_events(gateway: Running, executor: Client) -> None:
    await store(executor, [make_entry("before")])
    async with opened(gateway) as source:
        assert source.headers["content-type"] == "text/event-stream"
        assert source.headers["cache-control"] == "no-store"
        assert source.headers["x-accel-buffering"] == "no"
        missed = make_entry("late", status=EntryStatus.MISSED, fired_at=None)
        alike = {"data": {"schema_version": 1, "event_id": "theirs"}, "event_id": 1.0}
        lines, words = make_entry("first\nsecond"), make_entry("ü € 😀")
        stored = [lines, missed, words, make_entry(payload=alike)]
        await store(executor, stored)
        events = await source.take(4)
        assert source.retry == 1000
    # As stored, but that the row's own id is ``id``, as in a list.
    assert [event.data.encode() for event in events] == [
        body_of(entry).replace(b'"event_id":', b'"id":', 1) for entry in stored
    ]
    assert [event.json["data"]["id"] for event in events] == [entry.event_id for entry in stored]
    kinds = ["trigger.fired.v1", "trigger.missed.v1", "trigger.fired.v1", "trigger.fired.v1"]
    assert [event.type for event in events] == [event.json["type"] for event in events] == kinds
    assert len({event.id for event in events}) == 4


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
        make_entry("older", age=timedelta(hours=2)),
    ]
    await store(executor, entries)
    ago = (now - timedelta(minutes=1)).isoformat()
    expected = {
        (): ["plain words", "a test", "late", "no", "old", "older"],
        ("state", "active"): ["plain words", "a test", "late", "no", "old"],
        ("state", "archived"): ["older"],
        ("trigger_id", "a"): ["plain words"],
        ("trigger_name", "Other"): ["no"],
        ("type", "scheduled"): ["late"],
        ("source", "test"): ["a test"],
        ("status", "rejected"): ["no"],
        ("is_test", "false", "source", "api", "status", "fired"): [
            "plain words",
            "late",
            "old",
            "older",
        ],
        ("min_lateness", "5"): ["late"],
        ("max_lateness", "5"): [],
        ("from", ago): ["plain words", "a test", "late", "no"],
        ("to", ago): ["old", "older"],
        ("to", ago, "state", "active"): ["old"],
        ("q", "WORDS plain"): ["plain words"],
    }
    often = {"stream_heartbeat": timedelta(milliseconds=50)}
    async with serving(platform_streams, empty_database, secrets, **often) as running:
        await ready(running)
        for query, found in expected.items():
            params = dict(zip(query[::2], query[1::2], strict=True))
            async with opened(running, "0", params=params) as source:
                # An id without an event says how far it is: to the end of what is stored.
                while not source.last_event_id.endswith(f"-{len(entries)}"):
                    await source.block()
                assert payloads(source.seen) == found, query


async def test_what_cannot_be_asked_for(gateway: Running) -> None:
    http = gateway.http
    for params, headers, pointer in (
        ({"trigger": "a"}, {}, "/query/trigger"),
        ({"state": "gone"}, {}, "/query/state"),
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


async def test_what_is_no_event_is_skipped_and_a_log_made_anew_is_told(
    gateway: Running, executor: Client, platform_streams: Broker
) -> None:
    before = metric("etp_stream_unreadable_total")
    async with opened(gateway) as source:
        # A kind of event for others: it is none of the log, and nothing is wrong with it.
        await executor.jetstream().publish("trigger.delivery.t", b"not JSON")
        for other in (subjects.delivery("t"), subjects.health("t")):
            await executor.jetstream().publish(other, body_of(make_entry("0")))
        for body in (b"not JSON", b"{}", b""):
            await executor.jetstream().publish(subjects.fired("t"), body)
        # An event but for its header block: no row of the log, and none of its tail.
        raw = [hpub(subjects.fired("t").encode(), block, body_of(make_entry("0"))) for block in BAD]
        await spoken(platform_streams, "executor", b"".join(raw))
        await store(executor, [make_entry("1")])
        assert payloads(await source.take(1)) == ["1"]
        assert metric("etp_stream_unreadable_total") == before + 3 + len(BAD)
        old_id = source.last_event_id
        await platform_streams.fresh_streams()
        await store(executor, [make_entry("2")])
        reset, event = await source.take(2)
        assert (reset.type, reset.json["code"]) == ("reset", "log-reset")
        assert payloads([event]) == ["2"]
        for last_id in (old_id, "99999"):
            async with opened(gateway, last_id) as other:
                assert (await other.next()).type == "reset"


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
