"""Events of the log as the executor stores them."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from nats.aio.client import Client

from trigger_contracts import subjects
from trigger_contracts.events import EntryStatus, LogEntry, Source, cloud_event
from trigger_contracts.ids import uuid7

_SUBJECTS = {
    EntryStatus.FIRED: subjects.fired,
    EntryStatus.MISSED: subjects.missed,
    EntryStatus.REJECTED: subjects.rejected,
}


def make_entry(
    name: str = "0", age: timedelta = timedelta(), now: datetime | None = None, **fields: Any
) -> LogEntry:
    """A fired event whose payload is ``name``; the same name and instant give the same id."""
    at = (now or datetime.now(UTC)) - age
    return LogEntry(
        **{
            "event_id": str(uuid7(at, name)),
            "trigger_id": "t",
            "trigger_name": "Test",
            "trigger_type": "api",
            "trigger_version": 1,
            "status": EntryStatus.FIRED,
            "source": Source.API,
            "is_test": False,
            "scheduled_for": None,
            "fired_at": at,
            "logged_at": at,
            "payload": name,
            **fields,
        }
    )


def body_of(entry: LogEntry) -> bytes:
    return cloud_event(entry).model_dump_json().encode()


async def store(client: Client, entries: Iterable[LogEntry]) -> list[int]:
    """Publish durably, one by one; returns their sequences."""
    jetstream = client.jetstream()
    found = []
    for entry in entries:
        subject = _SUBJECTS[entry.status](entry.trigger_id)
        headers = {"Nats-Msg-Id": entry.event_id}
        found.append((await jetstream.publish(subject, body_of(entry), headers=headers)).seq)
    return found
