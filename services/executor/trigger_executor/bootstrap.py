"""The executor's wiring, and nothing else: the only place that builds its objects."""

import importlib.metadata
from dataclasses import dataclass

from faststream.specification import AsyncAPI

from trigger_contracts import topology
from trigger_contracts.idempotency import Claim
from trigger_contracts.subjects import Service
from trigger_runtime.consuming.broker import PlatformBroker, create_broker
from trigger_runtime.dead_letters.redriving import Redriver
from trigger_runtime.dead_letters.writer import DeadLetterWriter
from trigger_runtime.http.health import Health
from trigger_runtime.jetstream.connection import Connection
from trigger_runtime.jetstream.guard import StreamGuard
from trigger_runtime.jetstream.idempotency_store import IdempotencyStore
from trigger_runtime.jetstream.publisher import JetStreamPublisher
from trigger_runtime.jetstream.reader import StreamReader
from trigger_runtime.jetstream.results import NatsResults
from trigger_runtime.process.clock import SystemClock
from trigger_runtime.process.logging_setup import set_up_logging
from trigger_runtime.process.metrics import tell_build
from trigger_runtime.tracing.traces import Traces
from trigger_runtime.tracing.turning_on import stops_of, traces_of
from trigger_runtime.worker import serve_worker

from .adapters import meter
from .adapters.claims import StoredClaims
from .adapters.definitions import ChangeReader
from .adapters.event_stream import JetStreamEventWriter
from .adapters.recorded import RecordedRows
from .adapters.targets import TargetReader
from .entrypoints.subscribers import subscribe
from .handlers import RecordDues, Recorder, RecordFires
from .handlers.tracing import DecisionTraces
from .settings import Settings

DESCRIPTION = "Turns what is due and what is asked for into rows of the event log."


@dataclass(frozen=True, slots=True)
class Executor:
    """The wired parts, for ``serve`` and for tests that replace one."""

    connection: Connection
    broker: PlatformBroker
    asyncapi: AsyncAPI
    publishers: tuple[JetStreamPublisher, ...]
    guard: StreamGuard
    traces: Traces | None


def build(settings: Settings) -> Executor:
    """The executor, not yet connected."""
    connection = Connection(settings, Service.EXECUTOR)
    broker = create_broker(connection, description=DESCRIPTION)
    timeout = settings.publish_timeout
    clock = SystemClock()
    events = JetStreamPublisher(connection, topology.EVENTS.name, timeout=timeout)
    dead = JetStreamPublisher(connection, topology.DEAD.name, timeout=timeout)
    dead_letters = DeadLetterWriter(dead, Service.EXECUTOR, clock, kept_for=settings.kept_for)
    change_log = StreamReader(connection, topology.CHANGES.name, timeout=timeout)
    changes = ChangeReader(
        change_log,
        max_bytes=settings.definition_cache_mib * 1024 * 1024,
    )
    recorder = Recorder(
        JetStreamEventWriter(events),
        dead_letters,
        clock,
        meter,
        kept_for=settings.kept_for,
    )
    claims = StoredClaims(
        IdempotencyStore(connection, topology.IDEMPOTENCY, (Claim,), timeout=timeout)
    )
    traces = traces_of(settings, service=Service.EXECUTOR)
    decision_traces = DecisionTraces(traces, clock)
    record_dues = RecordDues(changes, recorder, decision_traces)
    record_fires = RecordFires(
        changes,
        claims,
        RecordedRows(StreamReader(connection, topology.EVENTS.name, timeout=timeout), change_log),
        TargetReader(StreamReader(connection, topology.TARGETS.name, timeout=timeout)),
        recorder,
        NatsResults(connection),
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
    asyncapi = AsyncAPI(
        broker,
        title="executor",
        version=importlib.metadata.version("event-trigger-platform"),
        description=DESCRIPTION,
    )
    guard = StreamGuard(
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
    return Executor(connection, broker, asyncapi, (events, dead), guard, traces)


async def serve(settings: Settings) -> int:
    """Run the executor until told to stop; returns the exit code."""
    set_up_logging(settings, service=Service.EXECUTOR)
    tell_build(Service.EXECUTOR)
    executor = build(settings)
    return await serve_worker(
        broker=executor.broker,
        connection=executor.connection,
        health=Health(Service.EXECUTOR),
        settings=settings,
        asyncapi=executor.asyncapi,
        publishers=executor.publishers,
        guard=executor.guard,
        on_stop=stops_of(executor.traces),
    )
