"""A worker starts before its broker, says whether it is ready, and stops in order."""

import asyncio
import os
import resource
import signal
import socket
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import psutil
import pytest

from tests.support import raw_http
from tests.support.eventually import eventually
from tests.support.servers import Broker
from trigger_contracts import subjects
from trigger_local import ports
from trigger_local.secrets import Secrets

ROOT = Path(__file__).parents[3]


class Worker:
    """The sample worker as a process."""

    def __init__(self, process: asyncio.subprocess.Process, port: int) -> None:
        self.process = process
        self.client = httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False)

    async def status(self, path: str) -> int:
        return (await self.client.get(path)).status_code

    async def is_ready(self) -> bool:
        return await self.status("/ready") == 200

    async def line(self) -> str:
        assert self.process.stdout is not None
        async with asyncio.timeout(10):
            return (await self.process.stdout.readline()).decode().strip()


@pytest.fixture
async def worker(platform_streams: Broker, secrets: Secrets) -> AsyncIterator[Worker]:
    port = ports.choose_free({platform_streams.server.port})
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "ETP_NATS_URL": platform_streams.url,
        "ETP_NATS_USER": "executor",
        "ETP_NATS_PASSWORD": secrets.nats["executor"],
        "ETP_HTTP_PORT": str(port),
        "ETP_LOG_FORMAT": "json",
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.integration.runtime.sample_worker",
        cwd=ROOT,
        env=environment,
        stdout=asyncio.subprocess.PIPE,
    )
    running = Worker(process, port)
    yield running
    await running.client.aclose()
    if process.returncode is None:
        process.kill()
    await process.wait()


async def test_a_worker_finishes_what_it_has_in_hand_and_exits_with_zero(
    platform_streams: Broker, worker: Worker
) -> None:
    await eventually(worker.is_ready, within=60)
    async with platform_streams.connected() as admin:
        await admin.jetstream().publish(subjects.due("a"), b"{}")
        assert await worker.line() == "handling 1"
        worker.process.send_signal(signal.SIGTERM)
        assert [await worker.line(), await worker.line()] == ["handled 1", "closed"]
        async with asyncio.timeout(5):
            assert await worker.process.wait() == 0
        info = await admin.jetstream().consumer_info("TRIGGER_DUE", "executor")
        assert info.num_ack_pending == 0


