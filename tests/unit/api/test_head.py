"""Header lines and query parameters, as pure functions."""

import pytest

from trigger_api.entrypoints import head, parameters
from trigger_contracts.errors import Refused


def test_blanks_around_a_value_are_none_of_it_and_others_are() -> None:
    lines = [(b"a", b" \t x y \t"), (b"b", b"\xa0z\xa0"), (b"c", b" ")]
    assert head.read(lines).fields == {b"a": b"x y", b"b": b"\xa0z\xa0", b"c": b""}


def test_lists_are_joined_in_order_and_what_decides_stands_in_one_line() -> None:
    lines = [(b"accept", b"a/b"), (b"host", b"x"), (b"accept", b" c/d "), (b"accept", b"")]
    assert head.read(lines).fields[b"accept"] == b"a/b, c/d, "
    head.read(lines).check()
    twice = head.read([(b"content-type", b"a"), (b"x", b""), (b"content-type", b"a")])
    assert twice.has_one_key
    with pytest.raises(Refused) as caught:
        twice.check()
    error = caught.value.problem.errors[0]
    assert error.pointer == "/header/Content-Type"
    assert "application/json" in error.message
    assert not head.read([(b"x-api-key", b"")] * 2).has_one_key
    conditions = head.read([(b"if-match", b'"1"'), (b"if-none-match", b"*")] * 2)
    with pytest.raises(Refused) as caught:
        conditions.check()
    pointers = [error.pointer for error in caught.value.problem.errors]
    assert pointers == ["/header/If-Match", "/header/If-None-Match"]


@pytest.mark.parametrize("query", [b"", b"&", b"a=1", b"a=1&b=2&b=3", b"b&b"])
def test_what_is_declared_passes(query: bytes) -> None:
    parameters.check(query, {"a": False, "b": True})


@pytest.mark.parametrize(
    ("query", "pointers"),
    [
        (b"a=1&a=1", ["/query/a"]),
        (b"c&a&a&d", ["/query/c", "/query/a", "/query/d"]),
        (b"c/d~=1", ["/query/c~1d~0"]),
        (b"A=1", ["/query/A"]),
        (b"\xff=1", ["/query/\xff"]),
        (b"b=" + b"x" * 20_000, ["/query"]),
        (b"&".join(b"x%d" % n for n in range(1000)), [f"/query/x{n}" for n in range(20)]),
    ],
)
def test_what_is_not_is_refused_by_name(query: bytes, pointers: list[str]) -> None:
    with pytest.raises(Refused) as caught:
        parameters.check(query, {"a": False, "b": True})
    assert [error.pointer for error in caught.value.problem.errors] == pointers
