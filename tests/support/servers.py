"""The real broker and database of the tests, embedded or in containers, behind one interface.

``ETP_TEST_SERVERS`` chooses: ``embedded`` (the wheels that ``etp up`` uses), ``docker``
(testcontainers), or ``auto``, the default: docker where an engine answers at once. By ``docker``
nothing is run of the wheels: what is about them has the mark ``embedded``, and is skipped.
"""

import contextlib
import json
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Collection, Iterator
from pathlib import Path
from typing import Any

import asyncpg
import nats.errors
from nats.aio.client import Client
from nats.js.api import StreamInfo

from tests.support import contained
from tests.support.eventually import eventually
from tests.support.processes import Embedded, Server
from trigger_admin import database, nats_config, streams
from trigger_contracts.subjects import inbox_prefix
from trigger_contracts.topology import BUCKETS, CONSUMERS, STREAMS
from trigger_local import child, ports, postgres
from trigger_local import nats as nats_server
from trigger_local.secrets import DATABASE_OWNER, Secrets
from trigger_runtime.jetstream.client import OrderlyClient

ENGINE_TIMEOUT = 2
"""Seconds a container engine gets to answer before ``auto`` takes the embedded servers."""

DECLARED = frozenset({*(s.name for s in STREAMS), *(b.stream for b in BUCKETS)})
"""The platform's streams; tests make others beside them."""

STORE = Path("nats", "store")
"""Where in its folder a broker keeps the streams."""

TEMPLATE = "etp_template"
"""The database that every test database is copied from: cheaper than migrating each."""


class Broker:
    """nats-server with every user and permission of the topology."""

    def __init__(self, server: Server, secrets: Secrets, store: Path) -> None:
        self.server = server
        self.passwords = secrets.nats
        self.store = store
        """Where it keeps the streams: a folder of this machine."""
        self._fresh: dict[str | None, StreamInfo] = {}
        """What the server said of each stream when all were fresh."""

    @property
    def url(self) -> str:
        """Without credentials."""
        return f"nats://{ports.LOOPBACK}:{self.server.port}"

    def url_of(self, user: str) -> str:
        return f"nats://{user}:{self.passwords[user]}@{ports.LOOPBACK}:{self.server.port}"

    async def connect(self, user: str = "admin", **options: Any) -> Client:
        """A connection as this user, with the user's own inbox; the caller closes it."""
        settings: dict[str, Any] = {
            "user": user,
            "password": self.passwords[user],
            "inbox_prefix": inbox_prefix(user),
            "name": f"test {user}",
            "reconnect_time_wait": 0.05,
            "max_reconnect_attempts": -1,
            "error_cb": _ignore,
        }
        client = OrderlyClient()
        await client.connect(self.url, **{**settings, **options})
        return client

    @contextlib.asynccontextmanager
    async def connected(self, user: str = "admin", **options: Any) -> AsyncIterator[Client]:
        client = await self.connect(user, **options)
        try:
            yield client
        finally:
            await client.close()

    async def fresh_streams(self) -> None:
        """Everything as after the first ``etp provision``: empty streams that begin at 1."""
        async with self.connected() as admin:
            kept = await self._without_used(admin)

            async def made() -> bool:
                # The server removes a deleted stream's folder a moment later: until then it
                # cannot make the stream anew.
                if kept:
                    await _make_others(admin, kept)
                else:
                    await streams.apply(admin)
                return True

            await eventually(made, what="fresh streams")
            self._fresh = {s.config.name: s for s in await admin.jetstream().streams_info()}

    async def _without_used(self, admin: Client) -> frozenset[str]:
        """Deletes what was used or changed since it was fresh; returns what was not.

        A stream without messages costs as much to make anew as any other. Its consumers are made
        anew nonetheless: one may have been pinned.
        """
        jetstream = admin.jetstream()
        present = {s.config.name: s for s in await jetstream.streams_info()}
        kept = {name for name, info in present.items() if info == self._fresh.get(name)}
        for stream in STREAMS:
            if stream.source and not (pair := {stream.name, stream.source.stream.name}) <= kept:
                # Copying from one that is older than the copy takes long to begin.
                kept -= pair
        for name in DECLARED & present.keys() - kept:
            await jetstream.delete_stream(name)
        for consumer in CONSUMERS:
            if consumer.stream.name in kept:
                await jetstream.delete_consumer(consumer.stream.name, consumer.durable)
        return frozenset(kept & DECLARED)

    async def answers(self) -> bool:
        try:
            async with self.connected(allow_reconnect=False, connect_timeout=1) as admin:
                await admin.jetstream(timeout=1).account_info()
        except (OSError, TimeoutError, nats.errors.Error):
            return False
        return True

    async def start(self) -> None:
        await self.server.start(self.answers)

    async def stop(self) -> None:
        await self.server.stop()

    async def kill(self) -> None:
        await self.server.kill()


