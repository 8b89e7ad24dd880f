"""Batches come as they arrive, whatever happens to broker and handler, and nothing is lost."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any

import pytest
from faststream.specification import AsyncAPI
from pydantic import BaseModel

from tests.support.eventually import eventually
from tests.support.servers import Broker
from trigger_contracts import subjects, topology
from trigger_runtime.consuming.broker import PlatformBroker, create_broker
from trigger_runtime.consuming.consumer import Delivery, ack_all, subscribe_batches
from trigger_runtime.jetstream.connection import Connection
from trigger_runtime.jetstream.publisher import JetStreamPublisher, Message
from trigger_runtime.process.errors import BrokerUnavailable
from trigger_runtime.process.metrics import HANDLER_FAILURES


class DueRecord(BaseModel):
    """What the documentation says of the payload."""

    due_for: str


def due(number: int) -> Message:
    return Message(subjects.due(f"t{number}"), b"%d" % number, message_id=f"id-{number}")


@pytest.fixture
async def broker_of_executor(executor: Connection) -> AsyncIterator[PlatformBroker]:
    broker = create_broker(executor)
    yield broker
    await broker.stop()


class Seen:
    """A handler that notes and acknowledges what it gets."""

    def __init__(self) -> None:
        self.batches: list[list[Delivery]] = []

    @property
    def payloads(self) -> list[bytes]:
        return [delivery.payload for batch in self.batches for delivery in batch]

    async def __call__(self, deliveries: list[Delivery]) -> None:
        self.batches.append(deliveries)
        await ack_all(deliveries)


def subscribe(
    broker: PlatformBroker,
    seen: Callable[..., object],
    consumer: topology.Consumer = topology.EXECUTOR_DUES,
    **options: Any,
) -> None:
    @subscribe_batches(broker, consumer, (DueRecord,), **options)
    async def on_due(deliveries: list[Delivery]) -> None:
        await seen(deliveries)  # type: ignore[misc]


async def test_a_single_message_is_handed_over_without_waiting_for_more(
    broker_of_executor: PlatformBroker, publisher: JetStreamPublisher
) -> None:
    """Each is published only after the one before was handled: none waits for a batch to fill."""
    seen = Seen()
    subscribe(broker_of_executor, seen)
    await broker_of_executor.start()
    async with asyncio.timeout(20):  # where each waited for a batch to fill, ten would take that
        for n in range(200):
            await publisher.publish(due(n))
            await eventually(lambda n=n: len(seen.batches) > n, poll=0)
    assert [len(batch) for batch in seen.batches] == [1] * 200


async def test_a_delivery_says_where_and_when_it_was_stored(
    broker_of_executor: PlatformBroker, publisher: JetStreamPublisher, executor: Connection
) -> None:
    seen = Seen()
    subscribe(broker_of_executor, seen)
    await broker_of_executor.start()
    await publisher.publish(due(1))
    ack = await publisher.publish(Message(subjects.due("a"), b"{}", headers={"kind": "due"}))
    await eventually(lambda: len(seen.payloads) == 2)
    last = seen.batches[-1][-1]
    assert (last.subject, last.payload, last.stream_seq) == (subjects.due("a"), b"{}", ack.seq)
    assert last.headers["kind"] == "due"
    assert last.delivered_count == 1
    assert last.stored_at.tzinfo is not None


async def test_what_waits_comes_in_full_batches_and_in_order(
    broker_of_executor: PlatformBroker, publisher: JetStreamPublisher
) -> None:
    for start in range(0, 5000, 1000):
        await publisher.publish_batch([due(n) for n in range(start, start + 1000)])
    seen = Seen()
    subscribe(broker_of_executor, seen, batch=500)
    await broker_of_executor.start()
    await eventually(lambda: len(seen.payloads) == 5000)
    assert seen.payloads == [b"%d" % n for n in range(5000)]
    assert max(map(len, seen.batches)) <= 500
    assert len(seen.batches) < 100


async def test_workers_share_the_messages(
    broker_of_executor: PlatformBroker, publisher: JetStreamPublisher
) -> None:
    """While one handler hangs, another goes on."""
    release = asyncio.Event()
    seen = Seen()

    async def hang_on_first(deliveries: list[Delivery]) -> None:
        if any(delivery.payload == b"0" for delivery in deliveries):
            await release.wait()
        await seen(deliveries)

    subscribe(broker_of_executor, hang_on_first, batch=10, workers=2)
    await broker_of_executor.start()
    await publisher.publish(due(0))
    await publisher.publish_batch([due(n) for n in range(1, 101)])
    await eventually(lambda: len(seen.payloads) >= 90)
    release.set()
    assert await eventually(lambda: sorted(map(int, seen.payloads)) == list(range(101)))


async def test_workers_that_take_turns_share_one_pace_and_take_whole_batches_at_once(
    broker_of_executor: PlatformBroker, publisher: JetStreamPublisher
) -> None:
    """The second worker has nothing to wait for but the pace, which is long: only a whole batch
    is taken before it, be the first worker busy or not."""
    release, begun = asyncio.Event(), Seen()

    async def hang(deliveries: list[Delivery]) -> None:
        begun.batches.append(deliveries)
        await release.wait()
        await ack_all(deliveries)

    subscribe(
        broker_of_executor,
        hang,
        batch=10,
        workers=2,
        min_interval=timedelta(minutes=1),
        shared_pacing=True,
    )
    await broker_of_executor.start()
    await publisher.publish(due(0))
    await eventually(lambda: len(begun.batches) == 1)
    for n in range(1, 11):
        await publisher.publish(due(n))
    await eventually(lambda: len(begun.batches) == 2)
    assert [len(batch) for batch in begun.batches] == [1, 10]
    await publisher.publish_batch([due(n) for n in range(11, 21)])
    release.set()
    await eventually(lambda: len(begun.batches) == 3)
    assert begun.payloads == [b"%d" % n for n in range(21)]


async def test_what_a_raising_handler_got_comes_again(
    broker_of_executor: PlatformBroker, publisher: JetStreamPublisher
) -> None:
    failures = HANDLER_FAILURES.labels("TRIGGER_DUE/executor")
    before = failures._value.get()
    seen = Seen()

    async def fail_twice(deliveries: list[Delivery]) -> None:
        if min(delivery.delivered_count for delivery in deliveries) <= 2:
            raise RuntimeError("not yet")
        await seen(deliveries)

    subscribe(broker_of_executor, fail_twice)
    await broker_of_executor.start()
    await publisher.publish_batch([due(n) for n in range(10)])
    await eventually(lambda: sorted(map(int, seen.payloads)) == list(range(10)))
    assert failures._value.get() - before >= 2


async def test_a_killed_broker_stalls_nobody(
    platform_streams: Broker,
    broker_of_executor: PlatformBroker,
    publisher: JetStreamPublisher,
    executor: Connection,
) -> None:
    """SIGKILL amid publishing and with a pull outstanding: all acknowledged messages come."""
    seen = Seen()
    subscribe(broker_of_executor, seen)
    await broker_of_executor.start()
    stored: set[int] = set()

    async def publish_until_stored(number: int) -> None:
        while number not in stored:
            try:
                await publisher.publish(due(number))
                stored.add(number)
            except BrokerUnavailable:
                await asyncio.sleep(0.01)

    publishing = [asyncio.create_task(publish_until_stored(n)) for n in range(3000)]
    await eventually(lambda: len(stored) > 100, poll=0)
    await platform_streams.kill()
    await platform_streams.start()
    await asyncio.gather(*publishing)
    await eventually(lambda: set(map(int, seen.payloads)) == set(range(3000)), within=15)
    # Idle, then killed again: the outstanding request is lost without any message to tell.
    await platform_streams.kill()
    await platform_streams.start()
    await eventually(lambda: executor.is_connected)
    await publish_until_stored(3000)
    assert await eventually(lambda: b"3000" in seen.payloads, within=4)


async def test_stopping_finishes_the_batch_in_hand_and_gives_back_the_rest(
    executor: Connection, publisher: JetStreamPublisher
) -> None:
    first = create_broker(executor)
    entered, release = asyncio.Event(), asyncio.Event()
    seen = Seen()

    async def slow(deliveries: list[Delivery]) -> None:
        entered.set()
        await release.wait()
        await seen(deliveries)

    subscribe(first, slow, batch=10)
    await first.start()
    await publisher.publish_batch([due(n) for n in range(100)])
    await entered.wait()
    stopping = asyncio.create_task(first.stop())
    await asyncio.sleep(0)
    assert not stopping.done()
    release.set()
    await stopping
    handled = set(seen.payloads)
    assert 0 < len(handled) <= 20
    # Another replica gets what was not handled, and nothing that was.
    second, rest = create_broker(executor), Seen()
    subscribe(second, rest)
    await second.start()
    await eventually(lambda: len(handled | set(rest.payloads)) == 100)
    assert not handled & set(rest.payloads)
    await second.stop()


async def test_asyncapi_names_every_filter_and_the_schema(executor: Connection) -> None:
    broker = create_broker(executor)

    @subscribe_batches(broker, topology.SCHEDULER_COMMANDS, (DueRecord,), title="Commands")
    async def on_command(deliveries: list[Delivery]) -> None: ...

    subscribe(broker, on_command)
    document = json.loads(AsyncAPI(broker, title="t", version="1").to_specification().to_json())
    addresses = {channel["address"] for channel in document["channels"].values()}
    alive = subjects.alive(subjects.Service.EXECUTOR)
    assert addresses == {*topology.SCHEDULER_COMMANDS.filters, subjects.ALL_DUE, alive}
    schemas = document["components"]["schemas"]
    assert "due_for" in schemas["DueRecord"]["properties"]
