"""Bodies of many definitions: where each begins and ends."""

import json
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trigger_contracts import bulk_body
from trigger_contracts.bulk_body import MAX_DEFINITIONS, elements, lines
from trigger_contracts.errors import Code, Refused
from trigger_contracts.strict_json import MAX_CONTAINERS
from trigger_contracts.topology import MAX_BODY_BYTES

TEXT = st.text(alphabet='ab"\\{}[],: \n\té\U0001f600', max_size=8)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=12,
)


def refusal(split: Callable[[bytes], object], body: bytes) -> Refused:
    with pytest.raises(Refused) as caught:
        list(split(body))  # type: ignore[call-overload]
    return caught.value


@given(st.lists(VALUES, max_size=6), st.sampled_from([None, 1]), st.booleans())
def test_elements_are_those_of_the_array(values, indent, escaped):
    body = json.dumps(values, indent=indent, ensure_ascii=escaped).encode()
    found = list(elements(b" \n" + body + b"\r\n"))
    assert [json.loads(piece.text) for piece in found] == values
    assert [piece.place for piece in found] == list(range(1, len(values) + 1))


@given(st.lists(st.one_of(st.just(""), VALUES.map(json.dumps)), max_size=8), st.booleans())
def test_lines_keep_their_numbers_whatever_is_blank(texts, windows):
    body = ("\r\n" if windows else "\n").join(texts).encode()
    found = [(piece.place, piece.text.decode()) for piece in lines(body)]
    assert found == [(number, text) for number, text in enumerate(texts, 1) if text]


@given(st.lists(st.sampled_from([*'[]{},:"\\ ', "1", "null"]), max_size=16).map("".join))
def test_no_array_is_found_where_there_is_none(text: str):
    """Whatever is split without a refusal, and has only JSON in it, is JSON as a whole."""
    body = f"[{text}".encode()
    try:
        parsed = [json.loads(piece.text) for piece in elements(body)]
    except (Refused, json.JSONDecodeError):
        with pytest.raises(json.JSONDecodeError):
            json.loads(body)
    else:
        assert json.loads(body) == parsed


@pytest.mark.parametrize(
    ("body", "code"),
    [
        *((text, Code.INVALID) for text in (b"", b" ", b"{}", b'"["', b"1", b"\xef\xbb\xbf[]")),
        *((text, Code.MALFORMED_JSON) for text in (b"[", b"[1", b"[1}", b"[1,", b'["', b"[1] 2")),
    ],
)
def test_what_is_no_array_is_refused(body: bytes, code: Code):
    assert refusal(elements, body).problem.code is code


@pytest.mark.parametrize(
    ("split", "body"), [(lines, b"1\n" * MAX_DEFINITIONS), (elements, b"1," * MAX_DEFINITIONS)]
)
def test_only_so_many_are_accepted(split: Callable[[bytes], object], body: bytes):
    whole = body if split is lines else b"[" + body[:-1] + b"]"
    assert len(list(split(whole))) == MAX_DEFINITIONS  # type: ignore[call-overload]
    more = body + b"1" if split is lines else b"[" + body + b"1]"
    assert refusal(split, more).problem.code is Code.BODY_TOO_LARGE


def test_an_element_too_large_is_not_read_to_its_end():
    text = b'["' + b"a" * MAX_BODY_BYTES + b'"]'
    found = refusal(elements, text).problem
    assert found.code is Code.BODY_TOO_LARGE
    assert "definition 1 is larger" in found.detail


def test_an_element_of_too_many_parts_is_not_read_to_its_end():
    found = refusal(elements, b"[[" + b"[]," * MAX_CONTAINERS + b"1]]").problem
    assert found.code is Code.MALFORMED_JSON
    assert "definition 1: more than" in found.detail


def test_a_million_blank_lines_are_passed_at_once():
    body = b"\n" * 1_000_000 + b"1\n" + b" " * 1_000_000
    (piece,) = bulk_body.lines(body)
    assert (piece.place, piece.text) == (1_000_001, b"1")
