"""Creates and updates what ``trigger_contracts.topology`` declares, as the NATS user ``admin``.

The only code that creates a stream, consumer or bucket; services merely bind. What is not as it is
declared is changed; a stream that the broker does not let us change is named, and left. Never
deletes a stream: one that is no longer declared stays until a person removes it.
"""

import json
from collections.abc import Collection
from dataclasses import dataclass, replace
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
    StreamSource,
    SubjectTransform,
)
from nats.js.errors import BadRequestError, NotFoundError, ServerError

from trigger_contracts import topology
from trigger_runtime.jetstream.as_declared import consumer_faults
from trigger_runtime.process.logging_setup import get_logger

from .errors import StreamUnchangeableError

log = get_logger(__name__)

REQUEST_TIMEOUT = 10.0
"""Seconds for one administrative request; a disk that syncs slowly needs more than one."""

FOREVER = -1
"""max_deliver: a message is delivered until it is acknowledged, however often that takes."""


async def apply(client: Client, *, replicas: int = 1) -> None:
    """Make the broker as declared. Idempotent."""
    jetstream = client.jetstream(timeout=REQUEST_TIMEOUT)
    made: set[str] = set()
    for stream in topology.STREAMS:
        if await _create_or_update(jetstream, stream_config(stream, replicas), made):
            made.add(stream.name)
    for bucket in topology.BUCKETS:
        await _create_or_update(jetstream, bucket_config(bucket, replicas))
    for consumer in topology.CONSUMERS:
        await _create_or_renew(client, consumer)


async def _create_or_renew(client: Client, consumer: topology.Consumer) -> None:
    """One that cannot be changed is made anew: handling its messages again does no harm."""
    jetstream = client.jetstream(timeout=REQUEST_TIMEOUT)
    stream = consumer.stream.name
    try:
        await jetstream.add_consumer(stream, consumer_config(consumer))
    except (BadRequestError, ServerError):
        faults = await _faults(client, consumer)
        if not faults:
            raise
        name = f"{stream}/{consumer.durable}"
        log.warning("a consumer is not as declared and is made anew", consumer=name, why=faults)
        await jetstream.delete_consumer(stream, consumer.durable)
        await jetstream.add_consumer(stream, consumer_config(consumer))


async def _faults(client: Client, consumer: topology.Consumer) -> list[str]:
    subject = f"$JS.API.CONSUMER.INFO.{consumer.stream.name}.{consumer.durable}"
    body = json.loads((await client.request(subject, b"", timeout=REQUEST_TIMEOUT)).data)
    return consumer_faults(consumer, body["config"]) if "config" in body else []


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
        allow_atomic=stream.atomic_batches,
        allow_msg_ttl=stream.message_ttl,
        allow_rollup_hdrs=stream.rollups,
        sources=[_source(stream.source)] if stream.source else None,
    )


def _source(source: topology.StreamSource) -> StreamSource:
    return StreamSource(
        name=source.stream.name,
        subject_transforms=[SubjectTransform(src=source.pattern, dest=source.target)],
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
        ack_wait=consumer.ack_wait.total_seconds(),
        max_deliver=FOREVER,
        max_ack_pending=topology.MAX_ACK_PENDING,
        filter_subjects=list(consumer.broker_filters),
        **(pinned if consumer.exclusive else {}),
    )


async def _create_or_update(
    jetstream: JetStreamContext, config: StreamConfig, made: Collection[str] = ()
) -> bool:
    """Whether it was created; ``made`` are the names of others that were."""
    try:
        existing = (await jetstream.stream_info(str(config.name))).config
    except NotFoundError:
        for source in config.sources or ():
            source.opt_start_seq = await _end(jetstream, source.name) + 1
        await jetstream.add_stream(config)
        return True
    starts = {source.name: source.opt_start_seq for source in existing.sources or ()}
    if starts.keys() & set(made):
        # The broker would look for the old one's sequences for some 20 s.
        await jetstream.update_stream(replace(config, sources=None))
    for source in config.sources or ():
        source.opt_start_seq = None if source.name in made else starts.get(source.name)
    try:
        await jetstream.update_stream(config)
    except (BadRequestError, ServerError) as refused:
        raise StreamUnchangeableError(str(config.name), refused.description) from None
    return False


async def _end(jetstream: JetStreamContext, stream: str) -> int:
    """Its last sequence. A stream that is made anew copies nothing from before: it was copied into
    the one that is lost, and handled by its consumers; again, a fire without a key would be two.
    """
    return (await jetstream.stream_info(stream)).state.last_seq
