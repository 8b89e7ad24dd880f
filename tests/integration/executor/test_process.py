"""The executor as a process: ready, documented, and gone in order."""

import asyncio
import json
import os
import signal
import sys

import httpx

from tests.integration.executor.conftest import Around
from tests.support.eventually import eventually
from tests.support.servers import Broker
from tests.unit.executor.factories import fire_body, make_api_change
from trigger_contracts import subjects
from trigger_contracts.subjects import Service
from trigger_executor.bootstrap import Executor
from trigger_local import ports
from trigger_local.secrets import Secrets


async def test_asyncapi_names_what_is_consumed_and_published(executor: Executor):
    document = json.loads(executor.asyncapi.to_specification().to_json())

    addresses = {channel["address"] for channel in document["channels"].values()}
    published = {
        subjects.ALL_FIRED,
        subjects.ALL_MISSED,
        subjects.ALL_REJECTED,
        subjects.dead_letters(Service.EXECUTOR),
        subjects.redrive(Service.EXECUTOR),
        *(f"{inbox}.>" for inbox in subjects.RESULT_INBOXES),
    }
    assert published <= addresses
    consumed = [
        operation["channel"]["$ref"]
        for operation in document["operations"].values()
        if operation["action"] == "receive"
    ]
    assert len(consumed) == 3
    assert {subjects.ALL_DUE, "trigger.command.fire"} <= addresses


async def test_the_process_serves_and_stops_when_told(
    platform_streams: Broker, secrets: Secrets, around: Around
):
    port = ports.choose_free({platform_streams.server.port})
    environment = {
        **os.environ,
        "ETP_NATS_URL": platform_streams.url,
        "ETP_NATS_USER": "executor",
        "ETP_NATS_PASSWORD": secrets.nats["executor"],
        "ETP_HTTP_PORT": str(port),
        "ETP_LOG_FORMAT": "json",
    }
    await around.change(make_api_change())
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "trigger_executor", env=environment
    )
    try:
        async with httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{port}", trust_env=False
        ) as client:

            async def is_ready() -> bool:
                return (await client.get("/ready")).status_code == 200

            await eventually(is_ready, within=20)
            await around.fire(*(fire_body(payload={"amount": n}) for n in range(200)))
            await around.fires_handled()
            metrics = (await client.get("/metrics")).text
        assert 'etp_executor_rows_total{status="fired"} 200.0' in metrics

        await around.fire(*(fire_body(payload={"amount": n}) for n in range(200)))
        process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(process.wait(), 15) == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    # What it had begun is in the log; what it had not waits for the next one.
    rows = await around.rows()
    assert len(rows) == len({row["event_id"] for row in rows})
