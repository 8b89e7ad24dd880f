"""Ids of the live tail, where a stream begins, and server-sent events as bytes."""

import json
from datetime import timedelta
from pathlib import Path

import pytest

from tests.support.log_entries import body_of, make_entry
from tests.unit.api.fakes import NOW
from trigger_api.domain.live_tail import rows, sse
from trigger_api.domain.live_tail.records import LiveHealth, read_record
from trigger_api.domain.live_tail.tail_buffer import Segment, TailBuffer, read
from trigger_api.domain.live_tail.tail_position import (
    Beginning,
    LastSeen,
    LogState,
    StreamPosition,
    StreamQuery,
    beginning,
    last_seen,
)
from trigger_api.domain.log.lifetimes import Lifetimes, Span
from trigger_api.domain.queries import StateFilter
from trigger_contracts.errors import Refused
from trigger_contracts.events import EntryStatus

HEALTH = Path(__file__).parents[2] / "contract/golden/health-event.v1.json"
STATE = LogState(epoch=0xABC, first_seq=3, last_seq=9)


def test_an_id_is_read_as_it_is_written():
    position = StreamPosition(1_795_500_000_123_456, 42)
    assert last_seen(str(position), None) == LastSeen(*position)
    assert last_seen("42", None) == last_seen(None, "42") == LastSeen(None, 42)
    assert last_seen("1", "2") == LastSeen(None, 1)
    assert last_seen(None, None) is last_seen("", "") is None


@pytest.mark.parametrize(
    "text", ["x", "-1", "1-", " 1", "1 ", "+1", "1.0", "A-1", "1-2-3", "\u0661"]
)
def test_what_is_no_id_is_refused_where_it_stands(text: str):
    for given, pointer in (((text, None), "/header/Last-Event-ID"),
                           ((None, text), "/query/last_event_id")):  # fmt: skip
        with pytest.raises(Refused) as refusal:
            last_seen(*given)
        assert [error.pointer for error in refusal.value.problem.errors] == [pointer]
        assert refusal.value.problem.status == 422


@pytest.mark.parametrize(
    ("seen", "begins"),
    [
        (None, Beginning(StreamPosition(0xABC, 9))),
        (LastSeen(None, 0), Beginning(StreamPosition(0xABC, 0))),
        (LastSeen(0xABC, 5), Beginning(StreamPosition(0xABC, 5))),
        (LastSeen(0xABC, 9), Beginning(StreamPosition(0xABC, 9))),
        (LastSeen(0xABC, 10), Beginning(StreamPosition(0xABC, 9), is_reset=True)),
        (LastSeen(None, 10), Beginning(StreamPosition(0xABC, 9), is_reset=True)),
        (LastSeen(0xABB, 5), Beginning(StreamPosition(0xABC, 0), is_reset=True)),
    ],
)
def test_where_a_stream_begins(seen: LastSeen | None, begins: Beginning):
    assert beginning(seen, STATE) == begins


def test_readers_who_ask_for_the_same_ask_by_equal_filters():
    one = StreamQuery.model_validate({"trigger_id": "a", "last_event_id": "1"}).wanted()
    other = StreamQuery.model_validate({"trigger_id": "a", "last_event_id": "2"}).wanted()
    assert one == other == StateFilter(trigger_id=("a",))
    assert hash(one) == hash(other)


def test_an_event_is_one_line_of_the_same_json():
    pretty = json.dumps({"a": "x\ny\r", "b": [1]}, indent=2).replace("\n", "\r\n").encode()
    frame = sse.event(StreamPosition(10, 7), "trigger.fired.v1", pretty).decode()
    number, kind, data, *rest = frame.split("\n")
    assert (number, kind, rest) == ("id: a-7", "event: trigger.fired.v1", ["", ""])
    assert json.loads(data.removeprefix("data: ")) == {"a": "x\ny\r", "b": [1]}


def test_what_a_stream_says_of_itself_has_a_name_and_a_code():
    for said in sse.Notice:
        lines = sse.notice(said).decode().split("\n")
        assert lines[0] == f"event: {said}"
        assert json.loads(lines[1].removeprefix("data: ")).keys() == {"code", "detail"}
        assert sse.notice(said, StreamPosition(1, 2)).decode() == "\n".join(["id: 1-2", *lines])


def test_memory_is_bounded_by_events_and_by_bytes(monkeypatch: pytest.MonkeyPatch):
    recent = TailBuffer(StreamPosition(1, 0), capacity=4)
    for upto in (2, 4, 5, 7):
        recent.append(_stretch(upto - 1, upto) if upto != 5 else Segment(5, ()))
    assert (recent.start, recent.upto) == (4, 7)
    assert [stretch.upto for stretch in recent.after(4)] == [5, 7]
    assert [stretch.upto for stretch in recent.after(5)] == [7]
    assert list(recent.after(7)) == []
    monkeypatch.setattr("trigger_api.domain.live_tail.tail_buffer.MAX_BYTES", 1)
    recent.append(_stretch(8))
    assert (recent.start, recent.upto) == (7, 8)


