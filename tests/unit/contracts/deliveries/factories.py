"""Records of one delivery."""

from datetime import UTC, datetime, timedelta
from typing import Any

from trigger_contracts.deliveries.outcomes import FailureCode, Final, Outcome, Reason
from trigger_contracts.deliveries.records import (
    DeliveryAttempted,
    DeliveryEnded,
    DeliveryPlanned,
    delivery_id_of,
)

NOON = datetime(2027, 1, 26, 12, tzinfo=UTC)
LIFE = timedelta(hours=48)
EVENT = "01a351dd-fefa-773e-a3a5-d161f2062b44"
TARGET = "erp"
ABOUT = {
    "delivery_id": delivery_id_of(EVENT, TARGET),
    "event_id": EVENT,
    "trigger_id": "backup",
    "target_id": TARGET,
    "logged_at": NOON,
}


def planned(**given: Any) -> DeliveryPlanned:
    fields = {
        "round": 1,
        "event_seq": 7,
        "planned_at": NOON,
        "expires_at": NOON + LIFE,
    }
    return DeliveryPlanned(**{**ABOUT, **fields, **given})


def attempted(outcome: Outcome = Outcome.FAILED, **given: Any) -> DeliveryAttempted:
    """By default one that failed, and is tried again."""
    of_outcome = {
        Outcome.DELIVERED: {"final": Final.DELIVERED, "status": 204},
        Outcome.FAILED: {
            "code": FailureCode.STATUS,
            "status": 503,
            "next_attempt_at": NOON + timedelta(seconds=5),
        },
        Outcome.BLOCKED: {"code": FailureCode.BLOCKED, "final": Final.BLOCKED},
    }
    fields = {
        "round": 1,
        "attempt": 1,
        "epoch": 1,
        "target_version": 1,
        "started_at": NOON,
        "duration_ms": 12,
        "origin": "https://erp.example",
        "outcome": outcome,
    }
    if given.get("final") is Final.DEAD:
        given = {"next_attempt_at": None, "reason": Reason.EXHAUSTED, **given}
    return DeliveryAttempted(**{**ABOUT, **fields, **of_outcome[outcome], **given})


def ended(reason: Reason = Reason.EXPIRED, **given: Any) -> DeliveryEnded:
    return DeliveryEnded(**{**ABOUT, "round": 1, "ended_at": NOON, "reason": reason, **given})
