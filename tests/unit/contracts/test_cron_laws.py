"""What holds for every cron schedule at any time, whatever its expression, zone and policy."""

import zoneinfo
from datetime import datetime, timedelta

from hypothesis import assume, given
from hypothesis import strategies as st

from tests.unit.contracts.cron_cases import back, between, schedules
from tests.unit.contracts.factories import DAY, HOUR, TICK, instants
from trigger_contracts.cron import Cron

anytime = instants(1, 9999) | instants(1900, 2100)


@given(schedules(), anytime)
def test_next_is_later_and_last_is_earlier_than_asked(schedule: Cron, instant: datetime):
    following, preceding = schedule.next_after(instant), schedule.last_before(instant)

    if following is not None:
        assert following > instant
        assert schedule.last_before(following + TICK) == following
        assert schedule.count(following, following) == 1
        assert schedule.count(instant + TICK, following) == 1
    if preceding is not None:
        assert preceding < instant
        assert schedule.next_after(preceding - TICK) == preceding
        assert schedule.count(preceding, instant - TICK) == 1


@given(schedules(), anytime, st.timedeltas(timedelta(), 400 * DAY))
def test_next_is_monotone(schedule: Cron, instant: datetime, later: timedelta):
    assume(instant.year < 9990)
    one, other = schedule.next_after(instant), schedule.next_after(instant + later)

    assert other is None or (one is not None and one <= other)


@given(schedules(), instants(1900, 2100), st.data())
def test_occurrences_between_are_the_sum_of_their_parts(
    schedule: Cron, a: datetime, data: st.DataObject
):
    following = schedule.next_after(a)
    reach = HOUR if following is None else max(HOUR, (following - a) * 20)
    b, c = sorted(a + data.draw(st.timedeltas(timedelta(), reach)) for _ in range(2))
    whole = between(schedule, a, c) if schedule.count(a, c) < 2000 else None
    parts = (schedule.count(a + TICK, b), schedule.count(b + TICK, c))

    assert schedule.count(a + TICK, c) == sum(parts)
    if whole is not None:
        assert between(schedule, a, b) + between(schedule, b, c) == whole
        assert len(whole) == sum(parts)
        assert back(schedule, c + TICK, a + TICK) == whole[::-1]


@given(schedules(), anytime, st.sampled_from([2, -7, 12]))
def test_the_instants_own_zone_does_not_matter(schedule: Cron, instant: datetime, hours: int):
    assume(2 < instant.year < 9998)
    elsewhere = instant.astimezone(zoneinfo.ZoneInfo(f"Etc/GMT{hours:+d}"))

    assert schedule.next_after(elsewhere) == schedule.next_after(instant)
    assert schedule.last_before(elsewhere) == schedule.last_before(instant)
