"""What to write instead of what cannot be read: the ends of sentences about dates and durations.

It accepts nothing: whoever refuses a text asks here whether more can be said of it than what is
allowed. Every answer begins with "; ", or is empty. Pure.
"""

import re
import unicodedata
from datetime import date, timedelta

from . import day_spellings

_MOST_LOOKED_AT = 100
"""Characters of a text: what is longer is no slip of somebody who meant a date."""

_LONGEST_S = 1e9
"""Seconds, 31 years: no longer duration is accepted anywhere."""

_AMOUNT = re.compile(
    r"(\d{1,9}(?:[.,]\d{1,6})?) ?"
    r"(milliseconds?|ms|weeks?|w|days?|d|hours?|hrs?|h|minutes?|mins?|m|seconds?|secs?|s)",
    re.ASCII | re.IGNORECASE,
)
_UNITS = {"w": 604_800.0, "d": 86_400.0, "h": 3600.0, "m": 60.0, "s": 1.0}
_CLOCK = re.compile(r"(?:(\d{1,4})\.)?(\d{1,2}):(\d{2})(?::(\d{2}))?", re.ASCII)
_ISO_PART = re.compile(r"(\d{1,9}(?:[.,]\d{1,9})?)([WDHMS])", re.ASCII)
_ISO_LIKE = re.compile(r"P(?P<date>[\d.,WD]*)(?:T(?P<time>[\d.,HMS]+))?", re.ASCII)
_CALENDAR_PART = re.compile(r"\d[YM]", re.ASCII)


_INSTANTS = [
    (re.compile(pattern, re.ASCII), hint)
    for pattern, hint in (
        (r"^-?\d+(\.\d+)?\Z", "seconds or milliseconds since 1970 are not read"),
        (r"\d\[|\d [A-Za-z]+/", "the name of a zone stands in `timezone`"),
        (r"[Tt].*[+-]\d{1,2}\Z", "an offset has hours and minutes: '+01:00'"),
        (r"^\d{1,2}:\d{2}", "a day is missing before the time"),
        (r"\d[Tt ]\d{1,2}\Z", "a time has hours and minutes"),
        (r"\d,\d", "a fraction of a second follows a dot"),
        (r"\.\d{10,}", "a second has at most nine digits after the dot"),
    )
]


def of_instant(text: str) -> str:
    """For a text that is no date and time."""
    if len(text) > _MOST_LOOKED_AT:
        return ""
    if hint := day_spellings.of_instant(text.strip()):
        return hint
    for pattern, hint in _INSTANTS:
        if pattern.search(text):
            return f"; {hint}"
    return of_odd_characters(text)


def of_dates(text: str) -> str:
    """For a text that is neither a date nor a first and a last."""
    if len(text) > _MOST_LOOKED_AT:
        return ""
    hints = (day_spellings.of_date(one.strip()) for one in (text, *text.split("/")))
    return next(filter(None, hints), "")


def of_clock(day: date, hour: int, minute: int, second: int) -> str:
    """For a time that no clock shows: what is wrong; empty for one that it shows."""
    if (hour, minute, second) == (24, 0, 0) and day < date.max:
        return f"a day ends before 24:00, write {day + timedelta(days=1)}T00:00:00"
    if hour > 23:
        return f"there is no hour {hour:02}, hours are 00 to 23"
    if minute > 59:
        return f"there is no minute {minute:02}, minutes are 00 to 59"
    if second == 60:
        return f"leap seconds are not counted, write {hour:02}:{minute:02}:59 or the next minute"
    return f"there is no second {second:02}, seconds are 00 to 59" if second > 59 else ""


def of_kept(duration: timedelta) -> str:
    """For a duration of which only ``duration`` could be kept."""
    return f"; write {_iso(duration)!r}" if duration > timedelta() else ""


def of_duration(text: str) -> str:
    """For a text that is no duration."""
    if len(text) > _MOST_LOOKED_AT:
        return ""
    compact = text.strip().upper()
    if compact.startswith("P") and _CALENDAR_PART.search(compact.partition("T")[0]):
        return "; months and years are not of one length: write days, as in 'P30D', or use cron"
    if re.fullmatch(r"\d{1,9}", compact, re.ASCII):
        return f"; {int(compact)} as a number, without quotes, means seconds"
    if re.search(r"\.\d{10,}", compact, re.ASCII):
        return "; a second has at most nine digits after the dot"
    meant = _amounts(compact) or _clock(compact) or _iso_like(compact)
    if meant is not None:
        return f"; write {_iso(meant)!r}"
    return of_odd_characters(text)


def of_odd_characters(text: str) -> str:
    """For a text in which one sees nothing wrong: the first character beyond ASCII, by name."""
    for character in text:
        if not " " <= character <= "~":
            return f"; it contains {named(character)}"
    return ""


def named(character: str) -> str:
    """A character that may not be visible: ``NO-BREAK SPACE (U+00A0)``."""
    name = {"\n": "a line break", "\r": "a line break", "\t": "a tab"}.get(character)
    return f"{name or unicodedata.name(character, 'a character')} (U+{ord(character):04X})"


def _amounts(text: str) -> timedelta | None:
    """``1h30m``, ``5 minutes``."""
    if _AMOUNT.sub("", text).strip(" ,"):
        return None
    found = _AMOUNT.findall(text)
    seconds = sum(_number(number) * _size_of(unit.lower()) for number, unit in found)
    return _duration(seconds) if found else None


def _size_of(unit: str) -> float:
    return 0.001 if unit.startswith(("ms", "milli")) else _UNITS[unit[0]]


def _clock(text: str) -> timedelta | None:
    """``00:15:00``, ``1.02:00:00``."""
    match = _CLOCK.fullmatch(text)
    if match is None:
        return None
    days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
    return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)


def _iso_like(text: str) -> timedelta | None:
    """``PT0.5H``, ``PT1,5S``, ``pt30s``: ISO 8601 otherwise than it is read here."""
    match = _ISO_LIKE.fullmatch(text)
    if match is None or _ISO_PART.sub("", (match["date"] or "") + (match["time"] or "")):
        return None
    parts = _ISO_PART.findall(text)
    seconds = sum(_number(number) * _UNITS[unit.lower()] for number, unit in parts)
    return _duration(seconds) if parts else None


def _duration(seconds: float) -> timedelta | None:
    return timedelta(seconds=seconds) if seconds < _LONGEST_S else None


def _number(text: str) -> float:
    return float(text.replace(",", "."))


def _iso(duration: timedelta) -> str:
    minutes, seconds = divmod(duration.seconds, 60)
    hours, minutes = divmod(minutes, 60)
    fraction = f".{duration.microseconds:06}".rstrip("0").rstrip(".")
    time = f"{hours}H" * bool(hours) + f"{minutes}M" * bool(minutes)
    if seconds or duration.microseconds or not duration:
        time += f"{seconds}{fraction}S"
    return "P" + f"{duration.days}D" * bool(duration.days) + ("T" + time) * bool(time)
