"""The executor's wiring, and nothing else: the only place that builds its objects.

A process has one role, or both. What delivers waits for its tables by itself: rows are recorded
meanwhile.
"""

import importlib.metadata
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from faststream.specification import AsyncAPI

from trigger_contracts import topology
from trigger_contracts.heartbeats import DELIVER
from trigger_contracts.idempotency import Claim
from trigger_contracts.schema_versions import SCHEMA_VERSIONS
from trigger_contracts.subjects import Service
from trigger_contracts.tracing import trace_id_of
from trigger_runtime.consuming.broker import PlatformBroker, create_broker
from trigger_runtime.dead_letters.redriving import Redriver
from trigger_runtime.dead_letters.writer import DeadLetterWriter
from trigger_runtime.http.health import Check, Health
from trigger_runtime.jetstream.connection import Connection
from trigger_runtime.jetstream.guard import StreamGuard
from trigger_runtime.jetstream.idempotency_store import IdempotencyStore
from trigger_runtime.jetstream.publisher import JetStreamPublisher
from trigger_runtime.jetstream.reader import StreamReader
from trigger_runtime.jetstream.results import NatsResults
from trigger_runtime.postgres.database import Database
from trigger_runtime.postgres.positions import asked_of
from trigger_runtime.postgres.schema_version import SchemaCheck
from trigger_runtime.process.clock import SystemClock
from trigger_runtime.process.clock_watch import CLOCK_OF_RECORD, AskClock
from trigger_runtime.process.ids import new_id
from trigger_runtime.process.logging_setup import set_up_logging
from trigger_runtime.process.loops import HeldBack, Loop, Part
from trigger_runtime.process.metrics import tell_build
from trigger_runtime.process.record_clock import ClockOfRecord
from trigger_runtime.tracing.traces import Traces
from trigger_runtime.tracing.turning_on import stops_of, traces_of
from trigger_runtime.worker import serve_worker

from .adapters import meter
from .adapters.claims import StoredClaims
from .adapters.definitions import ChangeReader
from .adapters.delivery.attempt_log import JetStreamAttemptLog
from .adapters.delivery.event_bodies import JetStreamBodies
from .adapters.delivery.fired_events import FiredRows, TestedTargets
from .adapters.delivery.health_log import StoredHealth
from .adapters.delivery.index import PostgresDeliveries
from .adapters.delivery.lane_index import PostgresLanes
from .adapters.delivery.lane_statements import PLANNING
from .adapters.delivery.name_lookup import AresLookup
from .adapters.delivery.name_resolver import NameResolver
from .adapters.delivery.opened_secrets import SecretOpener
from .adapters.delivery.plan_progress import RecordRoleProgress
from .adapters.delivery.probed_lanes import PostgresProbedLanes
from .adapters.delivery.record_log import RecordReader
from .adapters.delivery.subject_sender import SubjectSender
from .adapters.delivery.target_changes import JetStreamTargetChanges
from .adapters.delivery.target_sender import TargetSender
from .adapters.delivery.trust import Trust
from .adapters.delivery.waiting_deliveries import PostgresWaiting
from .adapters.delivery.waiting_told import pending_watch
from .adapters.delivery.wakes import NatsHints
from .adapters.delivery.webhook_sender import SendingRules, WebhookSender
from .adapters.event_stream import JetStreamEventWriter
from .adapters.positions import positions
from .adapters.recorded import RecordedRows
from .adapters.schema import SCHEMA
from .adapters.targets import TargetReader
from .domain.delivery.retrying import margin_of
from .entrypoints.subscribers import (
    publishes_deliveries,
    subscribe,
    subscribe_changes,
    subscribe_deliverer,
)
from .handlers import RecordDues, Recorder, RecordFires
from .handlers.delivery.again import ChangeDeliveries
from .handlers.delivery.alerting import HealthFacts
from .handlers.delivery.attempting import Attempts, Recording
from .handlers.delivery.ending import Endings
from .handlers.delivery.lanes_in_hand import LanesInHand
from .handlers.delivery.leasing import LaneLeases
from .handlers.delivery.ordering import PlanOrder
from .handlers.delivery.probing import ProbeTargets
from .handlers.delivery.projecting import DeliveryProjector, DeliverySweeper
from .handlers.delivery.role import Delivering
from .handlers.delivery.serving import LaneServing
from .handlers.delivery.targets import FollowedTargets
from .handlers.tracing import DecisionTraces
from .ports.sending import Sender
from .settings import Role, Settings

