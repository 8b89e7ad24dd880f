r"""What a regular expression costs, read from its text before any engine sees it.

The engine translates ECMA's escapes one by one, each time reading the whole pattern anew:
9,000 times ``\w`` took 112 s. What it builds is limited (``ENGINE_SIZE_LIMIT``), but for each
pattern alone: 630 of ``\p{L}{3}`` took 100 MB. The weights below were measured with
jsonschema-rs 0.60 in a process of its own, each construct at its worst, and rounded up;
``tests/unit/contracts/test_schema_costs_measured.py`` measures again. The counts err only upwards.
Pure arithmetic in one pass, called by ``schema_bounds``, ``schema_graph``
and ``schema_errors``.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

ENGINE_SIZE_LIMIT = 256 * 1024
"""Bytes of one compiled pattern, for the engine; it is automaton-based and never backtracks."""

_TOKEN = re.compile(
    r"\\[pP]\{[^}]{0,64}\}|\\.|\[\^?\]?(?:\\.|[^\]\\])*+\]?"
    r"|\{\s*+(\d*+)\s*+(?:,\s*+(\d*+)\s*+)?\}|.",
    re.DOTALL,
)
"""Every part of a pattern: a class, an escape, a repetition with its numbers, a character."""

_MEMBER = re.compile(r"\\[pP]\{[^}]{0,64}\}|\\.|.", re.DOTALL)

_VERBOSE = re.compile(r"\?[a-zA-Z]*x")
"""Blanks and comments mean nothing under this flag, which JSON Schema's patterns lack."""

_FLAGS = re.compile(r"\(\?[a-zA-Z-]*i")
"""Letters of both cases: each class of letters outside ASCII is folded anew, for 1.2 ms."""

_SET_OPERATION = re.compile(r"\[|&&|--|~~")
"""Inside of a class: classes in classes, which only the engine can multiply out."""

_COUNTED = 1_000_000
"""Beyond this a pattern is unaffordable anyway, and the exact number would only grow."""

_BASE_BYTES, _BASE_NS = 10_000, 40_000
"""Of any pattern: 8 kB and 32 µs for ``[a-z]+1``."""

_NS_PER_BYTE = 8
"""7 ms for each MB that is built."""

_MOST_BYTES, _MOST_BYTES_PER_CHARACTER = 1_000_000, 400
"""Where the engine's own limit stops it; what it keeps of the text comes on top."""

_ASCII, _OTHER, _CLASS, _ANY, _WIDE = 350, 900, 900, 4_000, 90_000
"""Bytes of a state: a letter, one outside ASCII, ``[a-z]``, ``.`` or ``[^a]``, ``\\p{L}``."""

_OPERATOR = 1_200
"""Bytes of ``(``, ``|``, ``*`` and their like."""

_READ_NS = {
    "(": 1_300,
    "\\w": 2_200,
    "\\d": 1_200,
    "\\s": 9_500,
    "\\W": 2_700,
    "\\D": 1_500,
    "\\S": 9_500,
    "\\c": 900,
}
_READ_CHARACTER_NS = 350
"""To read a part of a pattern once more, as each of the escapes beside it makes the engine do."""

_TRANSLATED = frozenset(_READ_NS) - {"("}
_TRANSLATED_BYTES = 300
"""The escapes that are written anew, and what it keeps of each character beside one."""

_FOLD_NS = 1_500_000
_UNICODE_NS = 250_000
"""To fold a class of letters, and to look one up."""


class Unusable(ValueError):  # noqa: N818  # a refusal is an outcome
    """A keyword's value cannot be used; the message says why."""


@dataclass(frozen=True, slots=True)
class PatternCost:
    """What compiling takes at the most: memory that is kept, and time of a core."""

    bytes: int = 0
    ns: int = 0


def states(pattern: str) -> int:
    """States of a pattern: its characters, with counted repetitions multiplied out."""
    return _multiplied(pattern, lambda _: 1, operator=1, group=0)


