"""Which days of a year a cron expression matches: one set of bits for each kind of year.

The Gregorian calendar has 14 kinds of year, by the weekday of 1 January and whether there
is a 29 February. Bit n of ``matching_days(rule)[YEAR_KIND[year]]`` stands for the n-th day
after 1 January. Pure, for ``cron`` alone. Invariant: the longest way from one matching day
to the next is 40 years (a weekday on 29 February), so that no expression makes a search
long.
"""

from array import array
from functools import lru_cache

from .cron_parse import DayRule

LAST_YEAR = 10_000
"""The local year in which 9999 ends in the west; 0 is the one in which 1 begins."""

_DAYS_TO_1970 = 719_528
"""From 1 January 0 to 1 January 1970, in the Gregorian calendar."""

_EPOCH_WEEKDAY = 4
"""1 January 1970 was a Thursday; Sunday is 0."""


def _year_starts() -> list[int]:
    starts, day = [], -_DAYS_TO_1970
    for year in range(LAST_YEAR + 2):
        starts.append(day)
        day += 366 if _is_leap(year) else 365
    return starts


def _is_leap(year: int) -> bool:
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


YEAR_START = array("i", _year_starts())
"""1 January of each year, in days since 1970, from the year 0 to the one after the last."""

YEAR_KIND = bytes(
    (YEAR_START[year] + _EPOCH_WEEKDAY) % 7 * 2 + _is_leap(year) for year in range(LAST_YEAR + 1)
)
"""The kind of each year: twice the weekday of 1 January, and 1 more in leap years."""

_KINDS = 14

_DISTINCT_RULES = 4096
"""Day rules kept, about 1.2 kB each; most expressions share ``* * *``."""


@lru_cache(maxsize=_DISTINCT_RULES)
def matching_days(rule: DayRule) -> tuple[int, ...]:
    """The days that match in each kind of year."""
    # A year's months come in 28 shapes, of which the 14 kinds have 168 together.
    shapes = {
        (weekday, length): _days_of_month(rule, weekday, length)
        for weekday in range(7)
        for length in range(28, 32)
    }
    return tuple(_days_of_year(rule.months, shapes, kind // 2, kind % 2) for kind in range(_KINDS))


def _days_of_year(months: int, shapes: dict[tuple[int, int], int], weekday: int, leap: int) -> int:
    found, day = 0, 0
    lengths = (31, 28 + leap, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
    for month, length in enumerate(lengths, start=1):
        if months >> month & 1:
            # Bit 1 of a month's set is its first day.
            found |= shapes[(weekday + day) % 7, length] >> 1 << day
        day += length
    return found


def _days_of_month(rule: DayRule, first_weekday: int, length: int) -> int:
    by_date = rule.days
    if rule.last_day:
        by_date |= 1 << length
    if rule.last_weekday:
        by_date |= 1 << _nearest_weekday(length, first_weekday, length)
    by_weekday = 0
    for day in range(1, length + 1):
        weekday = 1 << (first_weekday + day - 1) % 7
        if rule.nearest_weekdays >> day & 1:
            by_date |= 1 << _nearest_weekday(day, first_weekday, length)
        if weekday & (rule.weekdays | rule.nth_weekdays[(day - 1) // 7]) or (
            day + 7 > length and weekday & rule.last_weekdays
        ):
            by_weekday |= 1 << day
    both = by_date | by_weekday if rule.either else by_date & by_weekday
    return both & ((2 << length) - 1)


def _nearest_weekday(day: int, first_weekday: int, length: int) -> int:
    """The day from Monday to Friday that is nearest to ``day`` in the same month."""
    match (first_weekday + day - 1) % 7:
        case 0:
            return day + 1 if day < length else day - 2
        case 6:
            return day - 1 if day > 1 else day + 2
        case _:
            return day
