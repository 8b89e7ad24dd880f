"""FastStream subscribers that hand whole batches to a handler, as they arrive.

``subscribe_batches`` binds a handler to an existing durable consumer. The handler gets
``Delivery`` objects (bytes, not models: it decides what an undecodable message is worth) and
acknowledges them itself. Invariant: what is not acknowledged comes again. A handler that
raises neither loses nor stalls: its messages are given back with a growing delay.
Called by ``entrypoints`` of the services.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import Any, cast

from faststream import AckPolicy
from faststream.nats import JStream, PullSub
from faststream.nats.message import NatsBatchMessage
from nats.aio.msg import Msg
from nats.js.api import ConsumerConfig
from pydantic import BaseModel

from trigger_contracts.topology import Consumer
from trigger_runtime.process.exceptions_told import told
from trigger_runtime.process.logging_setup import get_logger
from trigger_runtime.process.metrics import BATCH_SIZE, CONSUMED, HANDLER_FAILURES

from .backoff import redeliver
from .broker import PlatformBroker
from .delivery import Delivery, ack_all
from .faststream_internals import (
    BatchPullStreamSubscriber,
    CallsCollection,
    NatsBrokerConfig,
    NatsSubscriberConfig,
    NatsSubscriberSpecification,
    NatsSubscriberSpecificationConfig,
    Registrator,
)
from .pull import Pull, give_back

__all__ = ["BatchHandler", "Delivery", "ack_all", "subscribe_batches"]

log = get_logger(__name__)

LONGEST_PAUSE = timedelta(seconds=15)
"""Before a redelivery where a handler raises: what that can delay a message once it is mended."""

BatchHandler = Callable[[list[Delivery]], Awaitable[None]]


def subscribe_batches(
    broker: PlatformBroker,
    consumer: Consumer,
    message_types: tuple[type[BaseModel], ...],
    *,
    batch: int = 500,
    workers: int = 1,
    min_interval: timedelta = timedelta(),
    shared_pacing: bool = False,
    title: str | None = None,
    description: str | None = None,
) -> Callable[[BatchHandler], BatchHandler]:
    """Decorator: call the handler with batches of ``consumer``'s messages, as they arrive.

    ``workers`` handlers run at once; with more than one, batches finish in any order.
    ``min_interval`` is the least time from one batch to the next of a worker: under load it makes
    batches fewer and larger, and what arrives in a quiet moment never waits for it. With
    ``shared_pacing`` it is the least time from one batch to the next of all workers, unless there
    is a whole one: a second worker makes a backlog shorter, and no batch smaller.
    ``message_types`` are what AsyncAPI says of the payloads; nothing is validated by them.
    """
    if shared_pacing:
        paces = [_BatchPacer(min_interval, waits_for_full_batch=True)] * workers
    else:
        paces = [_BatchPacer(min_interval, waits_for_full_batch=False) for _ in range(workers)]
    subscriber = _make(broker, consumer, message_types, batch, paces, title, description)
    Registrator.subscriber(broker, subscriber)

    def decorate(handler: BatchHandler) -> BatchHandler:
        subscriber(handler)
        return handler

    return decorate


class _BatchPacer:
    """When a worker, or the next of several that share it, takes its next batch."""

    def __init__(self, least: timedelta, *, waits_for_full_batch: bool) -> None:
        self._turn = asyncio.Lock()
        self._least_s = least.total_seconds()
        self.waits_for_full_batch = waits_for_full_batch
        self._next_at = 0.0

    async def take(self, pull: Pull, batch: int) -> list[Delivery]:
        """What has arrived, once it is time or a full batch is there."""
        clock = asyncio.get_running_loop().time
        async with self._turn:
            await pull.wait_for_full_batch(timeout_s=self._next_at - clock())
            deliveries = await pull.take()
            # A full batch means a backlog: then there is no time to lose. A second worker does
            # wait, or it would take the first few of what is on its way meanwhile.
            is_due = len(deliveries) == batch and not self.waits_for_full_batch
            self._next_at = 0.0 if is_due else clock() + self._least_s
            return deliveries


class PullBatchSubscriber(BatchPullStreamSubscriber):
    """FastStream's batch subscriber, fed by a ``Pull`` instead of timed fetches."""

    def __init__(
        self,
        config: NatsSubscriberConfig,
        specification: NatsSubscriberSpecification,
        calls: CallsCollection[list[Msg]],
        *,
        broker: PlatformBroker,
        consumer: Consumer,
        batch: int,
        paces: Sequence[_BatchPacer],
    ) -> None:
        super().__init__(
            config,
            specification,
            calls,
            stream=JStream(consumer.stream.name, declare=False),
            pull_sub=PullSub(batch_size=batch, batch=True),
        )
        self._parser = _parse
        self._decoder = _decode_batch
        self._connection = broker.platform_connection
        self._paces = paces
        self._batch = batch
        self._consumer = consumer
        self._name = f"{consumer.stream.name}/{consumer.durable}"
        self._pull: Pull | None = None

    async def _create_subscription(self) -> None:
        if self._pull is not None:
            return
        prefetch = self._batch if self._paces[0].waits_for_full_batch else None
        self._pull = Pull(self._connection, self._consumer, batch=self._batch, prefetch=prefetch)
        await self._pull.open()
        for min_interval in self._paces:
            self.add_task(self._work, (min_interval,))

    async def stop(self) -> None:
        """Finish the batches in hand, then give back what was not begun."""
        await super().stop()
        if self._pull is not None:
            await self._pull.close()
            self._pull = None

    async def _work(self, min_interval: _BatchPacer) -> None:
        pull = self._pull
        assert pull is not None, "created by _create_subscription"  # noqa: S101
        consumed = CONSUMED.labels(self._name)
        sizes = BATCH_SIZE.labels(self._name)
        while self.running:
            try:
                deliveries = await min_interval.take(pull, self._batch)
            except Exception as error:  # noqa: BLE001 - nothing may end this loop
                log.warning("cannot ask for messages", consumer=self._name, error=told(error))
                await self._connection.pause()
                continue
            sizes.observe(len(deliveries))
            try:
                # FastStream's messages are ours from here on; its types only know nats-py's.
                await self.consume(cast("list[Msg]", deliveries))
            finally:
                pull.release(deliveries)
            consumed.inc(len(deliveries))

    async def consume(self, msg: list[Msg]) -> Any:
        """One batch to the handler; whatever it raises, the loop goes on."""
        deliveries = cast("list[Delivery]", msg)
        if not self.running:
            # Stopped between taking and handling; not begun, so another replica may have it.
            await give_back(deliveries)
            return None
        try:
            return await self.process_message(msg)
        except Exception:
            HANDLER_FAILURES.labels(self._name).inc()
            log.exception("handler failed", consumer=self._name, messages=len(deliveries))
            await redeliver(deliveries, LONGEST_PAUSE)
            return None


