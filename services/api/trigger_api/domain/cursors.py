"""Cursors: where a page of a list ended, opaque to clients.

A cursor holds the last row's sort key, so the next page begins right after it, whatever was
added or erased meanwhile. It is not signed: it grants nothing that the list does not. It names
its list: where another one ended would be any place of this one.
"""

import base64
import binascii
import json
from datetime import UTC, datetime
from typing import NoReturn
from uuid import UUID

from trigger_contracts.errors import Code, refused
from trigger_contracts.ids import is_valid_id

MAX_LENGTH = 2000
"""The longest of ours, with a name of 200 characters, each escaped, has 1,800."""

_TRIGGERS, _EVENTS, _VERSIONS, _LETTERS = "triggers", "events", "versions", "dead-letters"
_TARGETS, _TARGET_VERSIONS = "targets", "target-versions"
_DELIVERIES = "deliveries"

_MAX_SEQ = 2**63 - 1


def of_trigger(sort: str, key: datetime | str | None, trigger_id: str) -> str:
    """``key`` is what the list is sorted by; None for a trigger without one."""
    text = key.isoformat() if isinstance(key, datetime) else key or ""
    return _encode(f"{_TRIGGERS} {sort}", text, trigger_id)


def of_event(logged_at: datetime, event_id: UUID) -> str:
    return _encode(_EVENTS, logged_at.isoformat(), str(event_id))


def of_version(trigger_id: str, change_seq: int) -> str:
    return _encode(_VERSIONS, trigger_id, str(change_seq))


def of_target(created_at: datetime, target_id: str) -> str:
    return _encode(_TARGETS, created_at.isoformat(), target_id)


def of_target_version(target_id: str, change_seq: int) -> str:
    return _encode(_TARGET_VERSIONS, target_id, str(change_seq))


def of_delivery(logged_at: datetime, event_id: UUID, target_id: str) -> str:
    return _encode(_DELIVERIES, logged_at.isoformat(), str(event_id), target_id)


def of_letter(seq: int) -> str:
    return _encode(_LETTERS, str(seq))


def trigger(cursor: str | None, sort: str) -> tuple[datetime | str | None, str] | None:
    """Where a page of triggers in this order ended; raises ``Refused``, as the others do."""
    if cursor is None:
        return None
    text, trigger_id = _decode(cursor, f"{_TRIGGERS} {sort}", 2)
    if not is_valid_id(trigger_id) or "\0" in text:
        _refuse()
    if sort.removeprefix("-") == "name":
        return text, trigger_id
    return _instant(text) if text else None, trigger_id


def event(cursor: str | None) -> tuple[datetime, UUID] | None:
    if cursor is None:
        return None
    instant, event_id = _decode(cursor, _EVENTS, 2)
    try:
        return _instant(instant), UUID(event_id)
    except ValueError:
        _refuse()


def version(cursor: str | None, trigger_id: str) -> int | None:
    """Where a page of this trigger's versions ended."""
    return _version(cursor, _VERSIONS, trigger_id)


def target(cursor: str | None) -> tuple[datetime, str] | None:
    """Where a page of targets ended."""
    if cursor is None:
        return None
    instant, target_id = _decode(cursor, _TARGETS, 2)
    if not is_valid_id(target_id):
        _refuse()
    return _instant(instant), target_id


def target_version(cursor: str | None, target_id: str) -> int | None:
    """Where a page of this target's versions ended."""
    return _version(cursor, _TARGET_VERSIONS, target_id)


def delivery(cursor: str | None) -> tuple[datetime, UUID, str] | None:
    """Where a page of deliveries ended."""
    if cursor is None:
        return None
    instant, event_id, target_id = _decode(cursor, _DELIVERIES, 3)
    if not is_valid_id(target_id):
        _refuse()
    try:
        return _instant(instant), UUID(event_id), target_id
    except ValueError:
        _refuse()


def letter(cursor: str | None) -> int | None:
    if cursor is None:
        return None
    (seq,) = _decode(cursor, _LETTERS, 1)
    return _seq(seq)


def _version(cursor: str | None, kind: str, own_id: str) -> int | None:
    if cursor is None:
        return None
    of, seq = _decode(cursor, kind, 2)
    if of != own_id:
        _refuse()
    return _seq(seq)


def _encode(*parts: str) -> str:
    return base64.urlsafe_b64encode(json.dumps(parts).encode()).decode().rstrip("=")


def _decode(cursor: str, of: str, count: int) -> list[str]:
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        parts = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (ValueError, binascii.Error, RecursionError):
        _refuse()
    if (
        not isinstance(parts, list)
        or len(parts) != 1 + count
        or not all(isinstance(part, str) for part in parts)
        or parts[0] != of
    ):
        _refuse()
    return parts[1:]


def _seq(text: str) -> int:
    if not (text.isascii() and text.isdecimal()) or int(text) > _MAX_SEQ:
        _refuse()
    return int(text)


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
