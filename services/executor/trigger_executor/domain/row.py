"""A row of the log as it is published, and how long the log may hold it.

Pure. The broker forgets a message 48 h after it was stored; a row that is recorded late gets
what is left of its own 48 h, so that it is gone on time all the same.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import assert_never

from pydantic import TypeAdapter

from trigger_contracts import subjects
from trigger_contracts.events import CloudEvent, EntryStatus, LogEntry, cloud_event
from trigger_contracts.topology import LOG_LIFE
from trigger_contracts.tracing import TRACEPARENT, root_of, traceparent_of

PROMPT = timedelta(seconds=5)
"""Recorded within this, a row needs no life of its own: erasure may be a minute late."""

_CLOUD_EVENT = TypeAdapter(CloudEvent)


@dataclass(frozen=True, slots=True)
class EventMessage:
    """One message for TRIGGER_EVENTS; its message id is ``event_id``."""

    entry: LogEntry
    subject: str
    body: bytes
    ttl: timedelta | None
    headers: Mapping[str, str] | None = None

    @property
    def event_id(self) -> str:
        return self.entry.event_id


def row_of(
    entry: LogEntry,
    now: datetime,
    kept_for: timedelta = LOG_LIFE,
    *,
    asked_for: bool = False,
) -> EventMessage | None:
    """The row to publish at ``now``; None where its life of ``kept_for`` is over already.

    ``asked_for``: its caller asked for its trace, and so whoever handles the row shall know.
    """
    age = now - entry.logged_at
    if age >= kept_for:
        return None
    return EventMessage(
        entry=entry,
        subject=_subject(entry),
        body=_CLOUD_EVENT.dump_json(cloud_event(entry)),
        # The stream itself forgets after 48 h: only what is to live shorter says so.
        ttl=kept_for - age if age > PROMPT or kept_for < LOG_LIFE else None,
        headers={TRACEPARENT: traceparent_of(root_of(entry.event_id))} if asked_for else None,
    )


def _subject(entry: LogEntry) -> str:
    match entry.status:
        case EntryStatus.FIRED:
            return subjects.fired(entry.trigger_id)
        case EntryStatus.MISSED:
            return subjects.missed(entry.trigger_id)
        case EntryStatus.REJECTED:
            return subjects.rejected(entry.trigger_id)
        case _:
            assert_never(entry.status)
