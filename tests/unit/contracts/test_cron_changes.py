"""Cron schedules around changes of a zone's offset, held against an oracle of every minute.

Every run tries all zones whose clocks changed between 1970 and 2037, each at a sample of its
changes, the zones that have been hard for somebody more often; the sample is another one in
each run. An example is tried by all three policies, since the oracle's look at the clock is
what takes time.
"""

from datetime import datetime, timedelta

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from tests.support import cron_oracle
from tests.unit.contracts.cron_cases import (
    EPOCH,
    HARD_ZONES,
    POLICIES,
    ZONES_WITH_CHANGES,
    at,
    back,
    between,
    changes,
    expressions,
    fields,
    fires,
    firing_about,
    offset,
)
from tests.unit.contracts.factories import HOUR, SECOND, TICK
from trigger_contracts.cron import Cron
from trigger_contracts.local_time import ERA_BITS

REACH = 26 * HOUR
"""How far from a change is looked: no shift is longer than a day."""


def assert_holds(
    expression: str,
    zone: str,
    first: datetime,
    last: datetime,
    asked: list[datetime],
    *,
    step: timedelta = cron_oracle.MINUTE,
    memory: timedelta = HOUR,
) -> None:
    """Whatever is asked of the schedule about [first, last] has the oracle's answer."""
    a, b, c = sorted(asked)
    for policy in POLICIES:
        schedule = Cron.parse(expression, zone, policy)
        expected = cron_oracle.occurrences(
            expression, zone, policy, first, last, step=step, memory=memory
        )
        assert between(schedule, first - TICK, last) == expected, policy
        assert back(schedule, last + TICK, first) == expected[::-1], policy
        assert schedule.count(first, last) == len(expected), policy

        assert between(schedule, a, b) + between(schedule, b, c) == between(schedule, a, c)
        for instant in asked:
            later = [occurrence for occurrence in expected if occurrence > instant]
            earlier = [occurrence for occurrence in expected if occurrence < instant]
            following, preceding = schedule.next_after(instant), schedule.last_before(instant)
            assert later[:1] == ([] if following is None or following > last else [following])
            assert earlier[-1:] == ([] if preceding is None or preceding < first else [preceding])
            assert schedule.count(first, instant) == len(expected) - len(later)


@st.composite
def instants_about(draw: st.DrawFn, instant: datetime, reach: timedelta) -> list[datetime]:
    """Three, to the microsecond, some of them at the change or a tick from it."""
    away = st.sampled_from([timedelta(), TICK, -TICK, SECOND, -SECOND, HOUR, -HOUR])
    return [instant + draw(away | st.timedeltas(-reach, reach)) for _ in range(3)]


def whole_minutes(zone: str, first_year: int, end_year: int) -> list[datetime]:
    """The changes at which the oracle may look each minute."""
    return [change for change in changes(zone, first_year, end_year) if not change.second]


def assert_holds_around_a_change(
    data: st.DataObject, zone: str, first_year: int, end_year: int
) -> None:
    change = data.draw(st.sampled_from(whole_minutes(zone, first_year, end_year)))
    expression = data.draw(firing_about(zone, change))
    asked = data.draw(instants_about(change, REACH))
    assert_holds(expression, zone, change - REACH, change + REACH, asked)


@pytest.mark.parametrize("zone", HARD_ZONES)
@settings(max_examples=8, deadline=None)
@given(st.data())
def test_in_hard_zones_it_fires_as_the_oracle_says(zone: str, data: st.DataObject):
    assert_holds_around_a_change(data, zone, 1970, 2038)


@pytest.mark.parametrize(
    "zone", [zone for zone in ZONES_WITH_CHANGES if whole_minutes(zone, 1970, 2038)]
)
@settings(max_examples=3, deadline=None)
@given(st.data())
def test_in_every_zone_it_fires_as_the_oracle_says(zone: str, data: st.DataObject):
    assert_holds_around_a_change(data, zone, 1970, 2038)


RULED_ZONES = [zone for zone in ZONES_WITH_CHANGES if changes(zone, 2100, 2101)]


@settings(max_examples=30, deadline=None)
@given(st.data())
def test_centuries_ahead_it_fires_as_the_oracle_says(data: st.DataObject):
    """Where no change is listed, but a rule gives them."""
    year = data.draw(st.integers(2038, 9990))
    assert_holds_around_a_change(data, data.draw(st.sampled_from(RULED_ZONES)), year, year + 1)


@st.composite
def around_changes_to_the_second(draw: st.DrawFn) -> tuple[str, str, datetime]:
    """With six fields, and also in the time of local mean times, which have odd seconds."""
    zone = draw(st.sampled_from(ZONES_WITH_CHANGES) | st.sampled_from(HARD_ZONES))
    change = draw(st.sampled_from(changes(zone, 1840, 1970) + changes(zone, 1970, 2038)))
    assume(abs(offset(zone, change) - offset(zone, change - SECOND)) <= 3 * HOUR)
    second = draw(fields(0, 59, 0, 30, 59))
    return f"{second} {draw(firing_about(zone, change))}", zone, change


@settings(max_examples=40, deadline=None)
@example(("45 44 0 * * *", "Africa/Monrovia", at("1972-01-07T00:44:30Z")), [HOUR, HOUR, HOUR])
@example(("15 30 0 * * *", "Africa/Monrovia", at("1972-01-07T00:44:30Z")), [HOUR, HOUR, HOUR])
@example(("*/10 */5 * * * *", "Africa/Monrovia", at("1972-01-07T00:44:30Z")), [-TICK, TICK, HOUR])
@given(
    around_changes_to_the_second(),
    st.lists(st.timedeltas(-HOUR, 3 * HOUR), min_size=3, max_size=3),
)
def test_it_fires_to_the_second_as_the_oracle_says(
    case: tuple[str, str, datetime], asked: list[timedelta]
):
    expression, zone, change = case
    assert_holds(
        expression,
        zone,
        change - HOUR,
        change + 3 * HOUR,
        [change + away for away in asked],
        step=SECOND,
        memory=3 * HOUR,
    )


@settings(max_examples=40, deadline=None)
@given(expressions, st.sampled_from(ZONES_WITH_CHANGES), st.integers(0, 12), st.data())
def test_the_borders_of_eras_are_not_seen(
    expression: str, zone: str, number: int, data: st.DataObject
):
    """Stretches are made for 34 years at a time; nothing happens where one such time ends."""
    assume(fires(expression))
    border = EPOCH + (number << ERA_BITS) * SECOND
    asked = data.draw(instants_about(border, 2 * HOUR))
    assert_holds(expression, zone, border - 2 * HOUR, border + 2 * HOUR, asked, step=SECOND)
