"""When a trigger fires: schedules as immutable values, and nothing but arithmetic.

A schedule is parsed once, from a definition, and then only asked. It never reads a
clock. ``Once``, ``Interval`` and ``Cron`` are rules; ``Limited`` is a rule within limits.
Invariant: ``next_after(t)`` is later than ``t``, or None when nothing follows; what it walks
forward is what ``last_before`` walks back and ``count`` counts.
"""

from bisect import bisect_left, bisect_right
from datetime import date, datetime, timedelta
from functools import cached_property, lru_cache
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, TypeAdapter

from . import exclusions, misfire
from .cron import Cron
from .exclusions import Span
from .instants import FIRST_INSTANT, moved
from .misfire import Misfire

MIN_INTERVAL = timedelta(seconds=1)
"""Shorter intervals are streams, not schedules."""

HORIZON = timedelta(days=3653)
"""Ten years: nothing is scheduled, and no interval is longer, than this."""


class Once(BaseModel):
    """One occurrence, at ``at``."""

    model_config = ConfigDict(frozen=True)

    kind: Literal["once"] = "once"
    at: AwareDatetime

    def next_after(self, instant: datetime) -> datetime | None:
        """The first occurrence later than ``instant``."""
        return self.at if self.at > instant else None

    def last_before(self, instant: datetime) -> datetime | None:
        """The last occurrence earlier than ``instant``."""
        return self.at if self.at < instant else None

    def count(self, first: datetime, last: datetime) -> int:
        """How many occurrences lie in [first, last]."""
        return int(first <= self.at <= last)


