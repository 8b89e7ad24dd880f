"""From a trigger's newest change to its row, and what a rebuild knows from the last record."""

from datetime import datetime, timedelta

import pytest

from tests.unit.scheduler.factories import EVERY_MINUTE, HOUR, MINUTE, NOON, make_row
from trigger_contracts.definition import Definition
from trigger_contracts.events import ChangeKind, Due, Status, TriggerChanged
from trigger_contracts.misfire import MAX_AGE
from trigger_contracts.trigger import Trigger
from trigger_scheduler.domain.arming import armed_row, decided_row


def make_trigger(change_seq: int = 20, **fields: object) -> Trigger:
    change = TriggerChanged(
        kind=ChangeKind.CREATED,
        trigger_id="t1",
        creation_id="c1",
        command_id="c1",
        version=2,
        status=Status.ACTIVE,
        definition=Definition(name="x", type="scheduled", interval=60),
        schedule=EVERY_MINUTE,
        armed_from=NOON,
        actor="me",
        at=NOON,
        created_at=NOON,
    )
    return Trigger(change.model_copy(update=fields), change_seq)


def due(at: datetime, creation_id: str = "c1") -> Due:
    return Due(
        trigger_id="t1",
        creation_id=creation_id,
        version=1,
        change_seq=10,
        cursor=at,
        scheduled_for=at,
        published_at=at,
    )


def test_a_new_trigger_is_armed_for_its_first_occurrence():
    row = armed_row(make_trigger(), None)

    assert (row.next_fire_at, row.cursor, row.due_seq) == (NOON + MINUTE, None, 0)
    assert (row.version, row.change_seq) == (2, 20)


def test_an_edit_keeps_what_was_decided_and_where_the_due_subject_is():
    old = make_row(cursor=NOON + 5 * MINUTE, due_seq=7, due_stored_at=NOON)

    row = armed_row(make_trigger(), old)

    assert (row.cursor, row.next_fire_at) == (NOON + 5 * MINUTE, NOON + 6 * MINUTE)
    assert (row.due_seq, row.due_stored_at) == (7, NOON)


def test_an_edit_is_armed_from_its_own_instant_on():
    row = armed_row(make_trigger(armed_from=NOON + HOUR), make_row(cursor=NOON))

    assert row.next_fire_at == NOON + HOUR + MINUTE


def test_a_successor_under_the_same_id_starts_anew_on_the_same_subject():
    old = make_row(creation_id="c0", cursor=NOON + HOUR, due_seq=7, due_stored_at=NOON)

    row = armed_row(make_trigger(), old)

    assert (row.cursor, row.next_fire_at, row.due_seq) == (None, NOON + MINUTE, 7)


@pytest.mark.parametrize("status", [Status.COMPLETED, Status.DELETED])
def test_what_is_over_never_fires(status: Status):
    assert armed_row(make_trigger(status=status), make_row()).next_fire_at is None


def test_an_api_trigger_never_fires_by_itself():
    assert armed_row(make_trigger(schedule=None), None).next_fire_at is None


def test_a_rebuild_goes_on_after_the_last_record():
    row = decided_row(make_trigger(), (due(NOON + 3 * MINUTE), 9), NOON + HOUR)

    assert (row.cursor, row.next_fire_at) == (NOON + 3 * MINUTE, NOON + 4 * MINUTE)
    assert (row.due_seq, row.due_stored_at) == (9, NOON + 3 * MINUTE)


def test_a_rebuild_does_not_take_a_predecessors_record_for_its_own():
    row = decided_row(make_trigger(), (due(NOON + 30 * MINUTE, "c0"), 9), NOON + HOUR)

    assert (row.cursor, row.next_fire_at, row.due_seq) == (None, NOON + MINUTE, 9)


def test_a_rebuild_without_a_record_repeats_nothing_that_could_have_fired():
    now = NOON + timedelta(days=10)

    row = decided_row(make_trigger(), None, now)

    assert row.next_fire_at is not None
    assert now - MAX_AGE < row.next_fire_at <= now - MAX_AGE + MINUTE
    assert decided_row(make_trigger(), None, NOON + HOUR).next_fire_at == NOON + MINUTE