DESCRIPTION = (
    "Turns what is due and what is asked for into rows of the event log, and delivers fired events."
)
PROJECTING_SESSIONS = 2
"""One projects, one sweeps."""
HANGS_AFTER = timedelta(seconds=3)
"""A replica that hangs while it projects, or holds lanes' rows, loses them after this."""


CONSUMERS_OF = {
    Role.RECORD: (topology.EXECUTOR_DUES, topology.EXECUTOR_FIRES),
    Role.DELIVER: (topology.EXECUTOR_DELIVERIES,),
}
"""Whose messages each role takes."""


@dataclass(frozen=True, slots=True)
class Deliverer:
    """The parts of the deliver role, for ``serve`` and for tests that replace one."""

    database: Database
    projected: Database
    """For the projector, whose commits wait for no disk."""
    schema: SchemaCheck
    guard: StreamGuard
    projector: DeliveryProjector
    parts: tuple[Part, ...]
    """What works once the tables and the streams are as they should be."""
    sender: TargetSender
    clock: ClockOfRecord
    """What ``sender`` tells time by."""

    def held_back(self, connection: Connection) -> HeldBack:
        """All of it, as one part that waits for what it needs."""

        async def watch_schema() -> timedelta:
            return await self.schema.watch(connection.lost.set)

        return HeldBack(
            "deliver",
            (self.schema.wait, connection.connect, self.guard.wait),
            (
                *self.parts,
                Loop("watch delivery schema", watch_schema),
                Loop("watch delivery streams", self.guard.watch),
            ),
        )


@dataclass(frozen=True, slots=True)
class Executor:
    """The wired parts, for ``serve`` and for tests that replace one."""

    connection: Connection
    broker: PlatformBroker
    asyncapi: AsyncAPI
    publishers: tuple[JetStreamPublisher, ...]
    guard: StreamGuard | None
    traces: Traces | None
    deliverer: Deliverer | None = None

    @property
    def parts(self) -> tuple[Part, ...]:
        return () if self.deliverer is None else (self.deliverer.held_back(self.connection),)

    @property
    def checks(self) -> Mapping[str, Check]:
        """What readiness asks beside what every worker's does."""
        if self.deliverer is None:
            return {}
        return {
            "database": self.deliverer.database.ping,
            "schema": self.deliverer.schema.check,
            "projected streams": self.deliverer.guard.check,
        }

    @property
    def clocks(self) -> Mapping[str, AskClock]:
        return {} if self.deliverer is None else {CLOCK_OF_RECORD: self.deliverer.database.clock}

    @property
    def on_stop(self) -> tuple[Callable[[], Awaitable[None]], ...]:
        closing: tuple[Callable[[], Awaitable[None]], ...] = ()
        if self.deliverer is not None:
            deliverer = self.deliverer
            closing = (
                deliverer.sender.close,
                deliverer.projected.close,
                deliverer.database.close,
            )
        return (*closing, *stops_of(self.traces))


