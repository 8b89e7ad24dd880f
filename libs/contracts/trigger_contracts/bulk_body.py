"""The definitions in a body that holds many, one by one: NDJSON lines or an array's elements.

Each is found without reading the others, so that whoever asks may do something else between
two of them, and each is bounded by itself. What is yielded is text, not yet known to be JSON:
if all elements of an array are JSON, and only then, the array is. Raises ``Refused``.
"""

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass

from .errors import Code, refused
from .strict_json import MAX_CONTAINERS
from .topology import MAX_BODY_BYTES

MAX_DEFINITIONS = 10_000
"""In one request: about a second's work. The answer has a line for each, a megabyte in all."""

MAX_BULK_BYTES = 32 * 1024 * 1024
"""Of a body: 3 KB a definition if there are ``MAX_DEFINITIONS``."""

_OPENING = frozenset({b"[", b"{"})
_CLOSING = frozenset({b"]", b"}"})
_ENDING = frozenset({b",", b"]"})

_BLANK = re.compile(rb"[ \t\r\n]*")

_STRING = rb'"(?:[^"\\]|\\.)*+"'
_OUTSIDE = re.compile(rb'(?:[^"\[\]{},]++|' + _STRING + rb")*+", re.DOTALL)
_INSIDE = re.compile(rb'(?:[^"\[\]{}]++|' + _STRING + rb")*+", re.DOTALL)
"""Up to what counts next, outside of any object or array of the element's and inside of one.

Possessive: else every character is remembered in case the match must go back.
"""


@dataclass(frozen=True, slots=True)
class RawDefinition:
    """One definition's text, and what the caller calls its place."""

    place: int
    """The line in the body, or the position in the array; from 1."""
    text: bytes
    unit: str
    """``line`` or ``definition``: what ``place`` counts."""

    @property
    def name(self) -> str:
        return f"{self.unit} {self.place}"


def lines(body: bytes) -> Iterator[RawDefinition]:
    """The lines of NDJSON that are not blank. For a line's number blank ones count, too."""
    line, start = 1, 0
    for count in itertools.count(1):
        first = _after_blank(body, start)
        if first == len(body):
            return
        _check_count(count, MAX_DEFINITIONS)
        line += body.count(b"\n", start, first)
        end = body.find(b"\n", first)
        end = len(body) if end < 0 else end
        yield RawDefinition(line, body[first:end].rstrip(b" \t\r"), "line")
        start = end


def elements(body: bytes, limit: int = MAX_DEFINITIONS) -> Iterator[RawDefinition]:
    """The elements of a JSON array."""
    start = _after_blank(body, 0)
    if body[start : start + 1] != b"[":
        raise refused(Code.INVALID, "must be an array of definitions, or NDJSON", pointer="")
    start = _after_blank(body, start + 1)
    if body[start : start + 1] == b"]":
        _nothing_follows(body, start + 1)
        return
    for count in itertools.count(1):
        _check_count(count, limit)
        end = _element_end(body, start, count)
        yield RawDefinition(count, body[start:end], "definition")
        if body[end : end + 1] == b"]":
            _nothing_follows(body, end + 1)
            return
        start = _after_blank(body, end + 1)


def _check_count(count: int, limit: int) -> None:
    if count > limit:
        detail = f"at most {limit} definitions are accepted in one request"
        raise refused(Code.BODY_TOO_LARGE, detail)


def _after_blank(body: bytes, start: int) -> int:
    match = _BLANK.match(body, start)
    return match.end() if match else start


def _element_end(body: bytes, start: int, count: int) -> int:
    """Where the comma or the bracket stands that ends the element."""
    limit = min(len(body), start + MAX_BODY_BYTES + 1)
    at, depth, containers = start, 0, 0
    while True:
        match = (_INSIDE if depth else _OUTSIDE).match(body, at, limit)
        at = match.end() if match else at
        token = body[at : min(at + 1, limit)]
        if token in _OPENING:
            depth += 1
            containers += 1
            if containers > MAX_CONTAINERS:
                detail = f"definition {count}: more than {MAX_CONTAINERS} objects and arrays"
                raise refused(Code.MALFORMED_JSON, detail)
        elif depth and token in _CLOSING:
            depth -= 1
        elif not depth and token in _ENDING:
            return at
        else:
            # The end of what may be read, in a string perhaps, or a bracket too many.
            break
        at += 1
    if limit < len(body) and token not in _CLOSING:
        detail = f"definition {count} is larger than {MAX_BODY_BYTES} bytes"
        raise refused(Code.BODY_TOO_LARGE, detail)
    raise refused(Code.MALFORMED_JSON, f"the array does not end well after definition {count}")


def _nothing_follows(body: bytes, start: int) -> None:
    if _after_blank(body, start) != len(body):
        raise refused(Code.MALFORMED_JSON, "something follows the array")
