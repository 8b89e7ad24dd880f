"""Instants and durations as people write them, read strictly.

Raises ``ValueError`` with a sentence for the caller. Zone rules come from the pinned
``tzdata`` package and never from the system's copy, which can be a year old, so that
every replica agrees.
"""

import re
import zoneinfo
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from functools import lru_cache
from typing import Any

from . import day_spellings, spellings
from .zone_names import UnknownZone as UnknownZone  # noqa: PLC0414  # what ``zone`` raises
from .zone_names import zone_names

zoneinfo.reset_tzpath(to=())

FIRST_INSTANT = datetime.min.replace(tzinfo=UTC)
LAST_INSTANT = datetime.max.replace(tzinfo=UTC)
"""The ends of the calendar: the years 1 to 9999, in UTC."""

_RFC3339 = re.compile(
    r"(?P<day>\d{4}-\d{2}-\d{2})[Tt ]"
    r"(?P<time>\d{2}:\d{2})(?:(?P<second>:\d{2})(?:\.(?P<fraction>\d{1,9}))?)?"
    r"(?P<offset>[Zz]|(?P<sign>[+-])(?P<hours>\d{2}):?(?P<minutes>\d{2}))?",
    re.ASCII,
)
_ISO_DURATION = re.compile(
    r"P(?!$)(?:(?P<weeks>\d+)W)?(?:(?P<days>\d+)D)?"
    r"(?:T(?=\d)(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?"
    r"(?:(?P<seconds>\d+)(?:\.(?P<fraction>\d{1,9}))?S)?)?",
    re.ASCII,
)
_NUMBER = re.compile(
    r"[+-]?(?P<whole>\d*)(?:\.(?P<fraction>\d*))?(?:[eE](?P<exponent>[+-]?\d+))?", re.ASCII
)
_MAX_DURATION_DIGITS = 19
"""Digits a duration's number may have: more than any length that is accepted has."""

_FINEST_DIGITS = 6
"""Digits of a second's fraction that are kept: the microsecond of Python and PostgreSQL."""


class BeyondCalendar(ValueError):  # noqa: N818  # says what is the matter, as ``Refused`` does
    """The instant is before the year 1 or after the year 9999 of UTC; ``end`` is the nearer end.

    A date and time that the calendar has can be one, by its offset or zone: the zero time and
    the largest of many languages, written locally.
    """

    def __init__(self, written: datetime) -> None:
        super().__init__(
            "is not a date and time that exists: in UTC it is not within the years 1 to 9999"
        )
        self.end = FIRST_INSTANT if written.year == 1 else LAST_INSTANT


@lru_cache(maxsize=1024)
def zone(name: str) -> tzinfo:
    """The IANA zone called ``name``; raises ``UnknownZone``."""
    if name not in zone_names():
        raise UnknownZone(name)
    return zoneinfo.ZoneInfo(name)


def stored_zone(name: str) -> tzinfo:
    """The zone of a definition that was accepted once, also if its name would not be now.

    A name was once read as the path of a file, with dots for slashes; and a zone may leave the
    list. What was accepted is still shown, the latter in UTC.
    """
    try:
        return zone(name.replace(".", "/"))
    except UnknownZone:
        return UTC


def on_clock(instant: datetime, local_zone: tzinfo) -> datetime:
    """``instant`` as the zone's clock shows it; in UTC where that is beyond the calendar."""
    try:
        return instant.astimezone(local_zone)
    except OverflowError:
        return instant


def moved(instant: datetime, by: timedelta) -> datetime:
    """``instant`` later by that, but not beyond the calendar."""
    try:
        return instant + by
    except OverflowError:
        return LAST_INSTANT if by > timedelta() else FIRST_INSTANT


def parse_instant(text: str, local_zone: tzinfo = UTC) -> datetime:
    """The instant in ``text`` (RFC 3339, cut to the microsecond), in UTC.

    Without an offset it is local to ``local_zone``. A local time that a daylight-saving
    change skips means the first instant after the gap; one that happens twice, the first.
    Raises ``BeyondCalendar``, too.
    """
    written = as_written(text)
    try:
        return (
            from_local(written, local_zone) if written.tzinfo is None else written.astimezone(UTC)
        )
    except OverflowError:
        raise BeyondCalendar(written) from None


def parse_bound(text: str, local_zone: tzinfo = UTC) -> datetime:
    """As ``parse_instant``, of an instant that only bounds others: beyond the calendar, its end."""
    try:
        return parse_instant(text, local_zone)
    except BeyondCalendar as error:
        return error.end


