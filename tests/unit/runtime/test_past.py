"""What a stream had before and has not now."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from trigger_runtime.jetstream.past import Known, loss, losses, together
from trigger_runtime.jetstream.reader import StreamState

MADE = datetime(2026, 11, 1, tzinfo=UTC)


def state(last_seq: int, made: datetime = MADE) -> StreamState:
    return StreamState(created_at=made, first_seq=1, last_seq=last_seq, messages=last_seq)


def test_a_stream_that_grew_or_stands_has_lost_nothing() -> None:
    for last_seq in (7, 8, 1000):
        assert loss("S", state(last_seq), Known(7, MADE)) is None


def test_a_stream_that_ends_before_is_told_with_both_ends() -> None:
    assert loss("S", state(3), Known(7)) == (
        "the stream S ends at sequence 3; it had messages up to sequence 7"
    )


def test_a_stream_that_is_missing_is_told_unless_it_never_had_a_message() -> None:
    assert loss("S", None, Known(7, MADE)) is not None
    assert loss("S", None, Known(0, MADE)) is None


def test_a_stream_made_anew_is_another_one_however_long() -> None:
    told = loss("S", state(9, MADE + timedelta(days=1)), Known(7, MADE))
    assert told is not None
    assert "made anew at 2026-11-02" in told
    # Positions alone do not know of which stream they are.
    assert loss("S", state(9, MADE + timedelta(days=1)), Known(7)) is None


@given(st.dictionaries(st.sampled_from("ABC"), st.integers(0, 9)), st.integers(0, 9))
def test_the_most_that_is_known_counts(seen: dict[str, int], position: int) -> None:
    known = together({s: Known(n, MADE) for s, n in seen.items()}, {"A": Known(position)})
    assert known["A"].last_seq == max(seen.get("A", 0), position)
    found = {name: state(one.last_seq) for name, one in known.items()}
    assert losses(found, known) == []
    assert len(losses({}, known)) == sum(one.last_seq > 0 for one in known.values())