def build(settings: Settings) -> Executor:
    """The executor, not yet connected."""
    roles = settings.roles()
    connection = Connection(settings, Service.EXECUTOR)
    broker = create_broker(connection, description=DESCRIPTION)
    hints = NatsHints(connection)
    traces = traces_of(settings, service=Service.EXECUTOR)
    events = JetStreamPublisher(connection, topology.EVENTS.name, timeout=settings.publish_timeout)
    dead = JetStreamPublisher(connection, topology.DEAD.name, timeout=settings.publish_timeout)
    guard: StreamGuard | None = None
    if Role.RECORD in roles:
        guard = _build_recorder(settings, connection, broker, events, dead, hints, traces)
    deliverer: Deliverer | None = None
    if Role.DELIVER in roles:
        deliverer = _build_deliverer(settings, connection, broker, events, hints, traces)
        _change_deliveries(settings, connection, broker, deliverer, events, dead, hints)
    publishes_deliveries(broker)
    asyncapi = AsyncAPI(
        broker,
        title="executor",
        version=importlib.metadata.version("event-trigger-platform"),
        description=DESCRIPTION,
    )
    return Executor(connection, broker, asyncapi, (events, dead), guard, traces, deliverer)


def _build_recorder(
    settings: Settings,
    connection: Connection,
    broker: PlatformBroker,
    events: JetStreamPublisher,
    dead: JetStreamPublisher,
    hints: NatsHints,
    traces: Traces | None,
) -> StreamGuard:
    """Bind the record role; what holds it back while its streams are missing."""
    timeout = settings.publish_timeout
    clock = SystemClock()
    dead_letters = DeadLetterWriter(dead, Service.EXECUTOR, clock, kept_for=settings.kept_for)
    change_log = StreamReader(connection, topology.CHANGES.name, timeout=timeout)
    changes = ChangeReader(
        change_log,
        max_bytes=settings.definition_cache_mib * 1024 * 1024,
    )
    recorder = Recorder(
        JetStreamEventWriter(events, hints.appended),
        dead_letters,
        clock,
        meter,
        kept_for=settings.kept_for,
    )
    claims = StoredClaims(
        IdempotencyStore(connection, topology.IDEMPOTENCY, (Claim,), timeout=timeout)
    )
    decision_traces = DecisionTraces(traces, clock)
    record_dues = RecordDues(changes, recorder, decision_traces)
    record_fires = RecordFires(
        changes,
        claims,
        RecordedRows(StreamReader(connection, topology.EVENTS.name, timeout=timeout), change_log),
        TargetReader(StreamReader(connection, topology.TARGETS.name, timeout=timeout)),
        recorder,
        NatsResults(connection),
        clock,
        monotonic=clock.monotonic,
        traces=decision_traces,
    )
    redriver = Redriver(
        Service.EXECUTOR,
        {record_dues.stream: record_dues, record_fires.stream: record_fires},
        dead_letters,
        StreamReader(connection, topology.DEAD.name, timeout=timeout),
        clock,
        kept_for=settings.kept_for,
    )
    subscribe(broker, record_dues, record_fires, dead_letters, redriver)
    return StreamGuard(
        connection,
        (
            topology.COMMANDS.name,
            topology.CHANGES.name,
            topology.DUE.name,
            topology.IDEMPOTENCY.stream,
        ),
        (topology.EXECUTOR_DUES, topology.EXECUTOR_FIRES),
        timeout=timeout,
    )