def test_what_is_over_is_forgotten_and_its_place_is_not():
    recent = TailBuffer(StreamPosition(1, 0), capacity=10)
    recent.append(_stretch(1, 2))
    (stretch,) = recent.after(0)
    ages = Span(NOW - timedelta(days=9), None)
    assert len(list(stretch.frames(StateFilter(), 0, ages))) == 2
    recent.forget(NOW)
    assert (recent.start, recent.upto, stretch.events) == (0, 2, ())
    assert list(stretch.frames(StateFilter(), 0, ages)) == []


def test_each_age_has_the_state_that_the_views_give_it():
    tick = timedelta(microseconds=1)
    active_for, kept_for = timedelta(hours=2), timedelta(hours=48)
    ages = {
        -timedelta(minutes=1): "active",  # by a clock that is ahead
        timedelta(0): "active",
        active_for - tick: "active",
        active_for: "archived",
        kept_for - tick: "archived",
        kept_for: None,
    }
    lives = Lifetimes(active_for, kept_for)
    for age, state in ages.items():
        for asked in ("active", "archived"):
            assert lives.span(asked, NOW).has(NOW - age) is (state == asked), (age, asked)
        assert lives.span(None, NOW).has(NOW - age) is (state is not None), age


def test_a_row_has_no_payload_and_the_state_that_the_event_has_when_it_is_sent():
    lives = Lifetimes(timedelta(hours=2), timedelta(hours=48))
    entry = make_entry("secret", now=NOW, scheduled_for=NOW - timedelta(milliseconds=1500))
    event = read(StreamPosition(10, 7), body_of(entry))
    assert event is not None
    for age, state in ((timedelta(), "active"), (timedelta(hours=2), "archived")):
        frame = rows.frame(event, lives, NOW + age)
        assert frame is rows.frame(event, lives, NOW + age), "made once"
        head, data, end = frame.decode().partition("data: ")[0], frame[frame.index(b"{") :], b"\n\n"
        assert head == "id: a-7\nevent: trigger.fired.v1\n"
        assert data.endswith(end)
        row = json.loads(data)
        assert (row["id"], row["state"], row["lateness"]) == (entry.event_id, state, 1.5)
        assert row["deletes_at"] == "2027-01-03T12:00:00Z"
        assert "secret" not in data.decode()
    assert len(event.rows) == 2


def test_a_stretch_remembers_what_passes_for_few_filters_only():
    stretch = _stretch(1, 2)
    for number in range(200):
        wanted = StateFilter(trigger_id=(str(number),))
        assert list(stretch.frames(wanted, 0, Span(NOW - timedelta(days=1), None))) == []
    assert len(stretch._passing) == 64


def _stretch(*seqs: int) -> Segment:
    events = []
    for seq in seqs:
        event = read(StreamPosition(1, seq), body_of(make_entry(str(seq), now=NOW)))
        assert event is not None
        events.append(event)
    return Segment(seqs[-1], tuple(events))


def test_what_has_no_id_that_a_row_could_have_is_no_event():
    entry = make_entry("1", now=NOW)
    for wrong in ({"event_id": "x"}, {"replay_of": "x"}):
        assert read(StreamPosition(1, 1), body_of(entry.model_copy(update=wrong))) is None


def health() -> tuple[bytes, LiveHealth]:
    """The first of the golden facts, and what it is in a tail."""
    body = json.dumps(json.loads(HEALTH.read_bytes())[0]).encode()
    live = read_record(StreamPosition(1, 2), "trigger.health.erp", body)
    assert isinstance(live, LiveHealth)
    return body, live


def test_a_change_of_health_is_sent_as_it_is_stored_under_its_type():
    body, live = health()

    told = b"event: trigger.health.failing.v1\ndata: %s\n\n" % body
    assert live.frame == f"id: {live.position}\n".encode() + told
    assert live.seq == 2
    assert read_record(StreamPosition(1, 2), "trigger.health.crm", body) is None


def test_a_change_of_health_is_of_no_trigger_and_nothing_that_fired():
    _, live = health()
    at = live.logged_at

    assert live.passes(StateFilter())
    assert live.passes(StateFilter.model_validate({"from": at.isoformat()}))
    assert not live.passes(StateFilter.model_validate({"to": at.isoformat()}))
    assert not live.passes(StateFilter(trigger_id=("backup",)))
    assert not live.passes(StateFilter(status=(EntryStatus.FIRED,)))
