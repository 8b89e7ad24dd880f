"""The scheduler's wiring, and nothing else: the only place that builds its objects."""

import importlib.metadata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from faststream.specification import AsyncAPI

from trigger_contracts import topology
from trigger_contracts.schema_versions import SCHEMA_VERSIONS
from trigger_contracts.subjects import Service
from trigger_runtime.consuming.broker import PlatformBroker, create_broker
from trigger_runtime.dead_letters.redriving import Redriver
from trigger_runtime.dead_letters.writer import DeadLetterWriter
from trigger_runtime.http.health import Health
from trigger_runtime.jetstream.connection import Connection
from trigger_runtime.jetstream.declared_streams import DeclaredStreams
from trigger_runtime.jetstream.guard import StreamGuard
from trigger_runtime.jetstream.publisher import JetStreamPublisher
from trigger_runtime.jetstream.reader import StreamReader
from trigger_runtime.jetstream.results import NatsResults
from trigger_runtime.postgres.database import Database
from trigger_runtime.postgres.positions import asked_of
from trigger_runtime.postgres.schema_version import SchemaCheck
from trigger_runtime.process.clock import SystemClock
from trigger_runtime.process.clock_watch import CLOCK_OF_RECORD
from trigger_runtime.process.erasure import erasure_overdue
from trigger_runtime.process.logging_setup import set_up_logging
from trigger_runtime.process.loops import Loop
from trigger_runtime.process.metrics import tell_build
from trigger_runtime.process.record_clock import ClockOfRecord
from trigger_runtime.tracing.traces import Traces
from trigger_runtime.tracing.turning_on import stops_of, traces_of
from trigger_runtime.worker import serve_worker

from .adapters import meter
from .adapters.backlog import CommandBacklog, ExecutorBacklog
from .adapters.change_and_due_log import JetStreamChangeLog, JetStreamDueLog
from .adapters.due_index import PostgresIndex
from .adapters.measures import PostgresMeasures
from .adapters.positions import positions
from .adapters.schema import SCHEMA
from .adapters.statements import PLANNING
from .adapters.target_log import JetStreamTargetLog
from .adapters.waiting import WaitingCommands
from .adapters.wakes import NatsWakes
from .domain.planning import DueRow, Step
from .domain.quotas import Quotas
from .entrypoints.subscribers import slow_last, subscribe
from .handlers.answering import AnswerCommands
from .handlers.claims import Claimer, ClaimLimits
from .handlers.commands import CommandHandler
from .handlers.history import History, HistoryLimits
from .handlers.measuring import IndexMeasuring, Told
from .handlers.target_adopting import TargetAdopter
from .handlers.target_commands import TargetCommandHandler
from .handlers.target_upkeep import TargetUpkeep
from .handlers.tracing import DueTraces
from .handlers.upkeep import Upkeep
from .settings import Settings

DESCRIPTION = "Decides what a trigger is now, what is due and what was missed."


@dataclass(frozen=True, slots=True)
class Scheduler:
    """The wired parts, for ``serve`` and for tests that replace one."""

    connection: Connection
    broker: PlatformBroker
    asyncapi: AsyncAPI
    databases: tuple[Database, ...]
    publishers: tuple[JetStreamPublisher, ...]
    loops: tuple[Loop, ...]
    claimers: tuple[Claimer, ...]
    commands: CommandHandler
    upkeep: Upkeep
    guard: StreamGuard
    ingress: DeclaredStreams
    waiting: WaitingCommands
    traces: Traces | None


