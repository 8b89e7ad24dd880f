"""Writes are durable, all or nothing in a batch, and every failure reaches whom it concerns."""

import asyncio
from datetime import timedelta

import pytest

from tests.support.eventually import eventually
from tests.support.servers import Broker
from trigger_contracts import subjects, topology
from trigger_runtime.jetstream.acknowledgement import PublishAck
from trigger_runtime.jetstream.atomic_batch import BATCH_FROM
from trigger_runtime.jetstream.batches import MAX_BATCH, MAX_BATCH_BYTES
from trigger_runtime.jetstream.connection import Connection
from trigger_runtime.jetstream.publisher import JetStreamPublisher, Message
from trigger_runtime.jetstream.reader import StreamReader
from trigger_runtime.process.errors import BrokerUnavailable, PublishRefused, StaleExpectation
from trigger_runtime.process.metrics import PUBLISH_BATCHES


def due(number: int, *, message_id: str | None = None, expected: int | None = None) -> Message:
    return Message(
        subjects.due(f"t{number}"),
        b"%d" % number,
        message_id=message_id or f"id-{number}",
        expected_last_subject_seq=expected,
    )


async def test_a_batch_is_stored_at_the_contiguous_sequences_it_was_told(
    publisher: JetStreamPublisher, reader: StreamReader
) -> None:
    """The broker acknowledges only the last message; the others' sequences are derived."""
    await publisher.publish(due(0))
    acks = await publisher.publish_batch([due(n) for n in range(1, MAX_BATCH + 1)])
    stored = await reader.after(1, subjects.ALL_DUE, MAX_BATCH + 1)
    assert [ack.seq for ack in acks] == [message.seq for message in stored]
    assert [message.payload for message in stored] == [b"%d" % n for n in range(1, MAX_BATCH + 1)]


async def test_two_batches_at_once_are_each_contiguous(
    publisher: JetStreamPublisher, reader: StreamReader
) -> None:
    """Batches of one connection interleave on the wire, never in the stream."""
    batches = [[due(n) for n in range(k * 100, k * 100 + 100)] for k in range(20)]
    acks = await asyncio.gather(*(publisher.publish_batch(batch) for batch in batches))
    for batch, written in zip(batches, acks, strict=True):
        stored = await reader.get(written[57].seq)
        assert stored is not None
        assert stored.payload == batch[57].payload


async def test_a_stale_expectation_leaves_nothing_of_its_batch(
    publisher: JetStreamPublisher, reader: StreamReader
) -> None:
    first = await publisher.publish(due(1, expected=0))
    with pytest.raises(StaleExpectation) as refusal:
        await publisher.publish_batch([due(2), due(1, message_id="other", expected=0), due(3)])
    assert refusal.value.last_seq in {None, first.seq}
    assert await reader.last_seq() == first.seq


async def test_only_the_guilty_one_of_a_group_gets_the_stale_expectation(
    publisher: JetStreamPublisher, reader: StreamReader
) -> None:
    """Concurrent publishers do not know each other; one's conflict is not another's."""
    first = await publisher.publish(due(7))
    outcomes = await asyncio.gather(
        *(publisher.publish(due(n, message_id=f"again-{n}", expected=0)) for n in range(20)),
        return_exceptions=True,
    )
    refused = [n for n, outcome in enumerate(outcomes) if isinstance(outcome, Exception)]
    assert refused == [7]
    assert isinstance(outcomes[7], StaleExpectation)
    assert outcomes[7].last_seq == first.seq
    assert await reader.last_seq() == first.seq + 19


async def test_of_many_racers_on_a_subject_exactly_one_wins(publisher: JetStreamPublisher) -> None:
    outcomes = await asyncio.gather(
        *(publisher.publish(due(1, message_id=f"racer-{n}", expected=0)) for n in range(50)),
        return_exceptions=True,
    )
    assert sum(not isinstance(outcome, Exception) for outcome in outcomes) == 1


