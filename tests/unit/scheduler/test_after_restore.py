"""What becomes of occurrences whose decisions were lost with the newer part of the logs."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from tests.unit.scheduler.factories import (
    AT_NOON,
    GRACE,
    HOUR,
    MINUTE,
    NOON,
    SECOND,
    TICK,
    make_row,
)
from trigger_contracts.misfire import DEFAULT_COUNT, Misfire
from trigger_contracts.schedule import Interval, Limited
from trigger_scheduler.domain.planning import FireStep, advanced, plan, plan_after_restore

REASON = "restored from a backup"


def test_what_fires_within_the_grace_and_what_would_fire_late_are_missed_alike():
    for late in (timedelta(), SECOND, GRACE, HOUR, 72 * HOUR):
        step = plan_after_restore(make_row(AT_NOON), NOON + late, REASON)

        assert step is not None
        assert (step.occurrences, step.count, step.reason) == ((NOON,), 1, REASON)
        assert step.next_fire_at is None


def test_what_is_still_to_come_is_not_decided():
    assert plan_after_restore(make_row(AT_NOON), NOON - TICK, REASON) is None
    assert plan_after_restore(make_row(None), NOON, REASON) is None
    over = make_row(AT_NOON, next_fire_at=None, cursor=NOON)
    assert plan_after_restore(over, NOON + HOUR, REASON) is None


def test_no_policy_has_them_fire_late_and_more_than_it_lists_are_counted():
    for policy in ("none", "last", "all"):
        rule = Interval(anchor=NOON, every=SECOND, fires_at_anchor=True)
        row = make_row(Limited(rule=rule, misfire=Misfire(policy=policy)), next_fire_at=NOON)

        step = plan_after_restore(row, NOON + HOUR, REASON)

        assert step is not None
        assert (step.count, step.occurrences) == (3601, ())
        assert (step.first, step.last) == (NOON, NOON + HOUR)


def test_missed_occurrences_use_up_no_max_fires():
    rule = Interval(anchor=NOON, every=MINUTE)
    row = make_row(Limited(rule=rule, max_fires=3), next_fire_at=NOON, fires=1)

    step = plan_after_restore(row, NOON + 5 * MINUTE, REASON)

    assert step is not None
    after = advanced(row, step, 7, NOON + 5 * MINUTE)
    assert (after.fires, after.next_fire_at) == (1, NOON + 6 * MINUTE)


@given(
    every=st.integers(1, 5000),
    decided=st.integers(0, 300),
    away=st.integers(0, 100_000),
)
def test_the_schedule_goes_on_behind_them_and_each_is_told_of_once(
    every: int, decided: int, away: int
):
    rule = Interval(anchor=NOON, every=timedelta(seconds=every), fires_at_anchor=True)
    first = NOON + decided * timedelta(seconds=every)
    row = make_row(rule, next_fire_at=first, cursor=first - TICK)
    until = first + timedelta(seconds=away)

    step = plan_after_restore(row, until, REASON)

    assert step is not None
    assert step.count == rule.count(first, until)
    assert len(step.occurrences) == (step.count if step.count <= DEFAULT_COUNT else 0)
    after = advanced(row, step, 1, until)
    assert after.next_fire_at is not None
    assert until < after.next_fire_at <= until + timedelta(seconds=every)
    assert plan_after_restore(after, until, REASON) is None
    assert isinstance(plan(after, after.next_fire_at, GRACE), FireStep)
