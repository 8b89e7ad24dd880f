"""Many rows of the log, made by PostgreSQL itself."""

from datetime import UTC, datetime, timedelta

import asyncpg

from tests.support.servers import Database

_FILL = """
    INSERT INTO retention.event (
        event_id, stream_seq, trigger_id, trigger_name, trigger_type, trigger_version, status,
        source, is_test, scheduled_for, fired_at, logged_at, misfire, errors, count, payload)
    SELECT (lpad(to_hex(floor(extract(epoch FROM at) * 1000)::bigint), 12, '0') || '70008000'
               || lpad(to_hex(n), 12, '0'))::uuid,
           n, 't' || n % 10, 'name ' || n % 7, 'scheduled', 1, 'fired', 'schedule', false,
           at - n % 5 * interval '1 ms', at, at, false, '[]', 1,
           json_build_object('n', n, 'text', repeat('x', $4))
    FROM (SELECT n, $1::timestamptz - n / 3 * $3::interval AS at FROM generate_series(1, $2) n) one
"""
"""So many rows, three of each instant, with steps between the instants and a payload's size."""


async def filled(
    database: Database,
    rows: int,
    step: timedelta = timedelta(milliseconds=10),
    size: int = 300,
    age: timedelta = timedelta(minutes=1),
) -> None:
    async with database.connected() as admin:
        await fill(admin, rows, step, size, age)


async def fill(
    admin: asyncpg.Connection, rows: int, step: timedelta, size: int, age: timedelta
) -> None:
    newest = datetime.now(UTC) - age
    hour = newest.replace(minute=0, second=0, microsecond=0)
    hours = [hour - timedelta(hours=n) for n in range(rows * step // timedelta(hours=3) + 2)]
    await admin.execute("SELECT retention.ensure_partitions($1)", hours)
    await admin.execute(_FILL, newest, rows, step, size)
    await admin.execute("ANALYZE retention.event")
