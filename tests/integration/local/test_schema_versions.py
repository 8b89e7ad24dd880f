"""Services on a schema that is older or newer than they are: real processes on a real database."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.integration.local.test_guard import STARTS_WITHIN, Worker, worker
from tests.support.eventually import eventually
from tests.support.servers import Broker, Database, Postgres
from tests.unit.retention.factories import body, make_entry
from trigger_admin import database as admin_step
from trigger_contracts import subjects
from trigger_contracts.heartbeats import Heartbeat
from trigger_contracts.schema_versions import SCHEMA_VERSIONS
from trigger_contracts.subjects import Service
from trigger_local.secrets import Secrets
from trigger_retention.adapters import schema
from trigger_runtime.postgres import migrations

NEWEST = SCHEMA_VERSIONS["retention"]


@pytest.fixture
async def own_database(postgres: Postgres) -> AsyncIterator[Database]:
    """What is done to its schemas concerns nobody else."""
    made = await postgres.create_database("schema_versions")
    yield made
    made.close()
    await postgres.drop_database(made.name)


async def make_older(database: Database, folder: Path) -> None:
    """The schema as the version before this one had it."""
    for path in sorted(schema._FOLDER.glob("*.sql"))[:-1]:
        (folder / path.name).write_text(path.read_text())
    async with database.connected() as admin:
        await admin.execute("DROP SCHEMA retention CASCADE")
        await admin.execute(
            f"CREATE SCHEMA retention AUTHORIZATION {admin_step.OBJECT_OWNER};"
            f"SET ROLE {admin_step.OBJECT_OWNER}"
        )
        await migrations.apply(admin, folder, "retention")


async def note(database: Database, *versions: int) -> None:
    """Have the schema look as if migrations of later versions had been applied."""
    async with database.connected() as admin:
        for version in versions:
            await admin.execute(
                "INSERT INTO retention.migration (name) VALUES ($1)", f"{version:04}_later.sql"
            )


async def says(one: Worker, status: int, words: str) -> None:
    async def told() -> bool:
        code, checks = await one.ready()
        return code == status and checks.get("schema", "").startswith(words)

    await eventually(told, within=STARTS_WITHIN, what=f"/ready is {status}, and says {words}")


async def says_to_all(broker: Broker, words: str) -> None:
    """Also a worker that is held back sends heartbeats, with what it waits for."""
    async with broker.connected() as admin:
        heard = await admin.subscribe(subjects.alive(Service.RETENTION))
        beat = Heartbeat.model_validate_json((await heard.next_msg(timeout=10)).data)
        assert beat.status == "unavailable"
        assert beat.checks["schema"].startswith(words)


async def publish(broker: Broker) -> None:
    async with broker.connected() as admin:
        await admin.jetstream().publish(subjects.fired("trigger-1"), body(make_entry()))


async def rows(database: Database) -> int:
    async with database.connected() as admin:
        return await admin.fetchval("SELECT count(*) FROM retention.event")


async def test_a_worker_on_an_older_schema_waits_for_the_admin_step(
    platform_streams: Broker, own_database: Database, secrets: Secrets, tmp_path: Path
) -> None:
    await make_older(own_database, tmp_path)
    async with worker("retention", platform_streams, own_database, secrets) as one:
        await says(one, 503, f"behind: retention is at version {NEWEST - 1}")
        await says_to_all(platform_streams, "behind: retention")
        await publish(platform_streams)
        async with platform_streams.connected() as admin:
            info = await admin.jetstream().consumer_info("TRIGGER_EVENTS", "retention")
            assert info.delivered is not None
            assert info.delivered.stream_seq == 0, "nothing was taken in hand"
        async with own_database.connected() as admin_connection:
            await admin_step.apply_schemas(admin_connection)
        await says(one, 200, "ok")

        async def stored() -> bool:
            return await rows(own_database) == 1

        await eventually(stored, what="what had waited is in the log")


async def test_a_worker_works_on_the_next_schema_and_on_no_later_one(
    platform_streams: Broker, own_database: Database, secrets: Secrets
) -> None:
    await note(own_database, NEWEST + 1)
    async with worker("retention", platform_streams, own_database, secrets) as one:
        await says(one, 200, f"ahead: retention is at version {NEWEST + 1}")
        await publish(platform_streams)

        async def stored() -> bool:
            return await rows(own_database) == 1

        await eventually(stored, within=STARTS_WITHIN)
        await note(own_database, NEWEST + 2)
        assert await asyncio.wait_for(one.process.wait(), STARTS_WITHIN) == 1
    async with worker("retention", platform_streams, own_database, secrets) as one:
        await says(one, 503, f"ahead: retention is at version {NEWEST + 2}")
        await publish(platform_streams)
        assert await rows(own_database) == 1
        assert one.process.returncode is None


async def test_the_admin_step_leaves_the_next_schema_as_it_is(own_database: Database) -> None:
    """After a rollback by one version it is run again before the services start."""
    await note(own_database, NEWEST + 1)
    async with own_database.connected() as admin:
        await admin_step.apply_schemas(admin)
        assert await admin.fetchval("SELECT version FROM retention.schema_version") == NEWEST + 1
        await note(own_database, NEWEST + 2)
        with pytest.raises(migrations.NewerSchemaError, match="later"):
            await admin_step.apply_schemas(admin)


async def test_a_gateway_says_which_schema_is_not_its_own_and_serves(
    platform_streams: Broker, own_database: Database, secrets: Secrets, tmp_path: Path
) -> None:
    """It reads both; writes are stored meanwhile, whatever the tables are."""
    await make_older(own_database, tmp_path)
    async with worker("api", platform_streams, own_database, secrets) as one:
        await says(
            one, 503, f"behind: retention is at version {NEWEST - 1}, and this needs {NEWEST}"
        )
        assert await one.status("/serving") == 200
        async with own_database.connected() as admin:
            await admin_step.apply_schemas(admin)
        await says(one, 200, "ok")
        await note(own_database, NEWEST + 1)
        await says(one, 200, f"ahead: retention is at version {NEWEST + 1}")
        await note(own_database, NEWEST + 2)
        await says(one, 503, f"ahead: retention is at version {NEWEST + 2}")
        assert await one.status("/serving") == 200
