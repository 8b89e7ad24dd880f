"""A message of the log read as a row of the table, or as unreadable with the reason.

Never raises: whatever the bytes are, the answer is one of the two.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from pydantic_core import to_json

from trigger_contracts.records import Unreadable, event_in


class LogRow(NamedTuple):
    """One row. JSON travels as text."""

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
        entry = event_in(body)
    except Unreadable as why:
        return UnreadableEvent(str(why))
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
