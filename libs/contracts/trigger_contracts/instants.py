"""Instants and durations as people write them, read strictly.

Raises ``ValueError`` with a sentence for the caller. Zone rules come from the pinned
``tzdata`` package and never from the system's copy, which can be a year old, so that
every replica agrees.
"""

import re
import zoneinfo
from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache
from typing import Any

zoneinfo.reset_tzpath(to=())

_RFC3339 = re.compile(
    r"(\d{4}-\d{2}-\d{2})[Tt ](\d{2}:\d{2}(?::\d{2}(?:\.\d{1,6})?)?)(Z|z|[+-]\d{2}:\d{2})?",
    re.ASCII,
)
_ISO_DURATION = re.compile(
    r"P(?!$)(?:(?P<weeks>\d+)W)?(?:(?P<days>\d+)D)?"
    r"(?:T(?=\d)(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?(?:(?P<seconds>\d+(?:\.\d{1,6})?)S)?)?",
    re.ASCII,
)
_MAX_DURATION_DIGITS = 12
"""Digits a duration's number may have: enough for 31,000 years in seconds."""


class UnknownZone(ValueError):  # noqa: N818  # says what is the matter, as ``Refused`` does
    """The name is not in the IANA time zone database."""


@lru_cache(maxsize=1024)
def zone(name: str) -> tzinfo:
    """The IANA zone called ``name``; raises ``UnknownZone``."""
    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        shown = name if len(name) <= 64 else name[:63] + "…"  # as long as an id
        raise UnknownZone(
            f"{shown!r} is not an IANA time zone such as 'Europe/Berlin' or 'UTC'"
        ) from None


def parse_instant(text: str, local_zone: tzinfo = UTC) -> datetime:
    """The instant in ``text`` (RFC 3339, to the microsecond), in UTC.

    Without an offset it is local to ``local_zone``. A local time that a daylight-saving
    change skips means the first instant after the gap; one that happens twice, the first.
    """
    match = _RFC3339.fullmatch(text)
    if match is None:
        raise ValueError("must be a date and time such as '2027-01-26T15:00:00' or …T15:00:00Z")
    day, clock, offset = match.groups()
    try:
        moment = datetime.fromisoformat(f"{day}T{clock}{(offset or '').upper()}")
        return moment.astimezone(UTC) if offset else from_local(moment, local_zone)
    except (ValueError, OverflowError) as error:
        raise ValueError(f"is not a date and time that exists: {error}") from None


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
    """A duration in seconds, or ISO 8601 without years and months (``PT30S``, ``P1DT12H``)."""
    if isinstance(value, str):
        match = _ISO_DURATION.fullmatch(value)
        if match is None:
            raise ValueError(
                "must be seconds or an ISO 8601 duration such as 'PT30S', 'PT15M' or 'P1D'"
            )
        parts = {unit: number for unit, number in match.groupdict().items() if number}
        if any(len(number) > _MAX_DURATION_DIGITS + 7 for number in parts.values()):
            raise ValueError("is too long")
        numbers: dict[str, Any] = {unit: float(number) for unit, number in parts.items()}
    else:
        numbers = {"seconds": value}
    try:
        return timedelta(**numbers)
    except (OverflowError, ValueError):
        raise ValueError("is too long") from None
