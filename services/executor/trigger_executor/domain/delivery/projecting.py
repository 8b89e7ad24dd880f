"""What a stretch of records makes of the index: deliveries that wait, and lanes to be woken.

Pure. The index is the fold of the records (``trigger_contracts.deliveries.fold``), as far as it is
pending: what has ended leaves it. So a plan of what has ended cannot be told by the index from a
new one; ``earlier`` says which rounds began before, for those that may be repetitions. Of rounds
that a redelivery began, and of first plans that came late, the index itself remembers that. What is
planned is due no later than the broker had the plan, whatever the clock says of whoever planned it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from trigger_contracts.deliveries.fold import DeliveryProgress, evolve
from trigger_contracts.deliveries.health import is_of_alert
from trigger_contracts.deliveries.outcomes import DeliveryState, Outcome
from trigger_contracts.deliveries.records import (
    DeliveryAttempted,
    DeliveryEnded,
    DeliveryPlanned,
    DeliveryRecord,
)

from .health import NOTHING_OBSERVED, HealthObservation, ObservedChange, ObservedHealth

PROMPT = timedelta(seconds=20)
"""A plan that was stored so soon after its event is the first: one that the broker let pass as a
repetition comes two minutes (``DUPLICATE_WINDOW``) after the first, less what two clocks differ."""


@dataclass(frozen=True, slots=True)
class StoredRecord:
    """A record, and where and when the broker stored it."""

    record: DeliveryRecord
    seq: int
    stored_at: datetime


@dataclass(slots=True)
class LaneNews:
    """What a lane is to know: when something waits in it, and how its attempts went."""

    wake_at: datetime | None = None
    for_test: bool = False
    epoch: int = 0
    last_attempt: DeliveryAttempted | None = None
    last_success_at: datetime | None = None
    last_failure_at: datetime | None = None
    is_failing: bool | None = None
    since: datetime | None = None
    """Since when attempts fail, or are delivered, one and all."""
    health: ObservedHealth | None = None
    """What its next records are news of, where that is another than before."""


@dataclass(frozen=True, slots=True)
class Projection:
    """What is to be written: deliveries that wait, ids of those that do so no more, lanes."""

    pending: Sequence[DeliveryProgress]
    ended: Sequence[str]
    lanes: Mapping[str, LaneNews] = field(default_factory=dict)
    begun: Sequence[DeliveryPlanned] = ()
    """Plans that began rounds which are remembered until the event's life ends."""
    changes: Sequence[ObservedChange] = ()
    """Of targets' health, in the order of the records that they follow from."""


class BegunRounds:
    """The fold of records as far as rounds go: which one of each delivery began last."""

    def __init__(self) -> None:
        self.newest: dict[str, int] = {}
        self._over: set[str] = set()

    def see(self, record: DeliveryRecord) -> None:
        """The next record of the stream."""
        delivery_id = record.delivery_id
        newest = self.newest.get(delivery_id)
        if isinstance(record, DeliveryPlanned):
            if newest is None or (delivery_id in self._over and record.round > newest):
                self.newest[delivery_id] = record.round
                self._over.discard(delivery_id)
        elif record.round == newest and (
            isinstance(record, DeliveryEnded) or record.final is not None
        ):
            self._over.add(delivery_id)


def may_repeat(one: StoredRecord) -> bool:
    """Whether a first plan may stand in the stream for the second time, past the broker's memory:
    only the stream knows of one that was prompt.
    """
    record = one.record
    is_first = isinstance(record, DeliveryPlanned) and record.round == 1
    return is_first and one.stored_at - record.logged_at > PROMPT


def is_remembered(one: StoredRecord) -> bool:
    """Whether the index remembers the round that a plan begins: a wish begins it, not the event,
    and a wish may be repeated for as long as the event lives.
    """
    record = one.record
    return isinstance(record, DeliveryPlanned) and (record.round > 1 or may_repeat(one))


