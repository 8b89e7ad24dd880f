"""JSON from outside, read strictly: what the platform could not give back is refused.

Refused are texts nested deeper than 64 levels (native validators overflow their stack on
deep objects), duplicate keys (readers disagree on which wins), NaN and infinities,
numbers that a double cannot hold or give back, NUL and lone surrogates (no database stores
them). Integers are no doubles here: they are kept digit by digit.
Raises ``Refused`` with ``malformed-json``; never any other error. It says where, and quotes
nothing: what it says goes into the log.
"""

import codecs
import json
import math
import re
from decimal import Decimal
from typing import Any

from .errors import Code, Refused, refused

MAX_DEPTH = 64
"""Levels of nesting: deeper than any payload seen in practice, far below any stack limit."""

MAX_CONTAINERS = 20_000
"""Objects and arrays in one text, one to every 13 bytes of 256 kB; 87,000 took up to 215 ms."""

STRING_OR_BRACKET = re.compile(rb'"(?:[^"\\]|\\.)*"?|[\[\]{}]', re.DOTALL)
"""A string may lack its end: else looking for it from every quote would take quadratic time."""

_COLON = re.compile(rb"\s*:")
"""After a string: it is a key."""

_LONG_NUMBER = re.compile(rb"[0-9]{309}")
"""A double has at most 309 digits before the point: only such texts need a closer look."""

_NEGATIVE_ZERO = re.compile(rb"-0(?![0-9.eE])")
"""No integer of Python's is that. In a date, other digits follow."""

_EXACT_CHARACTERS = 16
"""A fraction of so many characters, its point among them, has 15 digits: any double keeps these."""

_MAX_DIGITS = 17
"""A double is written with so many digits at the most, zeros at the ends not counted."""

_NUMBER_OR_STRING = re.compile(r'"(?:[^"\\]|\\.)*"?|-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?')

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def parse(text: bytes) -> Any:
    """The value of a JSON text in UTF-8."""
    if text.count(b"[") + text.count(b"{") > MAX_DEPTH:
        _check_depth(text)
    if text.startswith(codecs.BOM_UTF8):
        raise refused(Code.MALFORMED_JSON, "it begins with a BOM (byte order mark)")
    try:
        decoded = text.decode("utf-8")
        odd = _LONG_NUMBER.search(text) or _NEGATIVE_ZERO.search(text)
        value = (_ODD_NUMBERS if odd else _NUMBERS).decode(decoded)
    except Refused:
        raise
    except _Repetition:
        line, column = _repetition(text)
        detail = f"a key of its object is repeated at line {line} column {column}"
        raise refused(Code.MALFORMED_JSON, detail) from None
    except _NotKept as number:
        line, column = _position(decoded, number.text)
        detail = f"{number.why} at line {line} column {column}"
        raise refused(Code.MALFORMED_JSON, detail) from None
    except UnicodeDecodeError as error:
        raise refused(Code.MALFORMED_JSON, f"not UTF-8 at byte {error.start}") from None
    except json.JSONDecodeError as error:
        raise refused(
            Code.MALFORMED_JSON, f"{error.msg} at line {error.lineno} column {error.colno}"
        ) from None
    except (ValueError, RecursionError):
        raise refused(Code.MALFORMED_JSON, "unreadable JSON") from None
    if b"\\u" in text or b"\x00" in text:
        _check_storable(value)
    return value


def canonical(value: Any) -> str:
    """One text for all ways to write a JSON value: ``1`` is ``1.0``, and never ``true``."""
    return json.dumps(
        _with_plain_numbers(value), sort_keys=True, separators=(",", ":"), ensure_ascii=False
    )


