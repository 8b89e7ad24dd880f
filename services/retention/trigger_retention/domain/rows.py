"""A message of the log read as a row of the table, or as unreadable with the reason.

Never raises: whatever the bytes are, the answer is one of the two.
"""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from pydantic import ValidationError
from pydantic_core import to_json

from trigger_contracts.events import CloudEvent

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}")
_AFTER_YEAR_9999 = "e677d21f-dc00"
"""The 48 bits of time of the first UUIDv7 that no instant of ours can name."""
_LAST_YEAR = 9998
"""Of ``logged_at``: what comes after it by the length of a life must be an instant, too."""
_SHOWN_ERRORS = 3
"""A reason names at most so many fields."""


class LogRow(NamedTuple):
    """One row, its fields in the order of the table's columns. JSON travels as text."""

    event_id: str
    stream_seq: int
    trigger_id: str
    trigger_name: str
    trigger_type: str
    trigger_version: int
    status: str
    source: str
    is_test: bool
    scheduled_for: datetime | None
    fired_at: datetime | None
    logged_at: datetime
    misfire: bool
    reason: str | None
    errors: str
    count: int  # type: ignore[assignment]  # shadows tuple.count, which no row needs
    last_scheduled_for: datetime | None
    replay_of: str | None
    payload: str | None


@dataclass(frozen=True, slots=True)
class UnreadableEvent:
    """Not a row of the log, and never will be."""

    reason: str


def read(body: bytes, stream_seq: int) -> LogRow | UnreadableEvent:
    """The row in a message's body (a CloudEvent), stored at ``stream_seq``."""
    try:
        entry = CloudEvent.model_validate_json(body).data
    except ValidationError as error:
        return UnreadableEvent(_reason(error))
    if not _UUID.fullmatch(entry.event_id):
        return UnreadableEvent("event_id is not a UUIDv7 in lower case")
    if entry.event_id >= _AFTER_YEAR_9999:
        return UnreadableEvent("the time in event_id lies beyond the year 9999")
    if entry.logged_at.year > _LAST_YEAR:
        return UnreadableEvent("logged_at is so late that the end of the row's life has no date")
    return LogRow(
        entry.event_id,
        stream_seq,
        entry.trigger_id,
        entry.trigger_name,
        entry.trigger_type,
        entry.trigger_version,
        entry.status.value,
        entry.source.value,
        entry.is_test,
        entry.scheduled_for,
        entry.fired_at,
        entry.logged_at,
        entry.misfire,
        entry.reason,
        to_json(entry.errors).decode() if entry.errors else "[]",
        entry.count,
        entry.last_scheduled_for,
        entry.replay_of,
        None if entry.payload is None else to_json(entry.payload).decode(),
    )


def first_of_each(rows: list[LogRow]) -> list[LogRow]:
    """Of the rows with the same event id the one stored first, as the table keeps it, too."""
    first: dict[str, LogRow] = {}
    for row in rows:
        kept = first.setdefault(row.event_id, row)
        if row.stream_seq < kept.stream_seq:
            first[row.event_id] = row
    return list(first.values())


def _reason(error: ValidationError) -> str:
    """What is wrong and where, without the values: they may be a user's."""
    errors = error.errors(include_url=False, include_input=False, include_context=False)
    shown = [
        f"{'.'.join(map(str, entry['loc'])) or 'body'}: {entry['msg']}"
        for entry in errors[:_SHOWN_ERRORS]
    ]
    if len(errors) > _SHOWN_ERRORS:
        shown.append(f"and {len(errors) - _SHOWN_ERRORS} more")
    return "; ".join(shown)
