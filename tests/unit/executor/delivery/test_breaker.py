"""The breaker: opens after five failures in a row, for longer each time, and loses nothing."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trigger_executor.domain.delivery.breaker import CLOSED, GONE_FOR, Breaker, open_for

NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def failing(count: int, breaker: Breaker = CLOSED, draw: float = 0.0) -> Breaker:
    for _ in range(count):
        breaker = breaker.failed(NOON, draw, is_probe=False)
    return breaker


def test_five_failures_in_a_row_open_it():
    assert failing(4).open_until is None
    assert failing(5).open_until == NOON + 10 * SECOND


def test_a_success_in_between_begins_the_count_anew():
    breaker = failing(4).succeeded()

    assert failing(4, breaker).open_until is None


@pytest.mark.parametrize(
    ("opening", "seconds"),
    [(1, 10), (2, 20), (3, 40), (4, 80), (5, 160), (6, 300), (7, 300), (10_000, 300)],
)
def test_each_opening_lasts_twice_as_long_up_to_five_minutes(opening, seconds):
    assert open_for(opening, 0.0) == seconds * SECOND
    assert open_for(opening, 0.999) <= 1.2 * seconds * SECOND


@given(draw=st.floats(0, 1, exclude_max=True), opening=st.integers(1, 60))
@settings(max_examples=60, deadline=None)
def test_an_opening_is_never_shorter_than_promised_and_a_fifth_longer_at_most(draw, opening):
    promised = min(10 * 2 ** (opening - 1), 300) * SECOND

    assert promised <= open_for(opening, draw) <= promised * 1.2


def test_open_it_lets_nothing_through_then_it_is_half_open():
    breaker = failing(5)

    assert breaker.is_open(NOON + 9.9 * SECOND)
    assert not breaker.is_half_open(NOON + 9.9 * SECOND)
    assert not breaker.is_open(NOON + 10 * SECOND)
    assert breaker.is_half_open(NOON + 10 * SECOND)


def test_the_failure_of_the_probe_opens_it_again_for_longer():
    breaker = failing(5).failed(NOON + 10 * SECOND, 0.0, is_probe=True)

    assert breaker.open_until == NOON + 30 * SECOND


def test_what_was_under_way_when_it_opened_does_not_open_it_for_longer():
    breaker = failing(9)

    assert breaker.open_until == NOON + 10 * SECOND
    assert breaker.openings == 1


@pytest.mark.parametrize("failures", [0, 4, 5, 9])
def test_any_success_closes_it(failures):
    assert failing(failures).succeeded() == CLOSED


def test_gone_is_asked_again_after_an_hour():
    breaker = CLOSED.gone(NOON)

    assert breaker.is_gone
    assert breaker.open_until == NOON + GONE_FOR
    assert breaker.is_half_open(NOON + timedelta(hours=1))


def test_an_edit_half_opens_it_at_once():
    for breaker in (failing(5), CLOSED.gone(NOON)):
        asked = breaker.half_opened(NOON + SECOND)

        assert asked.is_half_open(NOON + SECOND)
        assert not asked.is_gone


def test_an_edit_leaves_a_closed_one_and_its_count_as_they_are():
    assert failing(3).half_opened(NOON) == failing(3)


def test_half_open_already_it_stays_so():
    breaker = failing(5)

    assert breaker.half_opened(NOON + 60 * SECOND).open_until == NOON + 10 * SECOND