def _build_deliverer(
    settings: Settings,
    connection: Connection,
    broker: PlatformBroker,
    events: JetStreamPublisher,
    hints: NatsHints,
    traces: Traces | None,
) -> Deliverer:
    timeout = settings.publish_timeout
    database = Database(
        settings.database(),
        "etp executor",
        idle_in_transaction_timeout=HANGS_AFTER,
        server_settings={"search_path": SCHEMA},
        ping="SELECT FROM executor.delivery LIMIT 0",
    )
    projected = Database(
        settings.database().model_copy(update={"pool_size": PROJECTING_SESSIONS}),
        "etp executor projection",
        idle_in_transaction_timeout=HANGS_AFTER,
        # What a crash of PostgreSQL takes back, position and all, is projected again.
        server_settings={"search_path": SCHEMA, "synchronous_commit": "off", **PLANNING},
        keep_open=True,
    )
    index = PostgresDeliveries(projected)
    clock = ClockOfRecord(SystemClock().monotonic)
    sender = _build_sender(settings, connection, clock)
    lanes = build_lanes(
        connection,
        database,
        events,
        sender,
        clock,
        timeout=timeout,
        kept_for=settings.kept_for,
        delays=settings.retry_delays(),
        is_sampled=lambda event_id: traces is not None and traces.samples(trace_id_of(event_id)),
        on_appended=hints.appended,
    )
    event_log = StreamReader(connection, topology.EVENTS.name, timeout=timeout)
    health = HealthFacts(
        JetStreamAttemptLog(connection, events, event_log, on_appended=hints.appended),
        StoredHealth(event_log),
        lanes.targets.living,
        SystemClock(),
        meter,
        kept_for=settings.kept_for,
    )
    projector = DeliveryProjector(
        RecordReader(event_log), index, hints, health, SystemClock(), meter
    )
    projecting = Loop("project deliveries", projector.one_pass)

    def on_records() -> None:
        if projector.hinted():
            projecting.wake()

    subscribe_deliverer(
        broker,
        on_records=on_records,
        on_waiting=lanes.woken,
        on_targets=lanes.targets_changed,
    )
    connection.on_reconnect(on_records)
    return Deliverer(
        database,
        projected,
        SchemaCheck({SCHEMA: SCHEMA_VERSIONS[SCHEMA]}, database.schema_version),
        StreamGuard(
            connection,
            (
                topology.COMMANDS.name,
                topology.EVENTS.name,
                topology.TARGETS.name,
                topology.CHANGES.name,
            ),
            (topology.EXECUTOR_DELIVERIES,),
            timeout=timeout,
            positions=asked_of(database, positions),
        ),
        projector,
        (
            lanes,
            projecting,
            Loop("sweep deliveries", DeliverySweeper(index).sweep),
            pending_watch(database, meter.pending, meter.pending_unknown),
        ),
        sender,
        clock,
    )


def _change_deliveries(
    settings: Settings,
    connection: Connection,
    broker: PlatformBroker,
    deliverer: Deliverer,
    events: JetStreamPublisher,
    dead: JetStreamPublisher,
    hints: NatsHints,
) -> None:
    """Bind the deliver role to the commands about deliveries, and to tests of targets."""
    timeout = settings.publish_timeout
    clock = SystemClock()
    dead_letters = DeadLetterWriter(dead, Service.EXECUTOR, clock, kept_for=settings.kept_for)
    event_log = StreamReader(connection, topology.EVENTS.name, timeout=timeout)
    change_deliveries = ChangeDeliveries(
        PostgresWaiting(deliverer.database),
        JetStreamAttemptLog(connection, events, event_log, on_appended=hints.appended),
        FiredRows(event_log),
        TargetReader(StreamReader(connection, topology.TARGETS.name, timeout=timeout)),
        TestedTargets(StreamReader(connection, topology.CHANGES.name, timeout=timeout)),
        hints,
        NatsResults(connection),
        dead_letters,
        clock,
        monotonic=clock.monotonic,
        kept_for=settings.kept_for,
    )
    redriver = Redriver(
        Service.EXECUTOR,
        {change_deliveries.stream: change_deliveries},
        dead_letters,
        StreamReader(connection, topology.DEAD.name, timeout=timeout),
        clock,
        kept_for=settings.kept_for,
    )
    probe_targets = ProbeTargets(
        JetStreamTargetChanges(
            StreamReader(connection, topology.TARGETS.name, timeout=timeout),
            StreamReader(connection, topology.CHANGES.name, timeout=timeout),
        ),
        PostgresProbedLanes(deliverer.database),
        deliverer.sender,
        hints,
        deliverer.clock,
        new_id,
    )
    subscribe_changes(broker, change_deliveries, probe_targets, dead_letters, redriver)


