"""A gateway in this process, on real HTTP, NATS and PostgreSQL, with a stand-in scheduler."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx
import pytest
from nats.aio.client import Client
from pydantic import SecretStr

from tests.integration.api.letter_owner import Owner, owning
from tests.integration.api.log_rows import Log
from tests.integration.api.replaying import Fires, created, stored_fires
from tests.integration.api.stand_in import StandInScheduler
from tests.support.declared import Declared, is_endless
from tests.support.eventually import eventually
from tests.support.known_routes import known_routes
from tests.support.servers import Broker, Database
from trigger_api.bootstrap import Api, build
from trigger_api.entrypoints.serving import Server
from trigger_api.settings import Settings
from trigger_contracts.commands import FireTrigger
from trigger_contracts.subjects import Service
from trigger_local.secrets import Secrets
from trigger_retention.bootstrap import build as build_retention
from trigger_retention.settings import Settings as RetentionSettings
from trigger_runtime.http.server import HttpLimits


@dataclass
class Running:
    """A gateway that serves, and a client that has a key."""

    built: Api
    url: str
    http: httpx.AsyncClient
    secrets: Secrets
    server: Server

    def without_key(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(base_url=self.url, timeout=20)


class _Server(Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


_DECLARED: list[Declared] = []
"""What all gateways declare: the document is the same, and made once."""


def held_to(built: Api) -> Callable[[httpx.Response], Awaitable[None]]:
    """A hook by which every answer that a test gets is held to the OpenAPI document."""
    if not _DECLARED:
        _DECLARED.append(Declared(built.openapi()))

    async def check(response: httpx.Response) -> None:
        if not is_endless(response):
            await response.aread()
            _DECLARED[0].check(response)

    return check


@contextlib.asynccontextmanager
async def serving(
    broker: Broker, database: Database, secrets: Secrets, **options: Any
) -> AsyncIterator[Running]:
    """A gateway with these settings, connected or not."""
    settings = Settings(
        **{
            "nats_url": broker.url,
            "nats_user": "api",
            "nats_password": secrets.nats["api"],
            "database_url": database.url("etp_api"),
            "bootstrap_key_hash": secrets.api_key_hash,
            "command_timeout": timedelta(seconds=2),
            **options,
        }
    )
    with known_routes():
        built = build(settings)
    server = _Server(
        built.gateway, built.stop, host="127.0.0.1", port=0, limits=HttpLimits.of(settings)
    )
    task = asyncio.create_task(server.serve())
    await eventually(lambda: server.started, what="the gateway listens")
    port = server.servers[0].sockets[0].getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    async with httpx.AsyncClient(
        base_url=url,
        headers={"X-API-KEY": secrets.api_key},
        timeout=20,
        event_hooks={"response": [held_to(built)]},
    ) as http:
        try:
            yield Running(built, url, http, secrets, server)
        finally:
            server.should_exit = True
            await task


async def ready(running: Running) -> None:
    # Asking it time and again would only delay what it does to become so.
    await running.built.connection.wait_connected(10)

    async def answers() -> bool:
        return (await running.http.get("/ready")).status_code == 200

    await eventually(answers, what="the gateway is ready")


@pytest.fixture
async def gateway(
    platform_streams: Broker, empty_database: Database, secrets: Secrets
) -> AsyncIterator[Running]:
    async with serving(platform_streams, empty_database, secrets) as running:
        await ready(running)
        yield running


@pytest.fixture
async def http(gateway: Running) -> httpx.AsyncClient:
    return gateway.http


@pytest.fixture
async def scheduler(
    platform_streams: Broker, empty_database: Database
) -> AsyncIterator[StandInScheduler]:
    stand_in = StandInScheduler(platform_streams, empty_database)
    await stand_in.start()
    yield stand_in
    await stand_in.stop()


Published = Callable[[str], Any]


@pytest.fixture
async def commands(platform_streams: Broker) -> AsyncIterator[Any]:
    """Reads what is stored on TRIGGER_COMMANDS."""
    async with platform_streams.connected() as admin:
        jetstream = admin.jetstream()

        async def stored(subject: str = ">") -> list[Any]:
            info = await jetstream.stream_info("TRIGGER_COMMANDS")
            found = []
            for seq in range(1, info.state.last_seq + 1):
                message = await jetstream.get_msg("TRIGGER_COMMANDS", seq)
                if subject in (">", message.subject):
                    found.append(message)
            return found

        yield stored


@pytest.fixture
async def log(empty_database: Database) -> Log:
    return Log(empty_database)


@pytest.fixture
async def owner(platform_streams: Broker, secrets: Secrets) -> AsyncIterator[Owner]:
    async with owning(platform_streams, secrets, Service.EXECUTOR) as made:
        yield made


@pytest.fixture
async def executor(platform_streams: Broker) -> AsyncIterator[Client]:
    async with platform_streams.connected("executor") as client:
        yield client


@pytest.fixture
async def trigger_id(http: httpx.AsyncClient, scheduler: StandInScheduler) -> str:
    return await created(http)


@pytest.fixture
def fires(platform_streams: Broker, secrets: Secrets) -> Fires:
    """Every fire command that is stored."""

    async def stored() -> list[FireTrigger]:
        return await stored_fires(platform_streams, secrets)

    return stored


@pytest.fixture
async def retention(
    platform_streams: Broker, empty_database: Database, secrets: Secrets
) -> AsyncIterator[None]:
    """Two replicas of retention, in small batches: many are under way at a time."""
    settings = RetentionSettings(
        nats_url=platform_streams.url,
        nats_user="retention",
        nats_password=SecretStr(secrets.nats["retention"]),
        database_url=SecretStr(empty_database.url("etp_retention")),
        projection_batch=7,
    )
    replicas = [build_retention(settings) for _ in range(2)]
    for parts in replicas:
        await parts.broker.start()
    yield
    for parts in replicas:
        await parts.broker.stop()
        await parts.connection.close()
        await parts.database.close()
