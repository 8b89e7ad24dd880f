"""What a schedule will do: its next occurrences, in words of clocks that are put forward and back.

An occurrence is *shifted* where its own local time is skipped, *doubled* where the clock shows
it twice and the schedule fires both times. What does not fire has no occurrence to be flagged:
``clock_changes`` tells of each change of the zone's clock that concerns a cron schedule, how
many of its local times it skips or repeats and what becomes of them. Pure. Called by the
gateway's previews.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from datetime import timezone as datetime_timezone
from enum import StrEnum
from itertools import islice
from typing import Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from .cron import Cron, compiled
from .instants import moved, on_clock, stored_zone
from .local_time import LARGE_SHIFT, Reading
from .schedule import HORIZON, AnySchedule, Limited, Once, max_fires_of, rule_of
from .zone_rules import zone_rules

MAX_CHANGES = 40
"""Changes of the clock that are told of: two a year for twenty years."""

_TICK = timedelta(microseconds=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Dst(StrEnum):
    """What a change of the zone's clock does to one occurrence."""

    SHIFTED = "shifted"
    """Its local time is skipped; it fires right after the gap."""
    DOUBLED = "doubled"
    """Its local time comes twice; it fires both times."""


class Effect(StrEnum):
    """What becomes of the local times that a change of the clock skips or repeats."""

    SHIFTED = "shifted"
    """Skipped; they fire once, right after the gap."""
    SKIPPED = "skipped"
    """Skipped; they do not fire."""
    ONCE = "once"
    """Repeated; they fire the first time alone."""
    DOUBLED = "doubled"
    """Repeated; they fire both times."""


class Occurrence(BaseModel):
    """One occurrence that will fire."""

    model_config = ConfigDict(frozen=True)

    scheduled_for: AwareDatetime
    local: AwareDatetime = Field(description="The same instant on the zone's clock.")
    dst: Dst | None = Field(
        description="`shifted`: its local time is skipped, it fires right after the gap. "
        "`doubled`: its local time comes twice, and it fires both times."
    )


_ON_A_CLOCK: dict[str, Any] = {"format": "date-time-local"}
"""Without an offset: JSON Schema's `date-time` has one."""


class ClockChange(BaseModel):
    """A change of the zone's clock at which a cron schedule has times to lose or to repeat."""

    model_config = ConfigDict(frozen=True)

    at: AwareDatetime
    local_before: datetime = Field(
        description="What the clock would show at that instant …", json_schema_extra=_ON_A_CLOCK
    )
    local_after: datetime = Field(description="… and what it shows.", json_schema_extra=_ON_A_CLOCK)
    matched: int = Field(description="The schedule's local times that are skipped or repeated.")
    effect: Effect = Field(
        description="`shifted`: they fire once, right after the gap. `skipped`: they do not fire. "
        "`once`: they fire the first time alone. `doubled`: they fire both times."
    )


@dataclass(frozen=True, slots=True)
class Preview:
    """``more`` tells that further occurrences follow in what was asked about."""

    occurrences: tuple[Occurrence, ...]
    clock_changes: tuple[ClockChange, ...]
    more: bool


def preview(
    schedule: AnySchedule,
    timezone: str,
    after: datetime,
    *,
    count: int,
    until: datetime | None = None,
    fires: int = 0,
    written: datetime | None = None,
) -> Preview:
    """At most ``count`` occurrences later than ``after``, up to and including ``until``.

    ``timezone`` is whose clock is shown, ``fires`` how often a limited schedule has fired;
    ``written`` is a one-time schedule's own local time, where it was written as one.
    """
    limit = max_fires_of(schedule)
    left = count + 1 if limit is None else min(count + 1, max(limit - fires, 0))
    found = list(islice(_walk(schedule, after, until), left))
    more = len(found) > count
    shown = found[:count]
    occurrences = tuple(occurrence(schedule, timezone, at, written) for at in shown)
    # Up to the last one shown, or as far as was looked.
    end = shown[-1] if shown and (more or until is None) else until or after
    changes = islice(_clock_changes(schedule, after, min(end, moved(after, HORIZON))), MAX_CHANGES)
    return Preview(occurrences, tuple(changes), more)


