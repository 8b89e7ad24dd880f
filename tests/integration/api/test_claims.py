"""The create-only store: the runtime's on a real bucket, and the fake that stands in for it."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from tests.support.servers import Broker
from tests.unit.api.fakes import FakeClaims
from trigger_contracts.idempotency import Claim
from trigger_contracts.topology import IDEMPOTENCY
from trigger_local.secrets import Secrets
from trigger_runtime.jetstream.connection import Connection
from trigger_runtime.jetstream.idempotency_store import IdempotencyStore
from trigger_runtime.process.errors import BrokerUnavailable
from trigger_runtime.process.settings import NatsSettings


async def connected(broker: Broker, secrets: Secrets, user: str) -> Connection:
    settings = NatsSettings(nats_url=broker.url, nats_user=user, nats_password=secrets.nats[user])
    connection = Connection(settings, user)
    await connection.connect()
    return connection


@pytest.fixture(params=["fake", "api", "executor"])
async def claims(
    request: pytest.FixtureRequest, platform_streams: Broker, secrets: Secrets
) -> AsyncIterator[IdempotencyStore | FakeClaims]:
    """With the permissions of each service that claims."""
    if request.param == "fake":
        yield FakeClaims()
        return
    connection = await connected(platform_streams, secrets, request.param)
    yield IdempotencyStore(connection, IDEMPOTENCY, (Claim,), timeout=timedelta(seconds=2))
    await connection.close()


async def test_the_first_value_counts(claims: IdempotencyStore) -> None:
    assert await claims.find("t.k") is None
    assert await claims.reserve("t.k", b"first") == b"first"
    assert await claims.reserve("t.k", b"second") == b"first"
    assert await claims.find("t.k") == b"first"
    assert await claims.reserve("t.other", b"second") == b"second"


async def test_of_many_racers_one_wins(claims: IdempotencyStore) -> None:
    values = [b"%d" % n for n in range(50)]
    won = await asyncio.gather(*(claims.reserve("t.k", value) for value in values))
    assert len(set(won)) == 1
    assert won[0] in values


async def test_without_a_broker_nothing_is_claimed(
    platform_streams: Broker, secrets: Secrets
) -> None:
    connection = await connected(platform_streams, secrets, "api")
    claims = IdempotencyStore(
        connection, IDEMPOTENCY, (Claim,), timeout=timedelta(milliseconds=200)
    )
    await platform_streams.stop()
    try:
        with pytest.raises(BrokerUnavailable):
            await claims.reserve("t.k", b"x")
        with pytest.raises(BrokerUnavailable):
            await claims.find("t.k")
    finally:
        await platform_streams.start()
        await connection.close()
