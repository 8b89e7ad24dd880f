"""What is stored is read back as it was written; what is not is simply not there."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from nats.aio.msg import Msg

from tests.integration.runtime.conftest import Connect
from tests.support.servers import Broker
from trigger_contracts import subjects
from trigger_contracts.topology import DUE
from trigger_runtime.jetstream.connection import Connection
from trigger_runtime.jetstream.inbox import Inbox
from trigger_runtime.jetstream.publisher import JetStreamPublisher, Message
from trigger_runtime.jetstream.reader import StreamReader
from trigger_runtime.process.clock import SystemClock
from trigger_runtime.process.clock_watch import BROKERS_CLOCK, LOOK_EVERY, ClockWatch
from trigger_runtime.process.errors import BrokerUnavailable, StreamMissing


async def store(publisher: JetStreamPublisher, names: list[str]) -> None:
    for start in range(0, len(names), 1000):
        await publisher.publish_batch(
            [
                Message(subjects.due(name), name.encode(), headers={"kind": "due"})
                for name in names[start : start + 1000]
            ]
        )


async def test_a_place_in_time_is_that_of_the_first_message_since(
    publisher: JetStreamPublisher, reader: StreamReader
) -> None:
    long_ago, subject = datetime(2020, 1, 1, tzinfo=UTC), subjects.due("b")
    assert await reader.seq_since(long_ago, subject) is None
    await store(publisher, ["a", "b", "a", "b"])
    assert await reader.seq_since(long_ago, subject) == 2
    assert await reader.seq_since(long_ago, subjects.due("c")) is None
    first = await reader.get(2)
    assert first is not None
    last = await reader.get(4)
    assert last is not None
    assert await reader.seq_since(first.stored_at, subject) == 2
    later = last.stored_at + timedelta(seconds=1)
    assert await reader.seq_since(later, subject) is None


async def test_a_message_reads_the_same_every_way(
    publisher: JetStreamPublisher, reader: StreamReader
) -> None:
    await store(publisher, ["a", "b"])
    subject = subjects.due("b")
    direct = await reader.last(subject)
    assert direct is not None
    assert direct == await reader.get(2)
    assert [direct] == await reader.after(1, subjects.ALL_DUE, 10)
    assert direct == (await reader.last_many([subject]))[subject]
    leader = await reader.last_from_leader(subject)
    assert leader is not None
    assert (leader.subject, leader.seq, leader.payload) == (subject, 2, b"b")
    assert leader.stored_at == direct.stored_at
    assert leader.headers["kind"] == direct.headers["kind"] == "due"
    assert abs(datetime.now(UTC) - direct.stored_at) < timedelta(minutes=1)


async def test_nothing_found_is_no_error(reader: StreamReader) -> None:
    absent = subjects.due("absent")
    assert await reader.last_seq() == 0
    assert await reader.get(1) is None
    assert await reader.last(absent) is None
    assert await reader.last_from_leader(absent) is None
    assert await reader.last_many([absent]) == {}
    assert await reader.last_many([]) == {}
    assert await reader.after(0, subjects.ALL_DUE, 10) == []


async def test_last_many_finds_the_newest_of_thousands(
    publisher: JetStreamPublisher, reader: StreamReader
) -> None:
    names = [f"t{n}" for n in range(2500)]
    await store(publisher, [*names, *names])
    found = await reader.last_many([*map(subjects.due, names), subjects.due("absent")])
    assert {m.subject: m.seq for m in found.values()} == {
        subjects.due(name): 2500 + n for n, name in enumerate(names, 1)
    }


async def test_after_pages_through_a_stream(
    publisher: JetStreamPublisher, reader: StreamReader
) -> None:
    await store(publisher, [f"t{n % 7}" for n in range(3000)])
    seqs: list[int] = []
    while page := await reader.after(seqs[-1] if seqs else 0, subjects.ALL_DUE, 1300):
        seqs += [message.seq for message in page]
    assert seqs == list(range(1, 3001))
    only = await reader.after(10, subjects.due("t3"), 2)
    assert [message.seq for message in only] == [11, 18]


async def test_large_messages_are_all_found_and_in_pages_of_bounded_size(
    publisher: JetStreamPublisher, reader: StreamReader
) -> None:
    """The broker ends an answer at 64 MiB: fewer messages than asked for are not all there are."""
    body = b"x" * 1_000_000
    for _ in range(7):
        await publisher.publish_batch([Message(subjects.due("a"), body) for _ in range(10)])
    assert [m.seq for m in await reader.after(0, subjects.ALL_DUE, 100)] == list(range(1, 71))
    assert [m.seq for m in await reader.page_after(5, subjects.ALL_DUE, 100, 2_500_000)] == [
        6,
        7,
        8,
    ]
    assert [m.seq for m in await reader.page_after(5, subjects.ALL_DUE, 2, 2_500_000)] == [6, 7]
    assert [m.seq for m in await reader.page_after(5, subjects.ALL_DUE, 100, 1)] == [6]
    assert await reader.page_after(70, subjects.ALL_DUE, 100, 1) == []


async def test_an_answer_that_lost_a_message_is_none(
    publisher: JetStreamPublisher, reader: StreamReader
) -> None:
    """As when the connection breaks and comes back in the middle of it."""
    await store(publisher, [f"t{n}" for n in range(5)])
    client = reader._client
    for lost in range(1, 6):

        def hear(message: Msg, lost: int = lost) -> None:
            if (message.headers or {}).get("Nats-Sequence") != str(lost):
                reader._answered(message)

        reader._inbox = Inbox(client, hear)
        with pytest.raises(BrokerUnavailable, match="missing"):
            await reader.after(0, subjects.ALL_DUE, 5)
    reader._inbox = Inbox(client, reader._answered)
    assert len(await reader.after(0, subjects.ALL_DUE, 5)) == 5


async def test_a_stream_made_anew_is_told_from_the_one_before(
    publisher: JetStreamPublisher, reader: StreamReader, platform_streams: Broker
) -> None:
    await store(publisher, ["a", "b", "c"])
    async with platform_streams.connected() as admin:
        await admin.jetstream().delete_msg(DUE.name, 1)
        before = await reader.state()
        assert (before.first_seq, before.last_seq) == (2, 3)
        await admin.jetstream().purge_stream(DUE.name)
        assert await reader.state() == replace(before, first_seq=4, messages=0)
    await platform_streams.fresh_streams()
    anew = await reader.state()
    assert (anew.first_seq, anew.last_seq) in {(0, 0), (1, 0)}
    assert anew.created_at > before.created_at


async def test_reads_at_once_do_not_mix(
    publisher: JetStreamPublisher, reader: StreamReader
) -> None:
    await store(publisher, [f"t{n}" for n in range(50)])
    pages = await asyncio.gather(*(reader.after(n, subjects.ALL_DUE, 5) for n in range(40)))
    for n, page in enumerate(pages):
        assert [message.seq for message in page] == list(range(n + 1, n + 6))


async def test_a_first_read_that_was_cancelled_spoils_none_that_follow(
    publisher: JetStreamPublisher, scheduler: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was still subscribing for the answers; another one had come meanwhile."""
    await store(publisher, ["a"])
    reader = StreamReader(scheduler, DUE.name, timeout=timedelta(seconds=2))
    begun = asyncio.Event()
    listen = scheduler.client.listen

    async def slow(*arguments: Any) -> Any:
        if not begun.is_set():
            begun.set()
            await asyncio.Event().wait()
        return await listen(*arguments)

    monkeypatch.setattr(scheduler.client, "listen", slow)
    first = asyncio.create_task(reader.after(0, subjects.ALL_DUE, 10))
    await begun.wait()
    second = asyncio.create_task(reader.after(0, subjects.ALL_DUE, 10))
    await asyncio.sleep(0)  # it has begun, too
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    assert [message.payload for message in await second] == [b"a"]
    assert [message.payload for message in await reader.after(0, subjects.ALL_DUE, 10)] == [b"a"]


async def test_a_stream_that_may_not_be_read_does_not_answer(scheduler: Connection) -> None:
    absent = StreamReader(scheduler, "TRIGGER_CHANGES_ABSENT", timeout=timedelta(seconds=1))
    with pytest.raises(BrokerUnavailable):
        await absent.last_seq()


async def test_the_clock_of_a_stream_that_is_not_made_yet_is_asked_for_again(
    connect: Connect,
) -> None:
    absent = StreamReader(await connect("admin"), "ABSENT", timeout=timedelta(seconds=5))
    with pytest.raises(StreamMissing):
        await absent.state()
    with pytest.raises(BrokerUnavailable, match="stream not found"):
        await absent.clock()
    watch = ClockWatch(SystemClock(), {BROKERS_CLOCK: absent.clock})
    assert await watch.look() == LOOK_EVERY