def as_written(text: str) -> datetime:
    """The date and time in ``text``, with its offset if it has one."""
    match = _RFC3339.fullmatch(text)
    if match is None:
        raise ValueError(
            "must be a date and time such as '2027-01-26T15:00:00' or …T15:00:00Z"
            + spellings.of_instant(text)
        )
    year, month, day = map(int, match["day"].split("-"))
    hour, minute, second = map(int, (match["time"] + (match["second"] or ":00")).split(":"))
    wrong = day_spellings.of_day(year, month, day)
    wrong = wrong or spellings.of_clock(date(year, month, day), hour, minute, second)
    if wrong:
        raise ValueError(f"is not a date and time that exists: {wrong}")
    clock = time(hour, minute, second, _microseconds(match["fraction"]), _offset(match))
    return datetime.combine(date(year, month, day), clock)


def calendar_date(text: str) -> date:
    """The date in ``text``, which is digits as in ``2027-01-26``; raises ``ValueError``."""
    year, month, day = map(int, text.split("-"))
    wrong = day_spellings.of_day(year, month, day)
    if wrong:
        raise ValueError(f"is not a date that exists: {wrong}")
    return date(year, month, day)


def _microseconds(fraction: str | None) -> int:
    return int((fraction or "")[:_FINEST_DIGITS].ljust(_FINEST_DIGITS, "0"))


def _offset(match: re.Match[str]) -> tzinfo | None:
    if match["offset"] is None:
        return None
    if match["sign"] is None:
        return UTC
    hours, minutes = int(match["hours"]), int(match["minutes"])
    if hours > 23 or minutes > 59:
        raise ValueError(
            f"is not a date and time that exists: the offset {match['offset']} has"
            " more than 23 hours or 59 minutes"
        )
    offset = timedelta(hours=hours, minutes=minutes)
    return timezone(-offset if match["sign"] == "-" else offset)


def from_local(local: datetime, local_zone: tzinfo) -> datetime:
    """The UTC instant of a naive local time; see ``parse_instant`` for gap and overlap."""
    before_change = local.replace(tzinfo=local_zone, fold=0).astimezone(UTC)
    after_change = local.replace(tzinfo=local_zone, fold=1).astimezone(UTC)
    skipped = before_change.astimezone(local_zone).replace(tzinfo=None) != local
    return _end_of_gap(after_change, before_change, local_zone) if skipped else before_change


def _end_of_gap(low: datetime, high: datetime, local_zone: tzinfo) -> datetime:
    """The instant in (low, high] at which the zone's offset changes, to the second."""
    old_offset = low.astimezone(local_zone).utcoffset()
    while high - low > timedelta(seconds=1):
        middle = low + (high - low) / 2
        if middle.astimezone(local_zone).utcoffset() == old_offset:
            low = middle
        else:
            high = middle
    return high.replace(microsecond=0)


def parse_duration(value: str | float) -> timedelta:
    """A duration in seconds, or ISO 8601 without years and months (``PT30S``, ``P1DT12H``).

    Nothing of it is cut off: what is finer than a microsecond is refused.
    """
    duration = stored_duration(value)
    match = _ISO_DURATION.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        finer = isinstance(value, float) and is_finer_than_a_microsecond(value)
    else:
        finer = (match["fraction"] or "")[_FINEST_DIGITS:].strip("0") != ""
    if finer:
        raise ValueError(
            "is finer than a microsecond, the finest that is kept" + spellings.of_kept(duration)
        )
    return duration


def stored_duration(value: str | float) -> timedelta:
    """The duration of a definition that was accepted once: numbers were once rounded."""
    if isinstance(value, str):
        match = _ISO_DURATION.fullmatch(value)
        if match is None:
            raise ValueError(
                "must be seconds or an ISO 8601 duration such as 'PT30S', 'PT15M' or 'P1D'"
                + spellings.of_duration(value)
            )
        parts = {unit: number for unit, number in match.groupdict().items() if number}
        if any(len(number) > _MAX_DURATION_DIGITS for number in parts.values()):
            raise ValueError("is too long")
        fraction = parts.pop("fraction", None)
        numbers: dict[str, Any] = {unit: int(number) for unit, number in parts.items()}
        numbers["microseconds"] = _microseconds(fraction)
    else:
        numbers = {"seconds": value}
    try:
        return timedelta(**numbers)
    except (OverflowError, ValueError):
        raise ValueError("is too long") from None


def is_finer_than_a_microsecond(seconds: float | str) -> bool:
    """Whether a number, or its text, has digits that no duration keeps; not what is no number."""
    match = _NUMBER.fullmatch(str(seconds).strip())
    if match is None:
        return False
    digits = (match["whole"] + (match["fraction"] or "")).rstrip("0")
    if not digits.strip("0"):
        return False
    places = len(digits) - len(match["whole"])
    # An exponent of more digits than this is beyond any number.
    exponent = int((match["exponent"] or "0")[:_MAX_DURATION_DIGITS])
    return places - exponent > _FINEST_DIGITS
