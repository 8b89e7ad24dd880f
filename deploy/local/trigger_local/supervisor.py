"""``etp up``: start everything in order, keep it alive, stop it in the reverse order.

Order: broker and database, the admin step, the services; on the way down the services drain
first, then the broker stops, then the database. One per data directory at a time.
"""

import asyncio
import contextlib
import os
import signal
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import asyncpg

from trigger_admin.errors import StreamsLostError, TablesGoneError
from trigger_admin.provision import provision, watch
from trigger_admin.rebuild import rebuild_all
from trigger_admin.target import Target

from . import nats as nats_server
from . import ports, postgres, programs, secrets, state, welcome
from .errors import ExitedEarlyError, NotReadyError
from .home import Home
from .output import Output
from .programs import Platform, Replicas, target_of
from .supervised import Spec, Supervised

SERVERS_TIMEOUT = 60.0
"""Seconds for broker and database: both may have a crash to recover from."""

SERVICES_TIMEOUT = 60.0
"""Seconds until every service says it is ready."""

READY_POLL = 0.05

TEND_EVERY = 1.0

LOOK_EVERY = 30.0
"""Seconds between two notes of how far the streams are."""

LOOK_TIMEOUT = 5.0

SERVERS = frozenset({"nats", "postgres"})
"""Stopped after everything else."""

EARLY_STARTS = 3
"""A program that dies this often before it was ready once will not get better by itself."""


@dataclass(frozen=True, slots=True)
class Options:
    home: Home
    port: int
    host: str
    replicas: Replicas = field(default_factory=Replicas)


