"""What a living process holds stays its own, however slow it is; what a dead one held moves on."""

import asyncio
import time
from dataclasses import replace
from datetime import timedelta

from tests.integration.runtime.conftest import Connect
from tests.integration.runtime.test_consumer import Seen, due, subscribe
from tests.support.eventually import eventually
from tests.support.servers import Broker
from trigger_contracts import topology
from trigger_runtime.consuming.broker import PlatformBroker, create_broker
from trigger_runtime.consuming.consumer import Delivery
from trigger_runtime.jetstream.connection import Connection
from trigger_runtime.jetstream.publisher import JetStreamPublisher

ACK_WAIT = topology.EXECUTOR_DUES.ack_wait
ACK_WAIT_S = ACK_WAIT.total_seconds()


class Slow(Seen):
    """Keeps its first batch in hand until told to go on."""

    def __init__(self) -> None:
        super().__init__()
        self.entered = asyncio.Event()
        self.go_on = asyncio.Event()

    async def __call__(self, deliveries: list[Delivery]) -> None:
        self.entered.set()
        await self.go_on.wait()
        await super().__call__(deliveries)


async def after(wait: timedelta) -> None:
    """Time itself is what is waited for."""
    until = time.monotonic() + wait.total_seconds()
    await eventually(lambda: time.monotonic() > until, within=60)


async def replica(
    connect: Connect, handler: Seen, *, hung_after: timedelta | None = None, **options: int
) -> PlatformBroker:
    """Another one, with a connection of its own."""
    broker = create_broker(await connect("executor"))
    consumer = topology.EXECUTOR_DUES
    if hung_after is not None:
        consumer = replace(consumer, hung_after=hung_after)
    subscribe(broker, handler, consumer, **options)
    await broker.start()
    return broker


async def settled(broker: Broker) -> bool:
    return await pending(broker) == (0, 0)


async def pending(broker: Broker) -> tuple[int | None, int | None]:
    """Not delivered yet, and delivered but not acknowledged."""
    async with broker.connected() as admin:
        info = await admin.jetstream().consumer_info(
            topology.DUE.name, topology.EXECUTOR_DUES.durable
        )
    return info.num_pending, info.num_ack_pending


async def until_held(broker: Broker, count: int) -> None:
    """By the only replica: one that begins before would be given some of them."""

    async def held() -> bool:
        return await pending(broker) == (0, count)

    await eventually(held, what="the first replica holds all")


async def test_what_is_handled_slowly_or_waits_for_it_stays_here(
    connect: Connect, publisher: JetStreamPublisher, platform_streams: Broker
) -> None:
    slow, other = Slow(), Seen()
    first = await replica(connect, slow, batch=10)
    await publisher.publish_batch([due(n) for n in range(15)])
    await slow.entered.wait()

    await until_held(platform_streams, 15)
    second = await replica(connect, other)
    await after(4 * ACK_WAIT)
    slow.go_on.set()
    await eventually(lambda: settled(platform_streams))
    assert slow.payloads == [b"%d" % n for n in range(15)]
    assert other.payloads == []
    await first.stop()
    await second.stop()


async def test_what_a_dead_process_held_is_taken_over_within_a_second(
    connect: Connect, publisher: JetStreamPublisher
) -> None:
    dead, living = Slow(), Seen()
    first = await replica(connect, dead, batch=10)
    await publisher.publish_batch([due(n) for n in range(15)])
    await dead.entered.wait()
    second = await replica(connect, living)
    # Held for longer than the ack wait, so that it was extended: that must end, too.
    await after(2 * ACK_WAIT)
    killed_at = time.monotonic()
    # As a SIGKILL would: the socket is closed, and nothing more is said.
    await first.platform_connection.client.close()
    await eventually(lambda: sorted(map(int, living.payloads)) == list(range(15)))
    taken_s = time.monotonic() - killed_at
    assert ACK_WAIT_S / 2 < taken_s < ACK_WAIT_S + 0.5
    dead.go_on.set()
    await first.stop()
    await second.stop()


async def test_what_comes_again_while_it_waits_here_keeps_its_place(
    connect: Connect, publisher: JetStreamPublisher, platform_streams: Broker
) -> None:
    """The event loop is blocked for longer than the ack wait: the broker sends all of it again.

    Only what is acknowledged before its copy is read may be handled twice.
    """

    class Blocked(Seen):
        async def __call__(self, deliveries: list[Delivery]) -> None:
            if not self.batches:
                time.sleep(2 * ACK_WAIT_S)  # noqa: ASYNC251 - blocking is the point
            await super().__call__(deliveries)

    blocked = Blocked()
    await publisher.publish_batch([due(n) for n in range(100)])
    broker = await replica(connect, blocked, batch=10)
    await eventually(lambda: settled(platform_streams))
    waited = [payload for payload in blocked.payloads if int(payload) >= 10]
    assert waited == [b"%d" % n for n in range(10, 100)]
    await broker.stop()


async def test_what_a_hung_handler_has_is_given_to_another(
    connect: Connect, publisher: JetStreamPublisher
) -> None:
    hung, other = Slow(), Seen()
    first = await replica(connect, hung, hung_after=2 * ACK_WAIT, batch=10)
    await publisher.publish_batch([due(n) for n in range(15)])
    await hung.entered.wait()
    second = await replica(connect, other)
    # It holds what waits behind it, too; what comes to it again may wait there once more.
    assert await eventually(
        lambda: {b"%d" % n for n in range(15)} == set(other.payloads), within=20
    )
    hung.go_on.set()
    await first.stop()
    await second.stop()


async def test_what_its_handler_shows_life_of_stays_here(
    connect: Connect, publisher: JetStreamPublisher, platform_streams: Broker
) -> None:
    class Patient(Seen):
        async def __call__(self, deliveries: list[Delivery]) -> None:
            for _ in range(0 if self.batches else 8):
                for delivery in deliveries:
                    delivery.heartbeat()
                await after(ACK_WAIT / 2)
            await super().__call__(deliveries)

    patient, other = Patient(), Seen()
    await publisher.publish_batch([due(n) for n in range(15)])
    first = await replica(connect, patient, hung_after=ACK_WAIT, batch=10)
    await until_held(platform_streams, 15)
    second = await replica(connect, other)
    await eventually(lambda: settled(platform_streams), within=20)
    assert patient.payloads == [b"%d" % n for n in range(15)]
    assert other.payloads == []
    await first.stop()
    await second.stop()


async def test_what_was_given_back_comes_when_it_shall(
    executor: Connection, publisher: JetStreamPublisher
) -> None:
    """Not later, because it is said to be held; not sooner, because the ack wait is short."""
    came: list[float] = []

    class GivesBack(Seen):
        async def __call__(self, deliveries: list[Delivery]) -> None:
            came.append(time.monotonic())
            if len(came) == 1:
                await deliveries[0].nak(2 * ACK_WAIT)
                # Its batch is still in hand.
                await after(ACK_WAIT)
                return
            await super().__call__(deliveries)

    broker = create_broker(executor)
    again = GivesBack()
    subscribe(broker, again)
    await broker.start()
    await publisher.publish(due(1))
    await eventually(lambda: again.payloads == [b"1"])
    assert 1.9 * ACK_WAIT_S < came[1] - came[0] < 3 * ACK_WAIT_S
    await broker.stop()
