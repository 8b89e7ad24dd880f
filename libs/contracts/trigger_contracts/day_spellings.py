"""What is wrong with a day, and what to write instead of one that is spelt otherwise.

It accepts nothing, and proposes no day that the calendar lacks. Pure; called by ``spellings`` and
by whoever refuses a date.
"""

import re
from calendar import isleap, monthrange
from collections.abc import Callable
from datetime import date, timedelta

_LAST_WEEK_HAS = 28
"""A day of December that is in the last week of its year, whatever the year."""


class _NoSuchDay(ValueError):  # noqa: N818 (its text is a hint)
    """The calendar lacks it."""


def of_day(year: int, month: int, day: int) -> str:
    """For a date that the calendar lacks: what is wrong; empty for one that it has."""
    if year == 0:
        return "years are 0001 to 9999"
    if not 1 <= month <= 12:
        return f"there is no month {month:02}, months are 01 to 12"
    last = monthrange(year, month)[1]
    if day > last:
        this = f"{year:04}-{month:02}"
        return f"{this} has {last} days, write {this}-{last} for the last of them"
    return "" if day else "there is no day 00, the first of a month is 01"


def of_instant(text: str) -> str:
    """For a text that is no date and time, and may begin with a day; "" where that is right."""
    match = _match(text)
    if match is None:
        return ""
    rest = match["rest"].strip()
    try:
        day = _day(match)
    except _NoSuchDay as wrong:
        return f"; {'' if rest else 'a time is missing, and '}there is no such day: {wrong}"
    if not rest:
        missing = "a time is missing: " if match["day"] == str(day) else "write "
        return f"; {missing}'{day}T00:00:00'"
    return "" if match["day"] == str(day) else f"; write the day as {day}"


def of_date(text: str) -> str:
    """For a text that is no date such as 2026-12-25."""
    match = _match(text)
    if match is None:
        return ""
    try:
        day = _day(match)
        return "" if match[0] == str(day) else f"; write {day}"
    except _NoSuchDay as wrong:
        return f"; there is no such day: {wrong}"


def _match(text: str) -> re.Match[str] | None:
    return next((found for one in _SPELLINGS if (found := one.fullmatch(text))), None)


def _day(match: re.Match[str]) -> date:
    """The day that is meant; raises ``_NoSuchDay``."""
    parts = {
        name: int(digits)
        for name, digits in match.groupdict().items()
        if digits is not None and name not in {"day", "rest"}
    }
    kind = next(kind for kind in _KINDS if kind in parts)
    return _KINDS[kind](int(match["year"]), parts)


def _of_week(year: int, parts: dict[str, int]) -> date:
    week, weekday = parts["week"], parts.get("weekday", 1)
    if year == 0:
        raise _NoSuchDay(of_day(0, 1, 1))
    weeks = date(year, 12, _LAST_WEEK_HAS).isocalendar().week
    if not 1 <= week <= weeks:
        raise _NoSuchDay(f"{year:04} has the weeks W01 to W{weeks}")
    if not 1 <= weekday <= 7:
        raise _NoSuchDay("the days of a week are 1 (Monday) to 7")
    try:
        return date.fromisocalendar(year, week, weekday)
    except ValueError:  # the days around the years 1 and 9999
        raise _NoSuchDay("years are 0001 to 9999") from None


def _of_year(year: int, parts: dict[str, int]) -> date:
    if year == 0:
        raise _NoSuchDay(of_day(0, 1, 1))
    days = 365 + isleap(year)
    if not 1 <= parts["ordinal"] <= days:
        raise _NoSuchDay(f"{year:04} has the days 001 to {days}")
    return date(year, 1, 1) + timedelta(days=parts["ordinal"] - 1)


def _of_month(year: int, parts: dict[str, int]) -> date:
    if wrong := of_day(year, parts["month"], parts["date"]):
        raise _NoSuchDay(wrong)
    return date(year, parts["month"], parts["date"])


_KINDS: dict[str, Callable[[int, dict[str, int]], date]] = {
    "week": _of_week,
    "ordinal": _of_year,
    "month": _of_month,
}
_SPELLINGS = [
    re.compile(rf"(?P<day>(?P<year>\d{{4}}){pattern})(?P<rest>(?:[Tt ].*)?)", re.ASCII)
    for pattern in (
        r"-(?P<month>\d{1,2})-(?P<date>\d{1,2})",
        r"/(?P<month>\d{1,2})/(?P<date>\d{1,2})",
        # Other numbers of eight digits are more likely seconds or milliseconds.
        r"(?P<month>0[1-9]|1[0-2])(?P<date>0[1-9]|[12]\d|3[01])",
        r"-?[Ww](?P<week>\d{2})(?:-?(?P<weekday>\d))?",
        r"-(?P<ordinal>\d{3})",
    )
]
"""Of ISO 8601, and others that begin with the year: where day and month stand is no guess."""
