"""When a trigger fires: schedules as immutable values, and nothing but arithmetic.

A schedule is parsed once, from a definition, and then only asked. It never reads a
clock. Invariant: ``next_after(t)`` is later than ``t``, or None when nothing follows.
"""

from datetime import datetime, timedelta
from functools import lru_cache
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, TypeAdapter

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
        bound = instant - _TICK
        if self.ends_at is not None:
            bound = min(bound, self.ends_at)
        n = (bound - self.anchor) // self.every
        return self.anchor + n * self.every if n >= self._first else None

    def count(self, first: datetime, last: datetime) -> int:
        """How many occurrences lie in [first, last]."""
        begin = self.next_after(first - _TICK)
        end = self.last_before(last + _TICK)
        if begin is None or end is None or end < begin:
            return 0
        return (end - begin) // self.every + 1


_TICK = timedelta(microseconds=1)
"""The resolution of every instant: open and closed bounds differ by it."""

Schedule = Annotated[Once | Interval, Field(discriminator="kind")]

_ADAPTER: TypeAdapter[Once | Interval] = TypeAdapter(Schedule)

_PARSED_SCHEDULES = 20_000
"""Schedules kept parsed per process, about 1 kB each."""


@lru_cache(maxsize=_PARSED_SCHEDULES)
def parse(text: str) -> Once | Interval:
    """The schedule in its own JSON form; raises ``pydantic.ValidationError``."""
    return _ADAPTER.validate_json(text)


def upcoming(schedule: Once | Interval, after: datetime, count: int) -> list[datetime]:
    """The next ``count`` occurrences later than ``after``."""
    found: list[datetime] = []
    occurrence = schedule.next_after(after)
    while occurrence is not None and len(found) < count:
        found.append(occurrence)
        occurrence = schedule.next_after(occurrence)
    return found