def project(
    batch: Sequence[StoredRecord],
    known: Mapping[str, DeliveryProgress],
    earlier: Mapping[str, int],
    health: Mapping[str, ObservedHealth] = NOTHING_OBSERVED,
) -> Projection:
    """What the records of ``batch`` make of the deliveries that the index knows.

    ``earlier``: the round of a delivery that began last, where its plan here ``may_repeat`` or
    ``is_remembered``. ``health`` is what was observed of the targets.
    """
    observation = HealthObservation(health)
    states: dict[str, DeliveryProgress] = dict(known)
    begun: dict[str, DeliveryPlanned] = {}
    lanes: dict[str, LaneNews] = {}
    for one in batch:
        record = one.record
        delivery_id = record.delivery_id
        state = states.get(delivery_id)
        if isinstance(record, DeliveryPlanned):
            if state is None and record.round <= earlier.get(delivery_id, 0):
                continue  # It has ended.
        elif isinstance(record, DeliveryAttempted):
            _see(lanes.setdefault(record.target_id, LaneNews()), record)
            if not is_of_alert(record):
                observation.attempted(record, one.seq, one.stored_at)
        new = evolve(state, record)
        if new is None or new is state:
            continue
        if new.planned is record:
            due_at = min(new.next_attempt_at, one.stored_at)
            new = replace(new, next_attempt_at=due_at)
        states[delivery_id] = new
        _end(observation, one, state, new)
        if is_remembered(one):
            begun[delivery_id] = new.planned
    changed = {
        delivery_id: state
        for delivery_id, state in states.items()
        if state is not known.get(delivery_id)
    }
    pending = [state for state in changed.values() if state.state is DeliveryState.PENDING]
    _wake(lanes, pending, known)
    for target_id, observed in observation.states.items():
        lanes.setdefault(target_id, LaneNews()).health = observed
    return Projection(
        pending=pending,
        ended=[
            delivery_id
            for delivery_id, state in changed.items()
            if state.final is not None and delivery_id in known
        ],
        lanes=lanes,
        begun=list(begun.values()),
        changes=observation.changes,
    )


def _end(
    observation: HealthObservation,
    one: StoredRecord,
    state: DeliveryProgress | None,
    new: DeliveryProgress,
) -> None:
    """Have it observed where a record ended its delivery."""
    record = one.record
    if isinstance(record, DeliveryPlanned) or is_of_alert(record) or new.final is None:
        return
    if state is None or state.final is None:
        observation.ended(record, new.final, new.reason, one.seq, one.stored_at)


def _wake(
    lanes: dict[str, LaneNews],
    pending: Iterable[DeliveryProgress],
    known: Mapping[str, DeliveryProgress],
) -> None:
    """Wake the lanes of what is new, or due earlier than it was."""
    for state in pending:
        planned = state.planned
        was = known.get(planned.delivery_id)
        is_known = was is not None and was.planned.round == planned.round
        if was is not None and is_known and was.next_attempt_at <= state.next_attempt_at:
            continue
        lane = lanes.setdefault(planned.target_id, LaneNews())
        lane.for_test = planned.change_seq is not None
        if lane.wake_at is None or state.next_attempt_at < lane.wake_at:
            lane.wake_at = state.next_attempt_at


def _see(lane: LaneNews, attempt: DeliveryAttempted) -> None:
    ended_at = attempt.started_at + timedelta(milliseconds=attempt.duration_ms)
    lane.epoch = max(lane.epoch, attempt.epoch)
    is_failing = attempt.outcome is not Outcome.DELIVERED
    if lane.is_failing is not is_failing:
        lane.is_failing, lane.since = is_failing, ended_at
    if lane.last_attempt is None or attempt.started_at >= lane.last_attempt.started_at:
        lane.last_attempt = attempt
    if is_failing:
        lane.last_failure_at = max(ended_at, lane.last_failure_at or ended_at)
    else:
        lane.last_success_at = max(ended_at, lane.last_success_at or ended_at)
