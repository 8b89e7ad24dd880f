"""What a receiver's answer means for the delivery, by its head alone. Pure.

The body is for people. One that breaks off, or that never ends, changes nothing: a receiver that
has answered 2xx has taken the event.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from trigger_contracts.deliveries.outcomes import FailureCode, Final, Outcome, Reason

from .retry_after import retry_after

_ASKS_FOR_A_PAUSE = frozenset({429, 503})
_GONE = 410


@dataclass(frozen=True, slots=True)
class AnswerHead:
    """The status, and the values of the headers that mean something; None for one not there."""

    status: int
    retry_after: str | None = None
    date: str | None = None
    webhook_delivery: str | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the fields of the same names of ``Attempted`` say."""

    outcome: Outcome
    code: FailureCode | None = None
    final: Final | None = None
    reason: Reason | None = None
    retry_after_s: int | None = None
    is_gone: bool = False


def judged(head: AnswerHead, final_statuses: Collection[int], now: datetime) -> Verdict:
    """What the answer means.

    Its ``webhook-delivery`` may say ``abort-message`` (nothing more of this event) and ``disable``
    (nothing for now), one or both.
    """
    asked = {word.strip().lower() for word in (head.webhook_delivery or "").split(",")}
    is_gone = head.status == _GONE or "disable" in asked
    if 200 <= head.status <= 299:
        return Verdict(Outcome.DELIVERED, final=Final.DELIVERED, is_gone=is_gone)
    reason = None
    if "abort-message" in asked:
        reason = Reason.REFUSED_BY_RECEIVER
    elif head.status in final_statuses:
        reason = Reason.FINAL_STATUS
    pause = None
    if head.status in _ASKS_FOR_A_PAUSE:
        pause = retry_after(head.retry_after, now, head.date)
    return Verdict(
        Outcome.FAILED,
        code=FailureCode.REDIRECT if 300 <= head.status <= 399 else FailureCode.STATUS,
        final=None if reason is None else Final.DEAD,
        reason=reason,
        retry_after_s=pause,
        is_gone=is_gone,
    )
