"""A pool that can be asked for while PostgreSQL is away, and works when it is back."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone

import asyncpg
import pytest
from pydantic import SecretStr

from tests.support.servers import Database as TestDatabase
from tests.support.servers import Postgres
from trigger_runtime.postgres.database import REFUSED, Database
from trigger_runtime.process.errors import DatabaseNotProvisioned, DatabaseUnavailable
from trigger_runtime.process.ids import new_id
from trigger_runtime.process.settings import DatabaseSettings


def open_database(
    database: TestDatabase, name: str = "runtime tests", *, keep_open: bool = False
) -> Database:
    settings = DatabaseSettings(database_url=SecretStr(database.url()), pool_size=2)
    return Database(settings, name, command_timeout=timedelta(seconds=3), keep_open=keep_open)


async def sessions(database: TestDatabase, name: str) -> int:
    async with database.connected() as connection:
        return await connection.fetchval(
            "SELECT count(*) FROM pg_stat_activity WHERE application_name = $1", name
        )


async def test_sessions_are_as_declared(database: TestDatabase) -> None:
    opened = open_database(database)
    async with opened.connection() as connection:
        assert await connection.fetchval("SHOW timezone") == "UTC"
        assert await connection.fetchval("SHOW application_name") == "runtime tests"
        assert await connection.fetchval("SHOW idle_in_transaction_session_timeout") == "30s"
        assert await connection.fetchval("SELECT '{}'::jsonb") == "{}"
    await opened.close()


async def test_a_refused_statement_is_the_callers(database: TestDatabase) -> None:
    opened = open_database(database)
    with pytest.raises(asyncpg.DivisionByZeroError):
        async with opened.transaction() as connection:
            await connection.execute("SELECT 1 / 0")
    await opened.close()


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT FROM absent",
        "SELECT FROM absent.absent",
        "SELECT absent.absent()",
        "SELECT absent()",
        "SELECT absent FROM (SELECT 1) AS one",
        "INSERT INTO absent.absent VALUES (1)",
        "SELECT FROM scheduler.migration",
    ],
)
async def test_what_the_admin_step_has_not_made_is_no_fault_of_a_message(
    database: TestDatabase, statement: str
) -> None:
    settings = DatabaseSettings(database_url=SecretStr(database.url("etp_retention")), pool_size=1)
    opened = Database(settings, "not provisioned", ping=statement)
    with pytest.raises(DatabaseNotProvisioned):
        await opened.ping()
    await opened.close()


@pytest.mark.parametrize("gone", ["database", "role"])
async def test_a_database_that_nobody_has_made_yet_is_away(
    postgres: Postgres, database: TestDatabase, gone: str
) -> None:
    url = database.url("etp_retention")
    if gone == "database":
        url = postgres.url("etp_retention", name="absent")
    else:
        url = url.replace("etp_retention", "etp_absent")
    settings = DatabaseSettings(database_url=SecretStr(url), pool_size=1)
    opened = Database(settings, "not provisioned")
    with pytest.raises(DatabaseNotProvisioned):
        await opened.ping()
    await opened.close()


async def test_a_database_that_goes_away_and_comes_back(
    postgres: Postgres, database: TestDatabase
) -> None:
    opened, late = open_database(database), open_database(database)
    await opened.ping()
    await postgres.stop()
    try:
        for away in (opened, late):
            with pytest.raises(DatabaseUnavailable):
                await away.ping()
    finally:
        await postgres.start()
    for back in (opened, late):
        await back.ping()
        await back.close()


@pytest.mark.parametrize("later", range(5), ids="{} steps of the loop later".format)
async def test_a_session_that_postgresql_ends_is_one_that_is_away(
    database: TestDatabase, later: int
) -> None:
    """Also in the moment in which its last words are read, and its end is not."""

    opened = open_database(database)

    async def end(pid: int) -> None:
        async with database.connected() as other:
            assert await other.fetchval("SELECT pg_terminate_backend($1, 3000)", pid)

    async def be_ended() -> None:
        async with opened.transaction() as connection:
            with ThreadPoolExecutor() as meanwhile:  # this loop stands still, and sees it late
                meanwhile.submit(asyncio.run, end(connection.get_server_pid())).result()
            for _ in range(later):
                await asyncio.sleep(0)
            # What is said next is COMMIT.

    with pytest.raises(DatabaseUnavailable):
        await be_ended()
    await opened.ping()
    await opened.close()


async def test_a_pool_that_is_kept_open_stands_ready_as_a_whole(database: TestDatabase) -> None:
    kept, other = open_database(database, "kept", keep_open=True), open_database(database, "other")
    await kept.ping()
    await other.ping()
    assert (await sessions(database, "kept"), await sessions(database, "other")) == (2, 1)
    await kept.close()
    await other.close()


@pytest.mark.parametrize("error", [FileNotFoundError, ConnectionResetError, TimeoutError, OSError])
async def test_what_the_callers_code_raises_says_nothing_of_the_database(
    database: TestDatabase, error: type[Exception]
) -> None:
    opened = open_database(database)

    async def fail() -> None:
        async with opened.transaction() as connection:
            await connection.execute("CREATE TABLE undone_of_the_fault (one int)")
            raise error("of the caller's own")

    with pytest.raises(error, match="own"):
        await fail()
    async with opened.connection() as connection:
        assert await connection.fetchval("SELECT to_regclass('undone_of_the_fault')") is None
    await opened.close()


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("int", 2**31),
        ("bigint", 10**30),
        ("text", "half a \ud800 pair"),
        ("text", "a \x00"),
        ("timestamptz", "no instant"),
        ("timestamptz", datetime.min.replace(tzinfo=timezone(timedelta(hours=14)))),
        ("jsonb", '{"of": "\\u0000"}'),
        ("int[]", 1),
    ],
)
async def test_a_value_that_cannot_be_stored_is_refused_and_not_away(
    database: TestDatabase, kind: str, value: object
) -> None:
    opened = open_database(database)
    async with opened.connection() as connection:
        with pytest.raises(REFUSED):
            await connection.fetchval(f"SELECT $1::{kind}", value)
        assert await connection.fetchval("SELECT 1") == 1
    await opened.close()


async def test_a_value_too_large_for_an_index_is_refused_and_not_away(
    database: TestDatabase,
) -> None:
    opened = open_database(database)
    async with opened.connection() as connection:
        await connection.execute("CREATE TEMPORARY TABLE narrow (word text PRIMARY KEY)")
        word = "".join(new_id() for _ in range(1000))
        with pytest.raises(REFUSED):
            await connection.execute("INSERT INTO narrow VALUES ($1)", word)
    await opened.close()
