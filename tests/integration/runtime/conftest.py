"""The runtime's own classes on the session's real broker, as the services' users."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta

import pytest

from tests.support.servers import Broker
from trigger_contracts import topology
from trigger_local.secrets import Secrets
from trigger_runtime.jetstream.connection import Connection
from trigger_runtime.jetstream.publisher import JetStreamPublisher
from trigger_runtime.jetstream.reader import StreamReader
from trigger_runtime.process.settings import NatsSettings

TIMEOUT = timedelta(seconds=5)

Connect = Callable[[str], Awaitable[Connection]]


@pytest.fixture
async def connect(platform_streams: Broker, secrets: Secrets) -> AsyncIterator[Connect]:
    """Connections as a given user, closed after the test."""
    connections: list[Connection] = []

    async def make(user: str) -> Connection:
        settings = NatsSettings(
            nats_url=platform_streams.url, nats_user=user, nats_password=secrets.nats[user]
        )
        connection = Connection(settings, user)
        connections.append(connection)
        await connection.connect()
        return connection

    yield make
    for connection in connections:
        await connection.close()


@pytest.fixture
async def scheduler(connect: Connect) -> Connection:
    return await connect("scheduler")


@pytest.fixture
async def executor(connect: Connect) -> Connection:
    return await connect("executor")


@pytest.fixture
def publisher(scheduler: Connection) -> JetStreamPublisher:
    """Publishes to TRIGGER_DUE."""
    return JetStreamPublisher(scheduler, topology.DUE.name, timeout=TIMEOUT)


@pytest.fixture
def reader(scheduler: Connection) -> StreamReader:
    """Reads TRIGGER_DUE."""
    return StreamReader(scheduler, topology.DUE.name, timeout=TIMEOUT)
