"""Reading from the end finds the newest first, whatever gaps a stream has."""

from collections.abc import AsyncIterator
from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.servers import Broker
from trigger_contracts import subjects, topology
from trigger_runtime.jetstream.backwards import read_before
from trigger_runtime.jetstream.publisher import JetStreamPublisher, Message
from trigger_runtime.jetstream.reader import StreamReader

_names = count()


async def store(publisher: JetStreamPublisher, names: list[str]) -> None:
    for start in range(0, len(names), 1000):
        part = names[start : start + 1000]
        await publisher.publish_batch([Message(subjects.due(n), n.encode()) for n in part])


async def pages(reader: StreamReader, subject: str, limit: int) -> AsyncIterator[list[int]]:
    seq: int | None = None
    while True:
        found = [message.seq for message in await read_before(reader, seq, subject, limit)]
        yield found
        if len(found) < limit:
            return
        seq = found[-1]


async def read_all(reader: StreamReader, subject: str, limit: int) -> list[int]:
    return [seq async for page in pages(reader, subject, limit) for seq in page]


async def test_an_empty_stream_has_nothing(reader: StreamReader) -> None:
    assert await read_before(reader, None, subjects.ALL_DUE, 10) == []
    assert await read_before(reader, 100, subjects.ALL_DUE, 10) == []


async def test_pages_are_whole_and_the_newest_first(
    publisher: JetStreamPublisher, reader: StreamReader
) -> None:
    await store(publisher, [f"t{n}" for n in range(95)])

    found = [page async for page in pages(reader, subjects.ALL_DUE, 10)]

    assert [seq for page in found for seq in page] == list(range(95, 0, -1))
    assert [len(page) for page in found] == [10] * 9 + [5]


async def test_what_arrives_meanwhile_is_not_in_the_pages_to_come(
    publisher: JetStreamPublisher, reader: StreamReader
) -> None:
    await store(publisher, [f"t{n}" for n in range(30)])
    first = await read_before(reader, None, subjects.ALL_DUE, 10)
    await store(publisher, [f"u{n}" for n in range(30)])

    second = await read_before(reader, first[-1].seq, subjects.ALL_DUE, 10)

    assert [message.seq for message in first + second] == list(range(30, 10, -1))


async def test_few_among_many_are_found_by_few_questions(
    publisher: JetStreamPublisher, reader: StreamReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    rare = {0, 1, 2, 7000, 19_000, 19_001}
    names = [("rare" if n in rare else f"t{n % 50}") for n in range(20_000)]
    await store(publisher, names)
    asked = 0
    count_from = StreamReader.count_from

    async def counted(self: StreamReader, seq: int, subject: str) -> int:
        nonlocal asked
        asked += 1
        return await count_from(self, seq, subject)

    monkeypatch.setattr(StreamReader, "count_from", counted)

    found = await read_before(reader, None, subjects.due("rare"), 2)

    assert [message.seq for message in found] == [19_002, 19_001]
    assert asked < 25
    assert await read_all(reader, subjects.due("rare"), 4) == [19_002, 19_001, 7001, 3, 2, 1]


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(st.integers(0, 4), max_size=60), st.integers(1, 9), st.data())
async def test_every_message_that_is_left_is_found_once(
    publisher: JetStreamPublisher,
    reader: StreamReader,
    broker: Broker,
    choices: list[int],
    limit: int,
    data: st.DataObject,
) -> None:
    mine = f"m{next(_names)}"
    await store(publisher, [mine if choice == 0 else f"t{choice}" for choice in choices])
    left = [m.seq for m in await reader.after(0, subjects.due(mine), 1000)]
    gone = data.draw(st.lists(st.sampled_from(left), unique=True) if left else st.just([]))
    async with broker.connected() as admin:
        for seq in gone:
            await admin.jetstream().delete_msg(topology.DUE.name, seq)

    found = await read_all(reader, subjects.due(mine), limit)

    assert found == sorted(set(left) - set(gone), reverse=True)
