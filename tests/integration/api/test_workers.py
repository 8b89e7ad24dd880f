"""The gateway's /ready knows which workers live, and goes on without them."""

import asyncio
import contextlib
import json
import math
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import REGISTRY
from pydantic import SecretStr

from tests.integration.api.conftest import Running
from tests.support.eventually import eventually
from tests.support.servers import Broker
from trigger_contracts import subjects
from trigger_contracts.heartbeats import Heartbeat
from trigger_contracts.subjects import Service, Verb
from trigger_contracts.topology import EXECUTOR_FIRES, RETENTION_EVENTS
from trigger_local.secrets import Secrets
from trigger_runtime.consuming.lag import Lag
from trigger_runtime.jetstream.connection import Connection
from trigger_runtime.process.settings import NatsSettings

WELL = dict.fromkeys(("broker", "database", "schema", "streams", "clock"), "ok")
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
    assert told["checks"] == WELL
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


async def test_services_are_listed_by_what_they_say_and_who_is_silent_is_not_ready(
    gateway: Running, executor_replica: Start, platform_streams: Broker
) -> None:
    async def listed() -> dict[str, list[dict[str, Any]]]:
        answer = await gateway.http.get("/services")
        assert answer.status_code == 200, answer.text
        found: dict[str, list[dict[str, Any]]] = {}
        for row in answer.json():
            found.setdefault(row["service"], []).append(row)
        return found

    rows = await listed()
    assert list(rows) == ["api", "scheduler", "executor", "retention"]
    (own,) = rows["api"]
    assert (own["ready"], own["checks"]) == (True, WELL)
    assert datetime.now(UTC) > datetime.fromisoformat(own["started_at"])
    silent = {"instance": None, "version": None, "started_at": None, "lag_s": None}
    assert rows["executor"] == [{"service": "executor", "ready": False, "checks": {}, **silent}]

    await executor_replica()
    await executor_replica()

    async def both() -> list[dict[str, Any]]:
        found = (await listed())["executor"]
        return found if [row["ready"] and row["lag_s"] for row in found] == [0.0, 0.0] else []

    one, other = await eventually(both, within=60)
    assert one["instance"] < other["instance"]
    assert one["version"] == own["version"]
    assert one["checks"] == {"broker": "ok", "clock": "ok"}
    # One that cannot work is told with why; one of an earlier version with what it says.
    unwell = Heartbeat(instance="b", status="unavailable", checks={"database": "away"}, lag_s=3)
    said = {
        Service.RETENTION: [unwell, Heartbeat(instance="a", status="ready")],
        Service.SCHEDULER: [
            Heartbeat(instance="s", status="ready", lag_s=1, oldest_command_age_s=2.5)
        ],
    }

    async def heard() -> dict[str, list[Any]]:
        for service, beats in said.items():
            async with platform_streams.connected(service) as client:
                for beat in beats:
                    body = beat.model_dump_json(exclude_none=True).encode()
                    await client.publish(subjects.alive(service), body)
                await client.flush()
        found = await listed()
        return found if len(found["retention"]) == 2 and found["scheduler"][0]["ready"] else {}

    rows = await eventually(heard, within=20)
    told = [(row["ready"], row["checks"], row["lag_s"]) for row in rows["retention"]]
    assert told == [(True, {}, None), (False, {"database": "away"}, 3)]
    assert rows["scheduler"][0]["lag_s"] == 2.5
    async with gateway.without_key() as stranger:
        assert (await stranger.get("/services")).status_code == 401


async def test_a_lag_is_the_age_of_the_oldest_message_that_is_not_handled(
    platform_streams: Broker, secrets: Secrets
) -> None:
    for service, consumer, subject in (
        (Service.RETENTION, RETENTION_EVENTS, subjects.fired("t")),
        (Service.EXECUTOR, EXECUTOR_FIRES, subjects.command(Verb.FIRE)),
    ):
        settings = NatsSettings(
            nats_url=platform_streams.url,
            nats_user=service.value,
            nats_password=SecretStr(secrets.nats[service]),
        )
        connection = Connection(settings, service.value)
        await connection.connect()
        lag = Lag(connection, [consumer], timeout=timedelta(seconds=2))
        loop = lag.loop()
        loop.start()
        async with platform_streams.connected() as admin:
            jetstream = admin.jetstream()
            await eventually(lambda lag=lag: lag.seconds == 0)
            for _ in range(2):
                await jetstream.publish(subject, b"{}")
            await eventually(lambda lag=lag: (lag.seconds or 0) > 1, within=20)
            await jetstream.purge_stream(consumer.stream.name)
            await eventually(lambda lag=lag: lag.seconds == 0, within=20)
        await loop.stop()
        await connection.close()


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
