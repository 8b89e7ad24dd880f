"""What was there yesterday: how far each stream was when the platform last ran.

Noted in PostgreSQL (schema ``platform``, the administrator's alone) at a start, every half minute
and at a stop, and compared before anything is made or projected: a stream that is missing, made
anew or cut off is not silently made empty. What services have projected counts as well, so a
database without notes is compared, too.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import asyncpg
from nats.aio.client import Client

import trigger_executor.adapters.positions as executor
import trigger_executor.adapters.schema as executor_schema
import trigger_retention.adapters.positions as retention
import trigger_retention.adapters.schema as retention_schema
import trigger_scheduler.adapters.positions as scheduler
import trigger_scheduler.adapters.schema as scheduler_schema
from trigger_contracts import topology
from trigger_runtime.jetstream.past import Known, losses, together
from trigger_runtime.jetstream.reader import StreamState

from .errors import AdminError, StreamsLostError

NAMES = (*(s.name for s in topology.STREAMS), *(b.stream for b in topology.BUCKETS))

REQUEST_TIMEOUT = 10.0
"""Seconds for one administrative request."""

_NOT_FOUND = 404

_PROJECTED = {
    "scheduler": (topology.CHANGES.name, topology.TARGETS.name),
    "retention": (topology.EVENTS.name,),
    "executor": (topology.EVENTS.name,),
}
"""Of which streams each schema is made."""

_SCHEMA = """
CREATE SCHEMA IF NOT EXISTS platform;
CREATE TABLE IF NOT EXISTS platform.stream (
    name       text        PRIMARY KEY,
    created_at timestamptz NOT NULL,
    last_seq   bigint      NOT NULL,
    noted_at   timestamptz NOT NULL DEFAULT now()
);
ALTER TABLE platform.stream ADD COLUMN IF NOT EXISTS messages bigint;
CREATE TABLE IF NOT EXISTS platform.restore (
    folder   text        NOT NULL,
    began_at timestamptz NOT NULL DEFAULT now()
);
REVOKE ALL ON SCHEMA platform FROM PUBLIC;
"""
# Before the first note of this version there is no such column.
_NOTED = """
SELECT name, created_at, last_seq, (to_jsonb(stream) ->> 'messages')::bigint AS messages
FROM platform.stream
"""
_NOTE = """
INSERT INTO platform.stream (name, created_at, last_seq, messages)
SELECT * FROM unnest($1::text[], $2::timestamptz[], $3::bigint[], $4::bigint[])
ON CONFLICT (name) DO UPDATE
SET created_at = excluded.created_at, last_seq = excluded.last_seq,
    messages = excluded.messages, noted_at = now()
