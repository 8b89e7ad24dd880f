"""Creates the database, its roles and the services' schemas, as the superuser.

Every object belongs to ``etp_owner``, which cannot log in; services get rows, never DDL: what a
service must create or drop at run time (partitions) its own migrations offer as SECURITY DEFINER
functions. Each schema is defined by its service; this module only decides who may touch it.
"""

import importlib
from collections.abc import Mapping

import asyncpg

from .secrets import DATABASE_ROLES

DATABASE = "etp"

OBJECT_OWNER = "etp_owner"

READER = "etp_api"
"""Reads every schema's views and nothing else."""

SCHEMAS = {}
for _service in ("scheduler", "retention"):
    try:
        SCHEMAS[_service] = importlib.import_module(f"trigger_{_service}.adapters.schema").apply
    except ModuleNotFoundError:
        pass
"""Each schema's migrations, from the service that owns it: ``apply(connection, schema=…)``."""

ONE_AT_A_TIME = 4_773_001
"""Advisory lock: two admin steps (two pods, say) must not migrate at the same time."""


def owner_role(service: str) -> str:
    """The role that a service logs in with."""
    return f"etp_{service}"


async def create_roles(admin: asyncpg.Connection, passwords: Mapping[str, str]) -> None:
    """Create the roles of the cluster or renew their passwords. Idempotent."""
    for role in (OBJECT_OWNER, *DATABASE_ROLES):
        if not await admin.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", role):
            await admin.execute(f'CREATE ROLE "{role}" NOLOGIN')
    for role in DATABASE_ROLES:
        await admin.execute(
            await admin.fetchval(
                "SELECT format('ALTER ROLE %I LOGIN NOINHERIT PASSWORD %L', $1::text, $2::text)",
                role,
                passwords[role],
            )
        )


async def create_database(admin: asyncpg.Connection, name: str = DATABASE) -> None:
    """Create one database that only the platform's roles may enter. Idempotent."""
    if not await admin.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", name):
        await admin.execute(f'CREATE DATABASE "{name}" OWNER {OBJECT_OWNER}')
    await restrict_database(admin, name)


async def restrict_database(admin: asyncpg.Connection, name: str) -> None:
    """Only the platform's roles may connect, and none of them may create a temporary table."""
    await admin.execute(f'REVOKE ALL ON DATABASE "{name}" FROM PUBLIC')
    await admin.execute(f'GRANT CONNECT ON DATABASE "{name}" TO {", ".join(DATABASE_ROLES)}')


async def apply_schemas(connection: asyncpg.Connection) -> None:
    """Migrate every service's schema in the connected database. Idempotent."""
    await connection.execute("SELECT pg_advisory_lock($1)", ONE_AT_A_TIME)
    try:
        for service in SCHEMAS:
            await apply_schema(connection, service, schema=service)
    finally:
        await connection.execute("SELECT pg_advisory_unlock($1)", ONE_AT_A_TIME)


async def apply_schema(connection: asyncpg.Connection, service: str, *, schema: str) -> None:
    """Migrate one service's schema, under its own name or (rebuild) another, and grant its use."""
    await connection.execute(f'CREATE SCHEMA IF NOT EXISTS "{schema}" AUTHORIZATION {OBJECT_OWNER}')
    await connection.execute(f"SET ROLE {OBJECT_OWNER}")
    try:
        await SCHEMAS[service](connection, schema=schema)
    finally:
        await connection.execute("RESET ROLE")
    await grant(connection, service, schema=schema)


async def grant(connection: asyncpg.Connection, service: str, *, schema: str) -> None:
    """Rows and functions for the service itself, views for the gateway. Idempotent."""
    role = owner_role(service)
    async with connection.transaction():
        for statement in (
            f'GRANT USAGE ON SCHEMA "{schema}" TO {role}, {READER}',
            f'GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA "{schema}" TO {role}',
            f'GRANT USAGE ON ALL SEQUENCES IN SCHEMA "{schema}" TO {role}',
            f'REVOKE EXECUTE ON ALL ROUTINES IN SCHEMA "{schema}" FROM PUBLIC',
            f'GRANT EXECUTE ON ALL ROUTINES IN SCHEMA "{schema}" TO {role}',
        ):
            await connection.execute(statement)
        views = await connection.fetch(
            "SELECT viewname FROM pg_views WHERE schemaname = $1 ORDER BY viewname", schema
        )
        for view in views:
            await connection.execute(f'GRANT SELECT ON "{schema}"."{view["viewname"]}" TO {READER}')
