"""``etp up``: start everything in order, keep it alive, stop it in the reverse order.

Order: broker and database, the admin step, the services; on the way down the services drain
first, then the broker stops, then the database. One per data directory at a time.
"""

import asyncio
import os
import signal
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from . import ports, postgres, programs, secrets, state, welcome
from .errors import ExitedEarlyError, NotReadyError
from .home import Home
from .output import Output
from .programs import Platform, Replicas
from .provision import ADMIN, Target, provision
from .supervised import Spec, Supervised

SERVERS_PATIENCE = 60.0
"""Seconds for broker and database: both may have a crash to recover from."""

SERVICES_PATIENCE = 60.0
"""Seconds until every service says it is ready."""

READY_POLL = 0.05

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
            await supervisor.stop()
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

    async def start(self, specs: Sequence[Spec], patience: float) -> None:
        """Start these and wait until each is ready. Raises LocalError."""
        started = [Supervised(spec, self._output, self.write_state) for spec in specs]
        self.supervised += started
        for one in started:
            one.start()
        deadline = time.monotonic() + patience
        for one in started:
            while not await one.ready():
                self._give_up(one, deadline, patience)
                await asyncio.sleep(READY_POLL)

    def started(self) -> None:
        """Everything is there, and was ready once."""
        self._complete = True
        self.write_state()

    async def stop(self) -> None:
        servers = {"nats", "postgres"}
        await asyncio.gather(
            *(one.stop() for one in self.supervised if one.spec.name not in servers)
        )
        for one in self.supervised:
            if one.spec.name in servers:
                await one.stop()

    def kill(self) -> None:
        for one in self.supervised:
            one.kill()

    def write_state(self) -> None:
        """For ``etp status`` and the next ``etp up``."""
        state.State(
            url=self.platform.url,
            ports=self.platform.ports,
            supervisor=self._me,
            complete=self._complete,
            processes={
                one.spec.name: state.Identity.of(one.pid) if one.pid else None
                for one in self.supervised
            },
        ).write(self.platform.home)

    def _give_up(self, one: Supervised, deadline: float, patience: float) -> None:
        log = str(self._output.log_path(one.spec.name))
        if one.starts > EARLY_STARTS and one.last_exit is not None:
            raise ExitedEarlyError(one.spec.name, one.last_exit, log)
        if time.monotonic() > deadline:
            raise NotReadyError(one.spec.name, patience, f"its log is {log}")


async def _start(supervisor: Supervisor, replicas: Replicas) -> None:
    platform = supervisor.platform
    await supervisor.start(programs.servers(platform), SERVERS_PATIENCE)
    await provision(
        Target(
            nats_url=platform.nats_url(),
            nats_password=platform.secrets.nats[ADMIN],
            database_url=platform.database_url(),
            role_passwords=platform.secrets.postgres,
        )
    )
    await supervisor.start(programs.services(platform, replicas), SERVICES_PATIENCE)
    supervisor.started()


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
