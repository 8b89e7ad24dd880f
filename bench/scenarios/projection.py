"""F. How fast the log's table catches up with its stream."""

import contextlib
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from bench.bare.tables import INSERT, create_tables
from bench.log.arrivals import CATCH_UP_S
from bench.sizes import Sizes
from bench.support.checks import expect_equal
from bench.support.figures import Figure, Result
from bench.support.servers import PUBLISH_TIMEOUT, Platform, platform
from bench.support.taps import tap_rows
from bench.support.usage import Meter
from bench.support.workers import Worker
from trigger_contracts import subjects, topology
from trigger_contracts.events import EntryStatus, LogEntry, Source, cloud_event
from trigger_contracts.ids import uuid7
from trigger_retention.adapters.statements import Statements
from trigger_retention.domain.rows import LogRow, read
from trigger_runtime.jetstream.publisher import JetStreamPublisher, Message

PUBLISH_BATCH = 500
INSERT_BATCH = 1000
"""As many rows as retention writes in one transaction."""
PAYLOAD = {"text": "x" * 280}
"""About 300 bytes of JSON."""
BARE_DATABASE = "bench_bare"


async def catching_up(sizes: Sizes) -> Result:
    """Retention is stopped (SIGSTOP) while the events are published, then continued."""
    count = sizes.projected
    events = events_of(count)
    async with platform() as servers:
        async with contextlib.AsyncExitStack() as stack:
            with servers.stopped("retention"):
                await publish(servers, events)
                tap = await stack.enter_async_context(
                    Worker("row tap", tap_rows, servers.database_url, "retention", count)
                )
                backend = await tap.ready()
                meter = Meter(servers.pids, without={backend})
                continued = time.time()
            seen: dict[int, float] = await tap.report(within=CATCH_UP_S)
            costs = meter.read()
        seconds = max(seen.values()) - continued
        async with servers.database() as database:
            found = await database.fetchrow(
                "SELECT count(*) AS rows, count(DISTINCT event_id) AS events FROM retention.event"
            )
            expect_equal(tuple(found or ()), (count, count), "rows, and distinct events")
        await servers.check_alive()
        narrow_s, narrow_copy_s = await _bare_narrow(servers, events)
        same_s, same_copy_s = await _bare_same(servers, events)
    return Result(
        title="projection",
        did=f"retention catches up {count:,} events of about 300 bytes of payload",
        figures=[
            Figure(
                "rows a second",
                "/s",
                count / seconds,
                count / narrow_s,
                "unnest insert of 4 columns, partitioned, 2 indexes",
                "≥ 60 %",
            ),
            Figure(
                "rows a second",
                "/s",
                count / seconds,
                count / narrow_copy_s,
                "COPY of 4 columns, the same table",
            ),
            Figure(
                "rows a second",
                "/s",
                count / seconds,
                count / same_s,
                "retention's own statement and table, rows ready",
            ),
            Figure(
                "rows a second",
                "/s",
                count / seconds,
                count / same_copy_s,
                "COPY into retention's own table, which knows no ON CONFLICT",
            ),
            Figure(
                "CPU of retention for 1,000 rows",
                "s",
                costs["retention"].cpu_s * 1000 / count,
            ),
        ],
        costs=costs,
        notes=(
            (
                f"The bare inserts write the same rows, {INSERT_BATCH:,} a transaction, one after "
                "the other, into the same PostgreSQL, without a broker, JSON to read or answers."
            ),
        ),
    )


def events_of(count: int) -> list[LogEntry]:
    now = datetime.fromtimestamp(time.time(), UTC)
    return [
        LogEntry(
            event_id=str(uuid7(now, "bench", str(number))),
            trigger_id=f"bench-{number % 1000:06}",
            trigger_name="bench",
            trigger_type="scheduled",
            trigger_version=1,
            status=EntryStatus.FIRED,
            source=Source.SCHEDULE,
            is_test=False,
            scheduled_for=now,
            fired_at=now,
            logged_at=now,
            payload=PAYLOAD,
        )
        for number in range(count)
    ]


def _body(event: LogEntry) -> bytes:
    return cloud_event(event).model_dump_json().encode()


async def publish(servers: Platform, events: Sequence[LogEntry]) -> None:
    async with servers.connected() as admin:
        publisher = JetStreamPublisher(admin, topology.EVENTS.name, timeout=PUBLISH_TIMEOUT)
        for start in range(0, len(events), PUBLISH_BATCH):
            await publisher.publish_batch(
                [
                    Message(subjects.fired(event.trigger_id), _body(event), event.event_id)
                    for event in events[start : start + PUBLISH_BATCH]
                ]
            )


async def _bare_narrow(servers: Platform, events: Sequence[LogEntry]) -> tuple[float, float]:
    """Seconds by INSERT and by COPY, into a table of its own."""
    async with servers.database("postgres") as admin:
        await admin.execute(f"CREATE DATABASE {BARE_DATABASE}")
    rows = [
        (event.event_id, event.trigger_id, event.logged_at, _body(event).decode())
        for event in events
    ]
    columns = ("event_id", "trigger_id", "logged_at", "body")
    async with servers.database(BARE_DATABASE) as database:
        await create_tables(database)
        return await _both(database, INSERT, Table("public", "event", columns), rows)


async def _bare_same(servers: Platform, events: Sequence[LogEntry]) -> tuple[float, float]:
    """The same into the platform's own table, emptied, with nothing else going on."""
    read_ = [read(_body(event), number) for number, event in enumerate(events, 1)]
    rows = [row for row in read_ if isinstance(row, LogRow)]
    async with servers.database() as database:
        await database.execute("TRUNCATE retention.event")
        statement = Statements("retention").insert
        return await _both(database, statement, Table("retention", "event", LogRow._fields), rows)


class Table(NamedTuple):
    schema: str
    name: str
    columns: Sequence[str]


async def _both(
    database: Any, insert: str, table: Table, rows: Sequence[tuple[Any, ...]]
) -> tuple[float, float]:
    """Seconds that ``insert``, which takes columns, and COPY need for the same rows."""
    batches = [tuple(zip(*part, strict=True)) for part in _parts(rows)]
    prepared = await database.prepare(insert)
    started = time.perf_counter()
    for batch in batches:
        await prepared.fetch(*batch)
    inserted_s = time.perf_counter() - started
    count = f"SELECT count(*) FROM {table.schema}.{table.name}"
    expect_equal(await database.fetchval(count), len(rows), "inserted rows")
    await database.execute(f"TRUNCATE {table.schema}.{table.name}")
    parts = _parts(rows)
    started = time.perf_counter()
    for part in parts:
        await database.copy_records_to_table(
            table.name, schema_name=table.schema, columns=table.columns, records=part
        )
    copied_s = time.perf_counter() - started
    expect_equal(await database.fetchval(count), len(rows), "copied rows")
    return inserted_s, copied_s


def _parts(rows: Sequence[Any]) -> list[Sequence[Any]]:
    return [rows[start : start + INSERT_BATCH] for start in range(0, len(rows), INSERT_BATCH)]
