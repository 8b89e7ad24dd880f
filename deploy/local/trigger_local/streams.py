"""Creates and updates what ``trigger_contracts.topology`` declares, as the NATS user ``admin``.

The only code that creates a stream, consumer or bucket; services merely bind. Never deletes
anything: a stream that is no longer declared stays until a person removes it.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from nats.aio.client import Client
from nats.js import JetStreamContext
from nats.js.api import (
    AckPolicy,
    ConsumerConfig,
    DeliverPolicy,
    DiscardPolicy,
    RetentionPolicy,
    StorageType,
    StreamConfig,
)
from nats.js.errors import NotFoundError

from trigger_contracts import topology

REQUEST_TIMEOUT = 10.0
"""Seconds for one administrative request; a disk that syncs slowly needs more than one."""

FOREVER = -1
"""max_deliver: a message is delivered until it is acknowledged, however often that takes."""


async def apply(client: Client, *, replicas: int = 1) -> None:
    """Make the broker as declared. Idempotent."""
    jetstream = client.jetstream(timeout=REQUEST_TIMEOUT)
    for stream in topology.STREAMS:
        await _create_or_update(jetstream, stream_config(stream, replicas))
    for bucket in topology.BUCKETS:
        await _create_or_update(jetstream, bucket_config(bucket, replicas))
    for consumer in topology.CONSUMERS:
        await jetstream.add_consumer(consumer.stream.name, consumer_config(consumer))


async def renew_consumers(client: Client) -> None:
    """Make consumers anew that have read past their stream's end: they would pass over what comes.

    A new one begins with the oldest message; handling one again does no harm.
    """
    jetstream = client.jetstream(timeout=REQUEST_TIMEOUT)
    for consumer in topology.CONSUMERS:
        stream = consumer.stream.name
        info = await jetstream.consumer_info(stream, consumer.durable)
        delivered = info.delivered.stream_seq if info.delivered else 0
        if delivered > (await jetstream.stream_info(stream)).state.last_seq:
            await jetstream.delete_consumer(stream, consumer.durable)
            await jetstream.add_consumer(stream, consumer_config(consumer))


def stream_config(stream: topology.Stream, replicas: int) -> StreamConfig:
    return StreamConfig(
        name=stream.name,
        subjects=list(stream.subjects),
        retention=RetentionPolicy.LIMITS,
        storage=StorageType.FILE,
        discard=DiscardPolicy.OLD,
        max_age=stream.max_age.total_seconds() if stream.max_age else 0,
        duplicate_window=topology.DUPLICATE_WINDOW.total_seconds(),
        num_replicas=replicas,
        allow_direct=True,
        allow_atomic=True,
        allow_msg_ttl=stream.message_ttl,
        allow_rollup_hdrs=stream.rollups,
    )


def bucket_config(bucket: topology.Bucket, replicas: int) -> StreamConfig:
    """The stream behind a key-value bucket, as NATS clients expect it to be."""
    return StreamConfig(
        name=bucket.stream,
        subjects=[bucket.subject(">")],
        retention=RetentionPolicy.LIMITS,
        storage=StorageType.FILE,
        discard=DiscardPolicy.NEW,
        max_msgs_per_subject=1,
        max_age=bucket.ttl.total_seconds(),
        duplicate_window=topology.DUPLICATE_WINDOW.total_seconds(),
        num_replicas=replicas,
        allow_direct=True,
        allow_atomic=True,
        allow_rollup_hdrs=True,
        deny_delete=True,
    )


@dataclass
class PinnedConfig(ConsumerConfig):
    """With the fields of an exclusive consumer, which nats-py does not know yet."""

    priority_groups: list[str] | None = None
    priority_policy: str | None = None
    priority_timeout: int | None = None
    """Nanoseconds."""


def consumer_config(consumer: topology.Consumer) -> PinnedConfig:
    pinned: dict[str, Any] = {
        "priority_groups": [topology.PIN_GROUP],
        "priority_policy": "pinned_client",
        "priority_timeout": topology.PIN_LIFE // timedelta(microseconds=1) * 1000,
    }
    return PinnedConfig(
        durable_name=consumer.durable,
        deliver_policy=DeliverPolicy.ALL,
        ack_policy=AckPolicy.EXPLICIT,
        ack_wait=topology.ACK_WAIT.total_seconds(),
        max_deliver=FOREVER,
        max_ack_pending=topology.MAX_ACK_PENDING,
        filter_subjects=_filters(consumer),
        **(pinned if consumer.exclusive else {}),
    )


def _filters(consumer: topology.Consumer) -> list[str]:
    """None where they let the whole stream through: the server would test every message by them,
    at ten times the cost of its delivery.
    """
    return [] if consumer.filters == consumer.stream.subjects else list(consumer.filters)


async def _create_or_update(jetstream: JetStreamContext, config: StreamConfig) -> None:
    try:
        await jetstream.update_stream(config)
    except NotFoundError:
        await jetstream.add_stream(config)