def cost(pattern: str) -> PatternCost:
    """What it takes to compile ``pattern``."""
    size = _multiplied(pattern, _bytes, operator=_OPERATOR, group=_OPERATOR)
    classes = [token[0] for token in _TOKEN.finditer(pattern) if token[0][0] == "["]
    most = _MOST_BYTES + _MOST_BYTES_PER_CHARACTER * len(pattern)
    if size >= _COUNTED or any(_SET_OPERATION.search(one, 1) for one in classes):
        size = most
    size = _BASE_BYTES + min(size + 100 * len(pattern), most)
    read = escapes = wide = 0
    for part in _parts(pattern):
        read += _READ_NS.get(part, _READ_CHARACTER_NS)
        escapes += part in _TRANSLATED
        wide += part[:2] in ("\\p", "\\P")
    if escapes:
        size += _TRANSLATED_BYTES * len(pattern)
    ns = _BASE_NS + _NS_PER_BYTE * size + (1 + escapes) * read + wide * _UNICODE_NS
    if _FLAGS.search(pattern):
        ns += _FOLD_NS * _foldable(pattern, classes)
    return PatternCost(size, ns)


def unsupported(pattern: str) -> str | None:
    """Which construct of other engines ``pattern`` uses that this one lacks."""
    for token in _TOKEN.finditer(pattern):
        if token[0] == "(" and pattern.startswith(("?=", "?!", "?<=", "?<!"), token.end()):
            return "look-ahead and look-behind"
        if token[0] == "(" and pattern.startswith("?>", token.end()):
            return "atomic groups"
        if token[0][0] == "\\" and token[0][1:2] in "123456789k" and len(token[0]) == 2:
            return "backreferences"
    return None


def _multiplied(pattern: str, weight: Callable[[str], int], *, operator: int, group: int) -> int:
    """The weights of all parts, those within counted repetitions as often as they say."""
    enclosing: list[int] = []
    total = last = 0
    for match in _TOKEN.finditer(pattern):
        if match[1] is not None:
            times = [int(number.lstrip("0")[:7] or 0) for number in match.groups() if number]
            last = min(last * max(times, default=1), _COUNTED) or operator
        elif match[0] in "?*+":
            total += operator  # What it repeats may be repeated again: a{9}?{9} is 81 states.
        elif match[0] == "(":
            if _VERBOSE.match(pattern, match.end()):
                raise Unusable("the flag x of patterns is not supported")
            enclosing.append(total + last)
            total, last = group, 0
        elif match[0] == ")" and enclosing:
            total, last = enclosing.pop(), total + last
        else:
            total, last = total + last, weight(match[0])
    return min(sum(enclosing) + total + last, _COUNTED)


def _bytes(token: str) -> int:
    if token[0] == "[":
        inner = sum(_member_bytes(member[0]) for member in _MEMBER.finditer(token, 1))
        return _CLASS + inner + (_ANY if token[1:2] == "^" else 0)
    if token[:2] in ("\\p", "\\P"):
        return _WIDE
    if token in (".", "\\S", "\\W", "\\D"):
        return _ANY
    if token[0] == "\\":
        return _CLASS
    if token in ("^", "$", "|"):
        return _OPERATOR
    return _ASCII if token.isascii() else _OTHER


def _member_bytes(member: str) -> int:
    """Of one part of a class: those of ASCII share its one state."""
    if member[:2] in ("\\p", "\\P"):
        return _WIDE
    if member in ("\\S", "\\W", "\\D"):
        return _ANY
    if member[0] == "\\" or not member.isascii():
        return 2 * _OTHER
    return 0


def _parts(pattern: str) -> Iterator[str]:
    """The parts of a pattern and of its classes, one by one."""
    for token in _TOKEN.finditer(pattern):
        if token[0][0] == "[":
            yield from (member[0] for member in _MEMBER.finditer(token[0]))
        else:
            yield token[0]


def _foldable(pattern: str, classes: list[str]) -> int:
    """How many parts may hold letters outside ASCII, whose other case is looked for."""
    escaped = sum(part[0] == "\\" and part[1:2] in "pPuxWSD" for part in _parts(pattern))
    others = sum(not char.isascii() for one in classes for char in one)
    return escaped + others + sum(len(_SET_OPERATION.findall(one, 1)) for one in classes)