def build(settings: Settings) -> Scheduler:
    """The scheduler, not yet connected."""
    connection = Connection(settings, Service.SCHEDULER)
    broker = create_broker(connection, description=DESCRIPTION)
    timeout = settings.publish_timeout
    publishers = {
        stream.name: JetStreamPublisher(connection, stream.name, timeout=timeout)
        for stream in (topology.CHANGES, topology.TARGETS, topology.DUE, topology.DEAD)
    }
    changes = StreamReader(connection, topology.CHANGES.name, timeout=timeout)
    change_log = JetStreamChangeLog(connection, publishers[topology.CHANGES.name], changes)
    due_log = JetStreamDueLog(
        publishers[topology.DUE.name],
        StreamReader(connection, topology.DUE.name, timeout=timeout),
        changes,
    )
    target_log = JetStreamTargetLog(connection, publishers[topology.TARGETS.name], timeout=timeout)
    durable = Database(
        settings,
        "etp-scheduler",
        idle_in_transaction_timeout=settings.lock_timeout,
        server_settings={"search_path": SCHEMA, **PLANNING},
        ping="SELECT FROM projection LIMIT 0",
    )
    open_claims = settings.claimers + settings.burst_claimers
    relaxed = Database(
        settings.model_copy(update={"pool_size": open_claims + 1}),
        "etp-scheduler-claims",
        idle_in_transaction_timeout=settings.lock_timeout,
        server_settings={"search_path": SCHEMA, "synchronous_commit": "off", **PLANNING},
        keep_open=True,
    )
    index = PostgresIndex(durable, relaxed)
    upkeep = Upkeep(index, change_log, due_log, erase_after=settings.erase_after)
    completing = Loop("complete", upkeep.complete)
    checkpointing = Loop("checkpoint", upkeep.checkpoint)
    repairing = Loop("repair", upkeep.repair)
    erasing = Loop("erase", upkeep.erase)
    limits_of_history = HistoryLimits(settings.history_kept, settings.history_kept_for)
    history = History(
        index, change_log, ExecutorBacklog(connection, timeout=timeout), limits_of_history
    )
    trimming = Loop("trim", history.trim)
    target_upkeep = TargetUpkeep(
        index, target_log, erase_after=settings.erase_after, history=limits_of_history
    )
    measuring = IndexMeasuring(
        PostgresMeasures(durable),
        Told(meter.due, meter.triggers, erasure_overdue),
        grace=settings.misfire_grace,
        erase_after=settings.erase_after,
    )
    limits = ClaimLimits(
        ahead=settings.claim_ahead,
        batch=settings.claim_batch,
        poll=settings.claim_poll,
        grace=settings.misfire_grace,
    )
    system_clock = SystemClock()
    clock = ClockOfRecord(system_clock.monotonic)
    traces = traces_of(settings, service=Service.SCHEDULER)
    published = _published(traces, system_clock)
    helping: list[Loop] = []

    def wake_burst_claimers() -> None:
        for loop in helping:
            loop.wake()

    claimers = tuple(
        Claimer(
            index,
            due_log,
            clock,
            limits,
            on_full=wake_burst_claimers,
            on_completed=completing.wake,
            on_outdated=repairing.wake,
            on_published=published,
            on_unplanned=meter.unplanned,
        )
        for _ in range(open_claims)
    )
    claiming = [
        Loop(f"claim-{number}", claimer.one_pass)
        for number, claimer in enumerate(claimers[: settings.claimers], 1)
    ]
    helping += [
        Loop(f"help-{number}", claimer.claim_once)
        for number, claimer in enumerate(claimers[settings.claimers :], 1)
    ]
    wakes = NatsWakes(
        connection,
        [loop.wake for loop in claiming],
        # Anything later is found by the regular look in time.
        settings.claim_poll + 2 * settings.claim_ahead,
    )
    backlog = CommandBacklog(connection, timeout=timeout)
    waiting = WaitingCommands(
        backlog.oldest, system_clock.monotonic, limit=settings.command_age_limit
    )
    meter.waiting(waiting.measured_s)
    # What NATS clients send: without it the scheduler works on, and nothing of theirs is stored.
    ingress = DeclaredStreams(connection, (topology.INGRESS.name,), timeout=timeout)
    rules = settings.target_rules()
    commands = CommandHandler(
        index,
        change_log,
        due_log,
        backlog,
        TargetAdopter(target_log),
        grace=settings.misfire_grace,
        quotas=Quotas(settings.max_triggers, settings.max_fires_per_second),
        rules=rules,
        on_armed=wakes.armed,
        on_published=published,
    )
    dead_letters = DeadLetterWriter(
        publishers[topology.DEAD.name],
        Service.SCHEDULER,
        system_clock,
        kept_for=settings.kept_for,
    )
    target_commands = TargetCommandHandler(index, target_log, backlog, rules)
    answer_commands = AnswerCommands(
        commands, target_commands, NatsResults(connection), dead_letters, meter.answered
    )
    redriver = Redriver(
        Service.SCHEDULER,
        {answer_commands.stream: answer_commands},
        dead_letters,
        StreamReader(connection, topology.DEAD.name, timeout=timeout),
        system_clock,
        kept_for=settings.kept_for,
    )
    turns = slow_last(
        answer_commands,
        dead_letters,
        monotonic=system_clock.monotonic,
        on_unready=meter.unready,
    )
    meter.slow(lambda: turns.waiting)
    subscribe(broker, turns, wakes.here, redriver)
    asyncapi = AsyncAPI(
        broker,
        title="scheduler",
        version=importlib.metadata.version("event-trigger-platform"),
        description=DESCRIPTION,
    )
    return Scheduler(
        connection,
        broker,
        asyncapi,
        (durable, relaxed),
        tuple(publishers.values()),
        (
            *claiming,
            *helping,
            completing,
            checkpointing,
            repairing,
            erasing,
            trimming,
            Loop("repair targets", target_upkeep.repair),
            Loop("erase targets", target_upkeep.erase),
            turns.loop,
            waiting.loop(),
            ingress.loop(),
            Loop("measure due", measuring.look_at_due),
            Loop("measure triggers", measuring.look_at_rest),
        ),
        claimers,
        commands,
        upkeep,
        StreamGuard(
            connection,
            (
                topology.COMMANDS.name,
                topology.CHANGES.name,
                topology.TARGETS.name,
                topology.DUE.name,
            ),
            (topology.SCHEDULER_COMMANDS,),
            timeout=timeout,
            positions=asked_of(durable, positions),
        ),
        ingress,
        waiting,
        traces,
    )


