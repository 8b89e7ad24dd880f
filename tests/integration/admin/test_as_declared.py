"""Streams and consumers that somebody else made or edited: workers say so, the admin step mends."""

import asyncio
import json
from datetime import timedelta
from typing import Any

import pytest
from nats.aio.client import Client
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy, StorageType

from tests.support.eventually import eventually
from tests.support.servers import Broker
from trigger_admin import streams
from trigger_admin.errors import StreamUnchangeableError
from trigger_contracts import topology
from trigger_local.secrets import Secrets
from trigger_runtime.jetstream.as_declared import consumer_faults, stream_faults
from trigger_runtime.jetstream.connection import Connection
from trigger_runtime.jetstream.guard import StreamGuard
from trigger_runtime.process.errors import NotReady
from trigger_runtime.process.settings import NatsSettings

EVENTS = topology.EVENTS.name
TIMEOUT = timedelta(seconds=5)


async def config_of(client: Client, what: str) -> dict[str, Any]:
    answer = await client.request(f"$JS.API.{what}", b"", timeout=5)
    return json.loads(answer.data)["config"]


async def faults(client: Client) -> list[str]:
    """Of everything that is declared, as the broker has it."""
    names = [*(one.name for one in topology.STREAMS), *(one.stream for one in topology.BUCKETS)]
    told = [
        f"{name}: {fault}"
        for name in names
        for fault in stream_faults(name, await config_of(client, f"STREAM.INFO.{name}"))
    ]
    for one in topology.CONSUMERS:
        name = f"{one.stream.name}.{one.durable}"
        found = await config_of(client, f"CONSUMER.INFO.{name}")
        told += [f"{name}: {fault}" for fault in consumer_faults(one, found)]
    return told


async def edit(client: Client, stream: str, **fields: Any) -> None:
    config = await config_of(client, f"STREAM.INFO.{stream}")
    request = json.dumps({**config, **fields}).encode()
    answer = await client.request(f"$JS.API.STREAM.UPDATE.{stream}", request, timeout=5)
    assert "error" not in json.loads(answer.data), answer.data


async def remake(client: Client, consumer: topology.Consumer, **fields: Any) -> None:
    jetstream = client.jetstream()
    await jetstream.delete_consumer(consumer.stream.name, consumer.durable)
    config = ConsumerConfig(durable_name=consumer.durable, **fields)
    await jetstream.add_consumer(consumer.stream.name, config)


async def test_what_the_admin_step_makes_is_as_declared(platform_streams: Broker) -> None:
    async with platform_streams.connected() as admin:
        assert await faults(admin) == []


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"max_msgs": 10}, "it keeps 10 messages at most"),
        ({"max_bytes": 4096}, "it keeps 4096 bytes at most"),
        ({"max_msgs_per_subject": 1}, "it keeps 1 messages of a subject at most"),
        ({"max_age": 3600 * 10**9}, "it keeps messages for 3600 s, not for 172800 s"),
        ({"subjects": ["trigger.fired.*"]}, "it does not store trigger.missed.*"),
        ({"allow_direct": False}, "it does not allow direct"),
        ({"no_ack": True}, "it does not acknowledge what it stores"),
    ],
)
async def test_an_edited_stream_is_named_and_mended(
    platform_streams: Broker, fields: dict[str, Any], told: str
) -> None:
    async with platform_streams.connected() as admin:
        await edit(admin, EVENTS, **fields)
        found = await faults(admin)
        assert len(found) == 1
        assert found[0].startswith(f"{EVENTS}: {told}")
        await streams.apply(admin)
        assert await faults(admin) == []


@pytest.mark.parametrize(
    "fields",
    [
        {"max_age": 72 * 3600 * 10**9},
        {"max_age": 0},
        {"subjects": [*topology.EVENTS.subjects, "trigger.later.*"]},
        {"description": "of somebody who looks after it"},
    ],
)
async def test_more_than_is_declared_is_what_the_next_version_may_have_made(
    platform_streams: Broker, fields: dict[str, Any]
) -> None:
    async with platform_streams.connected() as admin:
        await edit(admin, EVENTS, **fields)
        assert await faults(admin) == []


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"ack_policy": AckPolicy.NONE}, "its ack_policy is none, not explicit"),
        ({"max_deliver": 3}, "it gives a message up after 3 deliveries"),
        ({"deliver_policy": DeliverPolicy.NEW}, "its deliver_policy is new, not all"),
        ({"filter_subjects": ["trigger.fired.one"]}, "it does not deliver trigger.fired.*"),
    ],
)
async def test_a_consumer_of_somebody_elses_is_named_and_mended(
    platform_streams: Broker, fields: dict[str, Any], told: str
) -> None:
    async with platform_streams.connected() as admin:
        await remake(admin, topology.RETENTION_EVENTS, **fields)
        found = await faults(admin)
        assert any(told in one for one in found), found
        assert all(one.startswith(f"{EVENTS}.retention: ") for one in found)
        await streams.apply(admin)
        assert await faults(admin) == []


async def test_a_stream_that_cannot_be_changed_is_named_and_left(platform_streams: Broker) -> None:
    async with platform_streams.connected() as admin:
        jetstream = admin.jetstream()
        await jetstream.delete_stream(EVENTS)
        config = streams.stream_config(topology.EVENTS, 1)
        config.storage = StorageType.MEMORY

        async def made() -> bool:
            await jetstream.add_stream(config)
            return True

        await eventually(made)
        await jetstream.publish("trigger.fired.one", b"{}")
        with pytest.raises(StreamUnchangeableError, match=f"{EVENTS} is not as .*storage type"):
            await streams.apply(admin)
        assert (await jetstream.stream_info(EVENTS)).state.messages == 1


async def test_a_worker_takes_nothing_in_hand_until_all_is_as_declared(
    platform_streams: Broker, secrets: Secrets
) -> None:
    settings = NatsSettings(
        nats_url=platform_streams.url,
        nats_user="retention",
        nats_password=secrets.nats["retention"],
    )
    connection = Connection(settings, "retention")
    await connection.connect()
    try:
        async with platform_streams.connected() as admin:
            await edit(admin, EVENTS, max_msgs=10)
            guard = StreamGuard(connection, [EVENTS], [topology.RETENTION_EVENTS], timeout=TIMEOUT)
            waiting = asyncio.create_task(guard.wait())

            async def says() -> bool:
                with pytest.raises(NotReady, match=f"not as declared: {EVENTS}: it keeps 10"):
                    await guard.check()
                return True

            await eventually(says)
            assert not waiting.done()
            await streams.apply(admin)
            await asyncio.wait_for(waiting, 10)
            await guard.check()
            # Edited under a worker at work: it goes on, and says so.
            await edit(admin, EVENTS, max_msgs=20)
            await guard.watch()
            with pytest.raises(NotReady, match="it keeps 20 messages"):
                await guard.check()
            assert not connection.lost.is_set()
            await streams.apply(admin)
            await guard.watch()
            await guard.check()
    finally:
        await connection.close()
