"""Cron schedules: the instants at which a zone's clock shows what an expression matches.

A ``Cron`` is a value like ``Once`` and ``Interval``: parsed once, then only asked; it never
reads a clock. ``cron_parse`` says what an expression may be, ``cron_days`` which days it
matches, ``local_time`` how a zone's clock goes. Here they are joined.
Invariant: ``next_after(t)`` > t, no instant occurs twice, and what ``next_after`` walks
forward is what ``last_before`` walks back and ``count`` counts.

Days: day-of-month and day-of-week must both match; where neither begins with ``*`` (or is
``?``), one is enough. That is Vixie's rule, so ``*/2`` in one of them means AND.

A change of the zone's offset skips local times (the *gap*) or shows some twice (the
*overlap*). To ``dst_policy`` it is the same whether daylight saving, a new standard time or
a treaty is the reason, and an expression is *fixed-time* if neither its minute nor its hour
contains ``*`` (whatever its second is):

``literal``    every instant whose local time matches: none in the gap, two in the overlap
``skip_once``  the same, without an instant whose local time the clock has shown before
``vixie``      as ``literal``; but a fixed-time expression fires once right after the gap,
               at the instant of the change, if it matches any time in the gap; and in the
               overlap only the first time. As in Debian's cron, neither is so for a large
               shift: three hours or more forward (Samoa skipped the whole 30 December
               2011, and what was due on it), more than three hours back.

The fire after a gap and a match at its very end are one instant and one fire. Offsets are
exact to the second, also the local mean times of old.

Work is bounded whatever the expression. A step to the next matching local time takes at
most 40 years of the calendar (a weekday on 29 February), one look each. None means never:
the calendar repeats after 400 years and so does every zone's rule from 2106 on, so a search
ends 442 years after that or after the instant asked about, whichever is later. Only an
expression that the zone's gaps always swallow gets so far (``30 2 * 3 0#2`` in New York,
``literal``): about a millisecond, and nothing that would be accepted, since it never fires.
``count`` works through years and changes of offset, not through occurrences.
"""

from bisect import bisect_right
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import cached_property, lru_cache
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, model_validator

from .cron_days import LAST_YEAR, YEAR_KIND, YEAR_START, matching_days
from .cron_parse import CronNeverFires, Expression, parse_expression, positions
from .instants import zone
from .local_time import ERA_BITS, RULED_ERA, OffsetSpan, Reading, era
from .zone_rules import DAY