def _published(
    traces: Traces | None, clock: SystemClock
) -> Callable[[Sequence[tuple[DueRow, Step]], datetime, datetime], None]:
    """Told of records that are durable."""
    if traces is None or traces.sampling.ratio == 0:
        # Nobody asks for an occurrence's trace by name.
        return lambda steps, at, _: meter.published(steps, at)
    begin = DueTraces(traces, clock)

    def published(steps: Sequence[tuple[DueRow, Step]], at: datetime, claimed_at: datetime) -> None:
        meter.published(steps, at)
        begin.published(steps, at, claimed_at)

    return published


async def serve(settings: Settings) -> int:
    """Run the scheduler until told to stop; returns the exit code."""
    set_up_logging(settings, service=Service.SCHEDULER)
    tell_build(Service.SCHEDULER, SCHEMA)
    scheduler = build(settings)
    health = Health(Service.SCHEDULER)
    database = scheduler.databases[0]
    health.add("database", database.ping)
    scheduler.waiting.tell(health)
    health.add("ingress", scheduler.ingress.check)
    return await serve_worker(
        broker=scheduler.broker,
        connection=scheduler.connection,
        health=health,
        settings=settings,
        asyncapi=scheduler.asyncapi,
        loops=scheduler.loops,
        publishers=scheduler.publishers,
        guard=scheduler.guard,
        clocks={CLOCK_OF_RECORD: database.clock},
        schema=SchemaCheck({SCHEMA: SCHEMA_VERSIONS[SCHEMA]}, database.schema_version),
        on_stop=[
            *(one.close for one in scheduler.databases),
            *stops_of(scheduler.traces),
        ],
    )
