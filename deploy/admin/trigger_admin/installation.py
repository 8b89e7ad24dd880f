"""Where an admin step works, and what it finds there."""

import contextlib
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import urlsplit, urlunsplit

import asyncpg
from nats.aio.client import Client
from pydantic import SecretStr

from trigger_runtime.jetstream.connection import Connection
from trigger_runtime.process.broker_settings import BrokerSettings
from trigger_scheduler.adapters.statements import NOW

from . import database, server_version, yesterday
from .entering import CONNECT_TIMEOUT, enter
from .errors import AdminError

ADMIN = "admin"
"""The NATS user that may create streams."""

ONE_AT_A_TIME = 4_773_001
"""Advisory lock of what all platforms of a PostgreSQL share: two admin steps (two pods, say) would
both create what neither sees yet."""

_STEP = 4_773_003
"""Advisory lock of one platform's admin steps, with its database's name."""

_KEEPALIVE = {
    "tcp_keepalives_idle": "10",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
}
"""PostgreSQL notices within half a minute that whoever holds a lock is gone with its machine."""


@dataclass(frozen=True, slots=True)
class Installation:
    """Where to provision, with the credentials of both administrators."""

    nats_url: str
    nats_password: str = field(repr=False)
    database_url: str = field(repr=False)
    """The superuser's URL; its path names the platform's database, which need not exist yet."""
    role_passwords: Mapping[str, str] = field(repr=False, default_factory=dict)
    """Of the services' roles; only provisioning needs them."""
    replicas: int = 1
    """Of each stream: 1, or 3 on a cluster of at least three nodes."""
    options: str = ""
    """What a command on this platform is given besides, for messages that name one."""
    role_prefix: str = ""
    """Before the name of each PostgreSQL role."""
    entered_by: BrokerSettings | None = None
    """How the broker is entered, where it takes more than the password of ``admin``."""

    @property
    def broker(self) -> BrokerSettings:
        # Not of the environment, which may be about servers elsewhere.
        return self.entered_by or BrokerSettings.model_construct(
            nats_url=self.nats_url,
            nats_user=ADMIN,
            nats_password=SecretStr(self.nats_password),
        )

    @property
    def database_name(self) -> str:
        return urlsplit(self.database_url).path.removeprefix("/") or database.DATABASE


def at_database(url: str, name: str) -> str:
    """The same server and user, another database."""
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))


@contextlib.asynccontextmanager
async def one_step(
    target: Installation, wait: Callable[[], None] | None = None
) -> AsyncIterator[None]:
    """No other admin step works on this platform during the block: its streams are one, too.

    Where one does, ``wait`` is called and then waited for it; without ``wait`` AdminError is
    raised. Whoever is killed holds nothing back.

    Raises ServerTooOldError, whatever is to be done.
    """
    server = await asyncpg.connect(
        at_database(target.database_url, "postgres"), server_settings=_KEEPALIVE
    )
    lock = (_STEP, target.database_name)
    try:
        await server_version.check(server)
        if not await server.fetchval("SELECT pg_try_advisory_lock($1, hashtext($2))", *lock):
            if wait is None:
                raise AdminError("Another admin step is under way on this database.")
            wait()
            await server.fetchval("SELECT pg_advisory_lock($1, hashtext($2))", *lock)
        yield
    finally:
        await server.close()


@contextlib.asynccontextmanager
async def admin_connection(target: Installation) -> AsyncIterator[Client]:
    """For the block. Raises AdminError where no node of the broker lets us in."""
    client = await enter(target.broker, ADMIN)
    try:
        yield client
    finally:
        await client.close()


@contextlib.asynccontextmanager
async def reading(target: Installation) -> AsyncIterator[Connection]:
    """The services' own kind of connection, as ``admin``: for ``StreamReader``."""
    connection = Connection(target.broker, ADMIN)
    await connection.start()
    try:
        await connection.wait_connected(CONNECT_TIMEOUT)
        yield connection
    finally:
        await connection.close()


async def clock_of_record(target: Installation) -> datetime:
    """What PostgreSQL's clock shows: it decides what is due, and so what is ahead of its time."""
    server = await asyncpg.connect(at_database(target.database_url, "postgres"))
    try:
        now: datetime = await server.fetchval(NOW)
        return now
    finally:
        await server.close()


async def look_back(target: Installation) -> yesterday.Yesterday:
    """What the platform's database knows of the streams: nothing where there is none."""
    server = await asyncpg.connect(at_database(target.database_url, "postgres"))
    try:
        # Asked first: to fail to enter it would be a fatal error in the log of every first start.
        there = "SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)"
        if not await server.fetchval(there, target.database_name):
            return yesterday.Yesterday({}, {})
    finally:
        await server.close()
    connection = await asyncpg.connect(target.database_url)
    try:
        return await yesterday.known(connection)
    finally:
        await connection.close()


async def compare(
    target: Installation, client: Client
) -> tuple[yesterday.Yesterday, yesterday.Streams]:
    """What the database knows of the streams, and then how far they are.

    In this order: services may be at work. What they store and project between the two questions
    makes the streams longer than what is known of them, and never shorter.
    """
    past = await look_back(target)
    return past, await yesterday.streams(client)


async def take_note(target: Installation, client: Client) -> None:
    """Keep how far the streams are."""
    connection = await asyncpg.connect(target.database_url)
    try:
        await yesterday.note(connection, await yesterday.streams(client))
    finally:
        await connection.close()