async def test_a_batch_that_repeats_a_stored_id_is_stored_without_a_second_copy(
    publisher: JetStreamPublisher, reader: StreamReader
) -> None:
    first = await publisher.publish(due(2))
    acks = await publisher.publish_batch([due(1), due(2), due(3)])
    assert [ack.duplicate for ack in acks] == [False, True, False]
    assert acks[1].seq == first.seq
    assert len(await reader.after(0, subjects.ALL_DUE, 10)) == 3


async def test_the_same_id_at_once_is_stored_once(publisher: JetStreamPublisher) -> None:
    acks = await asyncio.gather(*(publisher.publish(due(1)) for _ in range(10)))
    assert len({ack.seq for ack in acks}) == 1
    assert sum(not ack.duplicate for ack in acks) == 1


async def test_concurrent_publishes_share_few_writes(publisher: JetStreamPublisher) -> None:
    writes = PUBLISH_BATCHES.labels(topology.DUE.name)
    before = writes._value.get()
    acks = await asyncio.gather(*(publisher.publish(due(n)) for n in range(200)))
    assert len({ack.seq for ack in acks}) == 200
    assert writes._value.get() - before <= 3


async def test_a_message_outlives_its_cancelled_publisher(
    publisher: JetStreamPublisher, reader: StreamReader
) -> None:
    """A caller that gave up must not leave half a batch at the broker."""
    batch = asyncio.ensure_future(publisher.publish_batch([due(n) for n in range(50)]))
    await asyncio.sleep(0)
    batch.cancel()
    assert await eventually(lambda: _last_is(reader, 50))


async def _last_is(reader: StreamReader, seq: int) -> bool:
    return await reader.last_seq() == seq


async def test_what_cannot_be_a_message_is_refused_before_it_is_sent(
    publisher: JetStreamPublisher, scheduler: Connection
) -> None:
    for subject in ("trigger.due.*", "trigger.>", "trigger.due.a b", "trigger.due.a\r\nPUB x", ""):
        with pytest.raises(PublishRefused):
            await publisher.publish(Message(subject, b""))
    with pytest.raises(PublishRefused):
        await publisher.publish(Message(subjects.due("a"), b"x" * scheduler.client.max_payload))
    with pytest.raises(ValueError, match="two expectations"):
        await publisher.publish_batch([due(1, expected=0), due(1, expected=1)])
    assert scheduler.is_connected


async def test_a_forbidden_publish_is_unavailable_and_its_reason_is_logged(
    executor: Connection, capsys: pytest.CaptureFixture[str]
) -> None:
    """The broker answers nothing; without the log line it would look like a slow broker."""
    publisher = JetStreamPublisher(
        executor, topology.CHANGES.name, timeout=timedelta(milliseconds=300)
    )
    with pytest.raises(BrokerUnavailable):
        await publisher.publish(Message(subjects.changed("a"), b""))
    printed = capsys.readouterr()
    assert "permissions violation" in (printed.out + printed.err).lower()


async def test_without_a_broker_the_outcome_is_unknown_and_a_retry_is_exact(
    platform_streams: Broker, scheduler: Connection, reader: StreamReader
) -> None:
    publisher = JetStreamPublisher(
        scheduler, topology.DUE.name, timeout=timedelta(milliseconds=300)
    )
    await publisher.publish(due(0))
    await platform_streams.kill()
    try:
        outcomes = await asyncio.gather(
            *(publisher.publish(due(n)) for n in range(10)), return_exceptions=True
        )
        assert all(isinstance(outcome, BrokerUnavailable) for outcome in outcomes)
        with pytest.raises(BrokerUnavailable):
            await publisher.publish_batch([due(1), due(2)])
    finally:
        await platform_streams.start()
    await eventually(lambda: scheduler.is_connected)
    patient = JetStreamPublisher(scheduler, topology.DUE.name, timeout=timedelta(seconds=5))
    await asyncio.gather(*(patient.publish(due(n)) for n in range(10)))
    stored = await reader.after(0, subjects.ALL_DUE, 100)
    assert sorted(message.payload for message in stored) == [b"%d" % n for n in range(10)]


