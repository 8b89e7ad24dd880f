"""A pending delivery as the index has it, and the records that an attempt, or none, makes of it.

Pure. Records are what counts: whatever is decided here has happened once the record of it is in
the log, and not before.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from trigger_contracts.deliveries.outcomes import FailureCode, Final, Outcome, Reason
from trigger_contracts.deliveries.records import DeliveryAttempted, DeliveryEnded

from .attempt import Attempted
from .lane import AttemptEffect
from .retrying import next_attempt

_OVERLOADED = frozenset(
    {
        FailureCode.TIMEOUT,
        FailureCode.DNS,
        FailureCode.REFUSED,
        FailureCode.RESET,
        FailureCode.TLS,
        FailureCode.PROTOCOL,
    }
)
"""No answer that anyone could read: it may be too much for the endpoint, or it is away."""
_SERVER_ERRORS = 500
"""An answer from here on is one of a server that could not."""


@dataclass(frozen=True, slots=True)
class PendingDelivery:
    """A delivery that has not ended: where it stands, and when it may be tried.

    ``attempts`` is how many were counted in this round. ``change_seq`` is given where the target is
    written out in a test's own change.
    """

    delivery_id: str
    event_id: str
    trigger_id: str
    target_id: str
    round: int
    attempts: int
    event_seq: int
    logged_at: datetime
    next_attempt_at: datetime
    expires_at: datetime
    is_test: bool = False
    change_seq: int | None = None


def effect_of(attempted: Attempted) -> AttemptEffect:
    """What an attempt says of its endpoint."""
    if attempted.is_gone:
        # Also of an answer that took this event: it wants no other for a while.
        return AttemptEffect.GONE
    if attempted.outcome is Outcome.DELIVERED:
        return AttemptEffect.DELIVERED
    if attempted.outcome is Outcome.BLOCKED or attempted.final is not None:
        # Nobody was asked, or the answer was about this one event.
        return AttemptEffect.UNJUDGED
    if attempted.code in _OVERLOADED or (attempted.status or 0) >= _SERVER_ERRORS:
        return AttemptEffect.OVERLOADED
    return AttemptEffect.FAILED


def attempted_record(
    delivery: PendingDelivery,
    attempted: Attempted,
    *,
    epoch: int,
    target_version: int,
    delays: Sequence[timedelta],
    last: datetime,
    draw: float,
) -> DeliveryAttempted:
    """The record of an attempt: its outcome, and when the next one is or why there is none.

    ``last`` is the latest start (``retrying.last_start``), ``draw`` at random, from 0 to below 1.
    """
    number = delivery.attempts + 1
    final, reason, following = _final(attempted), attempted.reason, None
    if final is None:
        at = next_attempt(
            number,
            delays,
            attempted.ended_at,
            draw=draw,
            last=last,
            retry_after_s=attempted.retry_after_s,
        )
        if isinstance(at, Reason):
            final, reason = Final.DEAD, at
        else:
            following = at
    return DeliveryAttempted(
        delivery_id=delivery.delivery_id,
        event_id=delivery.event_id,
        trigger_id=delivery.trigger_id,
        target_id=delivery.target_id,
        round=delivery.round,
        logged_at=delivery.logged_at,
        attempt=number,
        epoch=epoch,
        target_version=target_version,
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
        next_attempt_at=following,
        final=final,
        reason=reason,
        is_gone=attempted.is_gone,
    )


def ended_record(delivery: PendingDelivery, reason: Reason, now: datetime) -> DeliveryEnded:
    """The record of a delivery that ends dead without another attempt."""
    return DeliveryEnded(
        delivery_id=delivery.delivery_id,
        event_id=delivery.event_id,
        trigger_id=delivery.trigger_id,
        target_id=delivery.target_id,
        round=delivery.round,
        logged_at=delivery.logged_at,
        ended_at=now,
        reason=reason,
    )


def _final(attempted: Attempted) -> Final | None:
    match attempted.outcome:
        case Outcome.DELIVERED:
            return Final.DELIVERED
        case Outcome.BLOCKED:
            return Final.BLOCKED
        case Outcome.FAILED:
            return attempted.final