def _walk(schedule: AnySchedule, after: datetime, until: datetime | None) -> Iterator[datetime]:
    at = schedule.next_after(after)
    while at is not None and (until is None or at <= until):
        yield at
        at = schedule.next_after(at)


def occurrence(
    schedule: AnySchedule, timezone: str, at: datetime, written: datetime | None = None
) -> Occurrence:
    """The occurrence of ``schedule`` at ``at``; see ``preview`` for the other two."""
    rule = rule_of(schedule)
    nominal = at - schedule.shift if isinstance(schedule, Limited) else at
    dst = None
    if isinstance(rule, Cron):
        dst = _cron_dst(rule, nominal)
    elif isinstance(rule, Once) and written is not None:
        shown = on_clock(nominal, stored_zone(timezone)).replace(tzinfo=None)
        dst = None if shown == written else Dst.SHIFTED
    return Occurrence(scheduled_for=at, local=_local(at, timezone), dst=dst)


def _local(at: datetime, timezone: str) -> datetime:
    """What the zone's clock shows, with its offset alone, as JSON has it.

    With the zone itself, Python says of a repeated time that it equals no instant elsewhere. Of
    an offset with seconds, as there were before zones, JSON has the minutes: so has the clock.
    """
    offset = on_clock(at, stored_zone(timezone)).utcoffset() or timedelta()
    return on_clock(at, datetime_timezone(offset - offset % timedelta(minutes=1)))


def _cron_dst(rule: Cron, nominal: datetime) -> Dst | None:
    clock = stored_zone(rule.timezone)
    shown = on_clock(nominal, clock)
    if shown.tzinfo is not clock:
        return None  # beyond the calendar, where no clock is changed
    local = shown.replace(tzinfo=None)
    second = _seconds(local.replace(tzinfo=UTC))
    if not compiled(rule.expression, rule.timezone, rule.dst_policy).count_local(second, second):
        return Dst.SHIFTED
    for fold in (0, 1):
        other = local.replace(tzinfo=clock, fold=fold).astimezone(UTC)
        if other != nominal and rule.next_after(other - _TICK) == other:
            return Dst.DOUBLED
    return None


def _clock_changes(
    schedule: AnySchedule, after: datetime, until: datetime
) -> Iterator[ClockChange]:
    """The changes in (after, until] at which the schedule has local times to lose or to repeat."""
    rule = rule_of(schedule)
    if not isinstance(rule, Cron) or until <= after:
        return
    clock = compiled(rule.expression, rule.timezone, rule.dst_policy)
    (_, old), *changes = zone_rules(rule.timezone).changes(_seconds(after), _seconds(until) + 1)
    for at, offset in changes:
        change = at + old, at + offset
        old = offset
        matched = clock.count_local(min(change), max(change) - 1)
        if matched and _allows(schedule, _instant(at)):
            before, now = (_instant(local).replace(tzinfo=None) for local in change)
            effect = _effect(clock.reading, change[1] - change[0])
            yield ClockChange(
                at=_instant(at),
                local_before=before,
                local_after=now,
                matched=matched,
                effect=effect,
            )


def _effect(reading: Reading, shift: int) -> Effect:
    """As ``local_time`` reads the clock; ``shift`` is in seconds, forward if above 0."""
    if shift > 0:
        seen = reading is Reading.ONCE_EACH and shift < LARGE_SHIFT
        return Effect.SHIFTED if seen else Effect.SKIPPED
    seen = reading is Reading.FIRST_TIME or (reading is Reading.ONCE_EACH and -shift <= LARGE_SHIFT)
    return Effect.ONCE if seen else Effect.DOUBLED


def _allows(schedule: AnySchedule, at: datetime) -> bool:
    return not isinstance(schedule, Limited) or schedule.allows(at)


def _seconds(instant: datetime) -> int:
    return (instant - _EPOCH) // timedelta(seconds=1)


def _instant(seconds: int) -> datetime:
    return _EPOCH + timedelta(seconds=seconds)
