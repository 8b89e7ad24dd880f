"""The gateway's wiring: the only place that builds its objects and knows its settings."""

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from fastapi import APIRouter, FastAPI
from faststream import FastStream

from trigger_api.adapters.event_stream import JetStreamEventStream
from trigger_api.adapters.log.export_pages import PostgresLogPages
from trigger_api.domain.log.lifetimes import Lifetimes
from trigger_api.entrypoints import (
    bulk,
    dead_letters,
    deliveries,
    events,
    exports,
    messages,
    operations,
    overview,
    redeliveries,
    replays,
    schedules,
    session,
    stream,
    target_tests,
    target_writes,
    targets,
    trial_fires,
    trigger_writes,
    triggers,
)
from trigger_api.handlers.live_reader import TailReaders
from trigger_api.handlers.live_tail import Tail
from trigger_contracts.heartbeats import Heartbeat
from trigger_contracts.idempotency import CLAIMS
from trigger_contracts.schema_versions import SCHEMA_VERSIONS
from trigger_contracts.subjects import Service
from trigger_contracts.targets.sealing import sealing_key
from trigger_contracts.topology import COMMANDS, DEAD, EVENTS, IDEMPOTENCY, RETENTION_EVENTS
from trigger_runtime.consuming.broker import create_broker
from trigger_runtime.consuming.lag import Lag
from trigger_runtime.http.health import Health, HealthApp
from trigger_runtime.http.operations import OperationsServer
from trigger_runtime.http.server import HttpLimits
from trigger_runtime.jetstream.connection import Connection
from trigger_runtime.jetstream.declared_streams import DeclaredStreams
from trigger_runtime.jetstream.idempotency_store import IdempotencyStore
from trigger_runtime.jetstream.publisher import JetStreamPublisher
from trigger_runtime.jetstream.reader import StreamReader
from trigger_runtime.postgres.schema_version import SchemaCheck
from trigger_runtime.process.clock import SystemClock
from trigger_runtime.process.clock_watch import BROKERS_CLOCK, CLOCK_OF_RECORD, ClockWatch
from trigger_runtime.process.ids import new_id
from trigger_runtime.process.logging_setup import get_logger, set_up_logging
from trigger_runtime.process.loops import Loop, stop_all
from trigger_runtime.process.metrics import tell_build
from trigger_runtime.process.unprojected import unprojected
from trigger_runtime.tracing.turning_on import stops_of, traces_of
from trigger_runtime.worker import LAG_TIMEOUT

from .adapters import meter, ui_files
from .adapters.cache import cache_at
from .adapters.commands import JetStreamCommands
from .adapters.database import ReadDatabase
from .adapters.dead_letters import StreamDeadLetters
from .adapters.definitions import CachedDefinitions
from .adapters.delivery_views import PostgresDeliveryViews
from .adapters.descriptions import describe
from .adapters.letter_count import StreamLetterCount
from .adapters.log.views import PostgresLogViews
from .adapters.log_position import ProjectedPosition
from .adapters.names import ResolvedNames
from .adapters.probes import NatsProbes
from .adapters.target_views import PostgresTargetViews
from .adapters.trigger_views import PostgresTriggerViews
from .adapters.ui_files import UiFiles
from .adapters.workers import HeartbeatListener
from .domain.keys import StoredKey, parse_stored
from .domain.overview import Lives
from .domain.sessions import SessionCookie
from .domain.targets.sealing import Seals
from .entrypoints.app import create_app, include
from .entrypoints.bodies import Bodies
from .entrypoints.compressing import Compressor
from .entrypoints.fires import FireEndpoint
from .entrypoints.gateway import Gateway
from .entrypoints.identity import Callers
from .entrypoints.life import ApplicationLife, operating
from .entrypoints.serving import Server
from .entrypoints.ui import UiEndpoint
from .handlers.arrivals import Arrivals
from .handlers.bulk import BulkCreates
from .handlers.bulk_replays import BulkReplays
from .handlers.command_ports import CommandPorts
from .handlers.dead_letters import DeadLetterQueue
from .handlers.dry_runs import DryRuns
from .handlers.exports import Exports
from .handlers.fires import Fires
from .handlers.lookup import Lookup
from .handlers.overviews import Overviews
from .handlers.pages import EventPages
from .handlers.previews import Previews
from .handlers.redeliveries import Redeliveries
from .handlers.replays import Replays
from .handlers.schemas import SchemaTurns
from .handlers.target_addresses import AddressCheck
from .handlers.targets import TargetCommands
from .handlers.traces import FireTraces
from .handlers.trial_targets import TrialTargets
from .handlers.triggers import TriggerCommands
from .handlers.upcoming import UpcomingFires
from .settings import Settings