async def up(options: Options, output: Output) -> None:
    """Run the platform until SIGINT, SIGTERM or SIGHUP. Raises LocalError if it cannot start."""
    began = time.monotonic()
    home = options.home
    with state.exclusive(home):
        for notice in await asyncio.to_thread(state.stop_leftovers, home):
            output.say(notice)
        platform = _platform(options, output)
        for notice in await asyncio.to_thread(_prepare_database, platform):
            output.say(notice)
        supervisor = Supervisor(platform, output)
        interrupted = _interrupts(supervisor)
        starting = asyncio.create_task(_start(supervisor, options.replicas))
        stopping = asyncio.create_task(interrupted.wait())
        tending = asyncio.create_task(supervisor.tend())
        try:
            await asyncio.wait({starting, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if starting.done():
                starting.result()
                output.plain(welcome.text(platform, time.monotonic() - began))
                await stopping
            output.say("Stopping: the services finish what they have in hand.")
        finally:
            starting.cancel()
            await asyncio.gather(starting, return_exceptions=True)
            stopping.cancel()
            tending.cancel()
            await supervisor.stop()
            with contextlib.suppress(OSError):
                home.state.unlink(missing_ok=True)
            output.say("Stopped. Everything is kept in " + str(home.root))


class Supervisor:
    """The programs that run, in the order of their start."""

    def __init__(self, platform: Platform, output: Output) -> None:
        self.platform = platform
        self.supervised: list[Supervised] = []
        self._output = output
        self._complete = False
        self._me = state.Identity.of(os.getpid())
        self._unwritten: str | None = None
        """Why the state could not be written the last time."""
        self._lost: list[str] = []
        self._not_made: str | None = None
        """Why the database could not be made anew the last time."""
        self._stopping = False
        self.say = output.say

    async def _provision_again(self, target: Target) -> bool:
        """The database was removed while all runs: what it had is made anew from the streams."""
        if self._stopping:
            return False
        try:
            await provision(target, self.say)
        except Exception as why:  # noqa: BLE001 (said, and tried again at the next look)
            if str(why) != self._not_made:
                self.say(f"The database is gone and cannot be made anew: {why}")
            self._not_made = str(why)
            return False
        self._not_made = None
        return True

    async def start(self, specs: Sequence[Spec], timeout_s: float) -> None:
        """Start these and wait until each is ready. Raises LocalError."""
        started = [Supervised(spec, self._output, self.write_state) for spec in specs]
        self.supervised += started
        for one in started:
            one.start()
        deadline = time.monotonic() + timeout_s
        for one in started:
            while not await one.ready():
                self._give_up(one, deadline, timeout_s)
                await asyncio.sleep(READY_POLL)

    async def tend(self) -> None:
        """What is to be done now and then while all runs; until it is cancelled."""
        looked, starts = time.monotonic(), self._servers_started()
        while True:
            await asyncio.sleep(TEND_EVERY)
            if self._unwritten is not None:
                self.write_state()
            for one in self.supervised:
                await one.look()
            now = self._servers_started()
            if not self._complete:
                starts = now
            elif now != starts or time.monotonic() - looked > LOOK_EVERY:
                # A server that was started again may have lost its files with its life.
                if await self._look_back():
                    starts = now
                looked = time.monotonic()

    def _servers_started(self) -> int:
        return sum(one.starts for one in self.supervised if one.spec.name in SERVERS)

    async def _look_back(self) -> bool:
        """Note how far the streams are, or say what they have lost since the last note.

        False where a server does not answer.
        """
        target = target_of(self.platform)
        try:
            async with asyncio.timeout(LOOK_TIMEOUT):
                lost = await watch(target, self.say)
        except (asyncpg.InvalidCatalogNameError, TablesGoneError):
            return await self._provision_again(target)
        except Exception:  # noqa: BLE001 (a server is away, and comes back; the next look is soon)
            return False
        if lost and lost != self._lost:
            self.say(str(StreamsLostError(lost, target.options)))
        self._lost = lost
        return True

    def started(self) -> None:
        """Everything is there, and was ready once."""
        self._complete = True
        self.write_state()

    async def stop(self) -> None:
        self._stopping = True
        await asyncio.gather(
            *(one.stop() for one in self.supervised if one.spec.name not in SERVERS)
        )
        if self._complete:
            await self._look_back()
        for one in self.supervised:
            if one.spec.name in SERVERS:
                await one.stop()

    def kill(self) -> None:
        for one in self.supervised:
            one.kill()

    def write_state(self) -> None:
        """For ``etp status`` and the next ``etp up``. Never raises: whoever starts and stops
        programs calls it, and must go on with that.
        """
        current = state.State(
            url=self.platform.url,
            ports=self.platform.ports,
            supervisor=self._me,
            complete=self._complete,
            processes={
                one.spec.name: state.Identity.of(one.pid) if one.pid else None
                for one in self.supervised
            },
        )
        try:
            current.write(self.platform.home)
        except OSError as error:
            if self._unwritten != error.strerror:
                self._output.say(f"What runs is not written down for etp status: {error}")
            self._unwritten = error.strerror or str(error)
        else:
            self._unwritten = None

    def _give_up(self, one: Supervised, deadline: float, timeout_s: float) -> None:
        log = str(self._output.log_path(one.spec.name))
        if one.starts > EARLY_STARTS and one.last_exit is not None:
            raise ExitedEarlyError(one.spec.name, one.last_exit, log)
        if time.monotonic() > deadline:
            why = one.trouble or f"its log is {log}"
            raise NotReadyError(one.spec.name, timeout_s, why)


async def _start(supervisor: Supervisor, replicas: Replicas) -> None:
    platform = supervisor.platform
    await supervisor.start(programs.servers(platform), SERVERS_TIMEOUT)
    await provision(target_of(platform), supervisor.say)
    await supervisor.start(programs.services(platform, replicas), SERVICES_TIMEOUT)
    supervisor.started()


async def rebuild_stopped(home: Home, *, accept_loss: bool) -> tuple[str, ...]:
    """Rebuild on a data directory whose platform does not run: broker and database are started
    for it. Raises LocalError.
    """
    output = Output(home.logs, sys.stderr)
    try:
        with state.exclusive(home):
            state.stop_leftovers(home)
            options = Options(home, ports.choose_free(set()), ports.LOOPBACK)
            platform = _platform(options, output)
            _prepare_database(platform)
            supervisor = Supervisor(platform, output)
            try:
                await supervisor.start(programs.servers(platform), SERVERS_TIMEOUT)
                target = target_of(platform)
                await provision(target, output.say, accept_loss=accept_loss)
                return await rebuild_all(target, accept_loss=accept_loss)
            finally:
                await supervisor.stop()
                home.state.unlink(missing_ok=True)
    finally:
        output.close()


def _platform(options: Options, output: Output) -> Platform:
    names = ("nats", "postgres", *(name for name, _ in options.replicas.names() if name != "api"))
    chosen = ports.assign(options.home, names, gateway=options.port, host=options.host)
    for notice in chosen.notices:
        output.say(notice)
    return Platform(
        home=options.home,
        secrets=secrets.load_or_create(options.home),
        ports={**chosen.by_name, "api": options.port},
        host=options.host,
    )


def _prepare_database(platform: Platform) -> list[str]:
    """Also looks whether both servers may work on what is there. Raises LocalError."""
    nats_server.check_version(platform.home.nats)
    password = platform.secrets.postgres[secrets.DATABASE_OWNER]
    return postgres.prepare(platform.home.postgres, password)


def _interrupts(supervisor: Supervisor) -> asyncio.Event:
    """Set by the first signal; a second Ctrl-C kills at once what has not stopped by then."""
    interrupted = asyncio.Event()
    loop = asyncio.get_running_loop()

    def stop() -> None:
        if interrupted.is_set():
            supervisor.kill()
        interrupted.set()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, stop)
    return interrupted
