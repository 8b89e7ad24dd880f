"""The only place where the service's parts are made and joined."""

import importlib.metadata
from dataclasses import dataclass
from datetime import timedelta

from faststream.specification import AsyncAPI

from trigger_contracts.subjects import Service
from trigger_contracts.topology import DEAD, EVENTS, RETENTION_EVENTS
from trigger_retention.domain.lifetime import Lifetime
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
from trigger_runtime.process.clock import SystemClock
from trigger_runtime.process.logging_setup import set_up_logging
from trigger_runtime.process.loops import Loop
from trigger_runtime.worker import serve_worker

from .adapters import meter
from .adapters.broker import CoreNotices
from .adapters.event_log import PostgresEventLog
from .adapters.positions import positions
from .entrypoints.subscribers import subscribe
from .entrypoints.sweeping import closing_loop, indexing_loop, sweep_loop
from .handlers import HourCloser, Indexer, Projector, Sweeper
from .settings import Settings

SERVICE = "retention"
DESCRIPTION = "Projects the event log into PostgreSQL and erases each row when its life is over."
CLOSING_EVERY = timedelta(seconds=5)
"""Between two looks for an hour to close."""
INDEXING_EVERY = timedelta(seconds=1)
"""Between two looks for rows to index."""
HANGS_AFTER = timedelta(seconds=3)
"""A replica that hangs amid a transaction frees its rows: another one was given the same ones."""


@dataclass(frozen=True, slots=True)
class Retention:
    """The parts of one process, joined and not yet started."""

    settings: Settings
    connection: Connection
    broker: PlatformBroker
    database: Database
    dead_letters: JetStreamPublisher
    sweep: Loop
    closing: Loop
    indexing: Loop
    guard: StreamGuard
    asyncapi: AsyncAPI


def build(settings: Settings) -> Retention:
    """Join the parts; nothing connects yet."""
    clock = SystemClock()
    connection = Connection(settings, SERVICE)
    broker = create_broker(connection, description=DESCRIPTION)
    database = Database(
        settings,
        f"etp {SERVICE}",
        idle_in_transaction_timeout=HANGS_AFTER,
        ping="SELECT FROM retention.event LIMIT 0",
    )
    event_log = PostgresEventLog(database)
    timeout = settings.publish_timeout
    publisher = JetStreamPublisher(connection, DEAD.name, timeout=timeout)
    dead_letters = DeadLetterWriter(publisher, Service.RETENTION, clock, kept_for=settings.kept_for)
    projector = Projector(event_log, dead_letters, clock, meter.projected)
    redriver = Redriver(
        Service.RETENTION,
        {projector.stream: projector},
        dead_letters,
        StreamReader(connection, DEAD.name, timeout=timeout),
        clock,
        kept_for=settings.kept_for,
    )
    subscribe(broker, projector, dead_letters, redriver, batch=settings.projection_batch)
    sweeper = Sweeper(
        event_log,
        CoreNotices(connection),
        lifetime=Lifetime(settings.active_for, settings.kept_for),
        every=settings.sweep_every,
    )
    return Retention(
        settings,
        connection,
        broker,
        database,
        publisher,
        sweep_loop(broker, sweeper),
        closing_loop(HourCloser(event_log, every=CLOSING_EVERY)),
        indexing_loop(Indexer(event_log, clock, every=INDEXING_EVERY, lag=lambda: projector.lag)),
        StreamGuard(
            connection,
            (EVENTS.name,),
            (RETENTION_EVENTS,),
            timeout=timeout,
            positions=asked_of(database, positions),
        ),
        AsyncAPI(
            broker,
            title=SERVICE,
            version=importlib.metadata.version("event-trigger-platform"),
            description=DESCRIPTION,
        ),
    )


async def serve(settings: Settings) -> int:
    """Run retention until told to stop; returns the exit code."""
    set_up_logging(settings, service=SERVICE)
    retention = build(settings)
    health = Health(SERVICE)
    health.add("database", retention.database.ping)
    return await serve_worker(
        broker=retention.broker,
        connection=retention.connection,
        health=health,
        settings=settings,
        asyncapi=retention.asyncapi,
        loops=[retention.sweep, retention.closing, retention.indexing],
        publishers=[retention.dead_letters],
        guard=retention.guard,
        on_stop=[retention.database.close],
    )
