"""What a delivery's records amount to: which round it is in, and where that one stands.

A round is delivered if any of its attempts delivered; else as the first of its records that is
final says; else it is pending. A delivery is where its newest round is. ``evolve`` takes records
in the order of their stream, and a record twice does no harm.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from .outcomes import DeliveryState, Final, Reason
from .records import DeliveryAttempted, DeliveryEnded, DeliveryPlanned, DeliveryRecord


@dataclass(frozen=True, slots=True)
class DeliveryProgress:
    """A delivery as its records have it.

    ``attempts`` is the number of the newest one in this round, ``epoch`` that of its lane; both
    are 0 before the first. ``next_attempt_at`` is when the next may begin.
    """

    planned: DeliveryPlanned
    next_attempt_at: datetime
    attempts: int = 0
    epoch: int = 0
    final: Final | None = None
    reason: Reason | None = None

    @property
    def state(self) -> DeliveryState:
        return DeliveryState.PENDING if self.final is None else DeliveryState(self.final.value)


def evolve(state: DeliveryProgress | None, record: DeliveryRecord) -> DeliveryProgress | None:
    """Apply the next record of the stream.

    A round begins once the one before has ended, and once: what was planned twice, by whoever
    could not know that it was, is delivered once. What belongs to another round than the newest
    changes nothing.
    """
    if isinstance(record, DeliveryPlanned):
        if state is None or (state.final is not None and record.round > state.planned.round):
            return DeliveryProgress(record, record.planned_at)
        return state
    if state is None or record.round != state.planned.round:
        return state
    if isinstance(record, DeliveryEnded):
        return _ended(state, Final.DEAD, record.reason)
    return _ended(_attempted(state, record), record.final, record.reason)


def folded(records: Iterable[DeliveryRecord]) -> DeliveryProgress | None:
    """The delivery that all of these are about; None where it was never planned."""
    state: DeliveryProgress | None = None
    for record in records:
        state = evolve(state, record)
    return state


def is_newer(record: DeliveryAttempted, attempts: int, epoch: int) -> bool:
    """Whether it says when the next attempt is: a lost lane's late record does not."""
    return (record.attempt, record.epoch) > (attempts, epoch)


def _attempted(state: DeliveryProgress, record: DeliveryAttempted) -> DeliveryProgress:
    if not is_newer(record, state.attempts, state.epoch):
        return state
    return replace(
        state,
        attempts=record.attempt,
        epoch=record.epoch,
        next_attempt_at=record.next_attempt_at or state.next_attempt_at,
    )


def _ended(state: DeliveryProgress, final: Final | None, reason: Reason | None) -> DeliveryProgress:
    if final is None or state.final is Final.DELIVERED:
        return state
    if state.final is not None and final is not Final.DELIVERED:
        return state
    return replace(state, final=final, reason=reason)
