"""Retention's wiring, and nothing else: the only place that builds its objects."""

import importlib.metadata
from dataclasses import dataclass
from datetime import timedelta

from faststream.specification import AsyncAPI

from trigger_contracts.schema_versions import SCHEMA_VERSIONS
from trigger_contracts.subjects import Service
from trigger_contracts.topology import DEAD, EVENTS, RETENTION_DELIVERIES, RETENTION_EVENTS
from trigger_runtime.consuming.broker import PlatformBroker, create_broker
from trigger_runtime.dead_letters.redriving import Redriver
from trigger_runtime.dead_letters.writer import DeadLetterWriter
from trigger_runtime.http.health import Health
from trigger_runtime.jetstream.connection import Connection
from trigger_runtime.jetstream.guard import StreamGuard
from trigger_runtime.jetstream.publisher import JetStreamPublisher
from trigger_runtime.jetstream.reader import StreamReader
from trigger_runtime.postgres.database import Database
from trigger_runtime.postgres.positions import asked_of
from trigger_runtime.postgres.schema_version import SchemaCheck
from trigger_runtime.process.clock import SystemClock
from trigger_runtime.process.clock_watch import CLOCK_OF_RECORD
from trigger_runtime.process.logging_setup import set_up_logging
from trigger_runtime.process.loops import Loop
from trigger_runtime.process.metrics import tell_build
from trigger_runtime.tracing.traces import Traces
from trigger_runtime.tracing.turning_on import stops_of, traces_of
from trigger_runtime.worker import serve_worker

from .adapters import meter
from .adapters.broker import CoreNotices
from .adapters.event_log import PostgresEventLog
from .adapters.positions import positions
from .adapters.schema import SCHEMA
from .domain.lifetime import Lifetime
from .entrypoints.subscribers import subscribe
from .handlers import (
    HourCloser,
    Indexer,
    LogMeasuring,
    Projector,
    RecordProjector,
    RedriveProjector,
    Sweeper,
)
from .settings import Settings

DESCRIPTION = "Projects the event log into PostgreSQL and erases each row when its life is over."
CLOSING_EVERY = timedelta(seconds=5)
"""Between two looks for an hour to close."""
INDEXING_EVERY = timedelta(seconds=1)
"""Between two looks for rows to index."""
MEASURING_EVERY = timedelta(seconds=5)
"""Between two looks at how much there is, and what should not be there."""
HANGS_AFTER = timedelta(seconds=3)
"""A replica that hangs amid a transaction frees its rows: another one was given the same ones."""


@dataclass(frozen=True, slots=True)
class Retention:
    """The wired parts, for ``serve`` and for tests that replace one."""

    connection: Connection
    broker: PlatformBroker
    database: Database
    publishers: tuple[JetStreamPublisher, ...]
    loops: tuple[Loop, ...]
    guard: StreamGuard
    asyncapi: AsyncAPI
    traces: Traces | None


def build(settings: Settings) -> Retention:
    """Retention, not yet connected."""
    clock = SystemClock()
    connection = Connection(settings, Service.RETENTION)
    broker = create_broker(connection, description=DESCRIPTION)
    database = Database(
        settings,
        "etp retention",
        idle_in_transaction_timeout=HANGS_AFTER,
        ping="SELECT FROM retention.event LIMIT 0",
    )
    event_log = PostgresEventLog(database)
    timeout = settings.publish_timeout
    publisher = JetStreamPublisher(connection, DEAD.name, timeout=timeout)
    dead_letters = DeadLetterWriter(publisher, Service.RETENTION, clock, kept_for=settings.kept_for)
    traces = traces_of(settings, service=Service.RETENTION)
    projector = Projector(
        event_log, dead_letters, clock, meter.projected, meter.logged, traces=traces
    )
    records = RecordProjector(event_log, dead_letters, meter.records_projected)
    redriver = Redriver(
        Service.RETENTION,
        {projector.stream: RedriveProjector(projector, records)},
        dead_letters,
        StreamReader(connection, DEAD.name, timeout=timeout),
        clock,
        kept_for=settings.kept_for,
    )
    subscribe(broker, projector, records, dead_letters, redriver, batch=settings.projection_batch)
    sweeper = Sweeper(
        event_log,
        CoreNotices(connection),
        meter.swept,
        lifetime=Lifetime(settings.active_for, settings.kept_for),
        every=settings.sweep_every,
    )
    indexer = Indexer(event_log, clock, every=INDEXING_EVERY, lag=lambda: projector.lag)
    measuring = LogMeasuring(event_log, meter.measured, every=MEASURING_EVERY)
    return Retention(
        connection,
        broker,
        database,
        (publisher,),
        (
            Loop("sweep", sweeper.sweep),
            Loop("closing", HourCloser(event_log, every=CLOSING_EVERY).close),
            Loop("indexing", indexer.index),
            Loop("measure log", measuring.look),
        ),
        StreamGuard(
            connection,
            (EVENTS.name,),
            (RETENTION_EVENTS, RETENTION_DELIVERIES),
            timeout=timeout,
            positions=asked_of(database, positions),
        ),
        AsyncAPI(
            broker,
            title="retention",
            version=importlib.metadata.version("event-trigger-platform"),
            description=DESCRIPTION,
        ),
        traces,
    )


async def serve(settings: Settings) -> int:
    """Run retention until told to stop; returns the exit code."""
    set_up_logging(settings, service=Service.RETENTION)
    tell_build(Service.RETENTION, SCHEMA)
    retention = build(settings)
    health = Health(Service.RETENTION)
    health.add("database", retention.database.ping)
    return await serve_worker(
        broker=retention.broker,
        connection=retention.connection,
        health=health,
        settings=settings,
        asyncapi=retention.asyncapi,
        loops=retention.loops,
        publishers=retention.publishers,
        guard=retention.guard,
        clocks={CLOCK_OF_RECORD: retention.database.clock},
        schema=SchemaCheck({SCHEMA: SCHEMA_VERSIONS[SCHEMA]}, retention.database.schema_version),
        on_stop=[retention.database.close, *stops_of(retention.traces)],
        on_lag=meter.unprojected,
    )
