"""Cursors: where a page of a list ended, opaque to clients.

A cursor holds the last row's sort key, so the next page begins right after it, whatever was
added or erased meanwhile. It is not signed: it grants nothing that the list does not.
"""

import base64
import binascii
import json
from datetime import UTC, datetime
from typing import NoReturn
from uuid import UUID

from trigger_contracts.errors import Code, refused
from trigger_contracts.ids import is_valid_id

MAX_LENGTH = 200
"""No cursor of ours is half as long."""

_MAX_SEQ = 2**63 - 1


def of_trigger(created_at: datetime, trigger_id: str) -> str:
    return _encode(created_at.isoformat(), trigger_id)


def of_event(logged_at: datetime, event_id: UUID) -> str:
    return _encode(logged_at.isoformat(), str(event_id))


def of_change(change_seq: int) -> str:
    return _encode(str(change_seq))


def trigger(cursor: str | None) -> tuple[datetime, str] | None:
    """Where a page of triggers ended; raises ``Refused``, as the others do."""
    if cursor is None:
        return None
    instant, trigger_id = _decode(cursor, 2)
    if not is_valid_id(trigger_id):
        _refuse()
    return _instant(instant), trigger_id


def event(cursor: str | None) -> tuple[datetime, UUID] | None:
    if cursor is None:
        return None
    instant, event_id = _decode(cursor, 2)
    try:
        return _instant(instant), UUID(event_id)
    except ValueError:
        _refuse()


def change(cursor: str | None) -> int | None:
    if cursor is None:
        return None
    (seq,) = _decode(cursor, 1)
    if not (seq.isascii() and seq.isdecimal()) or int(seq) > _MAX_SEQ:
        _refuse()
    return int(seq)


def _encode(*parts: str) -> str:
    return base64.urlsafe_b64encode(json.dumps(parts).encode()).decode().rstrip("=")


def _decode(cursor: str, count: int) -> list[str]:
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        parts = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (ValueError, binascii.Error, RecursionError):
        _refuse()
    if (
        not isinstance(parts, list)
        or len(parts) != count
        or not all(isinstance(part, str) for part in parts)
    ):
        _refuse()
    return parts


def _instant(text: str) -> datetime:
    try:
        instant = datetime.fromisoformat(text)
        if instant.tzinfo is None:
            _refuse()
        return instant.astimezone(UTC)
    except (ValueError, OverflowError):
        _refuse()


def _refuse() -> NoReturn:
    detail = "is not a cursor of this list: follow the Link header's next, or begin without one"
    raise refused(Code.INVALID, detail, pointer="/query/cursor")