class Postgres:
    """One PostgreSQL with the platform's roles, and a template database with its schemas."""

    def __init__(self, server: Server, secrets: Secrets) -> None:
        self.server = server
        self.passwords = secrets.postgres

    def url(self, role: str = DATABASE_OWNER, name: str = "postgres") -> str:
        password = self.passwords[role]
        return f"postgresql://{role}:{password}@{ports.LOOPBACK}:{self.server.port}/{name}"

    @contextlib.asynccontextmanager
    async def connected(
        self, role: str = DATABASE_OWNER, name: str = "postgres"
    ) -> AsyncIterator[asyncpg.Connection]:
        connection = await asyncpg.connect(self.url(role, name), timeout=10)
        try:
            yield connection
        finally:
            await connection.close()

    async def provision_template(self) -> None:
        async with self.connected() as admin:
            # These passwords are random already: stretching one takes each session 10 ms.
            await admin.execute("SET scram_iterations = 1")
            await admin.execute(
                f"ALTER ROLE {DATABASE_OWNER} PASSWORD '{self.passwords[DATABASE_OWNER]}'"
            )
            await database.create_roles(admin, self.passwords)
            await database.create_database(admin, TEMPLATE)
        async with self.connected(name=TEMPLATE) as admin:
            await database.apply_schemas(admin)

    async def create_database(self, name: str) -> "Database":
        async with self.connected() as admin:
            # File by file: going through the log would take three times as long.
            await admin.execute(
                f'CREATE DATABASE "{name}" TEMPLATE {TEMPLATE} STRATEGY FILE_COPY'
                f" OWNER {database.OBJECT_OWNER}"
            )
            await database.restrict_database(admin, name)
        return Database(self, name)

    async def drop_database(self, name: str) -> None:
        async with self.connected() as admin:
            await admin.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    async def answers(self) -> bool:
        try:
            async with self.connected():
                return True
        except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
            return False

    async def start(self) -> None:
        await self.server.start(self.answers)

    async def stop(self) -> None:
        await self.server.stop()

    async def kill(self) -> None:
        await self.server.kill()


class Database:
    """One database of a test module's own, with every schema and role of the platform."""

    def __init__(self, server: Postgres, name: str) -> None:
        self.server = server
        self.name = name
        self._session: asyncpg.Connection | None = None

    def url(self, role: str = DATABASE_OWNER) -> str:
        return self.server.url(role, self.name)

    async def connect(self, role: str = DATABASE_OWNER) -> asyncpg.Connection:
        return await asyncpg.connect(self.url(role), timeout=10)

    @contextlib.asynccontextmanager
    async def connected(self, role: str = DATABASE_OWNER) -> AsyncIterator[asyncpg.Connection]:
        async with self.server.connected(role, self.name) as connection:
            yield connection

    async def truncate(self) -> None:
        """Empty every table of the platform's schemas (but not what migrations made).

        Most have nothing stored: emptying those as well would take longest. Nor is there a new
        session each time: one that knows no table yet is the second longest.
        """
        try:
            await self._truncate()
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            # The server may have been away since, and with it the session.
            self.close()
            await self._truncate()

    async def _truncate(self) -> None:
        if self._session is None:
            self._session = await self.connect()
        tables = await self._session.fetch(
            "SELECT name FROM (SELECT format('%I.%I', schemaname, tablename) AS name"
            "   FROM pg_tables WHERE schemaname = ANY($1)"
            "   AND tablename NOT IN ('migration', 'life')) AS own"
            " WHERE pg_relation_size(name::regclass) > 0",
            list(database.SCHEMAS),
        )
        if tables:
            await self._session.execute(f"TRUNCATE {', '.join(t['name'] for t in tables)} CASCADE")

    def close(self) -> None:
        """End the session that empties it."""
        session, self._session = self._session, None
        if session is not None:
            session.terminate()


