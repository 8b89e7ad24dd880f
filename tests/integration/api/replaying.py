"""Replays as the tests ask for them: events to replay, and the fires that are stored then."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from tests.support.servers import Broker, Database
from trigger_contracts.commands import FireTrigger
from trigger_contracts.ids import uuid7
from trigger_contracts.topology import COMMANDS
from trigger_local.secrets import Secrets
from trigger_runtime.jetstream.connection import Connection
from trigger_runtime.jetstream.reader import StreamReader
from trigger_runtime.process.settings import NatsSettings

SCHEMA = {"properties": {"n": {"type": ["integer", "null"]}}}

Fires = Callable[[], Awaitable[list[FireTrigger]]]


async def created(http: httpx.AsyncClient, **fields: Any) -> str:
    body = {"name": "a", "type": "api", "payload": {"own": 1}, "payload_schema": SCHEMA}
    response = await http.post("/triggers/", json={**body, **fields})
    assert response.status_code == 201, response.text
    return str(response.json()["id"])


async def add_many(database: Database, trigger_id: str, count: int) -> None:
    """Fired events of the last hour, which differ by their payload."""
    begin = datetime.now(UTC) - timedelta(minutes=50)
    rows = [(uuid7(begin + timedelta(milliseconds=n), "many"), n) for n in range(count)]
    async with database.connected() as admin:
        hours = {at.replace(minute=0, second=0, microsecond=0) for at in (begin, datetime.now(UTC))}
        await admin.execute("SELECT retention.ensure_partitions($1)", list(hours))
        await admin.execute(
            "INSERT INTO retention.event (event_id, stream_seq, trigger_id, trigger_name,"
            " trigger_type, trigger_version, status, source, is_test, fired_at, logged_at,"
            " misfire, errors, count, payload)"
            " SELECT id, n, $1, 'a', 'api', 1, 'fired', 'api', false, at, at, false, '[]', 1,"
            " json_build_object('n', n)"
            " FROM unnest($2::uuid[], $3::int[]) AS row (id, n),"
            " LATERAL (SELECT $4::timestamptz + n * interval '1 ms' AS at) AS instant",
            trigger_id,
            [event_id for event_id, _ in rows],
            [n for _, n in rows],
            begin,
        )


async def replay_all(http: httpx.AsyncClient, key: str | None = None, **body: Any) -> Any:
    headers = {} if key is None else {"Idempotency-Key": key}
    return await http.post("/events/replay", json=body, headers=headers, timeout=60)


async def stored_fires(broker: Broker, secrets: Secrets) -> list[FireTrigger]:
    settings = NatsSettings(
        nats_url=broker.url, nats_user="admin", nats_password=secrets.nats["admin"]
    )
    admin = Connection(settings, "admin")
    await admin.connect()
    reader = StreamReader(admin, COMMANDS.name, timeout=timedelta(seconds=10))
    found: list[Any] = []
    while page := await reader.after(found[-1].seq if found else 0, "trigger.command.fire", 1000):
        found += page
    await admin.close()
    return [FireTrigger.model_validate_json(message.payload) for message in found]