log = get_logger(__name__)

LOOK_EVERY = timedelta(seconds=5)
"""Between two looks for the metrics."""


@dataclass(frozen=True, slots=True)
class Api:
    """The gateway, ready to serve."""

    gateway: Gateway
    app: FastAPI
    faststream: FastStream
    openapi: Any
    """Makes the OpenAPI document."""
    connection: Connection
    tails: tuple[Tail, ...]
    documents: operations.Documents
    arrivals: Arrivals
    health: Health

    def stop(self) -> None:
        """Say that no more requests should come, and end at once what would not end by itself."""
        self.health.stopping = True
        for tail in self.tails:
            tail.stop()
        self.arrivals.stop()


def build(settings: Settings) -> Api:
    """Everything, not yet connected: connections begin with the application's lifespan."""
    clock = SystemClock()
    connection = Connection(settings, Service.API.value)
    database, searches = (_database(settings, plans_each=each) for each in (False, True))
    publisher = JetStreamPublisher(connection, COMMANDS.name, timeout=settings.publish_timeout)
    commands = JetStreamCommands(
        connection, publisher, instance=new_id(), timeout=settings.command_timeout
    )
    claims = IdempotencyStore(
        connection,
        IDEMPOTENCY,
        CLAIMS,
        timeout=settings.publish_timeout,
    )
    definitions = CachedDefinitions(database, clock, max_age=settings.definition_max_age)
    trigger_views, target_views = PostgresTriggerViews(database), PostgresTargetViews(database)
    log_views, delivery_views = (
        PostgresLogViews(database, searches),
        PostgresDeliveryViews(database, searches),
    )
    ports = CommandPorts(
        commands=commands,
        claims=claims,
        definitions=definitions,
        clock=clock,
        new_id=new_id,
        schemas=SchemaTurns(clock.monotonic),
    )
    bodies = Bodies(settings.body_timeout.total_seconds())
    trials, target_routers = _targets(settings, ports, target_views, bodies)
    trigger_commands = TriggerCommands(ports, describe, trials)
    fires = Fires(ports, target_views, kept_for=settings.kept_for)
    traces = traces_of(settings, service=Service.API)
    fire_traces = None if traces is None else FireTraces(traces, clock)
    fire_endpoint = FireEndpoint(fires, bodies, fire_traces)
    arrivals = Arrivals(log_views)
    lookup = Lookup(views=log_views, arrivals=arrivals, clock=clock, kept_for=settings.kept_for)
    bulk_replays = BulkReplays(
        views=log_views,
        fires=fires,
        commands=commands,
        claims=claims,
        clock=clock,
        traces=fire_traces,
    )
    cache = cache_at(settings.cache_url.get_secret_value(), clock)
    lifetimes = Lifetimes(settings.active_for, settings.kept_for)
    tails = _tails(settings, connection, clock, lifetimes)
    positions = ProjectedPosition(connection, tails[0].log, clock.monotonic)

    broker = create_broker(connection, description="The platform's broker.")
    heartbeats = HeartbeatListener(connection, clock.monotonic)
    asyncapi = messages.declare(broker, definitions, heartbeats.hear)
    faststream = FastStream(broker, specification=asyncapi, logger=None)
    health = _health(commands, database, heartbeats)
    reader = StreamReader(connection, EVENTS.name, timeout=settings.publish_timeout)
    clocks = ClockWatch(clock, {CLOCK_OF_RECORD: database.clock, BROKERS_CLOCK: reader.clock})
    health.add("clock", clocks.check)
    declared = DeclaredStreams(
        connection, (EVENTS.name, DEAD.name, IDEMPOTENCY.stream), timeout=settings.publish_timeout
    )
    health.add("streams", declared.check)
    cache.tell(health)
    loops = (
        *stream.tail_loops(*tails),
        clocks.loop(),
        declared.loop(),
        *_measuring(connection, health),
    )

    async def connect() -> None:
        # Waits for the broker as long as that takes; reads are served meanwhile.
        await connection.connect()
        await commands.open()
        await faststream.start()
        heartbeats.listening()
        log.info("started")

    life = ApplicationLife(
        connection,
        connect,
        loops,
        health,
        (
            partial(stop_all, loops),
            faststream.stop,
            publisher.flush,
            claims.flush,
            connection.close,
            database.close,
            searches.close,
            cache.close,
            *stops_of(traces),
        ),
    )
    identity = _identity(settings)
    app = create_app(life.span)
    compressor = Compressor()
    documents = operations.Documents(asyncapi, app.openapi, compressor)
    include(
        app,
        # The first that fits answers: `/events/export`, `/events/stats` and `/events/stream` come
        # before `/events/{event_id}`, which would take each of these words for an id.
        [
            bulk.router(BulkCreates(ports, target_views), bodies),
            trigger_writes.router(
                trigger_writes.TriggerWrites(
                    trigger_commands,
                    DryRuns(
                        views=trigger_views,
                        definitions=definitions,
                        schemas=ports.schemas,
                        clock=clock,
                        describe=describe,
                        targets=target_views,
                    ),
                    trigger_views,
                    bodies,
                )
            ),
            triggers.router(triggers.TriggerRoutes(trigger_views, fire_endpoint)),
            *target_routers,
            schedules.router(
                Previews(views=trigger_views, clock=clock, describe=describe),
                UpcomingFires(views=trigger_views, clock=clock),
                bodies,
                clock,
            ),
            trial_fires.router(trigger_commands, bodies),
            replays.router(
                Replays(lookup=lookup, fires=fires), bulk_replays, log_views, bodies, fire_traces
            ),
            stream.router(
                *(
                    TailReaders(
                        tail,
                        heartbeat=settings.stream_heartbeat,
                        write_timeout=settings.stream_write_timeout,
                    )
                    for tail in tails
                )
            ),
            exports.router(
                _exports(settings, searches, clock), log_views, clock, settings.export_write_timeout
            ),
            events.router(
                EventPages(views=log_views, positions=positions, cache=cache, clock=clock),
                log_views,
                positions,
                lookup,
                delivery_views,
                clock,
                lifetimes,
            ),
            redeliveries.router(Redeliveries(ports, delivery_views, lookup, target_views), bodies),
            deliveries.router(delivery_views, clock, lifetimes),
            target_tests.router(NatsProbes(connection), bodies),
            overview.router(
                _overviews(settings, connection, clock, trigger_views),
                _said(health, heartbeats, clock),
            ),
            dead_letters.router(_dead_letter_queue(settings, connection, clock)),
            session.router(identity, bodies, clock),
            operations.router(health if settings.operations_port is None else None, documents),
        ],
    )
    gateway = Gateway(
        app,
        fire_endpoint,
        UiEndpoint(UiFiles(ui_files.FOLDER).current),
        identity,
        clock,
        new_id,
        meter.answered,
        compressor,
    )
    return Api(
        gateway, app, faststream, app.openapi, connection, tails, documents, arrivals, health
    )


