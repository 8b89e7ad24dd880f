"""The tables of the bare minimum: an index of what is due, and a log partitioned by the hour."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, TypeAlias

import asyncpg

from bench.support.event_ids import lowest_uuid7

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"

_TABLES = """
CREATE TABLE due (
    id     text PRIMARY KEY,
    due_at timestamptz,
    every  interval
) WITH (fillfactor = 80);
CREATE INDEX due_at ON due (due_at) WHERE due_at IS NOT NULL;
CREATE TABLE event (
    event_id   uuid PRIMARY KEY,
    trigger_id text NOT NULL,
    logged_at  timestamptz NOT NULL,
    body       json NOT NULL
) PARTITION BY RANGE (event_id);
CREATE INDEX event_of_trigger ON event (trigger_id, logged_at DESC);
"""

INSERT = """
INSERT INTO event (event_id, trigger_id, logged_at, body)
SELECT event_id, trigger_id, logged_at, body::json
FROM unnest($1::uuid[], $2::text[], $3::timestamptz[], $4::text[])
     AS new (event_id, trigger_id, logged_at, body)
ON CONFLICT (event_id) DO NOTHING
"""

HOURS = range(-1, 3)
"""Partitions made, counted from the current hour."""


async def create_tables(connection: Connection) -> None:
    await connection.execute(_TABLES)
    now: datetime = await connection.fetchval("SELECT date_trunc('hour', now())")
    for number in HOURS:
        hour = now + timedelta(hours=number)
        await connection.execute(
            f"CREATE TABLE event_{number + 1} PARTITION OF event FOR VALUES FROM "
            f"('{lowest_uuid7(hour)}') TO ('{lowest_uuid7(hour + timedelta(hours=1))}')"
        )


async def insert_due(
    connection: Connection, rows: Sequence[tuple[str, datetime, timedelta | None]]
) -> None:
    await connection.copy_records_to_table(
        "due", records=list[Any](rows), columns=("id", "due_at", "every")
    )
