"""What becomes of events at targets, live: for those who ask for it, and nobody else."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

from nats.aio.client import Client

from tests.integration.api.conftest import Running, ready, serving
from tests.integration.api.streams import metric, opened, payloads
from tests.support.log_entries import body_of, make_entry, store
from tests.support.servers import Broker, Database
from tests.unit.retention.records import make_records, record_message
from trigger_contracts import subjects
from trigger_contracts.events import LogEntry
from trigger_local.secrets import Secrets

WITH = {"deliveries": "true"}
HEALTH = Path(__file__).parents[2] / "contract/golden/health-event.v1.json"


async def deliver(executor: Client, entry: LogEntry, *story: str) -> list[bytes]:
    """Store the records of what became of it; their bodies."""
    bodies = []
    for record in make_records(entry, "erp", *story):
        subject, body = record_message(record)
        await executor.jetstream().publish(subject, body)
        bodies.append(body)
    return bodies


async def test_records_stand_between_the_events_as_they_are_stored(
    gateway: Running, executor: Client
) -> None:
    first, second = make_entry("first"), make_entry("second")
    async with opened(gateway, params=WITH) as source:
        await store(executor, [first])
        bodies = await deliver(executor, first, "failed", "delivered", "ended")
        await store(executor, [second])
        seen = await source.take(6)
    kinds = ("planned", "attempted", "attempted", "ended")
    told = [f"trigger.delivery.{kind}.v1" for kind in kinds]
    assert [one.type for one in seen] == ["trigger.fired.v1", *told, "trigger.fired.v1"]
    assert [one.data.encode() for one in seen[1:5]] == bodies
    assert [one.json["type"] for one in seen[1:5]] == told
    assert seen[2].json["data"]["outcome"] == "failed"
    # And it goes on behind any of them.
    async with opened(gateway, seen[2].id, params=WITH) as source:
        assert [one.id for one in await source.take(3)] == [one.id for one in seen[3:]]


async def test_without_the_parameter_a_stream_is_what_it_was(
    gateway: Running, executor: Client
) -> None:
    """Byte for byte, beside somebody who asks for records."""
    entries = [make_entry("one"), make_entry("two")]
    async with opened(gateway) as plain, opened(gateway, params=WITH) as other:
        for entry in entries:
            await store(executor, [entry])
            await deliver(executor, entry, "delivered")
        seen = await plain.take(2)
        assert len(await other.take(6)) == 6
    assert [one.data.encode() for one in seen] == [
        body_of(entry).replace(b'"event_id":', b'"id":', 1) for entry in entries
    ]
    assert {one.type for one in seen} == {"trigger.fired.v1"}
    async with opened(gateway, params={"deliveries": "false"}) as source:
        await deliver(executor, entries[0], "failed")
        await store(executor, [make_entry("three")])
        assert payloads(await source.take(1)) == ["three"]


async def test_records_are_asked_what_they_tell(
    platform_streams: Broker, empty_database: Database, secrets: Secrets, executor: Client
) -> None:
    a, b = make_entry("a", trigger_id="a"), make_entry("b", trigger_id="b")
    old = make_entry("old", trigger_id="a", age=timedelta(hours=3))
    for entry in (old, a, b):
        await store(executor, [entry])
        await deliver(executor, entry, "delivered")
    expected = {
        (): 9,
        ("trigger_id", "a"): 6,
        ("event_id", b.event_id): 3,
        ("state", "active"): 6,
        ("state", "archived"): 3,
        ("status", "fired"): 9,
        ("status", "missed"): 0,
        ("shape", "row"): 9,
    }
    often = {"stream_heartbeat": timedelta(milliseconds=50)}
    async with serving(platform_streams, empty_database, secrets, **often) as running:
        await ready(running)
        for query, count in expected.items():
            params = {**WITH, **dict(zip(query[::2], query[1::2], strict=True))}
            async with opened(running, "0", params=params) as source:
                while not source.last_event_id.endswith("-9"):
                    await source.block()
                assert len(source.seen) == count, query


async def test_what_is_no_record_is_skipped_and_counted(gateway: Running, executor: Client) -> None:
    before = metric("etp_stream_unreadable_total")
    async with opened(gateway, params=WITH) as source:
        await executor.jetstream().publish(subjects.delivery("t"), b"not JSON")
        await executor.jetstream().publish(subjects.health("erp"), b"{}")
        await store(executor, [make_entry("after")])
        assert payloads(await source.take(1)) == ["after"]
    assert metric("etp_stream_unreadable_total") == before + 2


async def test_changes_of_health_are_shown_where_nothing_is_asked_of_triggers(
    gateway: Running, executor: Client
) -> None:
    now = datetime.now(UTC).isoformat()
    facts = [
        json.dumps(one | {"data": one["data"] | {"logged_at": now}}).encode()
        for one in json.loads(HEALTH.read_bytes())
    ]
    async with (
        opened(gateway, params=WITH) as all_of_it,
        opened(gateway, params={**WITH, "trigger_id": "t"}) as of_trigger,
    ):
        for fact in facts:
            await executor.jetstream().publish(subjects.health("erp"), fact)
        await store(executor, [make_entry("after", trigger_id="t")])
        seen = await all_of_it.take(len(facts) + 1)
        assert payloads(await of_trigger.take(1)) == ["after"]
    assert [one.type for one in seen[:-1]] == [json.loads(fact)["type"] for fact in facts]
    assert [one.data.encode() for one in seen[:-1]] == facts


async def test_all_streams_share_their_places(
    platform_streams: Broker, empty_database: Database, secrets: Secrets
) -> None:
    async with serving(platform_streams, empty_database, secrets, max_stream_readers=2) as running:
        await ready(running)
        async with opened(running), opened(running, params=WITH):
            for params in ({}, WITH):
                answer = await running.http.get("/events/stream", params=params)
                assert answer.status_code == 503
                assert "2 streams are open" in answer.json()["detail"]
