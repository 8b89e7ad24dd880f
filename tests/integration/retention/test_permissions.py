"""Services get rows, never DDL; the gateway gets views, never tables."""

import asyncpg
import pytest

from tests.support.servers import Database

DENIED = asyncpg.InsufficientPrivilegeError


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE retention.mine (n int)",
        "DROP TABLE retention.event",
        "TRUNCATE retention.event",
        "ALTER TABLE retention.event ADD COLUMN mine int",
        "CREATE VIEW retention.mine AS SELECT 1",
        (
            "CREATE OR REPLACE FUNCTION retention.ensure_partitions(hours timestamptz[])"
            " RETURNS void LANGUAGE sql AS 'SELECT'"
        ),
        "ALTER SCHEMA retention RENAME TO mine",
        "CREATE SCHEMA mine",
        "CREATE TABLE public.mine (n int)",
        "CREATE TEMPORARY TABLE mine (n int)",
        "DELETE FROM retention.migration",
        "DELETE FROM retention.waiting_word",
        "INSERT INTO retention.recent_word VALUES (gen_random_uuid(), '{}')",
        "ALTER TABLE retention.event DISABLE TRIGGER ALL",
        "DROP TABLE retention.attempt",
        "ALTER TABLE retention.delivery ADD COLUMN mine int",
    ],
)
async def test_the_service_has_no_ddl(database: Database, statement: str) -> None:
    async with database.connected("etp_retention") as connection:
        with pytest.raises(DENIED):
            await connection.execute(statement)


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM retention.event",
        "SELECT * FROM retention.life_setting",
        "INSERT INTO retention.life_setting VALUES (true, '1 h', '2 h')",
        "DELETE FROM retention.events",
        "SELECT retention.ensure_partitions('{}')",
        "SELECT retention.drop_partition(now())",
        "SELECT retention.close_hour(now())",
        "SELECT retention.index_words(1, 1)",
        "SELECT * FROM retention.summary",
        "SELECT * FROM retention.recent_word",
        "SELECT * FROM retention.waiting_word",
        "DELETE FROM retention.sums",
        "DELETE FROM retention.waiting_words",
        "UPDATE retention.recent_words SET hashes = '{}'",
        "SELECT * FROM retention.delivery",
        "SELECT * FROM retention.attempt",
        "DELETE FROM retention.deliveries",
        "UPDATE retention.attempts SET excerpt = ''",
    ],
)
async def test_the_gateway_reads_views_and_does_nothing_else(
    database: Database, statement: str
) -> None:
    async with database.connected("etp_api") as connection:
        views = ("events", "active", "archived", "life", "hours", "sums")
        for view in (*views, "recent_words", "waiting_words", "deliveries", "attempts"):
            await connection.fetch(f"SELECT * FROM retention.{view}")
        # A view that can be written (asyncpg: another error) would be as bad as the table.
        with pytest.raises((DENIED, asyncpg.ObjectNotInPrerequisiteStateError)):
            await connection.execute(statement)


@pytest.mark.parametrize("role", ["etp_scheduler", "etp_executor"])
async def test_other_services_see_nothing(database: Database, role: str) -> None:
    async with database.connected(role) as connection:
        with pytest.raises(DENIED):
            await connection.fetch("SELECT * FROM retention.events")


@pytest.mark.parametrize(
    "hour",
    ["2026-11-23 12:00:01+00", "1969-12-31 23:00:00+00", "infinity", "9999-01-01 00:00+00", None],
)
async def test_a_partition_is_made_for_sensible_hours_only(
    database: Database, hour: str | None
) -> None:
    async with database.connected("etp_retention") as connection:
        with pytest.raises(asyncpg.DatetimeFieldOverflowError):
            await connection.execute(
                "SELECT retention.ensure_partitions(ARRAY[$1::text::timestamptz])", hour
            )


async def test_a_partition_with_living_rows_cannot_be_dropped(database: Database) -> None:
    async with database.connected("etp_retention") as connection:
        hour = await connection.fetchval("SELECT date_trunc('hour', now(), 'UTC')")
        await connection.execute("SELECT retention.ensure_partitions($1)", [hour])
        assert await connection.fetchval("SELECT retention.drop_partition($1)", hour) is None
        assert await connection.fetchval("SELECT retention.drop_partition('infinity')") is None
        assert await connection.fetchval("SELECT retention.drop_partition(NULL)") is None
