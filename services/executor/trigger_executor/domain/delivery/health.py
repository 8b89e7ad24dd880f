"""How a target's health changes, by the records of its deliveries in their order.

It begins to fail with the fifth attempt in a row that does not deliver, as its breaker opens; fewer
are what retries are for, and no news. An answer that refuses one event for good says nothing of
the endpoint here, either; an address that is not allowed does. The first attempt that delivers is
its recovery. It is gone once its receiver says that it wants no more. Of deliveries that end
without having been delivered the first one is told, and then one an hour. What an alert's own
deliveries come to says nothing: two targets that alert each other would do so for ever. Pure.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from trigger_contracts.deliveries.health import (
    HealthCause,
    HealthChange,
    HealthChanged,
    event_id_of,
)
from trigger_contracts.deliveries.outcomes import FailureCode, Final, Outcome, Reason
from trigger_contracts.deliveries.records import (
    DeliveryAttempted,
    DeliveryEnded,
    recorded_at,
)
from trigger_contracts.targets.changes import TargetChanged

from .breaker import OPENS_AFTER

DEAD_EVERY = timedelta(hours=1)
"""Between two facts of deliveries that were given up, by the records' own clock."""
_WANTED = frozenset({Reason.CANCELLED, Reason.TARGET_DELETED})
"""What somebody asked for is no news."""
_REFUSED = frozenset({Reason.FINAL_STATUS, Reason.REFUSED_BY_RECEIVER})
"""The answer was about this one event."""


@dataclass(frozen=True, slots=True)
class ObservedHealth:
    """What of a target's records decides what the next one is news of.

    ``failures`` are attempts in a row that did not deliver, the first of them over at
    ``failing_since``. ``told`` is what it is known to be, None while it is well; ``dead_told_at``
    when the last fact of a delivery that was given up was about.
    """

    failures: int = 0
    failing_since: datetime | None = None
    told: HealthChange | None = None
    dead_told_at: datetime | None = None


UNOBSERVED = ObservedHealth()
NOTHING_OBSERVED: Mapping[str, ObservedHealth] = {}


@dataclass(frozen=True, slots=True)
class ObservedChange:
    """A change, the record that it follows from, and where and when that was stored."""

    change: HealthChange
    cause: DeliveryAttempted | DeliveryEnded
    seq: int
    stored_at: datetime
    failures: int
    since: datetime | None

    @property
    def target_id(self) -> str:
        return self.cause.target_id


class HealthObservation:
    """Follows the records of a page, from what was known of their targets before it."""

    def __init__(self, known: Mapping[str, ObservedHealth]) -> None:
        self._known = known
        self.states: dict[str, ObservedHealth] = {}
        """Of targets that are otherwise than they were."""
        self.changes: list[ObservedChange] = []

    def attempted(self, record: DeliveryAttempted, seq: int, stored_at: datetime) -> None:
        """The next record of the stream is of an attempt."""
        state = self._state(record.target_id)
        ended_at = recorded_at(record)
        if record.outcome is Outcome.DELIVERED:
            after = replace(state, failures=0, failing_since=None)
        elif record.reason in _REFUSED and not record.is_gone:
            return
        else:
            since = state.failing_since or ended_at
            after = replace(state, failures=state.failures + 1, failing_since=since)
        change = _change(after, record)
        if change is not None:
            known = None if change is HealthChange.RECOVERED else change
            after = replace(after, told=known)
        self._keep(record.target_id, after)
        if change is not None:
            # A recovery is told with what it ended.
            told = state if change is HealthChange.RECOVERED else after
            self._add(change, record, seq, stored_at, told)

    def ended(
        self,
        record: DeliveryAttempted | DeliveryEnded,
        final: Final,
        reason: Reason | None,
        seq: int,
        stored_at: datetime,
    ) -> None:
        """The delivery that the record is about ended by it, which it had not before."""
        if final is Final.DELIVERED or reason in _WANTED:
            return
        state = self._state(record.target_id)
        at = recorded_at(record)
        if state.dead_told_at is not None and at - state.dead_told_at < DEAD_EVERY:
            return
        after = replace(state, dead_told_at=at)
        self._keep(record.target_id, after)
        self._add(HealthChange.DEAD, record, seq, stored_at, after)

    def _state(self, target_id: str) -> ObservedHealth:
        return self.states.get(target_id) or self._known.get(target_id, UNOBSERVED)

    def _keep(self, target_id: str, state: ObservedHealth) -> None:
        if state != self._state(target_id):
            self.states[target_id] = state

    def _add(
        self,
        change: HealthChange,
        cause: DeliveryAttempted | DeliveryEnded,
        seq: int,
        stored_at: datetime,
        state: ObservedHealth,
    ) -> None:
        self.changes.append(
            ObservedChange(change, cause, seq, stored_at, state.failures, state.failing_since)
        )


