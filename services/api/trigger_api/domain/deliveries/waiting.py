"""What a delivery waits for. Pure: the executor decides; this tells why it has not tried yet."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class WaitsFor(StrEnum):
    """The first of these that is so."""

    SCHEDULE = "schedule"
    """Its next attempt is later."""
    BREAKER = "breaker"
    """Its target failed several times in a row, and is looked at now and then."""
    RATE = "rate"
    """The receiver asked for a pause, or the target's rate limit has its turn come later."""
    ORDER = "order"
    """An earlier event of its trigger is to be delivered first."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A delivery that is pending, and how its target is, at ``now`` (one clock for all)."""

    now: datetime
    next_attempt_at: datetime
    open_until: datetime | None
    paused_until: datetime | None
    has_rate: bool
    is_behind: bool
    """An earlier one of its trigger is pending, and the target keeps their order."""


def waits_for(one: Waiting) -> WaitsFor | None:
    """None where nothing is in its way: its turn has come, or is about to."""
    if one.next_attempt_at > one.now:
        return WaitsFor.SCHEDULE
    if one.open_until is not None:
        return WaitsFor.BREAKER
    if one.paused_until is not None and one.paused_until > one.now:
        return WaitsFor.RATE
    if one.is_behind:
        return WaitsFor.ORDER
    return WaitsFor.RATE if one.has_rate else None