@pytest.mark.parametrize("ahead", [False, True])
@pytest.mark.parametrize("count", [1, BATCH_FROM - 1, BATCH_FROM, 300])
async def test_each_is_stored_unless_it_was_overtaken(
    publisher: JetStreamPublisher, reader: StreamReader, count: int, *, ahead: bool
) -> None:
    """In a batch or one by one: of what was overtaken, and of nothing else, the caller is told.

    What is staged ahead is overtaken by what comes before it is finished.
    """
    messages = [due(n, message_id=f"each-{n}", expected=0) for n in range(count)]
    staged = await publisher.stage(messages) if ahead else None
    overtaken = {0, count // 2}
    for number in sorted(overtaken):
        await publisher.publish(due(number))
    if staged is None:
        outcomes = await publisher.publish_each(messages)
    else:
        outcomes = await publisher.publish_staged(staged)
    told = {n for n, outcome in enumerate(outcomes) if isinstance(outcome, StaleExpectation)}
    assert told == overtaken
    stored = {one.seq: one.payload for one in await reader.after(0, subjects.ALL_DUE, 1000)}
    for number, outcome in enumerate(outcomes):
        if not isinstance(outcome, StaleExpectation):
            assert stored[outcome.seq] == b"%d" % number
    assert len(stored) == count


async def test_of_what_is_staged_nothing_is_stored_until_its_last_message_comes(
    publisher: JetStreamPublisher, reader: StreamReader, scheduler: Connection
) -> None:
    left = [due(1000 + n, expected=0) for n in range(300)]
    messages = [due(n, expected=0) for n in range(300)]
    await publisher.stage(left)
    staged = await publisher.stage(messages)
    other = await publisher.publish(due(5000))
    assert other.seq == 1

    sent = scheduler.client.stats["out_msgs"]
    outcomes = await publisher.publish_staged(staged)

    assert scheduler.client.stats["out_msgs"] == sent + 1
    assert outcomes == [PublishAck(seq) for seq in range(2, 302)]
    stored = await reader.after(1, subjects.ALL_DUE, 1000)
    assert [one.payload for one in stored] == [b"%d" % n for n in range(300)]


async def test_what_the_broker_forgot_of_a_staged_batch_is_sent_again(
    platform_streams: Broker,
    publisher: JetStreamPublisher,
    reader: StreamReader,
    scheduler: Connection,
) -> None:
    messages = [due(n, expected=0) for n in range(300)]
    staged = await publisher.stage(messages)
    await platform_streams.kill()
    await platform_streams.start()
    await eventually(lambda: scheduler.is_connected)

    outcomes = await publisher.publish_staged(staged)

    assert outcomes == [PublishAck(seq) for seq in range(1, 301)]
    stored = await reader.after(0, subjects.ALL_DUE, 1000)
    assert [one.payload for one in stored] == [b"%d" % n for n in range(300)]


async def test_few_messages_are_not_staged(publisher: JetStreamPublisher) -> None:
    """Their batch would cost more than they do one by one."""
    ((_, few),) = (await publisher.stage([due(n) for n in range(BATCH_FROM - 1)])).batches
    ((_, many),) = (await publisher.stage([due(n) for n in range(BATCH_FROM)])).batches
    assert (few is None, many is None) == (True, False)
    with pytest.raises(ValueError, match="two expectations"):
        await publisher.stage([due(1, expected=0), due(1, expected=0)])


async def test_few_messages_are_written_one_by_one_and_many_at_once(
    publisher: JetStreamPublisher,
) -> None:
    writes = PUBLISH_BATCHES.labels(topology.DUE.name)
    before = writes._value.get()
    await publisher.publish_each([due(n) for n in range(BATCH_FROM - 1)])
    assert writes._value.get() - before == BATCH_FROM - 1
    await publisher.publish_each([due(100 + n) for n in range(BATCH_FROM)])
    assert writes._value.get() - before == BATCH_FROM
    assert await publisher.publish_each([]) == []
    assert await publisher.publish_batch([]) == []


async def test_more_than_a_batch_is_written_as_so_many_batches_and_told_in_order(
    publisher: JetStreamPublisher, reader: StreamReader
) -> None:
    """By number or by bytes, all or each, staged or not: nobody who publishes cuts by himself."""
    many = [due(n) for n in range(2 * MAX_BATCH + BATCH_FROM)]
    assert [ack.seq for ack in await publisher.publish_batch(many)] == [
        n + 1 for n in range(len(many))
    ]
    writes = PUBLISH_BATCHES.labels(topology.DUE.name)
    before = writes._value.get()
    later = [due(10_000 + n, expected=0) for n in range(2 * MAX_BATCH)]
    staged = await publisher.stage(later)
    assert all(batch_id for _, batch_id in staged.batches)
    told = await publisher.publish_staged(staged)
    assert told == [PublishAck(len(many) + n + 1) for n in range(len(later))]
    assert writes._value.get() - before == 2

    wide = [
        Message(subjects.due(f"w{n}"), b"%02d" % n + b"x" * 500_000, message_id=f"w{n}")
        for n in range(2 * BATCH_FROM)
    ]
    assert sum(len(message.payload) for message in wide) > 3 * MAX_BATCH_BYTES
    acks = await publisher.publish_each(wide)
    stored = await reader.after(len(many) + len(later), subjects.ALL_DUE, len(wide))
    assert [PublishAck(one.seq) for one in stored] == acks
    assert [one.payload[:2] for one in stored] == [b"%02d" % n for n in range(len(wide))]


async def test_concurrent_publishes_of_many_bytes_share_no_larger_batch(
    publisher: JetStreamPublisher, reader: StreamReader
) -> None:
    """The broker keeps an unfinished batch in memory."""
    wide = [
        Message(subjects.due(f"w{n}"), b"%02d" % n + b"x" * 200_000, message_id=f"w{n}")
        for n in range(50)
    ]
    writes = PUBLISH_BATCHES.labels(topology.DUE.name)
    before = writes._value.get()
    acks = await asyncio.gather(*(publisher.publish(message) for message in wide))
    assert sorted(ack.seq for ack in acks) == list(range(1, 51))
    assert writes._value.get() - before >= 50 * 200_000 / MAX_BATCH_BYTES
    assert await reader.last_seq() == 50


async def test_what_concerns_any_of_each_is_raised(platform_streams: Broker, scheduler: Connection):
    publisher = JetStreamPublisher(
        scheduler, topology.DUE.name, timeout=timedelta(milliseconds=300)
    )
    await platform_streams.kill()
    try:
        with pytest.raises(BrokerUnavailable):
            await publisher.publish_each([due(1), due(2)])
    finally:
        await platform_streams.start()


async def test_a_crowd_of_batches_is_stored_though_the_stream_takes_so_many_at_a_time(
    reader: StreamReader, scheduler: Connection
) -> None:
    """By several processes at once: what the broker dropped unread is sent again."""
    patient = timedelta(seconds=30)
    others = [JetStreamPublisher(scheduler, topology.DUE.name, timeout=patient) for _ in range(3)]
    size = topology.MAX_WAITING_MESSAGES

    async def publish(one: JetStreamPublisher, name: str) -> None:
        for batch in range(3):
            messages = [
                Message(subjects.due(name), b"x" * 200, message_id=f"{name}-{batch}-{n}")
                for n in range(size)
            ]
            assert len(await one.publish_batch(messages)) == size

    await asyncio.gather(*(publish(one, f"t{n}") for n, one in enumerate(others)))
    assert await reader.last_seq() == 9 * size
