"""The running service: from the stream to a row exactly once, whatever breaks in between."""

import asyncio
import contextlib
import os
import signal
import socket
import sys
from collections.abc import Sequence
from typing import Any

import asyncpg
import httpx
import pytest
from nats.aio.client import Client

from tests.integration.retention.conftest import Start, replaced, stop
from tests.support.eventually import eventually
from tests.support.servers import Broker, Database, Postgres
from tests.unit.retention.factories import ago, body, make_entry
from trigger_contracts import subjects
from trigger_contracts.events import DeadLetter, LogEntry, Swept
from trigger_contracts.subjects import Service
from trigger_contracts.topology import DEAD, RETENTION_EVENTS
from trigger_local.secrets import Secrets
from trigger_retention.adapters.event_log import PostgresEventLog
from trigger_runtime.consuming import ack_policy
from trigger_runtime.consuming.consumer import Delivery
from trigger_runtime.process.errors import DatabaseUnavailable
from trigger_runtime.process.metrics import PASSED_OVER


async def publish(client: Client, *entries: LogEntry | bytes) -> None:
    """Store entries, or raw bodies, in the log; without message ids, so nothing is deduped."""
    jetstream = client.jetstream()
    for entry in entries:
        raw = entry if isinstance(entry, bytes) else body(entry)
        await jetstream.publish(subjects.fired("trigger-1"), raw)


async def count(owner: asyncpg.Connection) -> int:
    found: int = await owner.fetchval("SELECT count(*) FROM retention.event")
    return found


async def unsettled(client: Client) -> int:
    """How far acknowledgements are behind the stream's end.

    Not the consumer's own count of what is pending: that lags behind a publish.
    """
    jetstream = client.jetstream()
    end = (await jetstream.stream_info(RETENTION_EVENTS.stream.name)).state.last_seq
    info = await jetstream.consumer_info(RETENTION_EVENTS.stream.name, RETENTION_EVENTS.durable)
    assert info.ack_floor is not None
    return int(end - info.ack_floor.stream_seq)


async def settled(client: Client) -> bool:
    return await unsettled(client) == 0


async def letters(client: Client) -> list[DeadLetter]:
    jetstream = client.jetstream()
    state = (await jetstream.stream_info(DEAD.name)).state
    stored = [
        await jetstream.get_msg(DEAD.name, seq)
        for seq in range(state.first_seq, state.last_seq + 1)
        if state.messages
    ]
    assert all(m.subject.startswith("trigger.dead.retention.TRIGGER_EVENTS.") for m in stored)
    return [DeadLetter.model_validate_json(m.data or b"") for m in stored]


async def test_events_become_rows_of_the_views(
    client: Client, service: Start, empty_database: Database
) -> None:
    await service()
    entry = make_entry(payload={"plain": ["text", 1, None]})
    await publish(client, entry)
    async with empty_database.connected("etp_api") as api:
        row: Any = await eventually(lambda: api.fetchrow("SELECT * FROM retention.active"))
    assert str(row["event_id"]) == entry.event_id
    assert row["payload"] == '{"plain":["text",1,null]}'
    assert (row["state"], row["logged_at"]) == ("active", entry.logged_at)
    await eventually(lambda: settled(client))


async def test_the_same_event_again_and_again_is_one_row(
    client: Client, service: Start, owner: asyncpg.Connection
) -> None:
    entries = [make_entry() for _ in range(20)]
    await publish(client, *entries, *entries)
    await service()
    await publish(client, *entries)
    await eventually(lambda: settled(client))
    assert await count(owner) == 20


async def test_a_crash_between_insert_and_acknowledgement_gives_one_row(
    client: Client, service: Start, owner: asyncpg.Connection
) -> None:
    """The process stops exactly there: committed, and nothing acknowledged."""
    stopped = asyncio.Event()

    async def crash(_deliveries: Sequence[Delivery]) -> None:
        stopped.set()
        await asyncio.Event().wait()

    with replaced(ack_policy, "ack_all", crash):
        first = await service()
        await publish(client, *(make_entry() for _ in range(5)))
        await asyncio.wait_for(stopped.wait(), 10)
        assert await count(owner) >= 1
        assert await unsettled(client) == 5
        await first.connection.client.close()  # as a SIGKILL would: nothing more is said
    # The broker redelivers after its ack wait; here it is told to at once.
    await client.jetstream().delete_consumer(RETENTION_EVENTS.stream.name, RETENTION_EVENTS.durable)
    await _declare_consumer(client)
    await service()
    await eventually(lambda: settled(client))
    assert await count(owner) == 5


