"""What is due becomes a row of the log once, whatever is repeated, broken off or broken."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.integration.executor.conftest import Around, Start
from tests.support.servers import Broker
from tests.unit.executor.factories import deleted, make_change, make_due, make_missed
from trigger_contracts import topology
from trigger_contracts.events import Fence
from trigger_executor.adapters.event_stream import JetStreamEventWriter
from trigger_executor.bootstrap import Executor
from trigger_executor.handlers import dues
from trigger_runtime.process.errors import BrokerUnavailable

NOW = datetime.now(UTC)
"""Rows of the past would not be recorded."""
MS = timedelta(milliseconds=1)


def due_now(change, change_seq, **fields):
    return make_due(
        change, change_seq, **{"scheduled_for": NOW, "published_at": NOW + MS, **fields}
    )


async def test_a_due_occurrence_is_one_fired_event(around: Around, executor: Executor):
    change = make_change()
    seq = await around.change(change)

    await around.due(due_now(change, seq))
    await around.dues_handled()

    (message,) = await around.stored(topology.EVENTS)
    (row,) = await around.rows()
    assert message.subject == "trigger.fired.t1"
    assert message.headers["Nats-Msg-Id"] == row["event_id"]
    assert row["payload"] == {"hello": "world"}
    assert datetime.fromisoformat(row["fired_at"]) == NOW + MS


async def test_many_triggers_are_recorded_in_one_go(around: Around, executor: Executor):
    changes = [make_change(f"t{n}", payload=n) for n in range(700)]
    seqs = [await around.change(change) for change in changes]

    await around.due(*(due_now(c, seq) for c, seq in zip(changes, seqs, strict=True)))
    await around.dues_handled()

    rows = await around.rows()
    assert sorted(row["payload"] for row in rows) == list(range(700))


async def test_a_due_record_stored_twice_is_one_event(around: Around, executor: Executor):
    change = make_change()
    seq = await around.change(change)

    await around.due(due_now(change, seq))
    await around.dues_handled()
    await around.due(due_now(change, seq), due_now(make_change("t2"), await other(around)))
    await around.dues_handled()

    assert sorted(row["trigger_id"] for row in await around.rows()) == ["t1", "t2"]


async def other(around: Around) -> int:
    return await around.change(make_change("t2"))


async def test_a_redelivery_after_the_broker_forgot_the_id_writes_the_same_bytes(
    around: Around, executor: Executor
):
    change = make_change()
    seq = await around.change(change)
    await around.due(due_now(change, seq))
    await around.dues_handled()
    (first,) = await around.stored(topology.EVENTS)

    await forget_events(around)
    await around.change(change.model_copy(update={"version": 2}))
    await around.due(due_now(change, seq))
    await around.dues_handled()

    (again,) = await around.stored(topology.EVENTS)
    assert again.payload == first.payload
    assert again.headers["Nats-Msg-Id"] == first.headers["Nats-Msg-Id"]


async def forget_events(around: Around) -> None:
    """Make the stream anew: its messages and its memory of message ids are gone."""
    jetstream = around.connection.client.jetstream()
    name = topology.EVENTS.name
    config = (await jetstream.stream_info(name)).config
    await jetstream.delete_stream(name)
    await jetstream.add_stream(config)


@pytest.mark.parametrize("stopped", ["before", "after"])
async def test_stopped_around_the_publication_it_gives_one_event(
    around: Around, start: Start, monkeypatch: pytest.MonkeyPatch, stopped: str
):
    append = JetStreamEventWriter.append
    stops: list[int] = []

    async def stop_once(self, rows):
        if stopped == "after" or stops:
            await append(self, rows)
        if not stops:
            stops.append(len(rows))
            raise BrokerUnavailable("stopped here by the test")

    monkeypatch.setattr(JetStreamEventWriter, "append", stop_once)
    await start()
    change = make_change()
    seq = await around.change(change)

    await around.due(due_now(change, seq))
    await around.dues_handled()

    assert stops == [1]
    assert len(await around.rows()) == 1


async def test_a_fence_means_nothing_to_the_log(around: Around, executor: Executor):
    fence = Fence(
        trigger_id="t1", creation_id="c", version=2, change_seq=5, cursor=NOW, fenced_at=NOW
    )

    await around.due(fence)
    await around.dues_handled()

    assert await around.rows() == []
    assert await around.dead() == []


async def test_missed_occurrences_are_listed_or_counted(around: Around, executor: Executor):
    change = make_change()
    seq = await around.change(change)
    first, last = NOW - timedelta(hours=1), NOW - timedelta(minutes=30)
    listed = make_missed(
        change, seq, occurrences=(first, last), first=first, last=last, count=2, decided_at=NOW
    )
    later = last + timedelta(seconds=1)
    counted = make_missed(
        change, seq, occurrences=(), first=later, last=NOW, count=1799, decided_at=NOW
    )

    await around.due(listed)
    await around.due(counted)
    await around.dues_handled()

    rows = sorted(await around.rows(), key=lambda row: row["scheduled_for"])
    assert [row["count"] for row in rows] == [1, 1, 1799]
    assert {row["status"] for row in rows} == {"missed"}
    assert datetime.fromisoformat(rows[2]["scheduled_for"]) == later
    assert datetime.fromisoformat(rows[2]["last_scheduled_for"]) == NOW
    assert all(row["payload"] is None and row["fired_at"] is None for row in rows)
    assert {m.subject for m in await around.stored(topology.EVENTS)} == {"trigger.missed.t1"}


async def test_an_occurrence_due_before_an_edit_or_deletion_fires_as_it_was(
    around: Around, executor: Executor
):
    change = make_change()
    seq = await around.change(change)
    edited = change.model_copy(
        update={
            "version": 2,
            "definition": change.definition.model_copy(update={"payload": "new"}),
        }
    )
    await around.change(edited)
    await around.change(deleted(edited, NOW))

    await around.due(due_now(change, seq))
    await around.dues_handled()

    (row,) = await around.rows()
    assert (row["trigger_version"], row["payload"]) == (1, {"hello": "world"})


async def test_poison_never_hinders_its_batch(around: Around, executor: Executor):
    change = make_change()
    seq = await around.change(change)
    poison = [b"", b"not json", b"\xff\xfe", b'{"kind":"due"}', b'{"a":' * 50_000, b"x" * 900_000]

    for one in poison:
        await around.due(one)
    await around.due(due_now(change, seq))
    await around.dues_handled()

    assert len(await around.rows()) == 1
    letters = await around.dead()
    assert sorted(letter["stream_seq"] for letter in letters) == [1, 2, 3, 4, 5, 6]
    assert {letter["stream"] for letter in letters} == {"TRIGGER_DUE"}
    assert all(letter["reason"] for letter in letters)


async def test_an_erased_definition_is_a_dead_letter(
    around: Around, executor: Executor, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(dues, "MAX_DELIVERIES", 2)

    await around.due(due_now(make_change(), 17))
    await around.dues_handled()

    (letter,) = await around.dead()
    assert "erased" in letter["reason"]
    assert await around.rows() == []


async def test_what_fails_again_and_again_is_a_dead_letter_and_the_rest_goes_through(
    around: Around, start: Start, monkeypatch: pytest.MonkeyPatch
):
    entries_of = dues.due_entries

    def fails_for_t1(record, version):
        if record.trigger_id == "t1":
            raise ZeroDivisionError
        return entries_of(record, version)

    monkeypatch.setattr(dues, "due_entries", fails_for_t1)
    bad, good = make_change("t1"), make_change("t2")
    seqs = [await around.change(bad), await around.change(good)]
    await around.due(due_now(bad, seqs[0]), due_now(good, seqs[1]))

    await start()
    await around.dues_handled()

    assert [row["trigger_id"] for row in await around.rows()] == ["t2"]
    (letter,) = await around.dead()
    assert "ZeroDivisionError" in letter["reason"]
    assert letter["stream_seq"] == 1


async def test_a_late_row_is_forgotten_on_time_and_an_overdue_one_is_not_recorded(
    around: Around, executor: Executor
):
    late, over = make_change("t1"), make_change("t2")
    seqs = [await around.change(late), await around.change(over)]
    hour, now = timedelta(hours=1), datetime.now(UTC)

    await around.due(
        due_now(late, seqs[0], published_at=now - 47 * hour),
        due_now(over, seqs[1], published_at=now - 48 * hour),
    )
    await around.dues_handled()

    (message,) = await around.stored(topology.EVENTS)
    assert message.subject == "trigger.fired.t1"
    ttl = int(message.headers["Nats-TTL"].removesuffix("s"))
    assert 3500 < ttl <= 3600


async def test_the_broker_going_away_loses_and_doubles_nothing(
    around: Around, executor: Executor, broker: Broker
):
    changes = [make_change(f"t{n}") for n in range(300)]
    seqs = [await around.change(change) for change in changes]
    for start in range(0, 300, 100):
        await around.due(*(due_now(changes[n], seqs[n]) for n in range(start, start + 100)))

    await broker.kill()
    await broker.start()
    await around.connection.connect()
    await around.dues_handled(within=60)

    rows = await around.rows()
    assert len(rows) == len({row["event_id"] for row in rows}) == 300
