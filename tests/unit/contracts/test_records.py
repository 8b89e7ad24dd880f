"""Which schedule decisions are believed: those that some clock has reached."""

from datetime import UTC, datetime, timedelta

import pytest

from trigger_contracts import subjects
from trigger_contracts.events import Due
from trigger_contracts.records import CLOCKS_APART, Unreadable, due_in

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)
YEARS = timedelta(days=2000)
LITTLE = timedelta(seconds=1)


def decided(cursor: datetime, published_at: datetime) -> bytes:
    record = Due(
        trigger_id="t1",
        creation_id="c1",
        version=1,
        change_seq=1,
        cursor=cursor,
        scheduled_for=cursor,
        published_at=published_at,
    )
    return record.model_dump_json().encode()


def is_believed(body: bytes, *, now: datetime = NOW, stored_at: datetime = NOW) -> bool:
    try:
        due_in(subjects.due("t1"), body, now=now, stored_at=stored_at)
    except Unreadable:
        return False
    return True


def test_what_is_decided_in_its_time_is_believed() -> None:
    assert is_believed(decided(NOW, NOW))
    assert is_believed(decided(NOW + CLOCKS_APART, NOW))


@pytest.mark.parametrize("ahead", [CLOCKS_APART + LITTLE, YEARS])
@pytest.mark.parametrize("said", [timedelta(), YEARS])
def test_what_is_decided_before_any_clock_was_there_is_not(
    ahead: timedelta, said: timedelta
) -> None:
    """Whatever it says of when it was decided."""
    assert not is_believed(decided(NOW + ahead, NOW + said))


def test_one_clock_that_was_there_is_enough() -> None:
    """The clock of record may be far ahead of the broker's, and may have been set back since."""
    then = NOW + YEARS
    assert is_believed(decided(then, then), now=then)
    assert is_believed(decided(then, then), stored_at=then)


def test_what_says_itself_that_it_was_not_due_is_never_believed() -> None:
    then = NOW + YEARS
    assert not is_believed(decided(then, NOW), now=then, stored_at=then)
