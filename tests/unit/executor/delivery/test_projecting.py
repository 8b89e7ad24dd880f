"""The index is the fold of the records, in whatever pages they come."""

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.contracts.deliveries.factories import EVENT, NOON, attempted, ended, planned
from trigger_contracts.deliveries.fold import DeliveryProgress, folded
from trigger_contracts.deliveries.outcomes import DeliveryState, Final, Outcome
from trigger_contracts.deliveries.records import DeliveryRecord, delivery_id_of
from trigger_executor.domain.delivery.projecting import (
    PROMPT,
    BegunRounds,
    StoredRecord,
    may_repeat,
    project,
)

TARGETS = ("erp", "crm")
SECOND = timedelta(seconds=1)


def of(target_id: str, record: DeliveryRecord) -> DeliveryRecord:
    delivery_id = delivery_id_of(EVENT, target_id)
    return record.model_copy(update={"target_id": target_id, "delivery_id": delivery_id})


RECORDS = st.lists(
    st.builds(
        of,
        st.sampled_from(TARGETS),
        st.one_of(
            st.builds(lambda number: planned(round=number), st.integers(1, 2)),
            st.builds(
                lambda number, attempt, epoch, outcome: attempted(
                    outcome, round=number, attempt=attempt, epoch=epoch
                ),
                st.integers(1, 2),
                st.integers(1, 3),
                st.integers(1, 2),
                st.sampled_from(Outcome),
            ),
            st.builds(lambda number: ended(round=number), st.integers(1, 2)),
        ),
    ),
    max_size=14,
)


def stored(records: list[DeliveryRecord], late: timedelta = 9 * PROMPT) -> list[StoredRecord]:
    return [StoredRecord(record, seq, NOON + late) for seq, record in enumerate(records, 1)]


class Index:
    """The tables, in memory, and what was planned before."""

    def __init__(self) -> None:
        self.rows: dict[str, DeliveryProgress] = {}
        self.rounds = BegunRounds()
        """The stream, which is asked for late first plans alone."""
        self.begun: dict[str, int] = {}
        self.wakes: dict[str, list] = {target_id: [] for target_id in TARGETS}

    def project(self, page: list[StoredRecord]) -> None:
        ids = {one.record.delivery_id for one in page}
        known = {key: row for key, row in self.rows.items() if key in ids}
        looked_up = {one.record.delivery_id for one in page if may_repeat(one)}
        earlier = {key: self.rounds.newest.get(key, 0) for key in looked_up}
        for key, number in self.begun.items():
            earlier[key] = max(number, earlier.get(key, 0))
        result = project(page, known, earlier)
        self.begun |= {one.delivery_id: one.round for one in result.begun}
        for delivery_id in result.ended:
            del self.rows[delivery_id]
        for row in result.pending:
            self.rows[row.planned.delivery_id] = row
        for target_id, lane in result.lanes.items():
            if lane.wake_at is not None:
                self.wakes[target_id].append(lane.wake_at)
        for one in page:
            self.rounds.see(one.record)


@settings(max_examples=150)
@given(RECORDS, st.lists(st.integers(0, 14), max_size=4))
def test_the_index_is_what_is_pending_of_the_fold(records: list[DeliveryRecord], cuts: list[int]):
    index = Index()
    page: list[StoredRecord] = []
    for place, one in enumerate(stored(records)):
        if place in cuts and page:
            index.project(page)
            page = []
        page.append(one)
    index.project(page)

    expected: dict[str, DeliveryProgress] = {}
    for target_id in TARGETS:
        of_target = [record for record in records if record.target_id == target_id]
        delivery = folded(of_target)
        if delivery is not None and delivery.state is DeliveryState.PENDING:
            expected[delivery.planned.delivery_id] = delivery
    assert shown(index.rows) == shown(expected)


@pytest.mark.parametrize("number", [1, 2])
@pytest.mark.parametrize("ahead", [-90, 0, 90])
def test_a_plan_is_due_at_once_whatever_the_clock_of_whoever_planned_it(number: int, ahead: int):
    plan = planned(round=number, planned_at=NOON + ahead * SECOND)

    result = project([StoredRecord(plan, 1, NOON)], {}, {})

    (waiting,) = result.pending
    assert waiting.next_attempt_at == result.lanes[plan.target_id].wake_at
    assert waiting.next_attempt_at == NOON + min(ahead, 0) * SECOND


def shown(rows: dict[str, DeliveryProgress]) -> dict[str, tuple]:
    return {
        key: (row.planned.round, row.attempts, row.epoch, row.next_attempt_at)
        for key, row in rows.items()
    }


@settings(max_examples=60)
@given(RECORDS)
def test_a_lane_is_woken_for_whatever_waits_in_it(records: list[DeliveryRecord]):
    index = Index()
    for one in stored(records):
        index.project([one])

    for row in index.rows.values():
        assert min(index.wakes[row.planned.target_id]) <= row.next_attempt_at


def test_only_a_late_first_plan_is_looked_for_in_the_stream():
    def is_looked_up(record: DeliveryRecord, late: timedelta) -> bool:
        return may_repeat(StoredRecord(record, 1, record.logged_at + late))

    assert not is_looked_up(planned(), PROMPT)
    assert is_looked_up(planned(), PROMPT + SECOND)
    # Of these the index remembers by itself which ones have begun.
    assert not is_looked_up(planned(round=2), 9 * PROMPT)
    assert not is_looked_up(attempted(), 9 * PROMPT)


def test_a_plan_that_comes_again_after_the_delivery_waits_for_nothing():
    """The index has forgotten it: what was planned before says so."""
    page = stored([planned(event_seq=900)])

    assert project(page, {}, {planned().delivery_id: 1}).pending == []
    assert len(project(page, {}, {}).pending) == 1


def test_a_round_that_a_redelivery_began_is_remembered_and_begins_once():
    first = stored([planned(round=2)], timedelta())
    (begun,) = project(first, {}, {}).begun
    assert (begun.delivery_id, begun.round) == (planned().delivery_id, 2)

    again = project(first, {}, {begun.delivery_id: begun.round})
    assert (again.pending, again.begun) == ([], [])


def test_what_begins_and_ends_in_one_page_is_written_nowhere():
    result = project(stored([planned(), attempted(Outcome.DELIVERED)]), {}, {})

    assert (result.pending, result.ended) == ([], [])
    assert result.lanes["erp"].wake_at is None


def test_a_lane_learns_how_its_attempts_went():
    failed = attempted(started_at=NOON + SECOND, epoch=7)
    delivered = attempted(Outcome.DELIVERED, attempt=2, epoch=7)

    lane = project(stored([planned(), delivered, failed]), {}, {}).lanes["erp"]

    assert lane.last_attempt == failed
    assert lane.last_success_at == NOON + timedelta(milliseconds=12)
    assert lane.last_failure_at == NOON + SECOND + timedelta(milliseconds=12)
    assert lane.epoch == 7


def test_the_lane_of_a_target_written_out_in_a_test_says_so():
    lanes = project(stored([planned(change_seq=9, is_test=True)]), {}, {}).lanes

    assert lanes["erp"].for_test


def test_a_later_round_wakes_its_lane():
    begun = folded([planned()])
    assert begun is not None
    page = stored(
        [attempted(final=Final.DEAD), planned(round=2, planned_at=NOON + 5 * SECOND)], PROMPT
    )

    result = project(page, {begun.planned.delivery_id: begun}, {})

    assert [row.planned.round for row in result.pending] == [2]
    assert result.lanes["erp"].wake_at == NOON + 5 * SECOND
    assert result.ended == []
