"""Rows of the log as tests need them: everything plausible, what matters by keyword."""

import itertools
from datetime import UTC, datetime, timedelta
from typing import Any

from trigger_contracts.events import EntryStatus, LogEntry, Source, cloud_event
from trigger_contracts.ids import uuid7
from trigger_retention.domain.rows import LogRow, read

_numbers = itertools.count(1)


def make_entry(logged_at: datetime | None = None, **fields: Any) -> LogEntry:
    """A fired entry, logged now; ``id_at`` sets the time in its id apart from ``logged_at``."""
    at = logged_at or datetime.now(UTC)
    number = next(_numbers)
    id_at = fields.pop("id_at", at)
    defaults: dict[str, Any] = {
        "event_id": str(uuid7(id_at, "test", str(number), str(at))),
        "trigger_id": "trigger-1",
        "trigger_name": "Ping",
        "trigger_type": "scheduled",
        "trigger_version": 1,
        "status": EntryStatus.FIRED,
        "source": Source.SCHEDULE,
        "is_test": False,
        "scheduled_for": at,
        "fired_at": at,
        "logged_at": at,
        "payload": {"number": number},
    }
    return LogEntry(**{**defaults, **fields})


def body(entry: LogEntry) -> bytes:
    """The message that carries it."""
    return cloud_event(entry).model_dump_json().encode()


def make_row(logged_at: datetime | None = None, *, stream_seq: int = 1, **fields: Any) -> LogRow:
    row = read(body(make_entry(logged_at, **fields)), stream_seq)
    assert isinstance(row, LogRow), row
    return row


def ago(**durations: float) -> datetime:
    return datetime.now(UTC) - timedelta(**durations)
