"""``etp up``: everything in order until it is told to stop; and a rebuild while nothing runs.

Order: broker and database, the admin step, the services; on the way down the services drain
first, then the broker stops, then the database. One per data directory at a time.
"""

import asyncio
import contextlib
import signal
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from trigger_admin.installation import Installation
from trigger_admin.provision import provision, provision_database
from trigger_admin.rebuild import rebuild_all
from trigger_admin.restore import rebuild_restored, restore
from trigger_runtime.process.command_line import read_settings
from trigger_runtime.process.target_settings import TargetSubjectSettings

from . import nats as nats_server
from . import ports, postgres, programs, secrets, state, welcome
from .home import Home
from .output import Output
from .programs import Platform, Replicas, target_of
from .supervisor import Supervisor

T = TypeVar("T")

SERVERS_TIMEOUT = 60.0
"""Seconds for broker and database: both may have a crash to recover from."""

SERVICES_TIMEOUT = 60.0
"""Seconds until every service says it is ready."""


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
        supervisor = _supervisor_of(platform, output)
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


def _supervisor_of(platform: Platform, output: Output) -> Supervisor:
    return Supervisor(platform, output, target_of(platform))


async def _start(supervisor: Supervisor, replicas: Replicas) -> None:
    platform = supervisor.platform
    await supervisor.start(programs.servers(platform), SERVERS_TIMEOUT)
    await provision(target_of(platform), supervisor.say)
    await supervisor.start(programs.services(platform, replicas), SERVICES_TIMEOUT)
    await supervisor.started()


async def rebuild_stopped(
    home: Home, *, accept_loss: bool, restored: bool = False
) -> tuple[str, ...]:
    """Rebuild on a data directory whose platform does not run. Raises LocalError."""

    async def rebuild(target: Installation, output: Output) -> tuple[str, ...]:
        if restored:
            # A provision would refuse what was not restored whole, or make it as if it was.
            await provision_database(target)
            return await rebuild_restored(target, accept_loss=accept_loss)
        await provision(target, output.say, accept_loss=accept_loss)
        return await rebuild_all(target, accept_loss=accept_loss)

    return await on_stopped(home, rebuild)


async def restore_stopped(home: Home, folder: Path, *, replace: bool) -> tuple[str, ...]:
    """Restore a backup on a data directory whose platform does not run. Raises LocalError."""

    async def put_back(target: Installation, output: Output) -> tuple[str, ...]:
        # The database may be new: its roles and schemas are made first, and then its tables.
        await provision_database(target)
        return await restore(target, folder, output.say, replace=replace)

    return await on_stopped(home, put_back)


async def on_stopped(home: Home, step: Callable[[Installation, Output], Awaitable[T]]) -> T:
    """Take an admin step on a data directory whose platform does not run: broker and database are
    started for it. Raises LocalError.
    """
    output = Output(home.logs, sys.stderr)
    try:
        with state.exclusive(home):
            state.stop_leftovers(home)
            options = Options(home, ports.choose_free(set()), ports.LOOPBACK)
            platform = _platform(options, output)
            _prepare_database(platform)
            supervisor = _supervisor_of(platform, output)
            try:
                await supervisor.start(programs.servers(platform), SERVERS_TIMEOUT)
                return await step(target_of(platform), output)
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
        target_subjects=read_settings(TargetSubjectSettings).subjects(),
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
