"""A rule within limits, held against its rule walked and filtered one occurrence at a time."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.contracts.factories import DAY, HOUR, NOON, SECOND, TICK, fields
from trigger_contracts.cron import Cron
from trigger_contracts.definition import parse_definition
from trigger_contracts.misfire import Misfire
from trigger_contracts.schedule import (
    Interval,
    Limited,
    Once,
    Rule,
    following,
    max_fires_of,
    misfire_of,
    parse,
    rule_of,
    upcoming,
)
from trigger_contracts.schedule_fields import schedule_of

SPAN = 20 * DAY
"""What the oracle walks: from ten days before NOON on."""
BEGIN = NOON - SPAN / 2

ZONES = ["UTC", "Europe/Berlin", "Asia/Kathmandu", "Pacific/Apia", "America/St_Johns"]
RULES: list[Rule] = [
    Once(at=NOON + HOUR),
    Interval(anchor=NOON, every=timedelta(hours=7)),
    Interval(anchor=NOON - 4 * DAY, every=timedelta(minutes=95), fires_at_anchor=True),
    Cron.parse("15 */3 * * *", "Asia/Kathmandu"),
    Cron.parse("0 0 * * MON-FRI", "Pacific/Apia"),
]


def date_ranges() -> st.SearchStrategy[tuple[date, date]]:
    return st.builds(
        lambda first, days: (first, first + timedelta(days)),
        st.dates((BEGIN - DAY).date(), (BEGIN + SPAN).date()),
        st.integers(0, 3),
    )


@st.composite
def limited_schedules(draw: st.DrawFn) -> Limited:
    moments = st.none() | st.timedeltas(-SPAN / 2, SPAN / 2).map(lambda d: NOON + d)
    return Limited(
        rule=draw(st.sampled_from(RULES)),
        shift=draw(st.sampled_from([timedelta(), TICK, 5 * SECOND, timedelta(hours=23)])),
        starts_at=draw(moments),
        ends_at=draw(moments),
        exclude=tuple(draw(st.lists(date_ranges(), max_size=4))),
        timezone=draw(st.sampled_from(ZONES)),
    )


def oracle(schedule: Limited) -> list[datetime]:
    """Every occurrence of the span, by looking at each of the rule's."""
    found = []
    nominal = schedule.rule.next_after(BEGIN - DAY)
    while nominal is not None and nominal < BEGIN + SPAN:
        at = nominal + schedule.shift
        shown = at.astimezone(ZoneInfo(schedule.timezone)).date()
        if (
            BEGIN < at < BEGIN + SPAN
            and (schedule.starts_at is None or at >= schedule.starts_at)
            and (schedule.ends_at is None or at <= schedule.ends_at)
            and not any(first <= shown <= last for first, last in schedule.exclude)
        ):
            found.append(at)
        nominal = schedule.rule.next_after(nominal)
    return found


@settings(deadline=None)
@given(limited_schedules(), st.data())
def test_it_fires_when_the_rule_does_and_the_limits_allow(schedule: Limited, data: st.DataObject):
    expected = oracle(schedule)
    at = BEGIN + data.draw(st.timedeltas(timedelta(), SPAN))
    if expected:
        beside = st.sampled_from([timedelta(), TICK, -TICK])
        at = data.draw(st.just(at) | st.sampled_from(expected).map(lambda o: o)) + data.draw(beside)

    later = [one for one in expected if one > at]
    earlier = [one for one in expected if one < at]
    following = schedule.next_after(at)
    before = schedule.last_before(at)

    assert (following if following and following < BEGIN + SPAN else None) == (
        later[0] if later else None
    )
    assert (before if before and before > BEGIN else None) == (earlier[-1] if earlier else None)
    assert schedule.count(BEGIN + TICK, at) == sum(one <= at for one in expected)
    assert schedule.count(at, BEGIN + SPAN - TICK) == sum(one >= at for one in expected)
    assert all(schedule.allows(one) for one in expected)


@given(limited_schedules())
def test_it_is_read_back_from_its_json(schedule: Limited):
    assert parse(schedule.model_dump_json()) == schedule


def test_a_date_is_excluded_on_the_zones_calendar_to_the_second():
    hourly = Cron.parse("0 0 * * * *", "America/New_York")
    schedule = Limited(
        rule=hourly, exclude=((date(2027, 3, 14), date(2027, 3, 14)),), timezone="America/New_York"
    )
    begin, end = datetime(2027, 3, 14, 5, tzinfo=UTC), datetime(2027, 3, 15, 4, tzinfo=UTC)

    # The day on which the clock goes forward has 23 hours.
    assert schedule.next_after(begin - TICK) == end
    assert schedule.last_before(end) == begin - HOUR
    assert hourly.count(begin, end - TICK) == 23
    assert schedule.count(begin - HOUR, end) == 2


def test_a_day_shown_in_two_pieces_is_excluded_in_both():
    """In St. John's the clock of 2010 went back at 00:01, and showed the day before once more."""
    rule = Interval(anchor=datetime(2010, 11, 7, 2, 29, tzinfo=UTC), every=timedelta(minutes=1))
    schedule = Limited(
        rule=rule, exclude=((date(2010, 11, 6), date(2010, 11, 6)),), timezone="America/St_Johns"
    )

    found = upcoming(schedule, datetime(2010, 11, 7, 2, 29, tzinfo=UTC), 3)

    shown = [one.astimezone(ZoneInfo("America/St_Johns")) for one in found]
    assert [f"{one:%d %H:%M %Z}" for one in shown] == [
        "07 00:00 NDT",
        "07 00:00 NST",
        "07 00:01 NST",
    ]


