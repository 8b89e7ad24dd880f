"""Starts a worker's parts in order and stops them in the opposite one.

Start: HTTP first (it must say "not ready" while the broker is away), then the connection,
then subscribers and loops. Stop on SIGTERM or SIGINT: loops, subscribers (each finishes what
it has in hand), publishers, connection, then whatever ``on_stop`` closes; exit code 0.
A connection that the broker closed for good ends the process with code 1: a supervisor
starts it anew.
Called by each worker's ``__main__`` through its ``bootstrap``.
"""

import asyncio
import contextlib
import gc
import signal
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from datetime import timedelta
from functools import partial
from typing import Any

import uvloop
from faststream import FastStream
from faststream.specification import AsyncAPI

from trigger_contracts.subjects import Service
from trigger_contracts.topology import CONSUMERS, EVENTS, Consumer
from trigger_runtime.consuming.broker import PlatformBroker
from trigger_runtime.consuming.lag import Lag
from trigger_runtime.http.health import Health, HealthApp
from trigger_runtime.http.operations import OperationsServer
from trigger_runtime.http.server import HttpLimits
from trigger_runtime.jetstream.connection import Connection
from trigger_runtime.jetstream.guard import StreamGuard
from trigger_runtime.jetstream.publisher import JetStreamPublisher
from trigger_runtime.jetstream.reader import StreamReader
from trigger_runtime.postgres.schema_version import SchemaCheck
from trigger_runtime.process import garbage
from trigger_runtime.process.clock import SystemClock
from trigger_runtime.process.clock_watch import BROKERS_CLOCK, AskClock, ClockWatch
from trigger_runtime.process.event_loop import EventLoop, hurry
from trigger_runtime.process.logging_setup import get_logger, tell_of_tasks
from trigger_runtime.process.loop_lag import EventLoopLag
from trigger_runtime.process.loops import Loop, Part, stop_all
from trigger_runtime.process.metrics import DEAD_LETTERS
from trigger_runtime.process.settings import HttpSettings

from .heartbeat import heartbeat_loop

log = get_logger(__name__)

STOP_TIMEOUT_S = 8.0
"""A stop that takes longer is cut: supervisors kill after 10 s."""
LAG_TIMEOUT = timedelta(seconds=2)
"""For the broker to say how far a consumer is."""
GC_THRESHOLDS = (50_000, 20, 50)
"""Far fewer collections than the default (700, 10, 10): 20 % more requests a second."""


def run(main: Callable[[], Awaitable[int]]) -> int:
    """Run a process's main coroutine on uvloop; its result is the exit code."""

    async def start() -> int:
        asyncio.get_running_loop().set_exception_handler(tell_of_tasks)
        return await main()

    garbage.collect_again()
    return uvloop.run(start(), loop_factory=EventLoop)


