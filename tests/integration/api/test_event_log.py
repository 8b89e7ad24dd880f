"""What live tails read: the real log, and the fake that the unit tests use, by one suite."""

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta

import pytest

from tests.support.eventually import eventually
from tests.support.servers import Broker
from tests.unit.api.fake_log import FakeEventLog
from trigger_api.adapters import event_stream as tail
from trigger_api.adapters.event_stream import JetStreamEventStream
from trigger_api.ports.live_tail import EventStream
from trigger_contracts import subjects
from trigger_contracts.topology import EVENTS
from trigger_local.secrets import Secrets
from trigger_runtime.jetstream.connection import Connection
from trigger_runtime.process.errors import BrokerUnavailable
from trigger_runtime.process.settings import NatsSettings

Store = Callable[..., Awaitable[None]]
Sample = tuple[EventStream, Store]


@contextlib.asynccontextmanager
async def connected(broker: Broker, secrets: Secrets) -> AsyncIterator[Connection]:
    made = connection_to(broker, secrets)
    await made.connect()
    try:
        yield made
    finally:
        await made.close()


def connection_to(broker: Broker, secrets: Secrets) -> Connection:
    settings = NatsSettings(nats_url=broker.url, nats_user="api", nats_password=secrets.nats["api"])
    return Connection(settings, "api")


@pytest.fixture(params=["real", "fake"])
async def sample(
    request: pytest.FixtureRequest, platform_streams: Broker, secrets: Secrets
) -> AsyncIterator[Sample]:
    if request.param == "fake":
        fake = FakeEventLog(page=tail.PAGE)

        async def keep(*bodies: bytes) -> None:
            fake.store(*bodies)

        yield fake, keep
        return
    async with (
        connected(platform_streams, secrets) as connection,
        platform_streams.connected("executor") as executor,
    ):
        jetstream = executor.jetstream()

        async def publish(*bodies: bytes) -> None:
            # The server may hear this publisher before it hears whom it should hint.
            await connection.client.flush()
            for body in bodies:
                await jetstream.publish(subjects.fired("t"), body)

        yield JetStreamEventStream(connection, timeout=timedelta(seconds=2)), publish


async def test_how_far_it_is(sample: Sample) -> None:
    log, store = sample
    empty = await log.state()
    assert (empty.first_seq <= 1, empty.last_seq) == (True, 0)
    await store(b"a", b"b")
    state = await log.state()
    assert (state.epoch, state.first_seq, state.last_seq) == (empty.epoch, 1, 2)


async def test_what_is_stored_after_a_sequence_page_by_page(sample: Sample) -> None:
    log, store = sample
    assert await log.after(0) == []
    await store(*(b"%d" % n for n in range(1, tail.PAGE + 3)))
    first = await log.after(0)
    assert [(m.seq, m.body) for m in first] == [(n, b"%d" % n) for n in range(1, tail.PAGE + 1)]
    assert [m.seq for m in await log.after(tail.PAGE)] == [tail.PAGE + 1, tail.PAGE + 2]
    assert await log.after(tail.PAGE + 2) == []
    assert await log.after(10**15) == []


async def test_hints_come_while_somebody_listens(sample: Sample) -> None:
    log, store = sample
    hints: list[int] = []
    await log.listen(lambda: hints.append(1))
    await log.listen(lambda: hints.append(2))
    await store(b"a", b"b", b"c")
    await eventually(lambda: hints == [2, 2, 2])
    await log.unlisten()
    await log.unlisten()
    await store(b"d")
    await log.listen(lambda: hints.append(3))
    await store(b"e")
    await eventually(lambda: hints == [2, 2, 2, 3])
    assert hints == [2, 2, 2, 3]


async def test_a_page_is_bounded_in_bytes_and_one_message_always_fits(
    platform_streams: Broker, secrets: Secrets
) -> None:
    async with platform_streams.connected("executor") as executor:
        for _ in range(4):
            await executor.jetstream().publish(subjects.fired("t"), b"x" * 500_000)
    async with connected(platform_streams, secrets) as connection:
        log = JetStreamEventStream(connection, timeout=timedelta(seconds=2))
        pages = [[message.seq for message in await log.after(seq)] for seq in range(5)]
    assert pages == [[1], [2], [3], [4], []]


async def test_a_log_that_is_away_or_not_there_is_unavailable(
    platform_streams: Broker, secrets: Secrets
) -> None:
    connection = connection_to(platform_streams, secrets)
    log = JetStreamEventStream(connection, timeout=timedelta(milliseconds=300))
    for ask in (log.state(), log.after(0), log.listen(lambda: None)):
        with pytest.raises(BrokerUnavailable):
            await ask
    async with connected(platform_streams, secrets) as connection:
        log = JetStreamEventStream(connection, timeout=timedelta(milliseconds=300))
        async with platform_streams.connected() as admin:
            await admin.jetstream().delete_stream(EVENTS.name)
        for ask in (log.state(), log.after(0)):
            with pytest.raises(BrokerUnavailable):
                await ask
        await platform_streams.fresh_streams()
        assert (await log.state()).last_seq == 0


async def test_a_reconnect_is_a_hint(platform_streams: Broker, secrets: Secrets) -> None:
    """And what is stored afterwards is heard again."""
    hints: list[None] = []
    async with connected(platform_streams, secrets) as connection:
        log = JetStreamEventStream(connection, timeout=timedelta(seconds=2))
        await log.listen(lambda: hints.append(None))
        await platform_streams.kill()
        await platform_streams.start()
        await eventually(lambda: len(hints) == 1)
        async with platform_streams.connected("executor") as executor:
            await executor.jetstream().publish(subjects.fired("t"), b"a")
        await eventually(lambda: len(hints) == 2)
        assert hints == [None, None]
