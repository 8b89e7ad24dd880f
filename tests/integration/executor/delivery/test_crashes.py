"""An executor killed at exactly one point: the same deliveries, with the same ids, wait once."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator

import asyncpg
import pytest

from tests.integration.executor.conftest import Around
from tests.integration.executor.test_plans import (
    PAID,
    add_target,
    add_targets_that_nobody_takes,
    plans,
    rows,
    to,
)
from tests.support.eventually import eventually
from tests.support.servers import Broker, Database
from tests.unit.executor.factories import fire_body, make_api_change
from trigger_contracts import subjects
from trigger_contracts.deliveries.outcomes import Final
from trigger_contracts.deliveries.records import DeliveryAttempted, delivery_id_of, record_in
from trigger_contracts.topology import EVENTS
from trigger_executor.adapters.schema import SCHEMA
from trigger_local.secrets import Secrets
from trigger_runtime.jetstream.reader import StoredMessage


class Processes:
    """Executors of both roles, each a process of its own."""

    def __init__(self, broker: Broker, secrets: Secrets, database: Database) -> None:
        self._environment = {
            **os.environ,
            "ETP_NATS_URL": broker.url,
            "ETP_NATS_USER": "executor",
            "ETP_NATS_PASSWORD": secrets.nats["executor"],
            "ETP_DATABASE_URL": database.url("etp_executor"),
            "ETP_HTTP_PORT": "0",
        }

    @contextlib.asynccontextmanager
    async def executor(
        self, *fault: str, **environment: str
    ) -> AsyncIterator[asyncio.subprocess.Process]:
        """One that works, or that dies at a point; with these variables besides."""
        module = ("tests.support.faulty_executor", *fault) if fault else ("trigger_executor",)
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            *module,
            env={**self._environment, **environment},
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        try:
            yield process
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()


@pytest.fixture
def processes(platform_streams: Broker, secrets: Secrets, empty_database: Database) -> Processes:
    return Processes(platform_streams, secrets, empty_database)


async def waiting(owner: asyncpg.Connection) -> list[tuple[str, int, int]]:
    found = await owner.fetch(
        f"SELECT delivery_id::text, round, event_seq FROM {SCHEMA}.delivery ORDER BY target_id"
    )
    return [tuple(row) for row in found]


@pytest.mark.parametrize("point", ["row appended", "planned", "index written", "index committed"])
async def test_killed_at_a_point_the_same_deliveries_wait_once(
    around: Around, processes: Processes, empty_database: Database, point: str
):
    await add_targets_that_nobody_takes(around, "crm", "erp")
    await around.change(to(make_api_change(), "crm", "erp"))
    async with processes.executor(point, "SIGKILL") as process:
        await around.fire(fire_body(payload=PAID))
        assert await asyncio.wait_for(process.wait(), 20) == -signal.SIGKILL

    async with processes.executor(), empty_database.connected() as owner:
        await around.fires_handled(within=30)

        async def are_there() -> bool:
            return len(await waiting(owner)) == 2

        await eventually(are_there, within=20)
        ((seq, event_id),) = (await rows(around)).items()
        assert await waiting(owner) == [
            (delivery_id_of(event_id, target_id), 1, seq) for target_id in ("crm", "erp")
        ]
        assert sorted(plan.target_id for plan, _ in await plans(around)) == ["crm", "erp"]

        async def is_projected() -> bool:
            position = await owner.fetchval(f"SELECT seq FROM {SCHEMA}.projection")
            return position == max(message.seq for message in await around.stored(EVENTS))

        await eventually(is_projected, within=10)


@pytest.mark.parametrize(
    ("point", "times"), [("lane taken", 1), ("request made", 2), ("attempt recorded", 1)]
)
async def test_killed_in_an_attempt_only_what_was_in_flight_is_sent_again(
    around: Around, processes: Processes, empty_database: Database, point: str, times: int
):
    await add_target(around, "crm")
    await around.change(to(make_api_change(), "crm"))
    async with around.inbox("out.lab") as heard:
        async with processes.executor(point, "SIGKILL") as process:
            await around.fire(fire_body(payload=PAID))
            assert await asyncio.wait_for(process.wait(), 20) == -signal.SIGKILL

        async with processes.executor(), empty_database.connected() as owner:

            async def attempts() -> list[DeliveryAttempted]:
                read = [record_in(one.subject, one.payload) for one in await deliveries(around)]
                return [one for one in read if isinstance(one, DeliveryAttempted)]

            (record,) = await eventually(attempts, within=20)
            assert (record.attempt, record.final) == (1, Final.DELIVERED)

            async def nothing_waits() -> bool:
                return not await waiting(owner)

            await eventually(nothing_waits, within=10)
            assert len(heard) == times


async def deliveries(around: Around) -> list[StoredMessage]:
    return [
        message
        for message in await around.stored(EVENTS)
        if subjects.matches(message.subject, (subjects.ALL_DELIVERY,))
    ]
