"""Ids: what a trigger's id may look like, and the deterministic ids of events.

An event's id is a UUIDv7 whose time is the instant the event is about and whose other
bits are a hash of what makes it unique. Whoever computes it again, after a crash or on
a redelivery, gets the same id, so the log's unique key can do its work.
"""

import hashlib
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated
from uuid import UUID

from pydantic import StringConstraints

ID_PATTERN = r"^[A-Za-z0-9_-]{1,64}$"
"""Ids become tokens of subjects: no dot, wildcard, space or line break may enter them."""

Id = Annotated[str, StringConstraints(pattern=ID_PATTERN)]

ALERTS_TRIGGER_ID = "_alerts"
"""In the place of a trigger's id where changes of targets' health are delivered, which no trigger
fires: no trigger may have it."""

EventId = Annotated[
    str,
    StringConstraints(
        pattern=r"^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$"
    ),
]
"""The id of an event in the log: a UUIDv7 as it is written there."""

_IDEMPOTENCY_KEY = re.compile(r"[\x20-\x7e]{1,255}")
KEY_BLANKS = " \t"
IDEMPOTENCY_KEY_RULE = "must be 1 to 255 printable ASCII characters"

_VALID_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_MICROSECOND = timedelta(microseconds=1)
_VERSION_7 = 0x7 << 76
_RFC_VARIANT = 0b10 << 62
_LOW_62_BITS = (1 << 62) - 1
_LOW_48_BITS = (1 << 48) - 1
_MIDDLE_12_BITS = 0xFFF
_SEPARATOR = b"\x00"
"""Cannot occur inside an id or an instant, so joined parts never run into each other."""


def idempotency_key(text: str) -> str | None:
    """A key as it counts, by whichever way it came; None for one that may not be.

    Blanks around it are none of it: HTTP takes them off every header.
    """
    key = text.strip(KEY_BLANKS)
    return key if _IDEMPOTENCY_KEY.fullmatch(key) else None


def is_valid_id(text: str) -> bool:
    return _VALID_ID.fullmatch(text) is not None


def uuid7(instant: datetime, *unique: str) -> UUID:
    """A UUIDv7 at ``instant`` (aware; kept to the millisecond) and a hash of ``unique``.

    The layout is RFC 9562 §5.7; the 74 random bits are taken from SHA-256.
    """
    random = _hash(unique)
    milliseconds = (instant - _EPOCH) // _MILLISECOND
    return UUID(
        int=(milliseconds << 80)
        | _VERSION_7
        | ((random >> 62 & _MIDDLE_12_BITS) << 64)
        | _RFC_VARIANT
        | (random & _LOW_62_BITS)
    )


def uuid7_beside(other: str, *unique: str) -> str:
    """As ``uuid7``, at the instant of another one; both as texts, in a sixth of the time."""
    random = _hash(unique)
    low = _RFC_VARIANT | (random & _LOW_62_BITS)
    middle = random >> 62 & _MIDDLE_12_BITS
    return f"{other[:13]}-7{middle:03x}-{low >> 48:04x}-{low & _LOW_48_BITS:012x}"


def _hash(unique: Sequence[str]) -> int:
    """80 bits, of which the lowest 62 are the lowest of an id, too."""
    digest = hashlib.sha256(_SEPARATOR.join([part.encode() for part in unique])).digest()
    return int.from_bytes(digest[:10], "big")


def occurrence_event_id(trigger_id: str, creation_id: str, scheduled_for: datetime) -> UUID:
    """The one event of an occurrence, whether it fired or was missed.

    ``creation_id`` is the id of the command that created the trigger: a trigger deleted
    and created again under the same id is another trigger.
    """
    return uuid7(scheduled_for, *_occurrence(trigger_id, creation_id, scheduled_for))


def low_bits_of_occurrence(trigger_id: str, creation_id: str, scheduled_for: datetime) -> int:
    """The lowest 62 bits of its event's id, in a third of the time."""
    return _hash(_occurrence(trigger_id, creation_id, scheduled_for)) & _LOW_62_BITS


def _occurrence(trigger_id: str, creation_id: str, scheduled_for: datetime) -> Sequence[str]:
    microseconds = (scheduled_for - _EPOCH) // _MICROSECOND
    return "occurrence", trigger_id, creation_id, str(microseconds)


def keyed_fire_event_id(trigger_id: str, key_hash: str, accepted_at: datetime) -> UUID:
    """The one event of all fires of a trigger under one idempotency key."""
    return uuid7(accepted_at, "key", trigger_id, key_hash)


def fire_event_id(trigger_id: str, command_id: str, accepted_at: datetime) -> UUID:
    """The one event of a fire command without an idempotency key."""
    return uuid7(accepted_at, "command", trigger_id, command_id)


def invalid_fire_event_id(trigger_id: str, command_id: str, accepted_at: datetime) -> UUID:
    """The rejected row of a message that was no valid fire command; it never fires under this."""
    return uuid7(accepted_at, "invalid command", trigger_id, command_id)


def key_hash(key: str) -> str:
    """SHA-256 of an idempotency key, in hex: what the idempotency store is keyed by."""
    return hashlib.sha256(key.encode()).hexdigest()


def instant_of(event_id: UUID) -> datetime:
    """The instant in a UUIDv7, to the millisecond."""
    return _EPOCH + (event_id.int >> 80) * _MILLISECOND