def _with_plain_numbers(value: Any) -> Any:
    if isinstance(value, float):
        return int(value) if value.is_integer() else value
    if isinstance(value, dict):
        return {key: _with_plain_numbers(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_with_plain_numbers(one) for one in value]
    return value


def _check_depth(text: bytes) -> None:
    depth = containers = 0
    for match in STRING_OR_BRACKET.finditer(text):
        token = match[0]
        if token in b"[{":
            depth += 1
            containers += 1
            if containers > MAX_CONTAINERS:
                detail = f"more than {MAX_CONTAINERS} objects and arrays"
                raise refused(Code.MALFORMED_JSON, detail)
            if depth > MAX_DEPTH:
                raise refused(Code.MALFORMED_JSON, f"nested deeper than {MAX_DEPTH} levels")
        elif token in b"]}":
            depth -= 1


class _Repetition(Exception):  # noqa: N818  # never leaves this module
    """An object has a key twice; the decoder does not say where."""


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise _Repetition
    return value


def _repetition(text: bytes) -> tuple[int, int]:
    """Line and column of the first repeated key; the text is JSON as far as that is known."""
    keys: list[set[bytes]] = []
    for match in STRING_OR_BRACKET.finditer(text):
        token = match[0]
        if token in b"[{":
            keys.append(set())
        elif token in b"]}":
            keys.pop()
        elif _COLON.match(text, match.end()):
            key = _plain(token) if b"\\" in token else token
            if key in keys[-1]:
                before = text[: match.start()]
                line_start = before.rfind(b"\n") + 1
                return before.count(b"\n") + 1, len(before[line_start:].decode()) + 1
            keys[-1].add(key)
    raise AssertionError("no key is repeated")


def _plain(string: bytes) -> bytes:
    """A JSON string in the way in which most are written: only what must be is escaped."""
    return json.dumps(json.loads(string), ensure_ascii=False).encode("utf-8", "surrogatepass")


def _no_constant(name: str) -> Any:
    raise refused(Code.MALFORMED_JSON, f"{name} is not JSON")


class _NotKept(Exception):  # noqa: N818  # never leaves this module
    """A number would come back as another one; the decoder does not say where it stands."""

    def __init__(self, text: str, why: str) -> None:
        super().__init__(why)
        self.text = text
        self.why = why


def _exact(text: str) -> float:
    """A number with a fraction or an exponent, as long as a double gives back the same value.

    Not the same writing: ``1.50`` is ``1.5`` and ``1E2`` is ``100.0``.
    """
    value = _finite(text)
    if len(text) <= _EXACT_CHARACTERS and "e" not in text and "E" not in text:
        return value
    mantissa = text.lower().partition("e")[0]
    digits = mantissa.replace(".", "").strip("-0")
    if not digits:
        return value
    if not value:
        raise _NotKept(text, "a number is too small: nothing but 0 would be kept of it")
    if len(digits) > _MAX_DIGITS or Decimal(text) != Decimal(repr(value)):
        detail = (
            "a number has more digits than a double gives back (about 16): "
            "round it, or send it as a text"
        )
        raise _NotKept(text, detail)
    return value


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise _NotKept(text, "a number is too large")
    return value


def _integer(text: str) -> float:
    """An integer digit by digit; the negative zero as the double that it is."""
    _finite(text)
    return -0.0 if text == "-0" else int(text)


def _position(decoded: str, number: str) -> tuple[int, int]:
    """Line and column of the first number that is written so."""
    for match in _NUMBER_OR_STRING.finditer(decoded):
        if match[0] == number:
            before = decoded[: match.start()]
            return before.count("\n") + 1, len(before) - before.rfind("\n")
    raise AssertionError("no such number")


def _check_storable(value: Any) -> None:
    pending = [value]
    while pending:
        item = pending.pop()
        if isinstance(item, str):
            if _UNSTORABLE.search(item):
                raise refused(Code.MALFORMED_JSON, "a text holds NUL or half a surrogate pair")
        elif isinstance(item, dict):
            pending.extend(item.keys())
            pending.extend(item.values())
        elif isinstance(item, list):
            pending.extend(item)


_NUMBERS = json.JSONDecoder(
    object_pairs_hook=_unique_keys, parse_constant=_no_constant, parse_float=_exact
)
_ODD_NUMBERS = json.JSONDecoder(
    object_pairs_hook=_unique_keys,
    parse_constant=_no_constant,
    parse_float=_exact,
    parse_int=_integer,
)
"""Made once: making a decoder costs as much as reading a small body."""