def _keys(settings: Settings) -> dict[str, StoredKey]:
    keys = [parse_stored(settings.bootstrap_key_hash)] if settings.bootstrap_key_hash else []
    return {key.key_id: key for key in keys}


def _identity(settings: Settings) -> Callers:
    public = urlsplit(settings.public_url or "")
    given = settings.session_secret
    cookie = SessionCookie.of(
        secrets.token_bytes(32) if given is None else given.get_secret_value().encode(),
        port=settings.http_port,
        is_secure=public.scheme == "https",
    )
    hosts = frozenset({public.netloc.lower().encode()} if public.netloc else ())
    return Callers(_keys(settings), cookie, hosts)


def _database(settings: Settings, *, plans_each: bool) -> ReadDatabase:
    return ReadDatabase(
        settings.database_url.get_secret_value(),
        pool_size=settings.pool_size,
        timeout=settings.read_timeout,
        plans_each=plans_each,
    )


def _targets(
    settings: Settings, ports: CommandPorts, views: PostgresTargetViews, bodies: Bodies
) -> tuple[TrialTargets, tuple[APIRouter, APIRouter]]:
    key, rules = settings.sealing_public_key, settings.target_rules()
    seals = Seals(None if key is None else sealing_key(key))
    addresses = AddressCheck(ResolvedNames(), settings.allowance())
    commands = TargetCommands(ports, rules, seals, addresses)
    return TrialTargets(rules, seals, addresses), (
        target_writes.router(target_writes.TargetWrites(commands, views, bodies)),
        targets.router(targets.TargetRoutes(views, seals)),
    )


