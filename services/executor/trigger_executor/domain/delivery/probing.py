"""The event that a test of a target delivers, and what is said of the attempt. Pure."""

from datetime import datetime

from trigger_contracts.deliveries.probes import TRIGGER_ID, Probed
from trigger_contracts.errors import Code, Problem, problem
from trigger_contracts.events import EntryStatus, LogEntry, Source
from trigger_contracts.ids import uuid7
from trigger_contracts.targets.changes import TargetChanged
from trigger_executor.domain.row import row_of

from .attempt import Attempt, Attempted, Cause

_WHY = {
    Cause.BROKER: "the broker is away",
    Cause.NAME_SERVERS: "no name server answers",
    Cause.SEALED: "a secret of it is sealed to a key that this platform does not have",
    Cause.MACHINE: "there is no file, port or memory for a connection",
    Cause.ORIGIN_BUSY: "as many attempts as may be are in flight to its address",
}


def probe_of(target: TargetChanged, probe_id: str, now: datetime) -> Attempt:
    """The attempt: an event like those of fires, marked as a test.

    Its payload alone is a message for those who show one (Slack, Discord).
    """
    text = f"A test of the target {target.definition.name or target.target_id}"
    entry = LogEntry(
        event_id=str(uuid7(now, "probe", target.target_id, probe_id)),
        trigger_id=TRIGGER_ID,
        trigger_name=text,
        trigger_type="api",
        trigger_version=1,
        status=EntryStatus.FIRED,
        source=Source.TEST,
        is_test=True,
        scheduled_for=None,
        fired_at=now,
        logged_at=now,
        payload={"text": text, "content": text},
    )
    row = row_of(entry, now)
    return Attempt(
        event_id=entry.event_id,
        target_id=target.target_id,
        definition=target.definition,
        secrets=target.secrets,
        number=1,
        is_test=True,
        event=b"" if row is None else row.body,
    )


def answer_of(attempt: Attempt, target: TargetChanged, attempted: Attempted) -> Probed:
    """What whoever asked is told."""
    return Probed(
        target_id=target.target_id,
        target_version=target.version,
        event_id=attempt.event_id,
        started_at=attempted.started_at,
        duration_ms=attempted.duration_ms,
        dns_ms=attempted.dns_ms,
        connect_ms=attempted.connect_ms,
        first_byte_ms=attempted.first_byte_ms,
        outcome=attempted.outcome,
        code=attempted.code,
        status=attempted.status,
        origin=attempted.origin,
        address=attempted.address,
        excerpt=attempted.excerpt,
        retry_after_s=attempted.retry_after_s,
    )


def not_attempted(cause: Cause) -> Problem:
    """The receiver had no part in it."""
    return problem(Code.UNAVAILABLE, f"the target was not tried: {_WHY[cause]}")


def unknown(target_id: str) -> Problem:
    return problem(Code.NOT_FOUND, f"there is no target {target_id}")


def too_soon() -> Problem:
    return problem(Code.TOO_MANY_REQUESTS, "a target is tested once a second at most")
