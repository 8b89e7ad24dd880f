"""Creates the database, its roles and the services' schemas, as the superuser.

Every object belongs to ``etp_owner``, which cannot log in; services get rows, never DDL: what a
service must create or drop at run time (partitions) its own migrations offer as SECURITY DEFINER
functions. Each schema, and who may touch what in it, is its service's own definition.
"""

from collections.abc import Collection, Mapping

import asyncpg

import trigger_executor.adapters.schema as executor_schema
import trigger_retention.adapters.schema as retention_schema
import trigger_scheduler.adapters.schema as scheduler_schema
from trigger_runtime.postgres.migrations import OBJECT_OWNER

from .errors import AdminError

DATABASE = "etp"

DATABASE_ROLES = ("etp_api", "etp_scheduler", "etp_executor", "etp_retention")
"""What services log in as. Roles are the server's: where several installations share one, a prefix
stands before these and ``etp_owner``."""

SCHEMAS = {
    "scheduler": scheduler_schema.apply,
    "retention": retention_schema.apply,
    "executor": executor_schema.apply,
}
"""Each schema's migrations, from the service that owns it: ``apply(connection, schema=…)``."""


def owner_role(service: str) -> str:
    """The role that a service logs in with."""
    return f"etp_{service}"


async def create_roles(
    admin: asyncpg.Connection, passwords: Mapping[str, str], *, prefix: str = ""
) -> None:
    """Create the roles of the cluster or renew their passwords. Idempotent."""
    for role in (OBJECT_OWNER, *DATABASE_ROLES):
        if not await admin.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", prefix + role):
            await admin.execute(f'CREATE ROLE "{prefix}{role}" NOLOGIN')
    for role in DATABASE_ROLES:
        await admin.execute(
            await admin.fetchval(
                "SELECT format('ALTER ROLE %I LOGIN NOINHERIT PASSWORD %L', $1::text, $2::text)",
                prefix + role,
                passwords[role],
            )
        )


async def close_maintenance_databases(admin: asyncpg.Connection) -> None:
    """The services' roles enter their own database alone: PostgreSQL lets everybody into these."""
    for name in ("postgres", "template1"):
        if await admin.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", name):
            await admin.execute(f'REVOKE CONNECT, TEMPORARY ON DATABASE "{name}" FROM PUBLIC')


async def create_database(
    admin: asyncpg.Connection, name: str = DATABASE, *, prefix: str = ""
) -> None:
    """Create one database that only the platform's roles may enter. Idempotent."""
    if not await admin.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", name):
        await admin.execute(f'CREATE DATABASE "{name}" OWNER "{prefix}{OBJECT_OWNER}"')
    await restrict_database(admin, name, prefix=prefix)
    await close_maintenance_databases(admin)


async def restrict_database(admin: asyncpg.Connection, name: str, *, prefix: str = "") -> None:
    """Only the platform's roles may connect, and none of them may create a temporary table."""
    services = ", ".join(f'"{prefix}{role}"' for role in DATABASE_ROLES)
    await admin.execute(f'REVOKE ALL ON DATABASE "{name}" FROM PUBLIC')
    await admin.execute(f'GRANT CREATE ON DATABASE "{name}" TO "{prefix}{OBJECT_OWNER}"')
    await admin.execute(f'GRANT CONNECT ON DATABASE "{name}" TO {services}')


async def check_owner(admin: asyncpg.Connection, name: str, *, prefix: str) -> None:
    """Raises AdminError for a database that roles with another prefix own: it is left as it is."""
    owner = await admin.fetchval(
        "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = $1", name
    )
    if owner is not None and owner.endswith(OBJECT_OWNER) and owner != prefix + OBJECT_OWNER:
        theirs = owner.removesuffix(OBJECT_OWNER)
        msg = (
            f"The database {name} belongs to {owner}: another installation's, or one that was "
            f"made with ETP_DATABASE_ROLE_PREFIX={theirs}. Name another database, or that prefix."
        )
        raise AdminError(msg)


async def apply_schemas(
    connection: asyncpg.Connection, without: Collection[str] = (), *, prefix: str = ""
) -> None:
    """Migrate every service's schema in the connected database. Idempotent."""
    for service in SCHEMAS:
        if service not in without:
            await apply_schema(connection, service, schema=service, prefix=prefix)


async def apply_schema(
    connection: asyncpg.Connection, service: str, *, schema: str, prefix: str = ""
) -> None:
    """Migrate one service's schema, under its own name or (rebuild) another.

    The migrations themselves grant the services' roles what each may touch.
    """
    owner = f'"{prefix}{OBJECT_OWNER}"'
    await connection.execute(f'CREATE SCHEMA IF NOT EXISTS "{schema}" AUTHORIZATION {owner}')
    await connection.execute(f"SET ROLE {owner}")
    try:
        await SCHEMAS[service](connection, schema=schema)
        # PostgreSQL lets everybody call a new function, and ours may act as their owner.
        await connection.execute(f'REVOKE EXECUTE ON ALL ROUTINES IN SCHEMA "{schema}" FROM PUBLIC')
    finally:
        await connection.execute("RESET ROLE")