async def test_a_worker_whose_port_somebody_has_taken_stops_in_order(
    platform_streams: Broker, secrets: Secrets
) -> None:
    """Taken after its own look: it went on, and nobody could ask how it was."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.integration.runtime.sample_worker"),
            cwd=ROOT,
            env={
                **os.environ,
                "PYTHONPATH": str(ROOT),
                "ETP_NATS_URL": platform_streams.url,
                "ETP_NATS_USER": "executor",
                "ETP_NATS_PASSWORD": secrets.nats["executor"],
                "ETP_HTTP_PORT": str(taken.getsockname()[1]),
            },
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        printed, said = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 1
    assert printed.decode().splitlines()[-1:] == ["closed"]
    assert "address already in use" in said.decode()
    assert "Traceback" not in said.decode()


async def test_a_worker_serves_its_routes(worker: Worker) -> None:
    await eventually(worker.is_ready, within=60)
    health = (await worker.client.get("/health")).json()
    assert health["status"] == "ok"
    assert health["tzdata"]
    assert "etp_broker_connected 1.0" in (await worker.client.get("/metrics/")).text
    document = (await worker.client.get("/asyncapi.json")).json()
    assert document["channels"]
    page = (await worker.client.get("/asyncapi")).text
    assert "<html" in page
    assert "trigger.due.*" in page
    assert await worker.status("/nothing") == 404


async def test_a_worker_answers_head_and_options_and_names_what_it_allows(worker: Worker) -> None:
    await eventually(worker.is_ready, within=20)
    for path in ("/health", "/ready", "/serving", "/metrics", "/asyncapi.json"):
        head, got = await worker.client.head(path), await worker.client.get(path)
        assert (head.status_code, head.content) == (200, b"")
        assert set(head.headers) == set(got.headers)
        options = await worker.client.options(path)
        assert (options.status_code, options.content) == (204, b"")
        assert options.headers["allow"] == "GET, HEAD, OPTIONS"
        refused = await worker.client.post(path)
        assert (refused.status_code, refused.headers["allow"]) == (405, "GET, HEAD, OPTIONS")
        assert refused.json()["code"] == "method-not-allowed"
    nothing = await worker.client.get("/nothing")
    for problem in (refused, nothing):
        assert problem.headers["content-type"] == "application/problem+json"
        assert problem.json()["status"] == problem.status_code
    assert nothing.json()["code"] == "not-found"
    assert (await worker.client.head("/nothing")).status_code == 404
    assert (await worker.client.options("/nothing")).status_code == 404


async def test_a_workers_page_needs_nothing_from_elsewhere(worker: Worker) -> None:
    await eventually(worker.is_ready, within=60)
    response = await worker.client.get("/asyncapi")
    for word in ("<script", "http://", "https://", "<link", "src="):
        assert word not in response.text
    assert response.headers["content-security-policy"].startswith("default-src 'self'")


async def test_a_worker_is_guarded_as_the_gateway_is(worker: Worker) -> None:
    """Endless heads, what is no request, and silent connections; it goes on working."""
    await eventually(worker.is_ready, within=60)
    url = str(worker.client.base_url)
    process = psutil.Process(worker.process.pid)
    before = process.memory_info().rss
    begin = b"GET /health HTTP/1.1\r\nHost: x\r\n"
    large = await raw_http.sent(url, begin, b"a:b\r\n" * 1000)
    assert (large.status, large.json["code"]) == (431, "head-too-large")
    malformed = await raw_http.sent(url, b"nonsense\r\n\r\n")
    assert (malformed.status, malformed.json["code"]) == (400, "malformed-request")
    no_host = await raw_http.sent(url, b"GET /health HTTP/1.1\r\n\r\n")
    assert (no_host.status, no_host.json["code"]) == (400, "malformed-request")
    whole = await raw_http.ask(url, "OPTIONS", "*")
    assert (whole.status, whole.headers["allow"]) == (204, "GET, HEAD, OPTIONS")
    resource.prlimit(worker.process.pid, resource.RLIMIT_NOFILE, (256, 256))
    silent = [await raw_http.connected(url) for _ in range(400)]
    await asyncio.gather(*(raw_http.flood(url, begin, b"a:b\r\n" * 9999, 1 << 23) for _ in "123"))
    assert await worker.is_ready()
    assert process.num_fds() < 256
    assert process.memory_info().rss - before < 16 * 1024 * 1024
    for _, writer in silent:
        writer.transport.abort()


async def test_a_worker_outlives_a_broker_that_goes_away(
    platform_streams: Broker, worker: Worker
) -> None:
    await eventually(worker.is_ready, within=60)
    await platform_streams.kill()
    try:
        await eventually(lambda: _answers(worker, "/ready", 503))
        assert await worker.status("/health") == 200
        assert await worker.status("/serving") == 200
    finally:
        await platform_streams.start()
    await eventually(worker.is_ready)


async def _answers(worker: Worker, path: str, status: int) -> bool:
    return await worker.status(path) == status


@pytest.fixture
async def broker_away(platform_streams: Broker) -> AsyncIterator[Broker]:
    await platform_streams.stop()
    yield platform_streams
    await platform_streams.stop()  # harmless where the test has not started it
    await platform_streams.start()


async def test_a_worker_starts_before_its_broker(broker_away: Broker, worker: Worker) -> None:
    await eventually(lambda: _answers(worker, "/health", 200), within=60)
    assert await worker.status("/ready") == 503
    assert await worker.status("/serving") == 200
    await broker_away.start()
    await eventually(worker.is_ready)


async def test_a_worker_that_waits_for_its_broker_can_be_stopped(
    broker_away: Broker, worker: Worker
) -> None:
    await eventually(lambda: _answers(worker, "/health", 200), within=60)
    worker.process.send_signal(signal.SIGINT)
    async with asyncio.timeout(8):
        assert await worker.process.wait() == 0