class Interval(BaseModel):
    """Occurrence n is ``anchor`` + n · ``every``, for ever: no drift and no phase change.

    The anchor itself is an occurrence only where the owner named it (``starts_at``).
    """

    model_config = ConfigDict(frozen=True)

    kind: Literal["interval"] = "interval"
    anchor: AwareDatetime
    every: timedelta
    fires_at_anchor: bool = False
    ends_at: AwareDatetime | None = None

    @property
    def _first(self) -> int:
        return 0 if self.fires_at_anchor else 1

    def next_after(self, instant: datetime) -> datetime | None:
        """The first occurrence later than ``instant``."""
        n = max((instant - self.anchor) // self.every + 1, self._first)
        try:
            occurrence = self.anchor + n * self.every
        except OverflowError:
            return None
        return None if self.ends_at is not None and occurrence > self.ends_at else occurrence

    def last_before(self, instant: datetime) -> datetime | None:
        """The last occurrence earlier than ``instant``."""
        if instant == FIRST_INSTANT:
            return None
        bound = instant - _TICK
        if self.ends_at is not None:
            bound = min(bound, self.ends_at)
        n = (bound - self.anchor) // self.every
        return self.anchor + n * self.every if n >= self._first else None

    def count(self, first: datetime, last: datetime) -> int:
        """How many occurrences lie in [first, last]."""
        begin = self.next_after(moved(first, -_TICK))
        end = self.last_before(moved(last, _TICK))
        if begin is None or end is None or end < begin:
            return 0
        return (end - begin) // self.every + 1


Rule = Once | Interval | Cron


class Limited(BaseModel):
    """A rule within limits.

    The rule's instants are shifted (``shift``, the trigger's own jitter); of these, those
    from ``starts_at`` to ``ends_at`` that do not fall on an excluded date of ``timezone``
    are occurrences. ``max_fires`` and ``misfire`` are for whoever fires them: this does not
    know what has fired.
    """

    model_config = ConfigDict(frozen=True)

    kind: Literal["limited"] = "limited"
    rule: Annotated[Rule, Field(discriminator="kind")]
    shift: timedelta = timedelta()
    starts_at: AwareDatetime | None = None
    ends_at: AwareDatetime | None = None
    exclude: tuple[tuple[date, date], ...] = ()
    """Ranges of dates, first and last included."""
    timezone: str = "UTC"
    max_fires: int | None = None
    misfire: Misfire = misfire.DEFAULT

    @cached_property
    def _excluded(self) -> tuple[Span, ...]:
        return exclusions.spans(self.exclude, self.timezone)

    @cached_property
    def _excluded_from(self) -> tuple[datetime, ...]:
        return tuple(begin for begin, _ in self._excluded)

    def next_after(self, instant: datetime) -> datetime | None:
        """The first occurrence later than ``instant``."""
        if self.starts_at is not None:
            instant = max(instant, moved(self.starts_at, -_TICK))
        # At most one look more than there are spans: each leads behind its end.
        while True:
            occurrence = _shifted(self.rule.next_after(moved(instant, -self.shift)), self.shift)
            if occurrence is None or (self.ends_at is not None and occurrence > self.ends_at):
                return None
            span = self._span_at(occurrence)
            if span is None:
                return occurrence
            instant = span[1] - _TICK

    def last_before(self, instant: datetime) -> datetime | None:
        """The last occurrence earlier than ``instant``."""
        if self.ends_at is not None:
            instant = min(instant, moved(self.ends_at, _TICK))
        while True:
            occurrence = _shifted(self.rule.last_before(moved(instant, -self.shift)), self.shift)
            if occurrence is None or (self.starts_at is not None and occurrence < self.starts_at):
                return None
            span = self._span_at(occurrence)
            if span is None:
                return occurrence
            instant = span[0]

    def count(self, first: datetime, last: datetime) -> int:
        """How many occurrences lie in [first, last]."""
        if self.starts_at is not None:
            first = max(first, self.starts_at)
        if self.ends_at is not None:
            last = min(last, self.ends_at)
        if last < first:
            return 0
        total = self._count_of_rule(first, last)
        after = bisect_right(self._excluded_from, last)
        before = max(bisect_left(self._excluded_from, first) - 1, 0)
        for begin, end in self._excluded[before:after]:
            if end > first:
                total -= self._count_of_rule(max(begin, first), min(end - _TICK, last))
        return total

    def allows(self, instant: datetime) -> bool:
        """Whether an instant of the rule, shifted, is within the limits."""
        return (
            (self.starts_at is None or instant >= self.starts_at)
            and (self.ends_at is None or instant <= self.ends_at)
            and self._span_at(instant) is None
        )

    def _count_of_rule(self, first: datetime, last: datetime) -> int:
        return self.rule.count(moved(first, -self.shift), moved(last, -self.shift))

    def _span_at(self, instant: datetime) -> Span | None:
        if not self.exclude:
            return None
        index = bisect_right(self._excluded_from, instant) - 1
        return self._excluded[index] if index >= 0 and instant < self._excluded[index][1] else None


def _shifted(instant: datetime | None, shift: timedelta) -> datetime | None:
    try:
        return None if instant is None else instant + shift
    except OverflowError:
        return None


_DAY = timedelta(days=1)

_TICK = timedelta(microseconds=1)
"""The resolution of every instant: open and closed bounds differ by it."""

AnySchedule = Once | Interval | Cron | Limited
Schedule = Annotated[AnySchedule, Field(discriminator="kind")]

_ADAPTER: TypeAdapter[AnySchedule] = TypeAdapter(Schedule)

_PARSED_SCHEDULES = 20_000
"""Schedules kept parsed per process, about 1 kB each."""


@lru_cache(maxsize=_PARSED_SCHEDULES)
def parse(text: str) -> AnySchedule:
    """The schedule in its own JSON form; raises ``pydantic.ValidationError``."""
    return _ADAPTER.validate_json(text)


def rule_of(schedule: AnySchedule) -> Rule:
    """The rule that a schedule follows, whatever its limits."""
    return schedule.rule if isinstance(schedule, Limited) else schedule


def fires_a_day(schedule: AnySchedule) -> int:
    """How often its rule fires on a day on which it does, rounded up; 0 if only once ever.

    What a schedule costs: limits may make it less.
    """
    match rule_of(schedule):
        case Once():
            return 0
        case Interval(every=every):
            return -(-_DAY // every)
        case Cron() as cron:
            return cron.fires_a_day


def misfire_of(schedule: AnySchedule) -> Misfire:
    """What its owner wants of occurrences found too late."""
    return schedule.misfire if isinstance(schedule, Limited) else misfire.DEFAULT


def max_fires_of(schedule: AnySchedule | None) -> int | None:
    """After how many fires a schedule is over; None for no such limit."""
    return schedule.max_fires if isinstance(schedule, Limited) else None


def following(schedule: AnySchedule, after: datetime, fires: int) -> datetime | None:
    """The first occurrence later than ``after`` of a schedule that has fired ``fires`` times."""
    limit = max_fires_of(schedule)
    return None if limit is not None and fires >= limit else schedule.next_after(after)


def upcoming(
    schedule: AnySchedule, after: datetime, count: int, *, fires: int = 0
) -> list[datetime]:
    """The next ``count`` occurrences later than ``after``, fewer where the schedule ends."""
    limit = max_fires_of(schedule)
    if limit is not None:
        count = min(count, limit - fires)
    found: list[datetime] = []
    occurrence = schedule.next_after(after)
    while occurrence is not None and len(found) < count:
        found.append(occurrence)
        occurrence = schedule.next_after(occurrence)
    return found
