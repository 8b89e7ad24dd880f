"""The admin step: everything the services rely on and may not create themselves.

``etp up`` takes it before the services start; elsewhere it is the command ``etp provision``, a
one-shot that the services wait for. Idempotent, and safe to take while the platform runs.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import nats

from trigger_contracts.subjects import inbox_prefix

from . import database, streams

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
    role_passwords: Mapping[str, str] = field(repr=False)
    replicas: int = 1
    """Of each stream: 1, or 3 on a cluster of at least three nodes."""


async def provision(target: Target) -> None:
    await provision_broker(target)
    await provision_database(target)


async def provision_broker(target: Target) -> None:
    client = await nats.connect(
        target.nats_url,
        user=ADMIN,
        password=target.nats_password,
        inbox_prefix=inbox_prefix(ADMIN),
        name="etp provision",
        connect_timeout=CONNECT_TIMEOUT,
        allow_reconnect=False,
    )
    try:
        await streams.apply(client, replicas=target.replicas)
    finally:
        await client.close()


async def provision_database(target: Target) -> None:
    name = urlsplit(target.database_url).path.removeprefix("/") or database.DATABASE
    server = await asyncpg.connect(at_database(target.database_url, "postgres"))
    try:
        await server.execute("SELECT pg_advisory_lock($1)", ONE_AT_A_TIME)
        await database.create_roles(server, target.role_passwords)
        await database.create_database(server, name)
        connection = await asyncpg.connect(at_database(target.database_url, name))
        try:
            await database.apply_schemas(connection)
        finally:
            await connection.close()
    finally:
        await server.close()


def at_database(url: str, name: str) -> str:
    """The same server and user, another database."""
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))