def _build_sender(settings: Settings, connection: Connection, clock: ClockOfRecord) -> TargetSender:
    """What makes attempts."""
    version = importlib.metadata.version("event-trigger-platform")
    rules = SendingRules(
        settings.allowance(),
        is_http_allowed=settings.webhook_http == "always",
        user_agent=f"event-trigger-platform/{version}",
        excerpt_bytes=settings.response_excerpt,
    )
    webhooks = WebhookSender(
        rules,
        NameResolver(AresLookup(), clock.monotonic),
        SecretOpener(settings.opening_keys()),
        Trust(),
        clock,
    )
    return TargetSender(webhooks, SubjectSender(connection, settings.subjects(), clock))


def build_lanes(
    connection: Connection,
    database: Database,
    events: JetStreamPublisher,
    sender: Sender,
    clock: ClockOfRecord,
    *,
    timeout: timedelta,
    kept_for: timedelta,
    delays: Sequence[timedelta],
    is_sampled: Callable[[str], bool],
    on_appended: Callable[[], None],
) -> Delivering:
    """The lanes, not yet started. ``events`` appends to TRIGGER_EVENTS; ``clock`` is what
    ``sender`` tells time by, too; ``on_appended`` is told that records were appended.
    """
    hands = LanesInHand(clock)
    meter.watch_lanes(
        in_flight=lambda: hands.places.in_flight,
        lanes=lambda: len(hands.lanes),
        open_breakers=lambda: sum(
            held.lane.breaker.open_until is not None for held in hands.lanes.values()
        ),
    )
    index = PostgresLanes(database, margin=margin_of(kept_for))
    reader = StreamReader(connection, topology.EVENTS.name, timeout=timeout)
    records = JetStreamAttemptLog(connection, events, reader, on_appended=on_appended)
    recording = Recording(hands, records)
    attempts = Attempts(
        hands,
        sender,
        recording,
        meter,
        delays=delays,
        kept_for=kept_for,
        draw=random.random,
        is_sampled=is_sampled,
    )
    endings = Endings(hands, index, recording, meter, kept_for=kept_for)
    changes = JetStreamTargetChanges(
        StreamReader(connection, topology.TARGETS.name, timeout=timeout),
        StreamReader(connection, topology.CHANGES.name, timeout=timeout),
    )
    targets = FollowedTargets(hands, changes, index)
    delivering = Delivering(
        hands,
        # A process's own: a restarted one is another owner.
        LaneLeases(hands, index, records, targets.resolve, owner=new_id()),
        LaneServing(hands, index, JetStreamBodies(reader), attempts, endings, kept_for=kept_for),
        attempts,
        endings,
        targets,
        PlanOrder(hands, RecordRoleProgress(connection, reader, timeout=timeout)),
    )
    connection.on_reconnect(delivering.reconnected)
    return delivering


async def serve(settings: Settings) -> int:
    """Run the executor until told to stop; returns the exit code."""
    roles = settings.roles()
    # What people see it called: in logs, metrics and answers.
    name = DELIVER if roles == {Role.DELIVER} else Service.EXECUTOR.value
    set_up_logging(settings, service=name)
    executor = build(settings)
    tell_build(name, *([] if executor.deliverer is None else [SCHEMA]))
    health = Health(name)
    for needed, check in executor.checks.items():
        health.add(needed, check)
    return await serve_worker(
        broker=executor.broker,
        connection=executor.connection,
        health=health,
        settings=settings,
        asyncapi=executor.asyncapi,
        loops=executor.parts,
        publishers=executor.publishers,
        guard=executor.guard,
        clocks=executor.clocks,
        on_stop=executor.on_stop,
        roles=None if roles == frozenset(Role) else sorted(roles),
        consumers=[consumer for role in sorted(roles) for consumer in CONSUMERS_OF[role]],
    )
