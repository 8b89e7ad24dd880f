"""When the next attempt is: never earlier than promised, never too late for the event."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trigger_contracts.deliveries.outcomes import Reason
from trigger_executor.domain.delivery.retrying import (
    DEFAULT_DELAYS,
    TEST_DELAYS,
    check_schedule,
    delays_of,
    last_start,
    next_attempt,
)

from .attempts import NOON

DAYS = timedelta(hours=48)
LAST = last_start(NOON + DAYS, DAYS)


def test_the_delays_are_the_promised_ones() -> None:
    told = [delay.total_seconds() for delay in DEFAULT_DELAYS]
    assert told == [5, 30, 120, 600, 1800, 7200, 18000, 36000, 72000]
    hours = sum(told) / 3600
    assert 37.5 < hours < hours * 1.2 < 45.5


def test_a_target_has_its_own_delays_else_the_platforms_and_a_test_always_the_short_ones() -> None:
    own, platform = (timedelta(seconds=1),), (timedelta(seconds=9),)
    assert delays_of(own, platform, is_test=False) == own
    assert delays_of((), platform, is_test=False) == platform
    assert delays_of(own, platform, is_test=True) == TEST_DELAYS
    assert [delay.total_seconds() for delay in TEST_DELAYS] == [2, 10]


def test_as_many_attempts_as_there_are_delays_and_one() -> None:
    ends = [next_attempt(attempt, TEST_DELAYS, NOON, draw=0, last=LAST) for attempt in (1, 2, 3, 4)]
    assert ends == [
        NOON + timedelta(seconds=2),
        NOON + timedelta(seconds=10),
        Reason.EXHAUSTED,
        Reason.EXHAUSTED,
    ]


@given(
    attempt=st.integers(1, 9),
    draw=st.floats(0, 1, exclude_max=True),
    pause=st.none() | st.integers(1, 3600),
)
def test_a_delay_is_never_shorter_and_at_most_a_fifth_longer(
    attempt: int, draw: float, pause: int | None
) -> None:
    at = next_attempt(attempt, DEFAULT_DELAYS, NOON, draw=draw, last=LAST, retry_after_s=pause)
    assert isinstance(at, datetime)
    delay, asked = DEFAULT_DELAYS[attempt - 1], timedelta(seconds=pause or 0)
    assert at - NOON >= max(delay, asked)
    assert at - NOON <= max(delay * 1.2, asked)


def test_what_would_start_too_late_is_over_now() -> None:
    delays = (timedelta(minutes=10),)
    ended = LAST - timedelta(minutes=10)
    assert next_attempt(1, delays, ended, draw=0, last=LAST) == LAST
    too_late = ended + timedelta(microseconds=1)
    assert next_attempt(1, delays, too_late, draw=0, last=LAST) is Reason.EXPIRED
    paused = next_attempt(1, delays, ended, draw=0, last=LAST, retry_after_s=601)
    assert paused is Reason.EXPIRED


@pytest.mark.parametrize(
    ("life", "margin"),
    [(48 * 3600, 120), (40 * 60, 120), (20 * 60, 60), (60, 3)],
)
def test_nothing_starts_in_the_last_two_minutes_or_twentieth_of_a_life(
    life: int, margin: int
) -> None:
    assert last_start(NOON, timedelta(seconds=life)) == NOON - timedelta(seconds=margin)


@pytest.mark.parametrize(
    "seconds", [[], [5] * 21, [0], [0.5], [24 * 3600 + 1], [23 * 3600, 17 * 3600]]
)
def test_a_schedule_has_the_limits_of_a_targets_own(seconds: list[float]) -> None:
    with pytest.raises(ValueError, match="must be"):
        check_schedule([timedelta(seconds=one) for one in seconds])


def test_schedules_within_the_limits_are_accepted() -> None:
    for delays in (DEFAULT_DELAYS, TEST_DELAYS, [timedelta(hours=24), timedelta(hours=15)]):
        assert check_schedule(delays) is None