def fact_of(observed: ObservedChange, target: TargetChanged) -> HealthChanged:
    """The fact to record, with the name that the target has now."""
    at = recorded_at(observed.cause)
    name = target.definition.name or target.target_id
    text = _text(observed, name)
    return HealthChanged(
        event_id=event_id_of(observed.change, observed.cause, at),
        target_id=target.target_id,
        target_name=name,
        change=observed.change,
        logged_at=at,
        failures=observed.failures,
        since=observed.since,
        cause=_cause_of(observed.cause),
        payload={"text": text, "content": text},
    )


def _cause_of(record: DeliveryAttempted | DeliveryEnded) -> HealthCause:
    code: FailureCode | None = None
    status: int | None = None
    final: Final | None = Final.DEAD
    if isinstance(record, DeliveryAttempted):
        code, status, final = record.code, record.status, record.final
    return HealthCause(
        delivery_id=record.delivery_id,
        event_id=record.event_id,
        trigger_id=record.trigger_id,
        round=record.round,
        code=code,
        status=status,
        final=final,
        reason=record.reason,
    )


def dumped(state: ObservedHealth) -> str:
    """The state as JSON; instants in ISO 8601."""
    fields: dict[str, Any] = {
        "failures": state.failures or None,
        "failing_since": state.failing_since and state.failing_since.isoformat(),
        "told": state.told,
        "dead_told_at": state.dead_told_at and state.dead_told_at.isoformat(),
    }
    return json.dumps({name: value for name, value in fields.items() if value is not None})


def loaded(text: str) -> ObservedHealth:
    """The state in ``dumped``'s text; what cannot be read counts as nothing observed."""
    try:
        fields = json.loads(text)
        told = fields.get("told")
        return ObservedHealth(
            failures=int(fields.get("failures", 0)),
            failing_since=_instant(fields.get("failing_since")),
            told=None if told is None else HealthChange(told),
            dead_told_at=_instant(fields.get("dead_told_at")),
        )
    except (ValueError, TypeError, AttributeError, OverflowError):
        return UNOBSERVED


def _change(state: ObservedHealth, record: DeliveryAttempted) -> HealthChange | None:
    """What the attempt is news of, ``state`` being what it makes of the target but for that."""
    if record.is_gone:
        # Also of an answer that took this event.
        return None if state.told is HealthChange.GONE else HealthChange.GONE
    if record.outcome is Outcome.DELIVERED:
        return None if state.told is None else HealthChange.RECOVERED
    if state.told is None and state.failures >= OPENS_AFTER:
        return HealthChange.FAILING
    return None


def _text(observed: ObservedChange, name: str) -> str:
    cause = observed.cause
    since = "" if observed.since is None else f" since {_told(observed.since)}"
    match observed.change:
        case HealthChange.FAILING:
            return (
                f"Target {name} fails{since}: {observed.failures} attempts in a row did not "
                f"deliver, the last one because of {_why(cause)}. What waits is tried again."
            )
        case HealthChange.GONE:
            return (
                f"Target {name} wants no more for now ({_why(cause)}): it is tried again in an "
                "hour, and what waits for it keeps waiting."
            )
        case HealthChange.RECOVERED:
            return f"Target {name} takes deliveries again; it did not{since}."
        case HealthChange.DEAD:
            return (
                f"A delivery to target {name} was given up ({_why(cause)}): event "
                f"{cause.event_id} of trigger {cause.trigger_id}. Others of the next hour are "
                "not told."
            )


def _why(cause: DeliveryAttempted | DeliveryEnded) -> str:
    if isinstance(cause, DeliveryEnded):
        return cause.reason
    if cause.reason is not None:
        return cause.reason
    if cause.status is not None:
        return f"status {cause.status}"
    return "its answer" if cause.code is None else cause.code


def _told(instant: datetime) -> str:
    return instant.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _instant(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text).astimezone(UTC)