def test_many_excluded_dates_cost_one_look_each():
    """A schedule whose every occurrence is excluded ends the search behind the last date."""
    dates = tuple((date(2027 + n, 12, 25), date(2027 + n, 12, 25)) for n in range(200))
    schedule = Limited(rule=Cron.parse("0 12 25 12 *"), exclude=dates)

    assert schedule.next_after(NOON) == datetime(2227, 12, 25, 12, tzinfo=UTC)
    assert schedule.count(NOON, datetime(2227, 12, 25, 12, tzinfo=UTC)) == 1


def test_what_limits_nothing_is_the_rule_itself():
    plain = schedule_of(parse_definition(fields(cron="0 9 * * *", max_fires=None, jitter=0)), NOON)

    assert plain == Cron.parse("0 9 * * *")
    assert misfire_of(plain) == Misfire()
    assert max_fires_of(plain) is None
    assert max_fires_of(None) is None


def test_an_intervals_own_end_needs_no_limits():
    definition = parse_definition(fields(interval=60, ends_at="2027-01-26T13:00Z"))

    assert schedule_of(definition, NOON) == Interval(
        anchor=NOON, every=60 * SECOND, ends_at=NOON + HOUR
    )


def test_limits_are_read_in_the_definitions_zone():
    definition = parse_definition(
        fields(
            cron="@hourly",
            timezone="Asia/Tokyo",
            starts_at="2027-02-01T00:00:00",
            ends_at="2027-03-01T00:00:00",
            exclude=["2027-02-02", "2027-02-10/2027-02-12"],
            max_fires=5,
            misfire={"policy": "all", "max_age": "PT1H", "max_count": 7},
        )
    )

    assert schedule_of(definition, NOON) == Limited(
        rule=Cron.parse("@hourly", "Asia/Tokyo"),
        starts_at=datetime(2027, 1, 31, 15, tzinfo=UTC),
        ends_at=datetime(2027, 2, 28, 15, tzinfo=UTC),
        exclude=(
            (date(2027, 2, 2), date(2027, 2, 2)),
            (date(2027, 2, 10), date(2027, 2, 12)),
        ),
        timezone="Asia/Tokyo",
        max_fires=5,
        misfire=Misfire(policy="all", max_age=HOUR, max_count=7),
    )


def test_an_intervals_start_stays_its_anchor_within_limits():
    definition = parse_definition(fields(interval=60, starts_at="2027-01-27T00:00Z", max_fires=2))

    assert schedule_of(definition, NOON) == Limited(
        rule=Interval(anchor=NOON + DAY / 2, every=60 * SECOND, fires_at_anchor=True), max_fires=2
    )


@given(st.text("abcdef0123456789-", min_size=1, max_size=20), st.integers(0, 86_400))
def test_jitter_is_the_triggers_own_and_stays(trigger_id: str, jitter: int):
    definition = parse_definition(fields(cron="0 9 * * *", jitter=jitter, max_fires=1))

    one, same = (schedule_of(definition, NOON, trigger_id) for _ in range(2))
    nominal = schedule_of(definition, NOON)

    assert isinstance(one, Limited)
    assert isinstance(nominal, Limited)
    assert one == same
    assert timedelta() <= one.shift <= jitter * SECOND
    assert nominal.shift == timedelta()
    assert rule_of(one) == rule_of(nominal)


def test_triggers_with_one_jitter_are_spread_over_all_of_it():
    definition = parse_definition(fields(cron="0 9 * * *", jitter=100))

    shifts = [
        schedule_of(definition, NOON, f"t{n}").shift  # type: ignore[union-attr]
        for n in range(1000)
    ]
    in_each_tenth = [
        sum(n * 10 * SECOND <= shift < (n + 1) * 10 * SECOND for shift in shifts) for n in range(10)
    ]

    assert all(60 < count < 140 for count in in_each_tenth)


def test_jitter_moves_nothing_onto_an_excluded_date_or_past_the_end():
    schedule = Limited(
        rule=Cron.parse("58 23 * * *"),
        shift=timedelta(minutes=5),
        exclude=((date(2027, 1, 28), date(2027, 1, 28)),),
        ends_at=datetime(2027, 1, 30, tzinfo=UTC),
    )

    assert upcoming(schedule, NOON, 9) == [
        datetime(2027, 1, 27, 0, 3, tzinfo=UTC),
        datetime(2027, 1, 29, 0, 3, tzinfo=UTC),
    ]


@pytest.mark.parametrize(("fires", "left"), [(0, 3), (1, 2), (2, 1), (3, 0), (4, 0)])
def test_a_limited_schedule_is_over_after_its_fires(fires: int, left: int):
    schedule = Limited(rule=Interval(anchor=NOON, every=HOUR), max_fires=3)

    assert len(upcoming(schedule, NOON, 10, fires=fires)) == left
    assert (following(schedule, NOON, fires) is None) == (left == 0)
