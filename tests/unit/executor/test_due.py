"""What a due record becomes in the log."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.executor.factories import NOON, SECOND, make_change, make_due, make_missed
from trigger_contracts.events import EntryStatus, Fence, Source
from trigger_contracts.ids import occurrence_event_id
from trigger_executor.domain.due import RecordError, due_entries, fits, parse_due
from trigger_executor.domain.row import row_of
from trigger_executor.domain.version import version_of

CHANGE = make_change()
VERSION = version_of(CHANGE, 1)


def test_a_due_record_is_one_fired_row_at_the_instant_of_its_publication():
    record = make_due(CHANGE, misfire=True)

    (entry,) = due_entries(record, VERSION)

    assert entry.status is EntryStatus.FIRED
    assert entry.event_id == str(occurrence_event_id("t1", "create-t1", NOON))
    assert entry.scheduled_for == NOON
    assert entry.fired_at == entry.logged_at == record.published_at
    assert entry.misfire
    assert (entry.source, entry.is_test) == (Source.SCHEDULE, False)
    assert (entry.trigger_name, entry.trigger_type, entry.trigger_version) == (
        "Tea",
        "scheduled",
        1,
    )
    assert entry.payload == {"hello": "world"}


def test_a_test_is_marked_as_one():
    (entry,) = due_entries(make_due(CHANGE), version_of(make_change(is_test=True), 1))

    assert (entry.source, entry.is_test) == (Source.TEST, True)


def test_missed_occurrences_are_a_row_each_without_payload():
    record = make_missed(CHANGE)

    entries = due_entries(record, VERSION)

    assert [entry.scheduled_for for entry in entries] == [NOON, NOON + SECOND, NOON + 2 * SECOND]
    assert len({entry.event_id for entry in entries}) == 3
    for entry in entries:
        assert entry.status is EntryStatus.MISSED
        assert entry.logged_at == record.decided_at
        assert (entry.fired_at, entry.payload, entry.count) == (None, None, 1)
        assert entry.last_scheduled_for is None
        assert entry.reason == "the platform was away"


def test_counted_occurrences_are_one_row_from_first_to_last():
    record = make_missed(CHANGE, occurrences=(), count=5000, last=NOON + 4999 * SECOND)

    (entry,) = due_entries(record, VERSION)

    assert entry.count == 5000
    assert (entry.scheduled_for, entry.last_scheduled_for) == (NOON, NOON + 4999 * SECOND)
    assert entry.event_id == str(occurrence_event_id("t1", "create-t1", NOON))


def test_an_occurrence_has_one_id_whether_it_fired_or_was_missed():
    fired = due_entries(make_due(CHANGE), VERSION)
    missed = due_entries(make_missed(CHANGE, occurrences=(NOON,), count=1), VERSION)

    assert fired[0].event_id == missed[0].event_id


instants = st.timedeltas(timedelta(), timedelta(days=3650)).map(
    lambda since: datetime(2026, 1, 1, tzinfo=UTC) + since
)
payloads = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=10,
)


@given(scheduled_for=instants, late=st.timedeltas(timedelta(), 30 * SECOND), payload=payloads)
def test_a_redelivered_record_gives_the_same_bytes(scheduled_for, late, payload):
    record = make_due(CHANGE, scheduled_for=scheduled_for, published_at=scheduled_for + late)

    def row():
        version = version_of(
            type(CHANGE).model_validate_json(make_change(payload=payload).model_dump_json()), 1
        )
        (entry,) = due_entries(parse_due(record.model_dump_json().encode()), version)
        return row_of(entry, record.published_at)

    first, again = row(), row()
    assert (first.subject, first.body, first.event_id) == (
        again.subject,
        again.body,
        again.event_id,
    )


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not json",
        b"[]",
        b'{"kind": "due"}',
        make_due(CHANGE)
        .model_dump_json()
        .replace('"schema_version":1', '"schema_version":9')
        .encode(),
        make_due(CHANGE).model_dump_json().replace('"kind":"due"', '"kind":"later"').encode(),
        make_due(CHANGE, trigger_id="a.b").model_dump_json().encode(),
        make_due(CHANGE, trigger_id="x>").model_dump_json().encode(),
        b'{"a":' * 10_000,
    ],
)
def test_what_is_no_record_is_said_to_be_none(body):
    with pytest.raises(RecordError, match="not a due record"):
        parse_due(body)


def test_a_fence_is_read():
    fence = Fence(
        trigger_id="t1", creation_id="c", version=2, change_seq=3, cursor=None, fenced_at=NOON
    )

    assert parse_due(fence.model_dump_json().encode()) == fence


@pytest.mark.parametrize("other", [{"trigger_id": "t2"}, {"creation_id": "create-again"}])
def test_a_definition_of_another_trigger_does_not_fit(other):
    assert fits(make_due(CHANGE), VERSION)
    assert not fits(make_due(CHANGE), version_of(make_change(**other), 1))
