"""The deliver role as it is wired: from the row to the index, and no row waits for it."""

import asyncio
import os
import signal
import sys
from datetime import UTC, datetime

import asyncpg
import httpx

from tests.integration.executor.conftest import Around
from tests.integration.executor.delivery.conftest import StartRole
from tests.integration.executor.test_plans import (
    PAID,
    add_targets_that_nobody_takes,
    plans,
    to,
)
from tests.support.eventually import eventually
from tests.support.servers import Broker, Database
from tests.unit.executor.factories import fire_body, make_api_change, make_change, make_due
from trigger_contracts import subjects
from trigger_contracts.targets.fields import TargetDefinition
from trigger_contracts.targets.in_tests import TestTarget
from trigger_contracts.topology import CHANGES
from trigger_executor.adapters.schema import SCHEMA
from trigger_local import ports
from trigger_local.secrets import Secrets

NOWHERE = "postgresql://etp_executor:none@127.0.0.1:1/etp"


async def waiting(owner: asyncpg.Connection) -> list[str]:
    rows = await owner.fetch(f"SELECT target_id FROM {SCHEMA}.delivery ORDER BY target_id")
    return [row["target_id"] for row in rows]


async def fire(around: Around, *targets: str) -> None:
    await add_targets_that_nobody_takes(around, *targets)
    await around.change(to(make_api_change(), *targets))
    await around.fire(fire_body(payload=PAID))


async def test_what_fires_waits_in_the_index_at_once(
    around: Around, start_role: StartRole, empty_database: Database
):
    """Each role in a process of its own: a hint says that there is something to project."""
    url = empty_database.url("etp_executor")
    await start_role("deliver", url)
    await start_role("record", url)
    async with empty_database.connected() as owner:
        begun = datetime.now(UTC)
        await fire(around, "erp", "crm")
        await around.fires_handled()

        async def are_there() -> bool:
            return await waiting(owner) == ["crm", "erp"]

        await eventually(are_there, within=10)
        assert (datetime.now(UTC) - begun).total_seconds() < 10


async def test_a_test_without_saving_is_delivered_to_the_target_that_it_writes_out(
    around: Around, start_role: StartRole, empty_database: Database
):
    """Found by the test's own change, which no other user hears; nothing of it is left."""
    await start_role("record,deliver", empty_database.url("etp_executor"))
    target = TestTarget(
        target_id="01a351dd-fefa-773e-a3a5-d161f2062b44",
        definition=TargetDefinition(type="nats", subject="out.lab"),
    )
    test = make_change("t9", is_test=True, test_target=target)
    seq = await around.change(test)
    at = datetime.now(UTC)
    async with around.inbox("out.lab") as heard, empty_database.connected() as owner:
        await around.due(make_due(test, seq, scheduled_for=at, published_at=at))
        await eventually(lambda: len(heard) == 1, within=10)

        async def is_over() -> bool:
            return await owner.fetchval(f"SELECT count(*) FROM {SCHEMA}.lane") == 0

        await eventually(is_over, within=15)
    assert heard[0]["data"]["is_test"]
    (message,) = [
        one for one in await around.stored(CHANGES) if one.subject == subjects.tested("t9")
    ]
    assert message.seq == seq


async def test_rows_are_recorded_and_planned_without_postgresql(
    around: Around, start_role: StartRole
):
    await start_role("record,deliver", NOWHERE)

    await fire(around, "erp")
    await around.fires_handled()

    ((plan, _),) = await plans(around)
    assert plan.target_id == "erp"


async def test_what_was_planned_while_nobody_projected_is_caught_up_with(
    around: Around, start_role: StartRole, empty_database: Database
):
    url = empty_database.url("etp_executor")
    await start_role("record", url)
    await fire(around, "erp")
    await around.fires_handled()
    async with empty_database.connected() as owner:
        assert await waiting(owner) == []

        await start_role("deliver", url)

        async def is_there() -> bool:
            return await waiting(owner) == ["erp"]

        await eventually(is_there, within=10)


async def test_the_process_is_ready_and_gone_in_under_a_second_when_idle(
    platform_streams: Broker, secrets: Secrets, empty_database: Database
):
    port = ports.choose_free({platform_streams.server.port})
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "trigger_executor"),
        env={
            **os.environ,
            "ETP_EXECUTOR_ROLES": "deliver",
            "ETP_NATS_URL": platform_streams.url,
            "ETP_NATS_USER": "executor",
            "ETP_NATS_PASSWORD": secrets.nats["executor"],
            "ETP_DATABASE_URL": empty_database.url("etp_executor"),
            "ETP_HTTP_PORT": str(port),
            "ETP_LOG_FORMAT": "json",
        },
        stdout=asyncio.subprocess.DEVNULL,
    )
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as http:

            async def ready() -> bool:
                try:
                    return (await http.get("/ready")).status_code == 200
                except httpx.TransportError:
                    return False

            await eventually(ready, within=20)
            answer = (await http.get("/ready")).json()
            assert {"database", "schema", "projected streams"} <= answer["checks"].keys()
            metrics = (await http.get("/metrics")).text
            assert "etp_executor_projection_lag_seconds" in metrics
        loop = asyncio.get_running_loop()
        told = loop.time()
        process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(process.wait(), 10) == 0
        assert loop.time() - told < 1
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
