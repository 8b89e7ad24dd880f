"""What an external user may take of the broker; the services and other users do not notice."""

import contextlib
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from pydantic import SecretStr

from tests.support import raw_nats
from tests.support.eventually import eventually
from tests.support.raw_nats import RawNats
from tests.support.servers import Broker
from trigger_contracts import subjects
from trigger_contracts.subjects import Verb
from trigger_contracts.topology import COMMANDS, EXTERNALS, INGRESS
from trigger_runtime.jetstream.atomic_batch import BATCH_FROM
from trigger_runtime.jetstream.connection import Connection
from trigger_runtime.jetstream.publisher import JetStreamPublisher, Message
from trigger_runtime.process.settings import NatsSettings

FIRE = subjects.command(Verb.FIRE)
NO_FIRE = b'{"trigger_id": "nobody"}'
EXTERNAL = sorted(EXTERNALS)
SUBSCRIPTIONS = 5_000
BATCHES = 2_000


@pytest.mark.parametrize("user", EXTERNAL)
async def test_a_connection_has_so_many_subscriptions(platform_streams: Broker, user: str) -> None:
    """Those within the limit go on; so does everybody else."""
    inbox = f"_INBOX_{user}"
    async with raw_nats.connected(platform_streams, user) as greedy:
        for number in range(SUBSCRIPTIONS):
            greedy.subscribe(f"{inbox}.{number}", number + 1)
        await greedy.settled()
        assert greedy.errors == ["-ERR 'maximum subscriptions exceeded'"] * (
            SUBSCRIPTIONS - EXTERNALS[user].subscriptions
        )
        async with platform_streams.connected(user) as other:
            heard = await other.subscribe("trigger.fired.*")
            await other.flush()
            async with platform_streams.connected("executor") as executor:
                await executor.jetstream().publish(subjects.fired("a"), b"{}")
            assert (await heard.next_msg(5)).data == b"{}"


@pytest.mark.parametrize("user", EXTERNAL)
async def test_a_user_has_so_many_connections(platform_streams: Broker, user: str) -> None:
    """With all of them taken, who is connected goes on, and every other user connects."""
    async with contextlib.AsyncExitStack() as stack:
        first = await stack.enter_async_context(platform_streams.connected(user))
        opened = [
            await stack.enter_async_context(raw_nats.connected(platform_streams, user))
            for _ in range(EXTERNALS[user].connections + 20)
        ]
        refused = [one for one in opened if one.errors or one.was_reset]
        assert len(refused) == 21
        assert {error for one in refused for error in one.errors} <= {
            "-ERR 'maximum account active connections exceeded'"
        }
        for other in {"api", "scheduler", "executor", "retention", "admin", *EXTERNALS} - {user}:
            await stack.enter_async_context(platform_streams.connected(other))
        if user == "client":
            assert (await first.jetstream().publish(FIRE, NO_FIRE)).seq == 1


@pytest.mark.parametrize("user", EXTERNAL)
async def test_a_message_has_so_many_bytes(platform_streams: Broker, user: str) -> None:
    async with raw_nats.connected(platform_streams, user) as greedy:
        # The server hangs up at the size that it is told.
        greedy.send(f"PUB {FIRE} {EXTERNALS[user].payload + 1}\r\n".encode())
        await greedy.settled()
        assert "Maximum Payload" in greedy.errors[0]


async def test_unfinished_batches_of_a_client_stop_nobody(platform_streams: Broker) -> None:
    """It may begin none: they would take the places that the stream has for those of services."""
    async with (
        _beginning_batches(platform_streams) as greedy,
        _gateway(platform_streams) as gateway,
    ):
        messages = [_fire(number) for number in range(10 * BATCH_FROM)]
        acks = await gateway.publish_batch(messages)
        assert [ack.seq for ack in acks] == [*range(1, len(messages) + 1)], "in one batch"
        async with platform_streams.connected("client") as other:
            assert (await other.jetstream().publish(FIRE, NO_FIRE)).stream == INGRESS.name
        assert greedy.errors == []

    async def copied() -> bool:
        async with platform_streams.connected() as admin:
            state = (await admin.jetstream().stream_info(COMMANDS.name)).state
        return state.messages == len(messages) + 1

    await eventually(copied, what="the other one's command")


def _fire(number: int) -> Message:
    return Message(FIRE, NO_FIRE, message_id=f"fire-{number}")


@contextlib.asynccontextmanager
async def _beginning_batches(broker: Broker) -> AsyncIterator[RawNats]:
    async with raw_nats.connected(broker, "client") as greedy:
        greedy.subscribe("_INBOX_client.batches")
        for number in range(BATCHES):
            headers = {"Nats-Batch-Id": f"mine-{number}", "Nats-Batch-Sequence": "1"}
            greedy.publish(FIRE, NO_FIRE, reply="_INBOX_client.batches", headers=headers)

        async def answered() -> bool:
            await greedy.settled()
            return len(greedy.heard) == BATCHES

        await eventually(answered, within=20)
        assert all(b'"error"' in heard.body for heard in greedy.heard)
        assert any(b"atomic publish is disabled" in heard.body for heard in greedy.heard)
        yield greedy


@contextlib.asynccontextmanager
async def _gateway(broker: Broker) -> AsyncIterator[JetStreamPublisher]:
    settings = NatsSettings(
        nats_url=broker.url, nats_user="api", nats_password=SecretStr(broker.passwords["api"])
    )
    connection = Connection(settings, "api")
    await connection.connect()
    try:
        yield JetStreamPublisher(connection, COMMANDS.name, timeout=timedelta(seconds=5))
    finally:
        await connection.close()
