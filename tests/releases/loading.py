"""A platform's broker and database as a release left them, by what ``record`` wrote down.

Streams, consumers and schemas are made as that release made them, and filled. Whatever names an
instant or an id that holds one is moved by whole hours, so that it seems recorded within the last
hour: messages and rows live for 48 h, and sums are kept by the hour.
"""

import json
import re
import shutil
import tempfile
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
from nats.aio.client import Client

import trigger_retention.adapters.schema
import trigger_scheduler.adapters.schema
from trigger_admin import database
from trigger_admin.installation import Installation, admin_connection, at_database
from trigger_contracts import subjects
from trigger_runtime.postgres import migrations

Json = dict[str, Any]

RELEASES = Path(__file__).parent

_FOLDERS = {
    "scheduler": Path(trigger_scheduler.adapters.schema.__file__).with_name("migrations"),
    "retention": Path(trigger_retention.adapters.schema.__file__).with_name("migrations"),
}
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)")
_UUID7 = re.compile(r"([0-9a-f]{8})-([0-9a-f]{4})(-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12})")
_ONLY_ONCE = re.compile(r"Nats-(?:Expected|Batch)")
"""Of headers that said how a message was to be stored, and would say it again."""


class Release:
    """What was recorded of one, moved to ``now``."""

    def __init__(self, folder: Path, now: datetime) -> None:
        recorded = datetime.fromisoformat(_read(folder / "seen.json")["recorded_at"])
        shift = (now - recorded) // timedelta(hours=1) * timedelta(hours=1)
        self.seen, self.tables, self.streams = (
            _read(folder / name, lambda text: _moved(text, shift))
            for name in ("seen.json", "tables.json", "streams.json")
        )
        self.statements: dict[str, list[str]] = _read(folder / "statements.json")
        """What its services said to PostgreSQL, by their roles."""

    async def load(self, target: Installation) -> None:
        """Into servers that hold nothing yet."""
        async with admin_connection(target) as client:
            for stream in self.streams:
                await _fill(client, stream)
        server = await asyncpg.connect(at_database(target.database_url, "postgres"))
        try:
            await database.create_roles(server, target.role_passwords)
            await database.create_database(server, target.database_name)
        finally:
            await server.close()
        connection = await asyncpg.connect(target.database_url)
        try:
            for schema, tables in self.tables.items():
                await _make(connection, schema, [row["name"] for row in tables["migration"]])
                if schema == "retention":
                    hours = sorted({row["logged_at"][:13] for row in tables["event"]})
                    at = [datetime.fromisoformat(f"{hour}:00:00+00:00") for hour in hours]
                    await connection.execute("SELECT retention.ensure_partitions($1)", at)
                for table, rows in tables.items():
                    await _insert(connection, f"{schema}.{table}", rows)
        finally:
            await connection.close()


async def _make(connection: asyncpg.Connection, schema: str, names: list[str]) -> None:
    """The schema with the migrations that the release had: files are never edited."""
    await connection.execute(f'CREATE SCHEMA "{schema}" AUTHORIZATION {database.OBJECT_OWNER}')
    await connection.execute(f"SET ROLE {database.OBJECT_OWNER}")
    with tempfile.TemporaryDirectory() as folder:
        for name in names:
            shutil.copy(_FOLDERS[schema] / name, folder)
        await migrations.apply(connection, Path(folder), schema)
    await connection.execute("RESET ROLE")


async def _insert(connection: asyncpg.Connection, table: str, rows: list[Json]) -> None:
    if not rows:
        return
    columns = ", ".join(rows[0])
    await connection.execute(
        f"INSERT INTO {table} ({columns}) SELECT {columns}"
        f" FROM json_populate_recordset(NULL::{table}, $1) ON CONFLICT DO NOTHING",
        json.dumps(rows),
    )


async def _fill(client: Client, stream: Json) -> None:
    name = stream["config"]["name"]
    await _ask(client, f"STREAM.CREATE.{name}", stream["config"])
    seq = 0
    for message in stream["messages"]:
        while (seq := seq + 1) < message["seq"]:
            # Once something was here, which had been removed.
            await _publish(client, message["subject"], {}, b"")
            await _ask(client, f"STREAM.MSG.DELETE.{name}", {"seq": seq})
        headers = _headers(message["headers"])
        await _publish(client, message["subject"], headers, message["body"].encode())
    for consumer in stream["consumers"]:
        await _catch_up(client, name, stream["messages"], consumer)


async def _publish(client: Client, subject: str, headers: Mapping[str, str], body: bytes) -> None:
    ack = await client.request(subject, body, timeout=10, headers=dict(headers) or None)
    assert "error" not in json.loads(ack.data), ack.data


async def _catch_up(client: Client, stream: str, messages: list[Json], consumer: Json) -> None:
    """Have the consumer acknowledge what it had acknowledged."""
    config = consumer["config"]
    durable = config["durable_name"]
    body = {"stream_name": stream, "config": config}
    await _ask(client, f"CONSUMER.DURABLE.CREATE.{stream}.{durable}", body)
    filters = tuple(config.get("filter_subjects") or [config.get("filter_subject") or ">"])
    done = [
        one
        for one in messages
        if one["seq"] <= consumer["ack_floor"] and subjects.matches(one["subject"], filters)
    ]
    if not done:
        return
    groups = config.get("priority_groups") or []
    # One pull for all: an exclusive consumer would take the next one for another client's.
    asked = {"batch": len(done), **({"group": groups[0]} if groups else {})}
    inbox = client.new_inbox()
    given = await client.subscribe(inbox)
    pull = f"$JS.API.CONSUMER.MSG.NEXT.{stream}.{durable}"
    await client.publish(pull, json.dumps(asked).encode(), reply=inbox)
    for _ in done:
        message = await given.next_msg(timeout=10)
        await client.request(message.reply, b"+ACK", timeout=10)
    await given.unsubscribe()


async def _ask(client: Client, subject: str, body: Json) -> None:
    answer = await client.request(f"$JS.API.{subject}", json.dumps(body).encode(), timeout=10)
    assert "error" not in json.loads(answer.data), answer.data


def _headers(block: str) -> dict[str, str]:
    lines = [line.partition(": ") for line in block.split("\r\n")[1:] if line]
    return {name: value for name, _, value in lines if not _ONLY_ONCE.match(name)}


def _moved(text: str, shift: timedelta) -> str:
    text = _INSTANT.sub(lambda found: _later(found.group(), shift), text)
    return _UUID7.sub(lambda found: _later_id(found, shift), text)


def _later(instant: str, shift: timedelta) -> str:
    return (datetime.fromisoformat(instant) + shift).isoformat().replace("+00:00", "Z")


def _later_id(found: re.Match[str], shift: timedelta) -> str:
    moment = int(found[1] + found[2], 16) + shift // timedelta(milliseconds=1)
    digits = f"{moment:012x}"
    return f"{digits[:8]}-{digits[8:]}{found[3]}"


def _read(path: Path, change: Callable[[str], str] = str) -> Any:
    return json.loads(change(path.read_text(encoding="utf-8")))