async def _declare_consumer(client: Client) -> None:
    from trigger_admin import streams

    await streams.apply(client)


async def test_replicas_share_the_stream_and_make_no_row_twice(
    client: Client, service: Start, owner: asyncpg.Connection
) -> None:
    for _ in range(3):
        await service(projection_batch=7)
    entries = [make_entry(id_at=ago(hours=n % 30)) for n in range(300)]
    await asyncio.gather(*(publish(client, *entries[n::10], *entries[n::10]) for n in range(10)))
    await eventually(lambda: settled(client))
    assert await count(owner) == 300


@pytest.mark.parametrize(
    ("poison", "reason"),
    [
        (b"not json", "Invalid JSON"),
        (b"\xff\x00", "Invalid JSON"),
        (b"{}", "Field required"),
        (
            body(make_entry()).replace(b'"schema_version":1', b'"schema_version":2'),
            "schema_version",
        ),
        (body(make_entry()).replace(b'"Ping"', rb'"a\u0000b"'), "the database refuses it"),
        (body(make_entry(event_id="0fffffff-ffff-7000-8000-000000000000")), "no partition"),
    ],
    ids=["text", "bytes", "shape", "version", "nul", "year 2527"],
)
async def test_poison_becomes_a_dead_letter_and_the_rest_goes_through(
    client: Client, service: Start, owner: asyncpg.Connection, poison: bytes, reason: str
) -> None:
    good = [make_entry() for _ in range(6)]
    await publish(client, *good[:3], poison, *good[3:])
    await service()
    await eventually(lambda: settled(client))
    assert await count(owner) == 6
    (letter,) = await letters(client)
    assert reason in letter.reason
    assert letter.stream_seq == 4
    if letter.encoding == "utf-8":
        assert letter.body.encode() == poison


async def test_an_event_of_an_unknown_kind_is_passed_over_and_the_rest_goes_through(
    client: Client, service: Start, owner: asyncpg.Connection
) -> None:
    """It is for others: no dead letter, no row, and nothing that comes again."""
    jetstream = client.jetstream()
    passed_over = PASSED_OVER.labels("TRIGGER_EVENTS/retention")
    before = passed_over._value.get()
    for kind in (b"not json", body(make_entry())):
        await publish(client, make_entry())
        await jetstream.publish("trigger.health.target-1", kind)
    await service()
    await publish(client, make_entry())
    await eventually(lambda: settled(client))
    assert await count(owner) == 3
    assert await letters(client) == []
    assert passed_over._value.get() == before + 2


async def test_a_handler_that_raises_loses_nothing(
    client: Client, service: Start, owner: asyncpg.Connection
) -> None:
    failures = iter([True, True])
    insert = PostgresEventLog.insert

    async def fail(*args: Any) -> Any:
        if next(failures, False):
            raise RuntimeError("a fault of the test")
        return await insert(*args)

    with replaced(PostgresEventLog, "insert", fail):
        await service()
        await publish(client, make_entry())
        await eventually(lambda: settled(client))
    assert await count(owner) == 1


async def test_with_the_database_killed_events_wait_and_appear_at_its_return(
    client: Client, service: Start, postgres: Postgres, empty_database: Database
) -> None:
    parts = await service()
    await publish(client, make_entry())
    await eventually(lambda: settled(client))
    await postgres.kill()
    try:
        entries = [make_entry() for _ in range(10)]
        await publish(client, *entries)
        with pytest.raises(DatabaseUnavailable):
            await parts.database.ping()
        assert await unsettled(client) == 10
    finally:
        await postgres.start()
    await eventually(lambda: settled(client), within=20)
    async with empty_database.connected() as owner:
        assert await count(owner) == 11
    assert not await letters(client)