"""
_RESTORE_BEGINS = "INSERT INTO platform.restore (folder) VALUES ($1)"
_RESTORE_ENDED = "DELETE FROM platform.restore"
_RESTORING = "SELECT folder FROM platform.restore ORDER BY began_at DESC LIMIT 1"
_EXISTS = "SELECT to_regclass($1) IS NOT NULL"

Streams = Mapping[str, StreamState | None]


@dataclass(frozen=True, slots=True)
class Yesterday:
    """What PostgreSQL knows of the streams."""

    noted: Mapping[str, Known]
    projected: Mapping[str, Known]
    gone: frozenset[str] = frozenset(_PROJECTED)
    """Schemas whose tables are not all there."""
    messages: Mapping[str, int | None] = field(default_factory=dict)
    """How many each stream had when it was noted."""
    restoring: str | None = None
    """The folder of a backup whose restore has not ended."""

    def has_shrunk(self, found: Streams, stream: str) -> bool:
        """Whether it has fewer messages than it had: some were erased, or its file is damaged."""
        state, before = found.get(stream), self.messages.get(stream)
        return state is not None and before is not None and state.messages < before

    def lost(self, found: Streams) -> list[str]:
        return losses(found, together(self.noted, self.projected))

    def lacking(self, found: Streams) -> list[str]:
        """The schemas that were lost, or made anew, while their streams were not: they know nothing
        of what these hold. Emptied by expiry alone, a database would still have its notes.
        """
        return [
            schema
            for schema, streams in _PROJECTED.items()
            if any((state := found.get(one)) is not None and state.last_seq > 0 for one in streams)
            and (schema in self.gone or not (self.noted or any(map(self._has_projected, streams))))
        ]

    def _has_projected(self, stream: str) -> bool:
        return self.projected.get(stream, Known(0)).last_seq > 0


async def streams(client: Client) -> Streams:
    """How far each declared stream is; None for one that does not exist."""
    found: dict[str, StreamState | None] = {}
    for name in NAMES:
        answer = await client.request(f"$JS.API.STREAM.INFO.{name}", b"", timeout=REQUEST_TIMEOUT)
        body: dict[str, Any] = json.loads(answer.data)
        error = body.get("error")
        if error and error.get("code") != _NOT_FOUND:
            raise AdminError(f"The broker does not serve {name}: {error.get('description')}")
        found[name] = None if error else _state(body)
    return found


def _state(body: dict[str, Any]) -> StreamState:
    return StreamState(
        created_at=datetime.fromisoformat(body["created"]),
        first_seq=body["state"]["first_seq"],
        last_seq=body["state"]["last_seq"],
        messages=body["state"]["messages"],
    )


async def known(connection: asyncpg.Connection) -> Yesterday:
    """What the connected database knows; nothing where nothing was ever made in it."""
    noted: dict[str, Known] = {}
    messages: dict[str, int | None] = {}
    if await connection.fetchval(_EXISTS, "platform.stream"):
        rows = await connection.fetch(_NOTED)
        noted = {row["name"]: Known(row["last_seq"], row["created_at"]) for row in rows}
        messages = {row["name"]: row["messages"] for row in rows}
    restoring: str | None = None
    if await connection.fetchval(_EXISTS, "platform.restore"):
        restoring = await connection.fetchval(_RESTORING)
    projected: dict[str, int] = {}
    gone = set(_PROJECTED)
    if await scheduler_schema.is_whole(connection):
        gone.remove("scheduler")
        projected |= await scheduler.positions(connection)
    if await retention_schema.is_whole(connection):
        gone.remove("retention")
        projected |= await retention.positions(connection)
    if await executor_schema.is_whole(connection):
        gone.remove("executor")
        # Of the stream that retention projects, too: whoever is further knows more of it.
        for stream, seq in (await executor.positions(connection)).items():
            projected[stream] = max(seq, projected.get(stream, 0))
    known = {name: Known(seq) for name, seq in projected.items()}
    return Yesterday(noted, known, frozenset(gone), messages, restoring)


async def restore_begins(connection: asyncpg.Connection, folder: str) -> None:
    """Keep that the streams are being put back: until the next note nothing is made of them."""
    await connection.execute(_SCHEMA)
    await connection.execute(_RESTORE_BEGINS, folder)


async def note(connection: asyncpg.Connection, found: Streams) -> None:
    """Keep how far the streams are, for the next look. A restore that was begun has ended."""
    await connection.execute(_SCHEMA)
    await connection.execute(_RESTORE_ENDED)
    there = {name: state for name, state in found.items() if state is not None}
    await connection.execute(
        _NOTE,
        list(there),
        [state.created_at for state in there.values()],
        [state.last_seq for state in there.values()],
        [state.messages for state in there.values()],
    )


def refuse_half_restored(past: Yesterday) -> None:
    """Raises AdminError while a restore has begun and not ended."""
    if past.restoring is not None:
        raise AdminError(
            f"The restore of {past.restoring} has not ended, and nothing starts on a half of it: "
            "repeat it. Without that backup: etp rebuild --accept-loss --restored"
        )


def refuse(lost: list[str], options: str = "") -> None:
    """Raises StreamsLostError if anything was lost."""
    if lost:
        raise StreamsLostError(lost, options)
