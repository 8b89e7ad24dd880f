"""The admin step twice at once, and killed in the middle: on servers that have nothing yet."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator

import asyncpg
import pytest

from tests.integration.admin.test_as_declared import faults
from tests.support.eventually import eventually
from tests.support.servers import Broker, Postgres, nats_broker, postgresql
from trigger_admin.database import DATABASE_ROLES
from trigger_admin.installation import ONE_AT_A_TIME
from trigger_admin.provision import WAITING
from trigger_contracts.schema_versions import SCHEMA_VERSIONS
from trigger_local.secrets import DATABASE_OWNER, Secrets, generate
from trigger_runtime.postgres import migrations

NAME = "etp"
WITHIN = 60.0


class Empty:
    """A broker and a PostgreSQL of a test's own, with nothing in them, and the step on them."""

    def __init__(self, broker: Broker, postgres: Postgres, secrets: Secrets) -> None:
        self.broker = broker
        self.postgres = postgres
        self._environment = {
            **os.environ,
            "ETP_NATS_URL": broker.url,
            "ETP_NATS_PASSWORD": secrets.nats["admin"],
            "ETP_DATABASE_URL": postgres.url(name=NAME),
            **{
                f"ETP_{role.removeprefix('etp_').upper()}_PASSWORD": secrets.postgres[role]
                for role in DATABASE_ROLES
            },
        }

    async def begin(self) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "trigger_admin", "provision"),
            env=self._environment,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )

    async def take(self) -> str:
        """The whole step: what it printed."""
        process = await self.begin()
        printed, said = await asyncio.wait_for(process.communicate(), WITHIN)
        assert process.returncode == 0, said.decode()
        return printed.decode()

    @contextlib.asynccontextmanager
    async def holding(self, name: str, *lock: int) -> AsyncIterator[None]:
        """Have whoever wants this advisory lock of a database wait."""
        async with self.postgres.connected(name=name) as connection:
            await connection.fetchval("SELECT pg_advisory_lock($1)", *lock)
            yield

    async def waits(self, *lock: int) -> None:
        """Until somebody waits for it."""
        async with self.postgres.connected() as connection:

            async def is_waited_for() -> bool:
                return await connection.fetchval(
                    "SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory'"
                    " AND NOT granted AND objid = $1)",
                    *lock,
                )

            await eventually(is_waited_for, within=WITHIN)

    async def is_whole(self) -> None:
        """Everything is there as declared, and each service can log in to its own."""
        async with self.broker.connected() as admin:
            assert await faults(admin) == []
        for role in DATABASE_ROLES:
            async with self.postgres.connected(role, NAME) as connection:
                assert await connection.fetchval("SELECT current_user") == role
        for schema, version in SCHEMA_VERSIONS.items():
            async with self.postgres.connected(f"etp_{schema}", NAME) as connection:
                told = await connection.fetchval(f"SELECT version FROM {schema}.schema_version")
                assert told == version


@pytest.fixture
async def empty() -> AsyncIterator[Empty]:
    own = generate()
    async with nats_broker(own) as broker, postgresql(own, is_provisioned=False) as postgres:
        yield Empty(broker, postgres, own)


async def test_several_at_once_make_one(empty: Empty) -> None:
    printed = await asyncio.gather(*(empty.take() for _ in range(3)))
    assert all(each.splitlines()[-1] == "Provisioned." for each in printed)
    await empty.is_whole()


async def test_one_waits_for_another_and_says_so(empty: Empty) -> None:
    async with empty.holding("postgres", ONE_AT_A_TIME):
        first = await empty.begin()
        await empty.waits(ONE_AT_A_TIME)
        second = await empty.begin()
        assert second.stdout is not None
        line = await asyncio.wait_for(second.stdout.readline(), WITHIN)
        assert line.decode().strip() == WAITING
        # The first one dies, and holds nobody back.
        first.send_signal(signal.SIGKILL)
        await first.wait()
    assert (await asyncio.wait_for(second.communicate(), WITHIN))[0].endswith(b"Provisioned.\n")
    await empty.is_whole()


async def test_killed_anywhere_and_repeated_it_is_as_if_it_had_not_been(empty: Empty) -> None:
    # As soon as there is a stream, wherever it is by then.
    first = await empty.begin()

    async def begun() -> bool:
        async with empty.broker.connected() as admin:
            return bool(await admin.jetstream().streams_info())

    await eventually(begun, within=WITHIN)
    first.send_signal(signal.SIGKILL)
    await first.wait()
    # Before there is a role; and before a schema has its first table, in a database that is there.
    await killed_at(empty, "postgres", ONE_AT_A_TIME)
    async with empty.postgres.connected() as connection:
        with contextlib.suppress(asyncpg.DuplicateDatabaseError):
            await connection.execute(f"CREATE DATABASE {NAME} OWNER {DATABASE_OWNER}")
    await killed_at(empty, NAME, migrations._LOCK_KEY)
    async with empty.postgres.connected(name=NAME) as connection:
        assert await connection.fetchval("SELECT to_regnamespace('scheduler') IS NOT NULL")
    await empty.take()
    await empty.is_whole()
    await empty.take()
    await empty.is_whole()


async def killed_at(empty: Empty, database: str, lock: int) -> None:
    async with empty.holding(database, lock):
        process = await empty.begin()
        await empty.waits(lock)
        process.send_signal(signal.SIGKILL)
        await process.wait()