def _exports(settings: Settings, searches: ReadDatabase, clock: SystemClock) -> Exports:
    return Exports(
        log=PostgresLogPages(searches, clock),
        clock=clock,
        kept_for=settings.kept_for,
        limit=settings.max_exports,
        # Half of the connections are left to those who search.
        reading=max(1, settings.pool_size // 2),
    )


def _dead_letter_queue(
    settings: Settings, connection: Connection, clock: SystemClock
) -> DeadLetterQueue:
    return DeadLetterQueue(
        dead_letters=StreamDeadLetters(
            connection,
            StreamReader(connection, DEAD.name, timeout=settings.publish_timeout),
            clock,
            kept_for=settings.kept_for,
            timeout=settings.command_timeout,
        ),
        clock=clock,
        kept_for=settings.kept_for,
    )


def _overviews(
    settings: Settings, connection: Connection, clock: SystemClock, views: PostgresTriggerViews
) -> Overviews:
    reader = StreamReader(connection, DEAD.name, timeout=settings.publish_timeout)
    lives = Lives(
        active_for_s=settings.active_for.total_seconds(),
        kept_for_s=settings.kept_for.total_seconds(),
        misfire_grace_s=settings.misfire_grace.total_seconds(),
    )
    letters = StreamLetterCount(reader, clock, kept_for=settings.kept_for)
    return Overviews(views, letters, lives)


def _said(
    health: Health, heartbeats: HeartbeatListener, clock: SystemClock
) -> Callable[[], Awaitable[dict[str, list[Heartbeat]]]]:
    """What the gateway says of itself, as the workers do, and what it hears of them."""
    instance, started_at = new_id(), clock.now()

    async def said() -> dict[str, list[Heartbeat]]:
        is_ready, report = await health.ready()
        own = Heartbeat(
            instance=instance,
            status="ready" if is_ready else "unavailable",
            version=health.health()["version"],
            started_at=started_at,
            checks=report["checks"],
        )
        return {Service.API.value: [own], **heartbeats.beats()}

    return said


def _health(
    commands: JetStreamCommands, database: ReadDatabase, heartbeats: HeartbeatListener
) -> Health:
    health = Health(Service.API.value)
    health.add("broker", commands.ping)
    health.add("database", database.ping)
    health.add("schema", SchemaCheck(SCHEMA_VERSIONS, database.schema_version).check)
    heartbeats.tell(health)
    return health


def _measuring(connection: Connection, health: Health) -> tuple[Loop, Loop]:
    """Looks for the metrics: at the checks, which a worker makes for its heartbeat, and at what is
    not in the log, which retention could not tell while it is not there itself.
    """

    async def look() -> timedelta:
        await health.ready()
        return LOOK_EVERY

    lag = Lag(
        connection,
        [RETENTION_EVENTS],
        timeout=LAG_TIMEOUT,
        every=LOOK_EVERY,
        on_looked=unprojected,
    )
    return Loop("checks", look), lag.loop()


def _tails(
    settings: Settings, connection: Connection, clock: SystemClock, lifetimes: Lifetimes
) -> tuple[Tail, Tail]:
    """Of the events alone, and with what becomes of them at targets."""

    def tail(*, beside: Tail | None) -> Tail:
        return Tail(
            log=JetStreamEventStream(
                connection, timeout=settings.publish_timeout, has_deliveries=beside is not None
            ),
            clock=clock,
            meter=meter,
            lifetimes=lifetimes,
            backlog=settings.stream_backlog,
            limit=settings.max_stream_readers,
            beside=beside,
        )

    events_alone = tail(beside=None)
    return events_alone, tail(beside=events_alone)


async def serve(settings: Settings) -> int:
    """Serve until told to stop; returns the exit code."""
    set_up_logging(settings, service=Service.API.value)
    tell_build(Service.API.value, *SCHEMA_VERSIONS)
    if settings.bootstrap_key_hash is None:
        log.warning("ETP_BOOTSTRAP_KEY_HASH is not set: every request is answered 401")
    built = build(settings)
    built.documents.make()
    server = Server(
        built.gateway,
        built.stop,
        host=settings.http_host,
        port=settings.http_port,
        limits=HttpLimits.of(settings),
    )
    code = 0

    def give_up() -> None:
        nonlocal code
        code = 1
        server.should_exit = True

    async def end_if_lost() -> None:
        await built.connection.lost.wait()
        give_up()

    watching = asyncio.create_task(end_if_lost(), name="watch connection")
    try:
        async with operating(_operations(settings, built.health), give_up):
            await server.serve()
    finally:
        watching.cancel()
    log.info("stopped", code=code)
    return code if server.started else 1


def _operations(settings: Settings, health: Health) -> OperationsServer | None:
    """For those who operate the gateway, where they have a port of their own."""
    if settings.operations_port is None:
        return None
    return OperationsServer(
        HealthApp(health),
        HttpLimits.of(settings),
        host=settings.operations_host,
        port=settings.operations_port,
    )
