"""The servers that a scenario measures: the whole platform, or a bare broker and database.

Both are started the way ``etp up`` starts them (the same binaries, configuration and
durability), on a fresh directory, and are gone afterwards.
"""

import asyncio
import contextlib
import os
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from trigger_admin import streams
from trigger_contracts import topology
from trigger_contracts.subjects import Service
from trigger_local import child, ports, postgres, secrets
from trigger_local import nats as nats_server
from trigger_local import status as status_of
from trigger_local.errors import LocalError
from trigger_local.home import Home
from trigger_runtime.jetstream.connection import Connection
from trigger_runtime.process.settings import NatsSettings

from .checks import BenchFailed, expect, until

START_TIMEOUT_S = 90
STOP_TIMEOUT_S = 60
PUBLISH_TIMEOUT = timedelta(seconds=30)
"""Load fills every queue, so a bench waits longer for an acknowledgement than a service does."""

BARE = topology.Stream("BARE", ("bare.>",), max_age=topology.LOG_LIFE)
BARE_CONSUMER = topology.Consumer(BARE, Service.RETENTION, BARE.subjects)


@dataclass(frozen=True, slots=True)
class Servers:
    """A broker and a database. Picklable: workers connect by themselves."""

    nats_url: str
    nats_passwords: Mapping[str, str]
    database_url: str
    """Of the superuser."""
    pids: Mapping[str, int]
    """Of every process by name."""

    @contextlib.asynccontextmanager
    async def connected(self, user: str = "admin") -> AsyncIterator[Connection]:
        settings = NatsSettings.model_validate(
            {
                "nats_url": self.nats_url,
                "nats_user": user,
                "nats_password": self.nats_passwords[user],
            }
        )
        connection = Connection(settings, user)
        await connection.connect()
        try:
            yield connection
        finally:
            await connection.close()

    @contextlib.asynccontextmanager
    async def database(
        self, name: str | None = None, **settings: str
    ) -> "AsyncIterator[asyncpg.Connection[asyncpg.Record]]":
        url = self.database_url
        if name is not None:
            url = urlunsplit(urlsplit(url)._replace(path=f"/{name}"))
        connection = await asyncpg.connect(url, server_settings={"jit": "off", **settings})
        try:
            yield connection
        finally:
            await connection.close()


@dataclass(frozen=True, slots=True)
class Platform(Servers):
    """``etp up`` on a directory of its own."""

    url: str
    api_key: str
    home: Path

    @property
    def address(self) -> tuple[str, int]:
        parts = urlsplit(self.url)
        return parts.hostname or ports.LOOPBACK, parts.port or 80

    @contextlib.contextmanager
    def stopped(self, *names: str) -> Iterator[None]:
        """These processes stand still (SIGSTOP) until the end."""
        for name in names:
            os.kill(self.pids[name], signal.SIGSTOP)
        try:
            yield
        finally:
            for name in names:
                os.kill(self.pids[name], signal.SIGCONT)

    async def check_alive(self) -> None:
        """Every process is still the one that was started: none crashed in mid-measurement."""
        found = await status_of.read(Home(self.home))
        now = {process.name: process.pid for process in found.processes}
        expect(now == dict(self.pids), f"a process was restarted: {self.pids} became {now}")


@contextlib.asynccontextmanager
async def platform(environment: Mapping[str, str] | None = None) -> AsyncIterator[Platform]:
    """The whole platform on a fresh directory, ready."""
    with tempfile.TemporaryDirectory(prefix="etp-bench-") as folder:
        async with platform_in(Path(folder), environment) as servers:
            yield servers


@contextlib.asynccontextmanager
async def platform_in(
    folder: Path, environment: Mapping[str, str] | None = None
) -> AsyncIterator[Platform]:
    """With whatever it left there; fails with the end of its output if it does not come up."""
    home, log = folder / "home", folder / "up.log"
    port = ports.choose_free(set())
    with log.open("wb") as output:
        up = await asyncio.create_subprocess_exec(
            *(Path(sys.executable).with_name("etp"), "up"),
            *("--port", str(port), "--data-dir", str(home)),
            env={**os.environ, "ETP_LOG_LEVEL": "warning", **(environment or {})},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield await _ready(up, home, log)
    finally:
        if up.returncode is None:
            up.send_signal(signal.SIGINT)
        else:
            print(f"etp up had ended: {await asyncio.to_thread(_end_of, log)}", file=sys.stderr)
        try:
            await asyncio.wait_for(up.wait(), STOP_TIMEOUT_S)
        except TimeoutError:
            child.kill_session(up.pid)
            await up.wait()


async def _ready(up: asyncio.subprocess.Process, home: Path, log: Path) -> Platform:
    async with asyncio.timeout(START_TIMEOUT_S):
        while True:
            if up.returncode is not None:
                raise BenchFailed(f"etp up exited: {await asyncio.to_thread(_end_of, log)}")
            with contextlib.suppress(LocalError):
                found = await status_of.read(Home(home))
                described = found.as_json()
                if described["ready"]:
                    return Platform(
                        nats_url=found.platform.nats_url(),
                        nats_passwords=found.platform.secrets.nats,
                        database_url=found.platform.database_url(),
                        pids=described["pids"],
                        url=described["url"],
                        api_key=described["api_key"],
                        home=home,
                    )
            await asyncio.sleep(0.1)


def _end_of(log: Path) -> str:
    return log.read_text(errors="replace")[-3000:]


@contextlib.asynccontextmanager
async def bare_servers() -> AsyncIterator[Servers]:
    """nats-server with the stream ``BARE``, and PostgreSQL with the tables of ``bare.tables``."""
    from bench.bare.tables import create_tables  # noqa: PLC0415 (bare builds on support)

    with tempfile.TemporaryDirectory(prefix="etp-bench-") as folder:
        home = Home.at(Path(folder) / "home")
        kept = secrets.load_or_create(home)
        nats_port = ports.choose_free(set())
        postgres_port = ports.choose_free({nats_port})
        owner_password = kept.postgres[secrets.DATABASE_OWNER]
        await asyncio.to_thread(postgres.prepare, home.postgres, owner_password)
        database_url = (
            f"postgresql://{secrets.DATABASE_OWNER}:{owner_password}"
            f"@{ports.LOOPBACK}:{postgres_port}/postgres"
        )
        programs = (
            nats_server.program(home.nats, kept.nats, port=nats_port),
            postgres.program(home.postgres, port=postgres_port),
        )
        async with contextlib.AsyncExitStack() as stack:
            pids = {}
            for program in programs:
                output = stack.enter_context((home.logs / f"{program.name}.log").open("wb"))
                process = await child.start(program, output)
                stack.push_async_callback(
                    child.stop, process, program.stop_signal, float(STOP_TIMEOUT_S)
                )
                pids[program.name] = process.pid
            servers = Servers(f"nats://{ports.LOOPBACK}:{nats_port}", kept.nats, database_url, pids)
            await _answer(servers, nats_port)
            async with servers.connected() as connection:
                jetstream = connection.client.jetstream()
                await jetstream.add_stream(streams.stream_config(BARE, 1))
                await jetstream.add_consumer(BARE.name, streams.consumer_config(BARE_CONSUMER))
            async with servers.database() as database:
                await create_tables(database)
            yield servers


async def _answer(servers: Servers, nats_port: int) -> None:
    async def database_answers() -> bool:
        try:
            async with servers.database():
                return True
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            return False

    for answers in (partial(nats_server.answers, ports.LOOPBACK, nats_port), database_answers):
        await until(answers, within=START_TIMEOUT_S, what="the bare servers answer")