class _Specification(NatsSubscriberSpecification):
    """Documents the message types instead of the handler's parameter."""

    def __init__(self, types: tuple[type[BaseModel], ...], **options: Any) -> None:
        super().__init__(**options)
        self._types = types

    def get_payloads(self) -> list[tuple[dict[str, Any], str]]:
        return [(model.model_json_schema(), model.__name__) for model in self._types]


def _make(
    broker: PlatformBroker,
    consumer: Consumer,
    message_types: tuple[type[BaseModel], ...],
    batch: int,
    paces: Sequence[_BatchPacer],
    title: str | None,
    description: str | None,
) -> PullBatchSubscriber:
    calls: CallsCollection[list[Msg]] = CallsCollection()
    filters = list(consumer.filters)
    # FastStream passes this composition, too: it forwards to the broker's configuration.
    outer = cast("NatsBrokerConfig", broker.config)
    subject = filters[0] if len(filters) == 1 else ""
    config = NatsSubscriberConfig(
        subject=subject,
        sub_config=ConsumerConfig(durable_name=consumer.durable, filter_subjects=filters),
        extra_options={},
        no_reply=True,
        _outer_config=outer,
        _ack_policy=AckPolicy.MANUAL,
    )
    specification = _Specification(
        message_types,
        _outer_config=outer,
        calls=calls,
        specification_config=NatsSubscriberSpecificationConfig(
            subject=subject,
            queue=None,
            filter_subjects=filters,
            title_=title,
            description_=description,
            include_in_schema=True,
        ),
    )
    return PullBatchSubscriber(
        config,
        specification,
        calls,
        broker=broker,
        consumer=consumer,
        batch=batch,
        paces=paces,
    )


async def _parse(messages: list[Msg]) -> NatsBatchMessage:
    # Bodies and headers stay with the messages: FastStream's own parser copies each.
    return NatsBatchMessage(raw_message=messages, body=b"")


async def _decode_batch(message: NatsBatchMessage) -> list[Delivery]:
    return cast("list[Delivery]", message.raw_message)
