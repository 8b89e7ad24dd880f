"""The gateway tells of itself on a port that its callers need not reach, to the very end."""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass

import httpx
import pytest

from tests.integration.api.gateway_process import gateway_process
from tests.support.eventually import eventually
from tests.support.servers import Broker, Database
from trigger_contracts.topology import MAX_BODY_BYTES
from trigger_local import ports
from trigger_local.secrets import Secrets

TOLD = ("/health", "/ready", "/serving", "/metrics")


async def answers(http: httpx.AsyncClient, path: str) -> int:
    try:
        return (await http.get(path)).status_code
    except httpx.TransportError:
        return 0


@dataclass(frozen=True)
class Gateway:
    """One with two ports, and a client of each."""

    process: asyncio.subprocess.Process
    url: str
    public: httpx.AsyncClient
    own: httpx.AsyncClient
    """Of the port of operations."""

    async def answers_own(self, path: str) -> None:
        async def is_well() -> bool:
            return await answers(self.own, path) == 200

        await eventually(is_well, within=60)


@pytest.fixture
async def gateway(
    platform_streams: Broker, empty_database: Database, secrets: Secrets
) -> AsyncIterator[Gateway]:
    port = ports.choose_free(set())
    async with (
        gateway_process(
            platform_streams, empty_database, secrets, ETP_OPERATIONS_PORT=str(port)
        ) as started,
        httpx.AsyncClient(base_url=started.url, trust_env=False) as public,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False) as own,
    ):
        yield Gateway(started.process, started.url, public, own)


async def test_operators_have_a_port_of_their_own(gateway: Gateway, secrets: Secrets) -> None:
    await gateway.answers_own("/ready")
    own, public = gateway.own, gateway.public
    assert [await answers(own, path) for path in TOLD] == [200] * 4
    for path in TOLD:
        refused = await public.get(path)
        assert refused.status_code == 404
        assert refused.headers["content-type"] == "application/problem+json"
        assert refused.json()["code"] == "not-found"
    assert "etp_http_requests_total" in (await own.get("/metrics")).text
    described = (await public.get("/openapi.json")).json()["paths"]
    assert {"/asyncapi", "/triggers/"} <= set(described)
    assert not set(TOLD) & set(described)
    # What callers ask for is not there.
    key = {"X-API-KEY": secrets.api_key}
    assert (await own.get("/triggers/", headers=key)).status_code == 404
    assert (await public.get("/triggers/", headers=key)).status_code == 200


async def test_operators_are_answered_while_it_drains(gateway: Gateway, secrets: Secrets) -> None:
    await gateway.answers_own("/serving")
    own, public = gateway.own, gateway.public
    assert await answers(public, "/openapi.json") == 200
    # A request in hand: its body is still to come, and the stop waits for it.
    host, public_port = gateway.url.removeprefix("http://").split(":")
    _, writer = await asyncio.open_connection(host, int(public_port))
    writer.write(
        b"POST /triggers/ HTTP/1.1\r\nHost: gateway\r\nContent-Length: %d\r\n"
        b"X-API-KEY: %s\r\n\r\n{" % (MAX_BODY_BYTES, secrets.api_key.encode())
    )
    await writer.drain()
    gateway.process.send_signal(signal.SIGTERM)

    async def drains() -> bool:
        answer = await own.get("/serving")
        return answer.status_code == 503 and answer.json()["status"] == "stopping"

    await eventually(drains)
    assert [await answers(own, path) for path in TOLD] == [200, 503, 503, 200]
    assert await answers(public, "/openapi.json") == 0, "nobody new is let in"
    writer.transport.abort()
    async with asyncio.timeout(10):
        assert await gateway.process.wait() == 0
    assert await answers(own, "/serving") == 0


async def test_a_gateway_that_operators_cannot_see_any_more_ends() -> None:
    """Its orchestrator starts it anew. Here somebody took the port since it was looked at."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        async with asyncio.timeout(60):
            gateway = await asyncio.create_subprocess_exec(
                sys.executable,
                "-c",
                "import sys, trigger_runtime.process.starting\n"
                "from trigger_api.bootstrap import serve\n"
                "from trigger_api.settings import Settings\n"
                "from trigger_runtime.worker import run\n"
                "sys.exit(run(lambda: serve(Settings())))",
                env={
                    **os.environ,
                    "ETP_NATS_URL": "nats://127.0.0.1:1",
                    "ETP_DATABASE_URL": "postgresql://etp_api@127.0.0.1:1/etp",
                    "ETP_HTTP_PORT": str(ports.choose_free(set())),
                    "ETP_OPERATIONS_PORT": str(taken.getsockname()[1]),
                },
                stderr=asyncio.subprocess.PIPE,
            )
            try:
                _, said = await gateway.communicate()
            finally:
                if gateway.returncode is None:
                    gateway.kill()
    assert gateway.returncode == 1
    records = said.decode()
    assert "cannot go on" in records, records
    assert "stopped" in records, records
    assert "Traceback" not in records, records