def settle_memory() -> None:
    """Exempt what start-up made from garbage collection, and collect rarely. Call once started."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)


async def serve_worker(
    *,
    broker: PlatformBroker,
    connection: Connection,
    health: Health,
    settings: HttpSettings,
    asyncapi: AsyncAPI,
    loops: Sequence[Part] = (),
    publishers: Sequence[JetStreamPublisher] = (),
    guard: StreamGuard | None = None,
    schema: SchemaCheck | None = None,
    clocks: Mapping[str, AskClock] | None = None,
    on_stop: Sequence[Callable[[], Awaitable[None]]] = (),
    on_lag: Callable[[float | None], None] = lambda _: None,
    roles: Sequence[str] | None = None,
    consumers: Sequence[Consumer] | None = None,
) -> int:
    """Serve until told to stop; returns the exit code. Readiness checks the broker, too, and the
    machine's clock by the broker's and by ``clocks``.

    Nothing is taken in hand until ``schema`` finds the tables, and ``guard`` the streams, as they
    should be. ``on_lag`` is told once a second how many seconds the oldest unacknowledged message
    has waited, None if unknown.

    A process that does a part of its service's work alone says by ``roles`` which, and by
    ``consumers`` whose messages it takes.
    """
    health.add("broker", connection.ping)
    before: list[Callable[[], Awaitable[object]]] = []
    if schema is not None:
        health.add("schema", schema.check)
        before = [connection.start, schema.wait]
        loops = [*loops, Loop("watch schema", partial(schema.watch, connection.lost.set))]
    if guard is not None:
        health.add("streams", guard.check)
        before = [*before, connection.connect, guard.wait]
        watching = Loop("watch streams", guard.watch)
        connection.on_reconnect(watching.wake)
        loops = [*loops, watching]
    service = Service(connection.service)
    telling = (
        *_telling(
            connection,
            health,
            consumers_of(service) if consumers is None else consumers,
            clocks or {},
            on_lag,
        ),
        heartbeat_loop(connection, health, service, roles),
    )
    app = FastStream(broker, specification=asyncapi, logger=None)
    http = OperationsServer(
        HealthApp(health, asyncapi),
        HttpLimits.of(settings),
        host=settings.http_host,
        port=settings.http_port,
    )
    stop = asyncio.Event()
    watch = EventLoopLag()
    watch.start()
    with _signals(stop):
        serving = http.start()
        starting = asyncio.create_task(_start(app, telling, loops, before), name="start")
        # Whatever it now waits for is another's: restarting this process would help nobody.
        health.started = True
        stopped = asyncio.create_task(stop.wait())
        lost = asyncio.create_task(connection.lost.wait())
        try:
            done = await _first(stopped, lost, serving, starting)
            if done is starting and starting.exception() is None:
                done = await _first(stopped, lost, serving)
        finally:
            for task in (stopped, lost):
                task.cancel()
        code = 0 if done is stopped else 1
        if done in {starting, serving} and (error := done.exception()):
            log.critical("cannot go on", part=done.get_name(), exc_info=error)
        health.stopping = True
        hurry()
        connection.give_up()
        starting.cancel()
        try:
            async with asyncio.timeout(STOP_TIMEOUT_S):
                await _stop(app, connection, (*loops, *telling), publishers, on_stop)
                http.should_exit = True
                await serving
        except TimeoutError:
            log.critical("stop took too long and was cut")
            serving.cancel()
    watch.stop()
    log.info("stopped", code=code)
    return code


def _telling(
    connection: Connection,
    health: Health,
    consumers: Sequence[Consumer],
    clocks: Mapping[str, AskClock],
    on_lag: Callable[[float | None], None],
) -> tuple[Loop, ...]:
    """What every worker tells of itself, beside what it depends on."""
    stream = consumers[0].stream if consumers else EVENTS
    reader = StreamReader(connection, stream.name, timeout=LAG_TIMEOUT)
    clock = ClockWatch(SystemClock(), {**clocks, BROKERS_CLOCK: reader.clock})
    health.add("clock", clock.check)
    if not consumers:
        return (clock.loop(),)
    for consumer in consumers:
        # Told as 0 before the first one: an increase is seen between two samples alone.
        DEAD_LETTERS.labels(consumer.stream.name)
    lag = Lag(connection, consumers, timeout=LAG_TIMEOUT, on_looked=on_lag)
    health.tell("lag_s", lambda: lag.seconds)
    return lag.loop(), clock.loop()


def consumers_of(service: Service) -> list[Consumer]:
    """All that a service has."""
    return [one for one in CONSUMERS if one.service == service]


async def _first(*tasks: "asyncio.Task[Any]") -> "asyncio.Task[Any]":
    done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    return next(task for task in tasks if task in done)


async def _start(
    app: FastStream,
    telling: Sequence[Loop],
    loops: Sequence[Part],
    before: Sequence[Callable[[], Awaitable[object]]],
) -> None:
    # Whoever is held back says so: it lives, and others show what it waits for.
    for loop in telling:
        loop.start()
    for call in before:
        await call()
    await app.start()  # waits for the broker, as long as that takes
    for part in loops:
        part.start()
    settle_memory()
    log.info("started")


async def _stop(
    app: FastStream,
    connection: Connection,
    loops: Sequence[Part],
    publishers: Sequence[JetStreamPublisher],
    on_stop: Sequence[Callable[[], Awaitable[None]]],
) -> None:
    await stop_all(loops)
    for call in (
        app.stop,
        *(publisher.flush for publisher in publishers),
        connection.close,
        *on_stop,
    ):
        try:
            await call()
        except Exception:
            log.exception("a part did not stop cleanly")


@contextlib.contextmanager
def _signals(stop: asyncio.Event) -> Iterator[None]:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    try:
        yield
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)
