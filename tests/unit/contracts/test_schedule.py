"""Schedules, held against a brute-force oracle that walks the grid one occurrence at a time."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from pydantic import ValidationError

from tests.unit.contracts.factories import DAY, HOUR, NOON, SECOND, TICK, instants
from trigger_contracts.schedule import Interval, Once, parse, upcoming

STEPS = 60
"""How far the oracle walks: enough for every grid that the strategies make."""


@st.composite
def intervals(draw: st.DrawFn) -> Interval:
    every = draw(
        st.timedeltas(timedelta(seconds=1), timedelta(days=40))
        | st.sampled_from([SECOND, HOUR, DAY, timedelta(seconds=1, microseconds=1)])
    )
    offset = draw(st.timedeltas(-DAY, DAY))
    ends_after = draw(st.none() | st.integers(-1, STEPS // 2))
    slack = draw(st.sampled_from([timedelta(), TICK, every - TICK, every / 2]))
    return Interval(
        anchor=NOON + offset,
        every=every,
        fires_at_anchor=draw(st.booleans()),
        ends_at=None if ends_after is None else NOON + offset + ends_after * every + slack,
    )


def oracle(schedule: Interval) -> list[datetime]:
    """The first occurrences, by adding up and nothing else."""
    found = []
    occurrence = schedule.anchor if schedule.fires_at_anchor else schedule.anchor + schedule.every
    for _ in range(STEPS):
        if schedule.ends_at is not None and occurrence > schedule.ends_at:
            break
        found.append(occurrence)
        occurrence += schedule.every
    return found


@st.composite
def instants_near(draw: st.DrawFn, schedule: Interval) -> datetime:
    """On, just beside or anywhere between the occurrences of the first half of the walk."""
    nth = draw(st.integers(-3, STEPS // 2))
    beside = draw(
        st.sampled_from([timedelta(), TICK, -TICK]) | st.timedeltas(timedelta(), schedule.every)
    )
    return schedule.anchor + nth * schedule.every + beside


@given(st.data())
def test_next_and_last_agree_with_the_oracle(data: st.DataObject):
    schedule = data.draw(intervals())
    instant = data.draw(instants_near(schedule))
    occurrences = oracle(schedule)

    later = [one for one in occurrences if one > instant]
    earlier = [one for one in occurrences if one < instant]
    assert schedule.next_after(instant) == (later[0] if later else None)
    assert schedule.last_before(instant) == (earlier[-1] if earlier else None)


@given(st.data())
def test_counts_agree_with_the_oracle(data: st.DataObject):
    schedule = data.draw(intervals())
    first = data.draw(instants_near(schedule))
    last = data.draw(instants_near(schedule))

    expected = sum(first <= one <= last for one in oracle(schedule))
    assert schedule.count(first, last) == expected


@given(st.data())
def test_a_count_is_the_sum_of_its_parts(data: st.DataObject):
    schedule = data.draw(intervals())
    a, b, c = sorted(data.draw(instants_near(schedule)) for _ in range(3))

    assert schedule.count(a, b) + schedule.count(b + TICK, c) == schedule.count(a, c)


@given(intervals(), instants(1900, 3000))
def test_next_is_later_and_last_is_earlier_than_asked(schedule: Interval, instant: datetime):
    following, preceding = schedule.next_after(instant), schedule.last_before(instant)

    if following is not None:
        assert following > instant
        assert schedule.last_before(following + TICK) == following
    if preceding is not None:
        assert preceding < instant
        assert schedule.next_after(preceding - TICK) == preceding


@given(intervals(), instants(1900, 3000))
def test_next_is_monotone(schedule: Interval, instant: datetime):
    one, other = schedule.next_after(instant), schedule.next_after(instant + HOUR)

    assert other is None or (one is not None and one <= other)


def test_a_grid_does_not_drift_in_ten_years():
    schedule = Interval(anchor=NOON, every=timedelta(seconds=7, microseconds=1))
    far = NOON + timedelta(days=3650)

    occurrence = schedule.next_after(far)

    assert occurrence is not None
    assert (occurrence - NOON) % schedule.every == timedelta()
    assert occurrence - far <= schedule.every
    assert schedule.last_before(occurrence) == occurrence - schedule.every


def test_huge_distances_are_arithmetic_and_no_walk():
    """300 thousand million occurrences: a walk would not end today."""
    schedule = Interval(anchor=datetime(1, 1, 1, tzinfo=UTC), every=SECOND)
    end = datetime(9999, 1, 1, tzinfo=UTC)

    assert schedule.count(schedule.anchor + SECOND, end) == (end - schedule.anchor) // SECOND
    assert schedule.next_after(end) == end + SECOND
    assert schedule.last_before(end) == end - SECOND


def test_after_the_last_year_nothing_follows():
    schedule = Interval(anchor=NOON, every=timedelta(days=3000))

    assert schedule.next_after(datetime(9999, 12, 30, tzinfo=UTC)) is None
    assert len(upcoming(schedule, datetime(9980, 1, 1, tzinfo=UTC), 50)) < 4


def test_the_anchor_fires_only_where_the_owner_named_it():
    named = Interval(anchor=NOON, every=HOUR, fires_at_anchor=True)
    counted_from = Interval(anchor=NOON, every=HOUR)

    assert named.next_after(NOON - DAY) == NOON
    assert counted_from.next_after(NOON - DAY) == NOON + HOUR
    assert named.last_before(NOON) is None
    assert counted_from.last_before(NOON + HOUR) is None
    assert counted_from.count(NOON - DAY, NOON + HOUR) == 1


def test_the_end_belongs_to_the_schedule():
    schedule = Interval(anchor=NOON, every=HOUR, ends_at=NOON + 2 * HOUR)

    assert upcoming(schedule, NOON, 10) == [NOON + HOUR, NOON + 2 * HOUR]
    assert schedule.last_before(NOON + DAY) == NOON + 2 * HOUR


@given(st.timedeltas(-DAY, DAY), st.timedeltas(-DAY, DAY))
def test_a_one_time_schedule_has_one_occurrence(one: timedelta, other: timedelta):
    schedule, instant = Once(at=NOON), NOON + one

    assert schedule.next_after(instant) == (NOON if instant < NOON else None)
    assert schedule.last_before(instant) == (NOON if instant > NOON else None)
    assert schedule.count(NOON + min(one, other), NOON + max(one, other)) == (
        min(one, other) <= timedelta() <= max(one, other)
    )


@given(intervals(), st.integers(0, 20))
def test_upcoming_is_next_again_and_again(schedule: Interval, count: int):
    assume(schedule.every < timedelta(days=30))

    assert upcoming(schedule, NOON - 2 * DAY, count) == oracle(schedule)[:count]


@given(intervals())
def test_a_schedule_is_read_back_from_its_json(schedule: Interval):
    assert parse(schedule.model_dump_json()) == schedule


@pytest.mark.parametrize(
    "text",
    ["", "{}", '{"kind":"cron"}', '{"kind":"once"}', '{"kind":"once","at":"2027-01-01T00:00"}'],
)
def test_what_is_no_schedule_is_refused(text: str):
    with pytest.raises(ValidationError):
        parse(text)
