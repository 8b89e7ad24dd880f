"""Records of deliveries as tests need them: a story of what became of an event at a target."""

from datetime import timedelta
from typing import Any

from trigger_contracts.deliveries.outcomes import FailureCode, Final, Outcome, Reason
from trigger_contracts.deliveries.records import (
    DeliveryAttempted,
    DeliveryEnded,
    DeliveryPlanned,
    DeliveryRecord,
    delivery_id_of,
    message_of,
)
from trigger_contracts.events import LogEntry
from trigger_contracts.topology import LOG_LIFE

_ENDS: dict[str, dict[str, Any]] = {
    "failed": {"outcome": Outcome.FAILED, "code": FailureCode.STATUS, "status": 503},
    "delivered": {"outcome": Outcome.DELIVERED, "status": 204, "final": Final.DELIVERED},
    "blocked": {
        "outcome": Outcome.BLOCKED,
        "code": FailureCode.BLOCKED,
        "final": Final.BLOCKED,
    },
    "dead": {
        "outcome": Outcome.FAILED,
        "code": FailureCode.TIMEOUT,
        "final": Final.DEAD,
        "reason": Reason.EXHAUSTED,
    },
}


def make_records(
    entry: LogEntry, target_id: str, *story: str, excerpt: str | None = None
) -> list[DeliveryRecord]:
    """What is recorded of an event's delivery: its plan, and each step of the story.

    A step is an attempt's outcome (failed, delivered, blocked, dead), ``ended``, or ``planned N``.
    """
    about: dict[str, Any] = {
        "delivery_id": delivery_id_of(entry.event_id, target_id),
        "event_id": entry.event_id,
        "trigger_id": entry.trigger_id,
        "target_id": target_id,
        "logged_at": entry.logged_at,
    }
    at = entry.logged_at

    def planned(number: int) -> DeliveryPlanned:
        return DeliveryPlanned(
            **about, round=number, event_seq=1, planned_at=at, expires_at=entry.logged_at + LOG_LIFE
        )

    records: list[DeliveryRecord] = [planned(1)]
    number, attempt = 1, 0
    for step in story:
        at += timedelta(seconds=1)
        if step.startswith("planned "):
            number, attempt = int(step.split()[1]), 0
            records.append(planned(number))
            continue
        if step == "ended":
            records.append(
                DeliveryEnded(**about, round=number, ended_at=at, reason=Reason.CANCELLED)
            )
            continue
        attempt += 1
        fields = _ENDS[step]
        if "final" not in fields:
            fields = {**fields, "next_attempt_at": at + timedelta(seconds=5)}
        records.append(
            DeliveryAttempted(
                **about,
                round=number,
                attempt=attempt,
                epoch=1,
                target_version=1,
                started_at=at,
                duration_ms=12,
                origin=f"https://{target_id}.example",
                address="192.0.2.7",
                excerpt=excerpt,
                **fields,
            )
        )
    return records


def record_message(record: DeliveryRecord) -> tuple[str, bytes]:
    """The subject and the body of its message."""
    expires_at = record.logged_at + LOG_LIFE
    message = message_of(record, expires_at=expires_at, now=record.logged_at)
    assert message is not None
    return message.subject, message.body
