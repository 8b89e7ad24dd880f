"""JSON from outside: all that is JSON and can be stored is read, the rest is refused."""

import json
import math
import sys
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic_core import from_json, to_json

from trigger_contracts.errors import Code, Refused
from trigger_contracts.strict_json import MAX_CONTAINERS, MAX_DEPTH, canonical, parse

TEXTS = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]))
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**300), 10**300)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXTS,
    lambda inner: st.lists(inner) | st.dictionaries(TEXTS, inner),
)


def refusal(text: bytes) -> str:
    with pytest.raises(Refused) as refused:
        parse(text)
    assert refused.value.problem.code is Code.MALFORMED_JSON
    return refused.value.problem.detail


@given(VALUES, st.booleans())
def test_whatever_json_can_say_comes_back(value: Any, ascii_only: Any):
    assert parse(json.dumps(value, ensure_ascii=ascii_only).encode()) == value


@given(st.binary(max_size=200))
def test_no_bytes_make_it_fail_otherwise_than_by_refusing(text: bytes):
    try:
        parse(text)
    except Refused as refused:
        assert refused.problem.code is Code.MALFORMED_JSON  # noqa: PT017  # both outcomes are right


@given(st.text(st.sampled_from('[]{}",:\\u0d8 1a\n'), max_size=300))
def test_nothing_that_looks_like_json_makes_it_fail_otherwise(text: str):
    try:
        value = parse(text.encode())
    except Refused:
        return
    assert value == json.loads(text)


@pytest.mark.parametrize(("start", "end"), [("[", "]"), ('{"a":', "}")])
def test_depth_is_allowed_up_to_the_limit(start: str, end: str):
    assert parse(f"{start * MAX_DEPTH}1{end * MAX_DEPTH}".encode())
    deeper = f"{start * (MAX_DEPTH + 1)}1{end * (MAX_DEPTH + 1)}"
    assert "nested deeper" in refusal(deeper.encode())


@pytest.mark.parametrize(
    "text", [b"[" * 100_000, b'{"a":' * 100_000, b"[" * 10_000 + b"]" * 10_000]
)
def test_a_very_deep_text_is_refused_before_it_is_read(text: bytes):
    assert "nested deeper" in refusal(text)


def test_brackets_inside_strings_are_no_depth():
    value = {"[" * 100: "{[" * 1000 + '"\\"[', "b": ["]" * 10]}

    assert parse(json.dumps(value).encode()) == value


def test_brackets_side_by_side_are_no_depth():
    assert parse(b"[" + b"[[]]," * 1000 + b"[]]")[-1] == []


def test_containers_are_allowed_up_to_the_limit():
    """Each takes longer than a number: 256 kB of empty ones took up to 0.2 s."""
    inner = MAX_CONTAINERS - 1

    assert len(parse(b"[" + b"{}," * (inner - 1) + b"[]]")) == inner
    assert "more than 20000" in refusal(b"[" + b"{}," * inner + b"[]]")
    assert parse(b'["' + b"[" * (2 * MAX_CONTAINERS) + b'"]')


def test_depth_is_counted_in_one_pass_over_an_unterminated_string():
    """From each of these quotes a string could begin: looking anew from each took minutes."""
    text = b'["' + b'\\"' * 120_000 + b"[" * 100

    assert "Unterminated string" in refusal(text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b'{"a":1,"a":2}', "repeated at line 1 column 8"),
        (b'{"x":[{"b":1,"c":2,"b":1}]}', "repeated at line 1 column 20"),
        (b'{"a":1,"\\u0061":2}', "repeated at line 1 column 8"),
        ('{"é": {"a":"a"},\n "ü":"é", "é" : 1}'.encode(), "repeated at line 2 column 11"),
        (b'{"a":{"a":{"b":[{"b":":"},"b:"]}},"c":1,"c":1}', "repeated at line 1 column 41"),
        (b"NaN", "NaN is not JSON"),
        (b"[Infinity]", "Infinity is not JSON"),
        (b'{"a":-Infinity}', "-Infinity is not JSON"),
        (b"1e999", "too large"),
        (b"[-1e400]", "too large"),
        (b"1" + b"0" * 309, "too large"),
        (b"[-" + b"9" * 309 + b"]", "too large"),
        (b"9" * 5000, "too large"),
        (b'"\\u0000"', "NUL"),
        (b'{"a\\u0000":1}', "NUL"),
        (b'["\\ud800"]', "surrogate"),
        (b'{"x":{"\\udfff":1}}', "surrogate"),
        (b'"\x00"', "Invalid control character"),
        (b"\xff", "not UTF-8 at byte 0"),
        (b'"\xed\xa0\x80"', "not UTF-8"),
        (b'"\xc0\x80"', "not UTF-8"),
        (b"\xef\xbb\xbf{}", ""),
        ("{}".encode("utf-16"), "not UTF-8"),
        (b"", "Expecting value at line 1 column 1"),
        (b"  \n", "Expecting value"),
        (b"{} {}", "Extra data"),
        (b"{'a':1}", "Expecting property name"),
        (b'{"a":1,}', ""),
        (b"[1,]", ""),
        (b"01", "Extra data"),
        (b"+1", "Expecting value"),
        (b"0x10", "Extra data"),
        (b"nul", "Expecting value"),
        (b'"a\nb"', "Invalid control character"),
        (b"// no\n1", "Expecting value"),
    ],
)
def test_what_cannot_be_given_back_is_refused_with_the_reason(text: bytes, said: str):
    assert said in refusal(text)


