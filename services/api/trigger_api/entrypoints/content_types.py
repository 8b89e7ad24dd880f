"""What a body is, by its ``Content-Type``: JSON or lines of it, in UTF-8 alone (RFC 8259, 8.1)."""

import re
from collections.abc import Callable, Iterator

from trigger_contracts import bulk_body
from trigger_contracts.bulk_body import RawDefinition
from trigger_contracts.errors import Code, refused

Split = Callable[[bytes], Iterator[RawDefinition]]

NDJSON_TYPES = (b"application/x-ndjson", b"application/ndjson", b"application/jsonl")
"""Nobody registered one: each is in use."""

_PARAMETER = re.compile(rb';[ \t]*([^=;"\s]*)[ \t]*(?:=[ \t]*("(?:[^"\\]|\\.)*+"|[^;"]*))?[ \t]*')
"""RFC 9110, 5.6.6, with blanks where people write them. Others' parameters say nothing here."""
_UTF_8 = frozenset({b"utf-8", b"utf8"})


def check_json(value: bytes | None) -> None:
    """JSON under any of its names, or none given: a plain ``curl -d`` is told what to add."""
    if value is None or value == b"application/json":
        return
    if not _is_json(value):
        detail = "send the header Content-Type: application/json"
        raise refused(Code.UNSUPPORTED_MEDIA_TYPE, detail)
    _check_charset(value)


def splitting(value: bytes | None) -> Split:
    """How to find the definitions in a body of many."""
    if value is None:
        return bulk_body.elements
    is_lines = _media_type(value) in NDJSON_TYPES
    if not is_lines and not _is_json(value):
        detail = "send the header Content-Type: application/x-ndjson, or application/json"
        raise refused(Code.UNSUPPORTED_MEDIA_TYPE, detail)
    _check_charset(value)
    return bulk_body.lines if is_lines else bulk_body.elements


def _media_type(value: bytes) -> bytes:
    return value.partition(b";")[0].strip().lower()


def _is_json(value: bytes) -> bool:
    media_type = _media_type(value)
    return media_type == b"application/json" or (
        media_type.startswith(b"application/") and media_type.endswith(b"+json")
    )


def _check_charset(value: bytes) -> None:
    """Bytes in another charset would be read as what nobody wrote, or as no text at all."""
    at = value.find(b";")
    while at != -1:
        found = _PARAMETER.match(value, at)
        if found is None:
            return
        given = (found[2] or b"").strip()
        if given.startswith(b'"'):
            given = re.sub(rb"\\(.)", rb"\1", given[1:-1])
        if found[1].lower() == b"charset" and given.lower() not in _UTF_8:
            detail = "Content-Type: charset may be utf-8, or is left out"
            raise refused(Code.UNSUPPORTED_MEDIA_TYPE, detail)
        at = value.find(b";", found.end())
