"""Exports: cells that are safe and can be read back, files, and how much is read at once."""

import csv
import io
import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from trigger_api.domain.log.export_paging import MAX_ROWS, MIN_SPAN, PageSize, below
from trigger_api.domain.log.exports import COLUMNS, Format, csv_line, file_of, json_cell, text_cell
from trigger_api.domain.queries import ExportQuery
from trigger_contracts.errors import Refused

NOW = datetime(2026, 11, 24, 18, 5, 9, tzinfo=UTC)
WIDE = "\uff1d\uff0b\uff0d\uff20\ufe66\ufe62\ufe63\ufe6b"
DANGEROUS = tuple(f"=+-@\t\r\n{WIDE}")
SKIPPED = " \t\r\n\u00a0\u200b\ufeff"
"""What a spreadsheet may leave out in front."""
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")) | st.text(
    f"=+-@{WIDE}{SKIPPED}'\",; a1"
)
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXTS,
    lambda inner: st.lists(inner) | st.dictionaries(TEXTS, inner),
    max_leaves=5,
)


def read_back(line: str) -> list[str]:
    (row,) = csv.reader(io.StringIO(line, newline=""), strict=True)
    return row


def line_of(name: str = "n", reason: str | None = None, payload: str | None = None) -> str:
    return csv_line("id", "t", name, "a,b", reason, "[]", "c,d", payload)


@given(TEXTS)
@example("=1+1")
@example("  =1+1")
@example("\u200b@SUM(A1)")
@example("'=1")
@example("-5")
@example("\uff1d1+1")
@example("a,b")
def test_a_text_is_read_back_and_is_no_formula(text: str) -> None:
    cell = read_back(line_of(name=text, reason=text))[2]
    assert cell in (text, f"'{text}")
    assert not cell.startswith(DANGEROUS)
    assert not cell.lstrip(SKIPPED).startswith(DANGEROUS)
    assert cell.removeprefix("'") == text, "one apostrophe less is the text, whatever it was"


@given(JSON, st.sampled_from([None, 1]))
def test_a_payload_is_read_back_as_json_and_is_no_formula(
    payload: object, indent: int | None
) -> None:
    text = json.dumps(payload, ensure_ascii=False, indent=indent)
    row = read_back(line_of(payload=text))
    assert json.loads(row[-1]) == payload
    if row[-1].startswith(DANGEROUS):
        assert isinstance(payload, (int, float)), "only a number, which nothing calculates"


@given(st.lists(st.tuples(TEXTS, st.none() | TEXTS), min_size=1))
def test_many_lines_are_as_many_rows(rows: list[tuple[str, str | None]]) -> None:
    text = "".join(line_of(name, reason) for name, reason in rows)
    found = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    assert len(found) == len(rows)
    assert {len(row) for row in found} == {10}


def test_what_is_not_there_is_an_empty_cell() -> None:
    assert line_of() == "id,t,n,a,b,,[],c,d,\r\n"
    assert (text_cell(None), json_cell(None)) == ("", "")


def test_plain_cells_are_not_quoted_and_numbers_stay_numbers() -> None:
    assert text_cell("Nightly report 2026-11-24") == "Nightly report 2026-11-24"
    assert text_cell("Ärger") == "Ärger"
    assert json_cell("-5") == '"-5"'
    assert read_back(line_of(payload="-5"))[-1] == "-5"


@pytest.mark.parametrize(
    ("asked", "accept", "expected"),
    [
        (None, "", "ndjson"),
        (None, "*/*", "ndjson"),
        (None, "text/csv", "csv"),
        (None, "Text/CSV;header=present, */*;q=0.1", "csv"),
        (None, "application/x-ndjson, text/csv", "ndjson"),
        (None, "text/csv, application/x-ndjson", "csv"),
        ("ndjson", "text/csv", "ndjson"),
        ("csv", "application/x-ndjson", "csv"),
    ],
)
def test_the_format_is_the_querys_else_the_headers(
    asked: str | None, accept: str, expected: str
) -> None:
    file = file_of(ExportQuery.model_validate({"format": asked}), accept, NOW)
    assert file.format is Format(expected)
    assert file.name == f"events-20261124T180509Z.{expected}"


def test_a_byte_order_mark_only_where_csv_asks_for_it() -> None:
    header = ",".join(COLUMNS).encode() + b"\r\n"
    assert file_of(ExportQuery(format="csv"), "", NOW).opening == header
    assert file_of(ExportQuery(format="csv", bom=True), "", NOW).opening == b"\xef\xbb\xbf" + header
    assert file_of(ExportQuery(), "", NOW).opening == b""
    told = file_of(ExportQuery(format="csv", deliveries=True), "", NOW).opening
    assert told == header.rstrip() + b",deliveries\r\n"
    with pytest.raises(Refused) as refusal:
        file_of(ExportQuery(bom=True), "", NOW)
    assert refusal.value.problem.errors[0].pointer == "/query/bom"


def test_what_was_quick_is_tried_larger_and_what_was_slow_smaller() -> None:
    pace = PageSize(rows=100, span=timedelta(minutes=10))
    assert pace.next(100, 0.01, is_whole=False) == PageSize(200, timedelta(minutes=10))
    assert pace.next(7, 0.01, is_whole=True) == PageSize(100, timedelta(minutes=20))
    assert pace.next(100, 0.3, is_whole=False) == pace
    assert pace.next(100, 2.0, is_whole=False) == PageSize(50, timedelta(minutes=5))


def test_pages_of_large_rows_ask_for_as_many_as_fit() -> None:
    assert PageSize(rows=100).next(3, 0.01, is_whole=False).rows == 3
    assert PageSize(rows=100).next(0, 0.01, is_whole=False).rows == 1


@given(st.lists(st.tuples(st.floats(0, 10), st.booleans())))
def test_the_pace_stays_within_bounds(steps: list[tuple[float, bool]]) -> None:
    pace = PageSize()
    for took_s, is_whole in steps:
        pace = pace.next(pace.rows, took_s, is_whole=is_whole)
        assert 1 <= pace.rows <= MAX_ROWS
        assert pace.span >= MIN_SPAN


@given(
    st.none() | st.datetimes(timezones=st.just(UTC)),
    st.datetimes(timezones=st.just(UTC)),
    st.datetimes(timezones=st.just(UTC)),
)
def test_a_stretch_has_a_lower_bound_until_nothing_is_expected_below(
    before: datetime | None, now: datetime, floor: datetime
) -> None:
    pace = PageSize(span=timedelta(hours=1))
    top = before or now
    stretch = pace.stretch(None if before is None else below(before), now, floor)
    if stretch.since is None:
        assert top - floor <= pace.span
    else:
        assert floor < stretch.since == top - pace.span
