"""Reading a message of the log: a row, or the reason why not; never an exception."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.retention.factories import body, make_entry, make_row
from trigger_contracts.errors import FieldError
from trigger_contracts.events import EntryStatus, LogEntry
from trigger_contracts.ids import uuid7
from trigger_retention.domain.rows import LogRow, UnreadableEvent, first_of_each, read

AT = datetime(2026, 11, 23, 12, 30, 0, 123456, tzinfo=UTC)
json_values: Any = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(codec="utf-8")),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=8,
)


def _without(key: str) -> bytes:
    event = json.loads(body(make_entry(AT)))
    del event["data"][key]
    return json.dumps(event).encode()


def _with(**fields: Any) -> bytes:
    event = json.loads(body(make_entry(AT)))
    event["data"].update(fields)
    return json.dumps(event).encode()


def test_a_row_holds_what_the_event_says() -> None:
    entry = make_entry(AT, status=EntryStatus.REJECTED, reason="payload-schema-mismatch")
    entry = entry.model_copy(update={"errors": (FieldError(pointer="/payload/a", message="no"),)})
    row = read(body(entry), 7)
    assert isinstance(row, LogRow)
    assert (row.event_id, row.stream_seq, row.logged_at) == (entry.event_id, 7, AT)
    assert row.status == "rejected"
    assert json.loads(row.errors) == [{"pointer": "/payload/a", "message": "no"}]


def test_every_field_of_an_entry_is_in_its_row() -> None:
    entry = make_entry(
        AT,
        schema_version=1,
        misfire=True,
        reason="late",
        errors=(FieldError(pointer="/a", message="no"),),
        count=2,
        last_scheduled_for=AT,
        replay_of=str(uuid7(AT, "origin")),
    )
    assert entry.model_fields_set == set(LogEntry.model_fields), "give a new field a value here"
    row = read(body(entry), 7)
    assert isinstance(row, LogRow)
    assert set(LogEntry.model_fields) - {"schema_version"} <= set(LogRow._fields)
    assert [name for name, value in row._asdict().items() if value is None] == []


@given(json_values.filter(lambda value: value is not None))
def test_any_payload_comes_through_unchanged(payload: Any) -> None:
    row = read(body(make_entry(AT, payload=payload)), 1)
    assert isinstance(row, LogRow)
    assert row.payload is not None
    assert json.loads(row.payload) == payload


def test_no_payload_is_no_value_rather_than_a_json_null() -> None:
    assert make_row(AT, payload=None).payload is None


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"not json",
        b"[]",
        b"null",
        b"\xff\xfe",
        b"[" * 10_000,
        _without("logged_at"),
        _without("event_id"),
        _with(schema_version=2),
        _with(status="exploded"),
        _with(logged_at="2026-11-23T12:00:00"),
        _with(logged_at="9999-01-01T00:00:00Z"),
        _with(event_id="../../etc"),
        _with(event_id="0192f5c8-0000-4000-8000-000000000000"),
        _with(event_id="FFFFFFFF-FFFF-7000-8000-000000000000"),
        _with(event_id="ffffffff-ffff-7000-8000-000000000000"),
        body(make_entry(AT)).replace(b'"Ping"', rb'"\ud800"'),
    ],
)
def test_what_is_not_a_row_is_unreadable_with_a_reason(message: bytes) -> None:
    found = read(message, 1)
    assert isinstance(found, UnreadableEvent)
    assert found.reason


@given(st.binary())
def test_no_bytes_make_it_raise(message: bytes) -> None:
    assert isinstance(read(message, 1), UnreadableEvent)


def test_a_reason_holds_no_value_of_the_message() -> None:
    found = read(_with(trigger_version="the-secret-canary"), 1)
    assert isinstance(found, UnreadableEvent)
    assert "canary" not in found.reason


@given(st.permutations(range(1, 6)))
def test_of_rows_with_one_id_the_first_stored_stays(order: list[int]) -> None:
    row = make_row(AT)
    other = make_row(AT, stream_seq=9)
    rows = [row._replace(stream_seq=seq) for seq in order]
    assert first_of_each([*rows, other]) == [row._replace(stream_seq=1), other]
