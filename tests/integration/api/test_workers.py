"""The gateway's /ready knows which workers live, and goes on without them."""

import asyncio
import contextlib
import json
import math
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import REGISTRY

from tests.integration.api.conftest import Running
from tests.support.eventually import eventually
from tests.support.servers import Broker
from trigger_contracts import subjects
from trigger_contracts.heartbeats import Heartbeat
from trigger_contracts.subjects import Service
from trigger_local.secrets import Secrets

ROOT = Path(__file__).parents[3]
Start = Callable[[], Awaitable[asyncio.subprocess.Process]]


@pytest.fixture
async def executor_replica(platform_streams: Broker, secrets: Secrets) -> AsyncIterator[Start]:
    """Starts a worker process that is, to the broker, a replica of the executor."""
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "ETP_NATS_URL": platform_streams.url,
        "ETP_NATS_USER": "executor",
        "ETP_NATS_PASSWORD": secrets.nats["executor"],
        "ETP_HTTP_PORT": "0",
    }
    started: list[asyncio.subprocess.Process] = []

    async def start() -> asyncio.subprocess.Process:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.integration.runtime.sample_worker"),
            cwd=ROOT,
            env=environment,
            stdout=asyncio.subprocess.DEVNULL,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def report(gateway: Running) -> dict[str, Any]:
    answer = await gateway.http.get("/ready")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def shows(gateway: Running, status: str, replicas: int) -> bool:
    executor = (await report(gateway))["workers"]["executor"]
    return (executor["status"], executor["replicas"]) == (status, replicas)


async def test_a_worker_that_dies_or_hangs_is_told_and_the_gateway_goes_on(
    gateway: Running, executor_replica: Start
) -> None:
    await eventually(lambda: shows(gateway, "away", 0), within=20)
    one, other = await executor_replica(), await executor_replica()
    await eventually(lambda: shows(gateway, "ready", 2), within=60)
    assert REGISTRY.get_sample_value("etp_workers_alive", {"service": "executor"}) == 2

    one.send_signal(signal.SIGSTOP)
    await eventually(lambda: shows(gateway, "ready", 1), within=20)
    other.kill()
    await eventually(lambda: shows(gateway, "away", 0), within=20)
    told = await report(gateway)
    assert told["status"] == "degraded"
    assert told["checks"] == {"broker": "ok", "database": "ok"}
    assert (await gateway.http.get("/events/")).status_code == 200
    stored = await gateway.http.post("/triggers/", json={"name": "a", "type": "api"})
    assert stored.status_code == 202

    one.send_signal(signal.SIGCONT)
    await eventually(lambda: shows(gateway, "ready", 1), within=20)


async def test_ready_is_degraded_while_one_worker_cannot_work(
    gateway: Running, platform_streams: Broker
) -> None:
    async def beats(executor: str) -> None:
        for service in (Service.SCHEDULER, Service.EXECUTOR, Service.RETENTION):
            status = executor if service is Service.EXECUTOR else "ready"
            beat = Heartbeat.model_validate({"instance": f"{service}-1", "status": status})
            async with platform_streams.connected(service) as client:
                await client.publish(subjects.alive(service), beat.model_dump_json().encode())
                await client.flush()

    async def told(status: str, executor: str) -> bool:
        await beats(executor)
        found = await report(gateway)
        return (found["status"], found["workers"]["executor"]["status"]) == (status, executor)

    await eventually(lambda: told("ready", "ready"), within=20)
    await eventually(lambda: told("degraded", "unavailable"), within=20)
    await eventually(lambda: told("ready", "ready"), within=20)


async def test_the_gateway_tells_how_long_the_oldest_command_waits(
    gateway: Running, platform_streams: Broker
) -> None:
    metric = "etp_workers_oldest_command_age_seconds"
    async with platform_streams.connected("scheduler") as client:

        async def told(status: str, age: float | None, expected: float | None) -> bool:
            beat = {"instance": "s", "status": status, "oldest_command_age_s": age}
            said = {name: value for name, value in beat.items() if value is not None}
            await client.publish(subjects.alive(Service.SCHEDULER), json.dumps(said).encode())
            await client.flush()
            scheduler = (await report(gateway))["workers"]["scheduler"]
            shown = scheduler.get("oldest_command_age_s")
            return (scheduler["status"], shown) == (status, expected)

        for status, age in (("ready", 0), ("ready", 3.25), ("unavailable", 20.5)):
            await eventually(lambda s=status, a=age: told(s, a, a), within=20)
            assert REGISTRY.get_sample_value(metric) == age
        assert (await report(gateway))["status"] == "degraded"
        # One that does not say, as older versions do.
        await eventually(lambda: told("ready", None, None), within=20)
        unknown = REGISTRY.get_sample_value(metric)
        assert unknown is not None
        assert math.isnan(unknown)
        # What is no age is no heartbeat: the one before it stays.
        for nonsense in (b"-1", b"1e999", b"NaN", b'"long"'):
            beat = b'{"instance":"s","status":"unavailable","oldest_command_age_s":%s}' % nonsense
            await client.publish(subjects.alive(Service.SCHEDULER), beat)
        await eventually(lambda: told("ready", 1, 1), within=20)


async def test_nobody_else_speaks_for_a_worker(gateway: Running, platform_streams: Broker) -> None:
    beat = Heartbeat(instance="forged", status="ready").model_dump_json().encode()
    for user in ("client", "reader", "api", "retention"):
        async with platform_streams.connected(user) as client:
            await client.publish(subjects.alive(Service.EXECUTOR), beat)
            await client.flush()
    async with platform_streams.connected("executor") as client:
        await client.publish(subjects.alive(Service.EXECUTOR), b"not json")
        await client.publish(subjects.alive(Service.EXECUTOR), beat.replace(b"forged", b"a.b"))
        await client.flush()
    # What is heard after all of these: they have been heard by then.
    async with platform_streams.connected("scheduler") as client:

        async def heard() -> bool:
            await client.publish(subjects.alive(Service.SCHEDULER), beat)
            workers = (await report(gateway))["workers"]
            return bool(workers["scheduler"]["status"] == "ready")

        await eventually(heard, within=20)
    assert (await report(gateway))["workers"]["executor"]["replicas"] == 0
    await eventually(lambda: shows(gateway, "away", 0), within=20)