@contextlib.asynccontextmanager
async def nats_broker(secrets: Secrets) -> AsyncIterator[Broker]:
    """A started nats-server; its streams come with ``Broker.fresh_streams``."""
    with _folder() as folder:
        make = _contained_nats if use_docker() else _embedded_nats
        server = make(folder, secrets, ports.choose_free(set()))
        running = Broker(server, secrets, folder / STORE)
        try:
            await running.start()
            yield running
        finally:
            await running.server.dispose()


@contextlib.asynccontextmanager
async def postgresql(secrets: Secrets, *, is_provisioned: bool = True) -> AsyncIterator[Postgres]:
    """A started PostgreSQL with roles and template, or with nothing."""
    with _folder() as folder:
        make = _contained_postgres if use_docker() else _embedded_postgres
        running = Postgres(make(folder, secrets, ports.choose_free(set())), secrets)
        try:
            await running.start()
            if is_provisioned:
                await running.provision_template()
            yield running
        finally:
            await running.server.dispose()


def are_all_contained() -> bool:
    """Whether servers are to be containers, and nothing else."""
    return os.environ.get("ETP_TEST_SERVERS") == "docker"


def use_docker() -> bool:
    wanted = os.environ.get("ETP_TEST_SERVERS", "auto")
    if wanted not in {"embedded", "docker", "auto"}:
        msg = f"ETP_TEST_SERVERS is {wanted!r}; it may be embedded, docker or auto"
        raise ValueError(msg)
    return wanted == "docker" or (wanted == "auto" and _engine_answers())


def _engine_answers() -> bool:
    import docker  # half a second that the embedded way need not spend

    try:
        engine = docker.from_env(timeout=ENGINE_TIMEOUT)
    except docker.errors.DockerException:
        return False
    try:
        return bool(engine.ping())
    except (docker.errors.DockerException, OSError):
        return False
    finally:
        engine.close()


def _embedded_nats(folder: Path, secrets: Secrets, port: int) -> Server:
    def prepare() -> child.Program:
        return nats_server.program(folder / "nats", secrets.nats, port=port)

    return Embedded(port, folder / "nats.log", prepare)


def _embedded_postgres(folder: Path, secrets: Secrets, port: int) -> Server:
    def prepare() -> child.Program:
        postgres.prepare(folder / "postgres", secrets.postgres[DATABASE_OWNER])
        return postgres.program(folder / "postgres", port=port)

    return Embedded(port, folder / "postgres.log", prepare)


def _contained_nats(folder: Path, secrets: Secrets, port: int) -> Server:
    store = folder / STORE
    store.mkdir(parents=True)
    configuration = nats_config.configuration(secrets.nats, store_dir=store)
    return contained.broker(folder, json.loads(configuration), port)


def _contained_postgres(_folder: Path, secrets: Secrets, port: int) -> Server:
    return contained.database(secrets.postgres[DATABASE_OWNER], port)


@contextlib.contextmanager
def _folder() -> Iterator[Path]:
    # Not pytest's own temporary directory: as root, the database's user could not enter that one.
    folder = Path(tempfile.mkdtemp(prefix="etp-test-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


async def _make_others(admin: Client, kept: Collection[str]) -> None:
    """What is declared, but for the streams that are kept: ``streams.apply`` would update each."""
    jetstream = admin.jetstream(timeout=streams.REQUEST_TIMEOUT)
    for config in (
        *(streams.stream_config(stream, 1) for stream in STREAMS),
        *(streams.bucket_config(bucket, 1) for bucket in BUCKETS),
    ):
        if config.name not in kept:
            for source in config.sources or ():
                source.opt_start_seq = 1
            await jetstream.add_stream(config)
    for consumer in CONSUMERS:
        await jetstream.add_consumer(consumer.stream.name, streams.consumer_config(consumer))


async def _ignore(_error: Exception) -> None:
    """Tests that care about asynchronous errors pass their own ``error_cb``."""