async def test_with_the_broker_killed_the_projection_goes_on_after_its_return(
    client: Client, service: Start, platform_streams: Broker, owner: asyncpg.Connection
) -> None:
    await service()
    await publish(client, make_entry())
    await eventually(lambda: settled(client))
    await platform_streams.kill()
    await platform_streams.start()
    await eventually(lambda: client.is_connected)
    await publish(client, make_entry())
    await eventually(lambda: settled(client))
    assert await count(owner) == 2


async def test_a_row_is_erased_at_the_end_of_its_life_and_a_notice_says_so(
    client: Client, service: Start, owner: asyncpg.Connection
) -> None:
    """A canary from the payload is in no table afterwards. Short lives, the same code."""
    heard = await client.subscribe(subjects.SWEPT)
    await client.flush()
    await service(active_for="3s", kept_for="6s", sweep_every="100ms")
    await eventually(lambda: owner.fetchval("SELECT kept_for < '1 h' FROM retention.life"))
    await publish(client, make_entry(payload="canary-5e1f"))
    await eventually(lambda: count(owner))
    await eventually(lambda: _no_row(owner), within=30)
    erased = 0
    while not erased:  # Partitions that other tests left empty have notices of their own.
        erased = Swept.model_validate_json((await heard.next_msg(timeout=5)).data).rows
    assert erased == 1
    tables = await owner.fetch(
        "SELECT relname FROM pg_class WHERE relkind = 'r'"
        " AND relnamespace = 'retention'::regnamespace"
    )
    for table in tables:
        text = f"SELECT count(*) FROM retention.{table[0]} t WHERE t::text LIKE '%canary-5e1f%'"
        assert await owner.fetchval(text) == 0


async def _no_row(owner: asyncpg.Connection) -> bool:
    return await count(owner) == 0


async def test_the_process_serves_tells_its_health_and_stops_at_a_signal(
    client: Client, empty_database: Database, secrets: Secrets, owner: asyncpg.Connection
) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {
        **os.environ,
        "ETP_NATS_URL": f"nats://{client.connected_url.netloc.rpartition('@')[2]}",
        "ETP_NATS_USER": "retention",
        "ETP_NATS_PASSWORD": secrets.nats["retention"],
        "ETP_DATABASE_URL": empty_database.url("etp_retention"),
        "ETP_HTTP_PORT": str(port),
        "ETP_LOG_FORMAT": "json",
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "trigger_retention", env=environment, stderr=asyncio.subprocess.PIPE
    )
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as http:
            ready = await eventually(lambda: _ok(http), within=20)
            assert ready.json()["checks"] == dict.fromkeys(
                ("database", "broker", "schema", "streams", "clock"), "ok"
            )
            await publish(client, make_entry())
            await eventually(lambda: settled(client))
            metrics = (await http.get("/metrics")).text
            assert "etp_retention_projected_rows_total 1.0" in metrics
            document = (await http.get("/asyncapi.json")).text
            published = (subjects.SWEPT, subjects.dead_letters(Service.RETENTION))
            assert all(subject in document for subject in published)
        process.send_signal(signal.SIGTERM)
        assert process.stderr is not None
        errors = (await asyncio.wait_for(process.stderr.read(), 15)).decode()
        assert await process.wait() == 0, errors
        assert secrets.postgres["etp_retention"] not in errors
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
    assert await count(owner) == 1


async def _ok(http: httpx.AsyncClient) -> httpx.Response | None:
    answer = await http.get("/ready")
    return answer if answer.status_code == 200 else None


async def test_stopping_leaves_what_was_not_begun_to_another_replica(
    client: Client, service: Start, owner: asyncpg.Connection
) -> None:
    first = await service(projection_batch=5)
    async with asyncio.TaskGroup() as publishing:
        publishing.create_task(publish(client, *(make_entry() for _ in range(200))))
        await eventually(lambda: count(owner))
        await stop(first)
        await service()
    await eventually(lambda: settled(client), within=20)
    assert await count(owner) == 200