def test_the_largest_numbers_of_a_double_are_read():
    largest = int(sys.float_info.max)

    assert parse(str(largest).encode()) == largest
    assert parse(b"[1.7976931348623157e308,5e-324]") == [sys.float_info.max, 5e-324]
    assert parse(b'"' + b"7" * 400 + b'"') == "7" * 400


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("1e-400", "too small"),
        ("-0." + "0" * 400 + "1", "too small"),
        ("4e-324", "more digits"),
        ("0.1234567890123456789", "more digits"),
        ("0.10000000000000001", "more digits"),
        ("9007199254740993.0", "more digits"),
        ("9007199254740993e0", "more digits"),
        ("-1.00000000000000000001", "more digits"),
        ("1." + "1" * 200_000, "more digits"),
        ("1e" + "9" * 5_000, "too large"),
    ],
)
def test_a_number_that_would_come_back_as_another_is_refused_where_it_stands(text: str, said: str):
    detail = refusal(f'{{"not this": "{text}",\n "ü": [1, {text}]}}'.encode())

    assert said in detail
    assert detail.endswith("at line 2 column 11")


@pytest.mark.parametrize(
    "text",
    [
        *("0.1", "1.50", "1E2", "-0.0", "0e-400", "0.000000e999", "0.30000000000000004", "1e23"),
        *("100000000000000000000.0", "1." + "0" * 400, "5e-324", "2.2250738585072014e-308"),
        *("123456789012345.6", "1.7976931348623157e+308", "12345678901234567890123456789"),
    ],
)
def test_a_number_is_kept_whatever_the_way_in_which_it_is_written(text: str):
    value = parse(text.encode())

    assert Decimal(repr(value)) == Decimal(text)


@pytest.mark.parametrize("text", ["-0", "-0.0", "-0e7", "-0.000", "[1, -0]", '{"-0": -0}'])
def test_the_negative_zero_keeps_its_sign(text: str):
    """Written as the double that it is: ``-0`` comes back as ``-0.0``."""
    value = parse(text.encode())
    while isinstance(value, list | dict):
        value = value[-1] if isinstance(value, list) else value["-0"]

    assert repr(value) == "-0.0"
    assert to_json(value) == b"-0.0"


@pytest.mark.parametrize(
    ("text", "value"), [("0", 0), ('"-0"', "-0"), ('["2027-01-01", 7]', ["2027-01-01", 7])]
)
def test_other_integers_stay_integers(text: str, value: Any):
    assert repr(parse(text.encode())) == repr(value)
    assert repr(parse(f"[{text}, -0]".encode())[0]) == repr(value)


@given(st.integers(-(10**22), 10**22), st.integers(-340, 320))
def test_any_number_comes_back_as_it_was_or_not_at_all(digits: int, exponent: int):
    text = f"{digits}e{exponent}"
    try:
        value = parse(text.encode())
    except Refused:
        return
    assert Decimal(repr(value)) == Decimal(text)
    # On its way it is written and read again, by pydantic and by PostgreSQL.
    assert from_json(to_json(value)) == value


def test_a_pair_of_surrogates_is_one_character():
    assert parse(b'"\\ud83d\\ude00"') == "😀"


@given(VALUES)
def test_one_value_has_one_canonical_text(value: Any):
    again = parse(canonical(value).encode())

    assert canonical(again) == canonical(value)
    if not isinstance(value, dict | list):
        assert again == value


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"a": 1, "b": [2.0]}, {"b": [2], "a": 1.0}),
        (1e2, 100),
        (-0.0, 0),
        ((1, 2), [1, 2]),
    ],
)
def test_equal_json_values_have_the_same_canonical_text(one: Any, other: Any):
    assert canonical(one) == canonical(other)


@pytest.mark.parametrize(
    ("one", "other"), [(1, True), (0, False), (None, 0), ("1", 1), ([], {}), (0.1, 0.2), ("", None)]
)
def test_values_that_python_may_take_for_equal_differ(one: Any, other: Any):
    assert canonical({"a": [one]}) != canonical({"a": [other]})


def test_no_number_is_infinite_once_read():
    assert math.isfinite(parse(b"1.5e308"))


NAMES = st.sampled_from(["a", "b", '"', "\\", "é", ":", "{", "\n"])


def as_text(value: Any) -> str:
    """JSON of objects as lists of pairs, which may hold a key twice."""
    if isinstance(value, list):
        return "{" + ", ".join(f"{json.dumps(k)} :{as_text(v)}" for k, v in value) + "}"
    return json.dumps([value])


@given(
    st.recursive(
        NAMES | st.none(), lambda inner: st.lists(st.tuples(NAMES, inner), max_size=4), max_leaves=8
    )
)
def test_a_repeated_key_is_found_whatever_stands_around_it(value: Any):
    def repeats(one: Any) -> bool:
        return isinstance(one, list) and (
            len({k for k, _ in one}) < len(one) or any(repeats(v) for _, v in one)
        )

    if repeats(value):
        assert "repeated at line" in refusal(as_text(value).encode())
    else:
        parse(as_text(value).encode())


@pytest.mark.parametrize(
    "text",
    [
        b'{"canary":1,"canary":2}',
        b'{"a":"canary}',
        b'{"a":canary}',
        b'{"canary":NaN}',
        b'"canary\\u0000"',
        b'{"canary":"\\ud800"}',
        b'["canary\xff"]',
        b'{"canary":1e999}',
        b'["canary" "canary"]',
        b'{"canary":' + b"9" * 5000 + b"}",
        b'{"canary":' * 100,
        b"\xef\xbb\xbf[canary",
    ],
)
def test_a_refusal_quotes_nothing_of_what_is_refused(text: bytes):
    assert "canary" not in refusal(text)
