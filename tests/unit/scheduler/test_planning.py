"""What a due row calls for, and what its last record proves."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.scheduler.factories import (
    AT_NOON,
    EVERY_MINUTE,
    GRACE,
    HOUR,
    MINUTE,
    NOON,
    SECOND,
    TICK,
    make_row,
)
from trigger_contracts.events import DUE_RECORD, Due, Fence, Missed
from trigger_contracts.misfire import DEFAULT_COUNT, MAX_AGE, Misfire
from trigger_contracts.schedule import Interval, Limited
from trigger_contracts.topology import LOG_LIFE
from trigger_scheduler.domain.planning import (
    EXPIRY_DOUBT,
    DueRow,
    FireStep,
    MissStep,
    Step,
    advanced,
    plan,
    reconcile,
)


def steps(row: DueRow, now, grace: timedelta = GRACE) -> list[Step]:
    """Every step until nothing is due at ``now``, as one claimer after the other takes them."""
    found: list[Step] = []
    while row.next_fire_at is not None and row.next_fire_at <= now:
        step = plan(row, now, grace)
        assert step is not None
        found.append(step)
        row = advanced(row, step, len(found), now)
    return found


@pytest.mark.parametrize("late", [timedelta(), TICK, SECOND, GRACE])
def test_within_the_grace_an_occurrence_fires_on_time(late: timedelta):
    assert plan(make_row(AT_NOON), NOON + late, GRACE) == FireStep(
        NOON, misfire=False, next_fire_at=None
    )


@pytest.mark.parametrize("late", [GRACE + TICK, HOUR, MAX_AGE])
def test_beyond_the_grace_the_last_occurrence_fires_late_and_says_so(late: timedelta):
    assert plan(make_row(AT_NOON), NOON + late, GRACE) == FireStep(
        NOON, misfire=True, next_fire_at=None
    )


@pytest.mark.parametrize("late", [MAX_AGE + TICK, LOG_LIFE, timedelta(days=300)])
def test_beyond_the_horizon_nothing_proves_that_it_did_not_fire(late: timedelta):
    step = plan(make_row(AT_NOON), NOON + late, GRACE)

    assert isinstance(step, MissStep)
    assert step.occurrences == (NOON,)
    assert (step.first, step.last, step.count, step.next_fire_at) == (NOON, NOON, 1, None)
    assert "47 h" in step.reason


def test_a_row_with_nothing_left_calls_for_nothing():
    assert plan(make_row(AT_NOON, next_fire_at=None), NOON, GRACE) is None
    assert plan(make_row(None, next_fire_at=NOON), NOON, GRACE) is None


def test_after_downtime_the_last_fires_late_and_the_rest_are_missed():
    now = NOON + 5 * MINUTE + GRACE + SECOND

    missed, late = steps(make_row(), now)

    assert isinstance(missed, MissStep)
    assert missed.occurrences == tuple(NOON + n * MINUTE for n in (1, 2, 3, 4))
    assert (missed.count, missed.next_fire_at) == (4, NOON + 5 * MINUTE)
    assert "30 s" in missed.reason
    assert late == FireStep(NOON + 5 * MINUTE, misfire=True, next_fire_at=NOON + 6 * MINUTE)


def test_whatever_is_within_the_grace_fires_besides():
    now = NOON + 5 * MINUTE + SECOND

    found = steps(make_row(), now)

    assert [type(step) for step in found] == [MissStep, FireStep, FireStep]
    assert found[1:] == [
        FireStep(NOON + 4 * MINUTE, misfire=True, next_fire_at=NOON + 5 * MINUTE),
        FireStep(NOON + 5 * MINUTE, misfire=False, next_fire_at=NOON + 6 * MINUTE),
    ]


@pytest.mark.parametrize(
    ("missed", "listed"), [(DEFAULT_COUNT, DEFAULT_COUNT), (DEFAULT_COUNT + 1, 0)]
)
def test_too_many_missed_occurrences_are_counted_in_one_row(missed: int, listed: int):
    row = make_row()
    last = NOON + (missed + 1) * MINUTE

    step = plan(row, last + GRACE + TICK, GRACE)

    assert isinstance(step, MissStep)
    assert (len(step.occurrences), step.count) == (listed, missed)
    assert (step.first, step.last) == (NOON + MINUTE, last - MINUTE)
    assert step.next_fire_at == last


def test_years_of_downtime_are_three_steps():
    """Interval of a second, three years: nobody walks 94 million occurrences."""
    row = make_row(Interval(anchor=NOON, every=SECOND))
    now = NOON + timedelta(days=1000)

    unprovable, too_late, last = steps(row, now)[:3]

    assert isinstance(unprovable, MissStep)
    assert isinstance(too_late, MissStep)
    assert unprovable.count == (timedelta(days=1000) - MAX_AGE) // SECOND - 1
    assert too_late.last == now - GRACE - 2 * SECOND
    assert unprovable.occurrences == too_late.occurrences == ()
    assert last == FireStep(now - GRACE - SECOND, misfire=True, next_fire_at=now - GRACE)


def test_a_rare_schedule_away_beyond_the_horizon_is_missed_whole():
    row = make_row(Interval(anchor=NOON, every=timedelta(days=30)))
    now = NOON + timedelta(days=95)

    (step,) = steps(row, now)

    assert isinstance(step, MissStep)
    assert step.count == 3
    assert step.next_fire_at == NOON + timedelta(days=120)


def test_an_ended_schedule_ends():
    row = make_row(Interval(anchor=NOON, every=MINUTE, ends_at=NOON + 2 * MINUTE))

    found = steps(row, NOON + HOUR)

    assert [type(step) for step in found] == [MissStep, FireStep]
    assert found[-1].next_fire_at is None


schedules = st.builds(
    Interval,
    anchor=st.just(NOON),
    every=st.timedeltas(SECOND, timedelta(days=20)),
    fires_at_anchor=st.booleans(),
    ends_at=st.none() | st.timedeltas(timedelta(), timedelta(days=40)).map(lambda d: NOON + d),
)


@given(
    schedules,
    st.timedeltas(timedelta(), timedelta(days=60)),
    st.timedeltas(TICK, HOUR),
)
def test_every_occurrence_up_to_now_is_decided_once_and_in_order(schedule, away, grace):
    row = make_row(schedule)
    now = NOON + away

    found = steps(row, now, grace)

    decided = sum(step.count if isinstance(step, MissStep) else 1 for step in found)
    assert decided == schedule.count(NOON, now)
    position = NOON - TICK
    for step in found:
        first = step.scheduled_for if isinstance(step, FireStep) else step.first
        last = step.scheduled_for if isinstance(step, FireStep) else step.last
        assert first == schedule.next_after(position)
        assert step.next_fire_at == schedule.next_after(last)
        position = last
        if isinstance(step, FireStep):
            late = now - step.scheduled_for
            assert step.misfire == (late > grace)
            assert late <= max(MAX_AGE, grace)
        elif step.occurrences:
            assert len(step.occurrences) == step.count <= DEFAULT_COUNT
            assert (step.occurrences[0], step.occurrences[-1]) == (first, last)
        else:
            assert step.count > DEFAULT_COUNT
    assert sum(isinstance(step, FireStep) and step.misfire for step in found) <= 1


@given(schedules, st.timedeltas(timedelta(), timedelta(days=60)))
def test_records_say_what_the_step_decided(schedule, away):
    row, now = make_row(schedule), NOON + away
    for step in steps(row, now):
        record = step.record(row, now)

        # ``record`` skips validation for speed: what it makes must be valid all the same.
        assert DUE_RECORD.validate_json(record.model_dump_json()) == record
        last = step.scheduled_for if isinstance(step, FireStep) else step.last
        assert record.cursor == last == advanced(row, step, 7, now).cursor
        assert (record.trigger_id, record.creation_id) == ("t1", "c1")
        assert (record.version, record.change_seq) == (1, 10)


def test_an_advanced_row_knows_its_record():
    step = plan(make_row(), NOON + MINUTE, GRACE)
    assert step is not None

    row = advanced(make_row(), step, 42, NOON + MINUTE)

    assert (row.due_seq, row.due_stored_at) == (42, NOON + MINUTE)
    assert (row.cursor, row.next_fire_at) == (NOON + MINUTE, NOON + 2 * MINUTE)


@pytest.mark.parametrize(
    ("age", "expected"),
    [
        (timedelta(), 42),
        (LOG_LIFE, 42),
        (LOG_LIFE + EXPIRY_DOUBT, 42),
        (LOG_LIFE + EXPIRY_DOUBT + TICK, 0),
        (timedelta(days=365), 0),
    ],
)
def test_an_expired_record_is_not_expected_any_more(age: timedelta, expected: int):
    row = make_row(due_seq=42, due_stored_at=NOON)

    assert row.expected_seq(NOON + age) == expected


def test_a_row_without_a_record_expects_none():
    assert make_row().expected_seq(NOON) == 0


def due(at, *, change_seq: int = 10, creation_id: str = "c1") -> Due:
    return Due(
        trigger_id="t1",
        creation_id=creation_id,
        version=1,
        change_seq=change_seq,
        cursor=at,
        scheduled_for=at,
        published_at=at,
    )


def fence(cursor=None, *, change_seq: int = 10, creation_id: str = "c1") -> Fence:
    return Fence(
        trigger_id="t1",
        creation_id=creation_id,
        version=1,
        change_seq=change_seq,
        cursor=cursor,
        fenced_at=NOON,
    )


class TestReconcile:
    def test_an_empty_subject_expects_nothing_and_keeps_what_was_decided(self):
        row = make_row(cursor=NOON, due_seq=7, due_stored_at=NOON)

        known = reconcile(row, None)

        assert known == make_row(cursor=NOON)

    def test_a_record_that_the_row_does_not_know_moves_it_on(self):
        known = reconcile(make_row(), (due(NOON + 3 * MINUTE), 9))

        assert known is not None
        assert (known.cursor, known.next_fire_at) == (NOON + 3 * MINUTE, NOON + 4 * MINUTE)
        assert (known.due_seq, known.due_stored_at) == (9, NOON + 3 * MINUTE)

    def test_missed_occurrences_move_it_on_as_well(self):
        occurrences = (NOON + MINUTE, NOON + 2 * MINUTE)
        record = Missed(
            trigger_id="t1",
            creation_id="c1",
            version=1,
            change_seq=10,
            cursor=occurrences[-1],
            occurrences=occurrences,
            first=occurrences[0],
            last=occurrences[-1],
            count=2,
            reason="x",
            decided_at=NOON + HOUR,
        )

        known = reconcile(make_row(), (record, 9))

        assert known is not None
        assert known.next_fire_at == NOON + 3 * MINUTE

    def test_a_fence_without_a_cursor_moves_the_sequence_alone(self):
        known = reconcile(make_row(), (fence(), 9))

        assert known == make_row(due_seq=9, due_stored_at=NOON)

    def test_a_newer_definitions_record_asks_for_a_newer_row(self):
        assert reconcile(make_row(), (fence(change_seq=11), 9)) is None
        assert reconcile(make_row(), (due(NOON, change_seq=11), 9)) is None

    def test_an_older_definitions_record_counts_as_decided(self):
        known = reconcile(make_row(), (due(NOON + MINUTE, change_seq=5), 9))

        assert known is not None
        assert known.next_fire_at == NOON + 2 * MINUTE

    def test_what_was_decided_of_a_deleted_trigger_says_nothing_of_its_successor(self):
        record = due(NOON + 30 * MINUTE, change_seq=5, creation_id="c0")

        known = reconcile(make_row(), (record, 9))

        assert known == make_row(due_seq=9, due_stored_at=record.published_at)

    @given(
        st.none() | st.integers(-5, 20),
        st.none() | st.integers(-5, 20),
        st.none() | st.integers(-5, 20),
    )
    def test_the_cursor_never_moves_back_and_nothing_decided_is_next(self, cursor, ahead, recorded):
        at = [None if n is None else NOON + n * MINUTE for n in (cursor, recorded)]
        row = make_row(
            cursor=at[0],
            next_fire_at=None if ahead is None else NOON + (ahead + max(cursor or 0, 0)) * MINUTE,
        )

        known = reconcile(row, (fence(at[1]), 9))

        assert known is not None
        assert row.cursor is None or (known.cursor is not None and known.cursor >= row.cursor)
        assert known.cursor is None or at[1] is None or known.cursor >= at[1]
        if known.next_fire_at is not None and at[1] is not None and known.cursor == at[1]:
            assert known.next_fire_at > at[1] or known.next_fire_at == row.next_fire_at
        if row.next_fire_at is not None and known.next_fire_at is not None:
            assert known.next_fire_at >= row.next_fire_at

    @given(st.integers(1, 20))
    def test_reconciling_twice_is_reconciling_once(self, minutes: int):
        last = (due(NOON + minutes * MINUTE), 9)
        known = reconcile(make_row(), last)

        assert known is not None
        assert reconcile(known, last) == known


def late_row(policy: Misfire, schedule: Interval = EVERY_MINUTE, **limits: int) -> DueRow:
    return make_row(Limited(rule=schedule, misfire=policy, **limits))


class TestMisfirePolicies:
    """Ten occurrences of every minute are found late, the next ones in time."""

    now = NOON + 10 * MINUTE + GRACE + SECOND

    def test_none_fires_nothing_late_and_lists_what_it_missed(self):
        (missed,) = steps(late_row(Misfire(policy="none")), self.now)

        assert isinstance(missed, MissStep)
        assert missed.occurrences == tuple(NOON + n * MINUTE for n in range(1, 11))
        assert missed.next_fire_at == NOON + 11 * MINUTE
        assert "none fires late" in missed.reason

    def test_none_sums_more_than_its_count_in_one_row(self):
        (missed,) = steps(late_row(Misfire(policy="none", max_count=9)), self.now)

        assert isinstance(missed, MissStep)
        assert (missed.count, missed.occurrences) == (10, ())

    def test_last_lists_as_many_as_its_count_allows(self):
        missed, fired = steps(late_row(Misfire(policy="last", max_count=8)), self.now)

        assert isinstance(missed, MissStep)
        assert (missed.count, missed.occurrences) == (9, ())
        assert fired == FireStep(NOON + 10 * MINUTE, misfire=True, next_fire_at=NOON + 11 * MINUTE)

    def test_all_fires_each_in_order_and_says_that_it_is_late(self):
        found = steps(late_row(Misfire(policy="all")), self.now)

        assert found == [
            FireStep(NOON + n * MINUTE, misfire=True, next_fire_at=NOON + (n + 1) * MINUTE)
            for n in range(1, 11)
        ]

    def test_all_fires_the_last_of_its_count_and_misses_the_ones_before(self):
        missed, *fired = steps(late_row(Misfire(policy="all", max_count=3)), self.now)

        assert isinstance(missed, MissStep)
        assert missed.occurrences == tuple(NOON + n * MINUTE for n in range(1, 8))
        assert "only the last 3 fire" in missed.reason
        assert [step.scheduled_for for step in fired if isinstance(step, FireStep)] == [
            NOON + n * MINUTE for n in (8, 9, 10)
        ]

    @pytest.mark.parametrize("policy", ["last", "all"])
    def test_nothing_older_than_the_age_fires(self, policy: str):
        age = 4 * MINUTE + GRACE
        missed, *rest = steps(late_row(Misfire(policy=policy, max_age=age)), self.now)

        assert isinstance(missed, MissStep)
        assert missed.occurrences[-1] == NOON + 6 * MINUTE
        assert "max_age of 270 s" in missed.reason
        fired = [step.scheduled_for for step in rest if isinstance(step, FireStep)]
        assert fired == [NOON + n * MINUTE for n in ((10,) if policy == "last" else (7, 8, 9, 10))]

    def test_where_all_are_too_old_all_are_missed(self):
        (missed,) = steps(late_row(Misfire(policy="all", max_age=GRACE)), self.now)

        assert isinstance(missed, MissStep)
        assert missed.count == 10

    def test_what_is_within_the_grace_fires_whatever_the_policy(self):
        policy = Misfire(policy="none", max_age=SECOND)

        assert steps(late_row(policy), NOON + MINUTE + GRACE) == [
            FireStep(NOON + MINUTE, misfire=False, next_fire_at=NOON + 2 * MINUTE)
        ]

    @given(
        st.sampled_from(["none", "last", "all"]),
        st.none() | st.timedeltas(SECOND, MAX_AGE),
        st.integers(1, 40),
        schedules,
        st.timedeltas(timedelta(), timedelta(days=5)),
    )
    def test_every_occurrence_is_decided_once_whatever_the_policy(
        self, policy, max_age, max_count, schedule, away
    ):
        misfire = Misfire(policy=policy, max_age=max_age, max_count=max_count)
        now = NOON + away
        late = schedule.count(NOON, now - GRACE - TICK)

        found = steps(late_row(misfire, schedule), now)

        misses = [step for step in found if isinstance(step, MissStep)]
        late_fires = [step for step in found if isinstance(step, FireStep) and step.misfire]
        decided = sum(step.count for step in misses) + sum(isinstance(s, FireStep) for s in found)
        assert decided == schedule.count(NOON, now)
        oldest = now - (max_age or MAX_AGE)
        young = schedule.count(max(oldest, NOON), now - GRACE - TICK) if oldest < now else 0
        assert len(late_fires) == min(misfire.late_fires, young, late)
        assert all(step.scheduled_for >= oldest for step in late_fires)
        assert len(misses) <= 2
        for miss in misses:
            assert len(miss.occurrences) == (miss.count if miss.count <= misfire.listed else 0)


class TestMaxFires:
    def test_late_fires_count_and_missed_ones_do_not(self):
        row = late_row(Misfire(policy="last"), max_fires=2)

        missed, late, in_time = steps(row, NOON + 3 * MINUTE + GRACE - SECOND)

        assert isinstance(missed, MissStep)
        assert missed.count == 1
        assert late == FireStep(
            NOON + 2 * MINUTE, misfire=True, next_fire_at=NOON + 3 * MINUTE, fires=1
        )
        assert in_time == FireStep(NOON + 3 * MINUTE, misfire=False, next_fire_at=None, fires=2)

    def test_all_that_is_late_fires_until_the_count_is_full(self):
        found = steps(late_row(Misfire(policy="all"), max_fires=3), NOON + HOUR)

        assert [step.scheduled_for for step in found if isinstance(step, FireStep)] == [
            NOON + n * MINUTE for n in (1, 2, 3)
        ]
        assert found[-1].next_fire_at is None

    def test_a_record_tells_the_count_to_whoever_comes_after_a_crash(self):
        row = late_row(Misfire(), max_fires=2)
        step = plan(row, NOON + MINUTE, GRACE)
        assert step is not None

        known = reconcile(row, (step.record(row, NOON + MINUTE), 9))

        assert known is not None
        assert (known.fires, known.next_fire_at) == (1, NOON + 2 * MINUTE)
        again = plan(known, NOON + 2 * MINUTE, GRACE)
        assert again == FireStep(NOON + 2 * MINUTE, misfire=False, next_fire_at=None, fires=2)
        assert reconcile(known, (again.record(known, NOON + 2 * MINUTE), 10)) == replace(
            known,
            cursor=NOON + 2 * MINUTE,
            next_fire_at=None,
            fires=2,
            due_seq=10,
            due_stored_at=NOON + 2 * MINUTE,
        )

    def test_without_a_limit_nothing_is_counted(self):
        step = plan(make_row(), NOON + MINUTE, GRACE)

        assert isinstance(step, FireStep)
        assert step.fires == 0
