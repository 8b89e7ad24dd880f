"""What each PostgreSQL role may touch: rows of its own, the gateway only views, nobody DDL."""

import asyncpg
import pytest

from tests.support.servers import Database
from trigger_admin.database import DATABASE_ROLES, SCHEMAS


@pytest.mark.parametrize("role", DATABASE_ROLES)
async def test_no_service_defines_anything(database: Database, role: str) -> None:
    async with database.connected(role) as connection:
        for statement in (
            "CREATE TABLE public.mine (n int)",
            "CREATE TEMPORARY TABLE mine (n int)",
            "CREATE SCHEMA mine",
            *(f"CREATE TABLE {schema}.mine (n int)" for schema in SCHEMAS),
            "SET ROLE etp_owner",
        ):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(statement)


async def test_the_gateway_reads_views_and_no_table(database: Database) -> None:
    async with database.connected() as admin:
        relations = await admin.fetch(
            "SELECT n.nspname || '.' || c.relname AS name, c.relkind = 'v' AS is_view"
            " FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
            " WHERE n.nspname = ANY($1) AND c.relkind IN ('r', 'p', 'v')",
            list(SCHEMAS),
        )
    assert any(relation["is_view"] for relation in relations)
    async with database.connected("etp_api") as gateway:
        for relation in relations:
            allowed = await gateway.fetchval(
                "SELECT has_table_privilege($1, 'SELECT')", relation["name"]
            )
            assert allowed == relation["is_view"], relation["name"]
            for write in ("INSERT", "UPDATE", "DELETE", "TRUNCATE"):
                assert not await gateway.fetchval(
                    "SELECT has_table_privilege($1, $2)", relation["name"], write
                )


@pytest.mark.parametrize(
    ("role", "schema"),
    [
        ("etp_scheduler", "retention"),
        ("etp_scheduler", "executor"),
        ("etp_retention", "scheduler"),
        ("etp_retention", "executor"),
        ("etp_executor", "scheduler"),
        ("etp_executor", "retention"),
    ],
)
async def test_a_service_cannot_look_into_anothers_schema(
    database: Database, role: str, schema: str
) -> None:
    async with database.connected(role) as connection:
        assert not await connection.fetchval("SELECT has_schema_privilege($1, 'USAGE')", schema)


async def test_who_delivers_sees_its_own_schema_and_no_other(database: Database) -> None:
    async with database.connected("etp_executor") as connection:
        seen = [
            schema
            for schema in (*SCHEMAS, "platform")
            if await connection.fetchval(
                "SELECT coalesce(has_schema_privilege(to_regnamespace($1)::oid, 'USAGE'), false)",
                schema,
            )
        ]
        assert seen == ["executor"]
        for table in ("scheduler.trigger", "scheduler.target", "retention.event"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError, match="permission denied"):
                await connection.execute(f"SELECT FROM {table} LIMIT 0")
