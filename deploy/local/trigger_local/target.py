"""Where an admin step works, and what it finds there."""

import contextlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field

import asyncpg
import nats
from nats.aio.client import Client

from trigger_contracts.subjects import inbox_prefix

from . import yesterday

ADMIN = "admin"
"""The NATS user that may create streams."""

CONNECT_TIMEOUT = 10

ONE_AT_A_TIME = 4_773_001
"""Advisory lock: two admin steps (two pods, say) would both create what neither sees yet."""


@dataclass(frozen=True, slots=True)
class Target:
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


@contextlib.asynccontextmanager
async def admin_connection(target: Target) -> AsyncIterator[Client]:
    client = await nats.connect(
        target.nats_url,
        user=ADMIN,
        password=target.nats_password,
        inbox_prefix=inbox_prefix(ADMIN),
        name="etp provision",
        connect_timeout=CONNECT_TIMEOUT,
        allow_reconnect=False,
        error_cb=_quiet,
    )
    try:
        yield client
    finally:
        await client.close()


async def look_back(target: Target) -> yesterday.Yesterday:
    """What the platform's database knows of the streams: nothing where there is none."""
    try:
        connection = await asyncpg.connect(target.database_url)
    except asyncpg.InvalidCatalogNameError:
        return yesterday.Yesterday({}, {})
    try:
        return await yesterday.known(connection)
    finally:
        await connection.close()


async def take_note(target: Target, client: Client) -> None:
    """Keep how far the streams are."""
    connection = await asyncpg.connect(target.database_url)
    try:
        await yesterday.note(connection, await yesterday.streams(client))
    finally:
        await connection.close()


async def _quiet(_error: Exception) -> None:
    """What matters is raised where it is asked for."""