DstPolicy = Literal["vixie", "skip_once", "literal"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND = timedelta(seconds=1)

_FIRST_INSTANT = (datetime.min.replace(tzinfo=UTC) - _EPOCH) // _SECOND
_LAST_INSTANT = (datetime.max.replace(tzinfo=UTC) - _EPOCH) // _SECOND
"""What a ``datetime`` can hold, in seconds since 1970."""

_NEVER = 1 << 40
"""Later than every local second: 34,000 years."""

_ERAS_TO_NEVER = 13
"""442 years, more than the 400 after which calendar and zone rules repeat."""

_COMPILED = 20_000
"""Expressions kept ready per process, about 1 kB each: as many as schedules."""


class Cron(BaseModel):
    """Occurrences where the clock of ``timezone`` shows what ``expression`` matches.

    Its constructor wraps errors as pydantic does; ``parse`` raises them as they are.
    """

    model_config = ConfigDict(frozen=True)

    kind: Literal["cron"] = "cron"
    expression: str
    timezone: str = "UTC"
    dst_policy: DstPolicy = "vixie"

    @classmethod
    def parse(cls, expression: str, timezone: str = "UTC", dst_policy: DstPolicy = "vixie") -> Self:
        """The schedule; raises ``CronError`` (``CronNeverFires``) or ``UnknownZone``."""
        compiled(expression, timezone, dst_policy)
        return cls(expression=expression, timezone=timezone, dst_policy=dst_policy)

    @model_validator(mode="after")
    def _is_readable(self) -> Self:
        compiled(self.expression, self.timezone, self.dst_policy)
        return self

    @cached_property
    def _compiled(self) -> "CompiledCron":
        # To look it up by three strings would be a tenth of what ``next_after`` takes.
        return compiled(self.expression, self.timezone, self.dst_policy)

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """A copy, which does not keep what the fields were compiled to."""
        copy = super().model_copy(update=update, deep=deep)
        copy.__dict__.pop("_compiled", None)
        return copy

    @property
    def fires_a_day(self) -> int:
        """How often it fires on a day on which it does."""
        return self._compiled.times_a_day

    def next_after(self, instant: datetime) -> datetime | None:
        """The first occurrence later than ``instant``; None when there is none for ever."""
        since = instant - _EPOCH
        return _instant(self._compiled.first_from(since.days * DAY + since.seconds + 1))

    def last_before(self, instant: datetime) -> datetime | None:
        """The last occurrence earlier than ``instant``."""
        return _instant(self._compiled.last_to(_ceiling(instant) - 1))

    def count(self, first: datetime, last: datetime) -> int:
        """How many occurrences lie in [first, last]."""
        return self._compiled.count(_ceiling(first), (last - _EPOCH) // _SECOND)


def _instant(at: int | None) -> datetime | None:
    try:
        return None if at is None else _EPOCH + timedelta(0, at)
    except OverflowError:
        # The last year in UTC begins or ends in another one elsewhere.
        return None


def _ceiling(instant: datetime) -> int:
    return -((_EPOCH - instant) // _SECOND)


@lru_cache(maxsize=_COMPILED)
def compiled(expression: str, timezone: str, dst_policy: DstPolicy) -> "CompiledCron":
    """The schedule made ready for search; raises ``CronError`` or ``UnknownZone``."""
    zone(timezone)
    parsed = parse_expression(expression)
    days = matching_days(parsed.day_rule)
    if not any(days):
        days_at = positions(expression)[-3]
        detail = "never fires, for none of the months has such a day"
        raise CronNeverFires("day-of-month", days_at, detail)
    return CompiledCron(parsed, days, timezone, _reading(parsed, dst_policy))


def _reading(expression: Expression, dst_policy: DstPolicy) -> Reading:
    match dst_policy:
        case "skip_once":
            return Reading.FIRST_TIME
        case "vixie":
            return Reading.ONCE_EACH if expression.fixed_time else Reading.EVERY_TIME
        case "literal":
            return Reading.EVERY_TIME


class CompiledCron:
    """An expression in a zone, ready for search. Instants are whole seconds since 1970.

    Local times are counted likewise, in seconds since local 1970. Nothing changes but which
    stretch was searched last, which is where the next search mostly is.
    """

    __slots__ = (
        "_days",
        "_first_second",
        "_first_time",
        "_minutes",
        "_reading",
        "_seconds",
        "_stretch",
        "_zone",
    )

    def __init__(
        self, expression: Expression, days: tuple[int, ...], timezone: str, reading: Reading
    ) -> None:
        self._days = days
        self._seconds = expression.seconds
        # Bit n stands for the n-th minute of the day.
        self._minutes = sum(
            expression.minutes << 60 * hour for hour in range(24) if expression.hours >> hour & 1
        )
        self._first_second = _lowest(self._seconds)
        self._first_time = _lowest(self._minutes) * 60 + self._first_second
        self._zone = timezone
        self._reading = reading
        self._stretch = OffsetSpan(0, 0, 0, 0)

    @property
    def reading(self) -> Reading:
        """How it takes a clock that is put forward and back."""
        return self._reading

    @property
    def times_a_day(self) -> int:
        """How often it matches on a day that it matches, were no clock changed."""
        return self._seconds.bit_count() * self._minutes.bit_count()

    def first_from(self, at: int) -> int | None:
        """The first occurrence at or after ``at``."""
        start, stop, offset, _ = self._stretch
        if not start < at < stop:
            starts, stretches = era(self._zone, self._reading, at >> ERA_BITS)
            self._stretch = stretches[bisect_right(starts, at) - 1]
            start, stop, offset, _ = self._stretch
        # Mostly the next occurrence is in the same stretch: half the cost of a search.
        if start < at < stop:
            match = self._first_local(at + offset)
            if match < stop + offset:
                return match - offset
        return self._search_from(at)

    def _search_from(self, at: int) -> int | None:
        number = at >> ERA_BITS
        end = min(max(number, RULED_ERA) + _ERAS_TO_NEVER, _LAST_INSTANT >> ERA_BITS)
        # ``match`` is the first matching local second at or after ``asked``.
        asked = match = _NEVER
        while number <= end:
            for start, stop, offset, gap in era(self._zone, self._reading, number).stretches:
                if stop <= at:
                    continue
                if start < at:
                    local = at + offset
                else:
                    local = start + offset
                    if gap < local:
                        if not asked <= gap <= match:
                            asked, match = gap, self._first_local(gap)
                        if match < local:
                            return start
                if not asked <= local <= match:
                    asked, match = local, self._first_local(local)
                if match < stop + offset:
                    return match - offset
            number += 1
        return None

    def last_to(self, at: int) -> int | None:
        """The last occurrence at or before ``at``."""
        number = at >> ERA_BITS
        # ``match`` is the last matching local second at or before ``asked``.
        asked = match = -_NEVER
        while number >= _FIRST_INSTANT >> ERA_BITS:
            starts, stretches = era(self._zone, self._reading, number)
            for start, stop, offset, gap in reversed(stretches[: bisect_right(starts, at)]):
                local = min(at, stop - 1) + offset
                if not match <= local <= asked:
                    asked, match = local, self._last_local(local)
                if match >= start + offset:
                    return match - offset
                if gap < start + offset:
                    local = start + offset - 1
                    if not match <= local <= asked:
                        asked, match = local, self._last_local(local)
                    if match >= gap:
                        return start
            number -= 1
        return None

    def count(self, first: int, last: int) -> int:
        """How many occurrences lie in [first, last]."""
        total = 0
        for number in range(first >> ERA_BITS, (last >> ERA_BITS) + 1):
            for start, stop, offset, gap in era(self._zone, self._reading, number).stretches:
                local = start + offset
                if first <= start <= last and gap < local:
                    # A match at the end of the gap is the same instant, and counted below.
                    total += self._first_local(gap) < local < self._first_local(local)
                begin, end = max(start, first), min(stop - 1, last)
                if begin <= end:
                    total += self.count_local(begin + offset, end + offset)
        return total

    def _first_local(self, local: int) -> int:
        """The first matching local second at or after ``local``."""
        # Every search is spent here, hence no calls: bits & -bits is the lowest bit alone.
        seconds = self._seconds >> local % 60
        if not seconds:
            seconds = self._seconds
            local += 60 - local % 60
        day = local // DAY
        year = 1970 + day * 400 // 146_097
        start = YEAR_START[year]
        if not start <= day < YEAR_START[year + 1]:
            year = _year(day)
            start = YEAR_START[year]
        days = self._days[YEAR_KIND[year]] >> day - start
        if days & 1:
            minutes = self._minutes >> local // 60 % 1440
            if minutes & 1:
                return local + (seconds & -seconds).bit_length() - 1
            if minutes:
                local += ((minutes & -minutes).bit_length() - 1) * 60
                return local - local % 60 + self._first_second
            days ^= 1
        while not days:
            year += 1
            if year > LAST_YEAR:
                return _NEVER
            day = YEAR_START[year]
            days = self._days[YEAR_KIND[year]]
        return (day + (days & -days).bit_length() - 1) * DAY + self._first_time

    def _last_local(self, local: int) -> int:
        """The last matching local second at or before ``local``."""
        day, second = divmod(local, DAY)
        year = _year(day)
        days = self._days[YEAR_KIND[year]] & (2 << day - YEAR_START[year]) - 1
        if days >> day - YEAR_START[year]:
            minute = second // 60
            minutes = self._minutes & (2 << minute) - 1
            if minutes >> minute:
                seconds = self._seconds & (2 << second % 60) - 1
                if seconds:
                    return local - second % 60 + _highest(seconds)
                minutes ^= 1 << minute
            if minutes:
                return day * DAY + _highest(minutes) * 60 + _highest(self._seconds)
            days ^= 1 << day - YEAR_START[year]
        while not days:
            year -= 1
            if year < 0:
                return -_NEVER
            days = self._days[YEAR_KIND[year]]
        day = YEAR_START[year] + _highest(days)
        return day * DAY + _highest(self._minutes) * 60 + _highest(self._seconds)

    def count_local(self, first: int, last: int) -> int:
        """How many matching local seconds lie in [first, last]."""
        day, second = divmod(first, DAY)
        last_day, last_second = divmod(last, DAY)
        times_a_day = self._minutes.bit_count() * self._seconds.bit_count()
        return (
            self._count_days(day, last_day - 1) * times_a_day
            + self._count_days(last_day, last_day) * self._count_times(last_second + 1)
            - self._count_days(day, day) * self._count_times(second)
        )

    def _count_days(self, first: int, last: int) -> int:
        """How many matching days lie in [first, last], in days since 1970."""
        total = 0
        for year in range(_year(first), _year(last) + 1):
            start = YEAR_START[year]
            days = self._days[YEAR_KIND[year]]
            if last - start < 366:
                days &= (2 << last - start) - 1 if last >= start else 0
            total += (days >> max(first - start, 0)).bit_count()
        return total

    def _count_times(self, end: int) -> int:
        """How many matching times of day are before the second ``end`` of a matching day."""
        minute, second = divmod(end, 60)
        whole = self._minutes & (1 << minute) - 1
        part = self._seconds & (1 << second) - 1 if self._minutes >> minute & 1 else 0
        return whole.bit_count() * self._seconds.bit_count() + part.bit_count()


def _year(day: int) -> int:
    """The year of a day since 1970."""
    # A cycle of 400 years has 146,097 days; the estimate is at most one year off.
    year = 1970 + day * 400 // 146_097
    if day < YEAR_START[year]:
        return year - 1
    return year if day < YEAR_START[year + 1] else year + 1


def _lowest(bits: int) -> int:
    return (bits & -bits).bit_length() - 1


def _highest(bits: int) -> int:
    return bits.bit_length() - 1
