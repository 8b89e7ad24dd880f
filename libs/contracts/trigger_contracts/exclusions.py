"""Dates on which a schedule does not fire, as spans of instants.

An owner writes dates of a zone's calendar; a schedule compares instants. A span holds every
instant at which the zone's clock shows one of the dates, exactly to the second: where a
change of the clock shows a part of the day before once more, that part belongs to the day
that is shown. Pure. Called by ``schedule.Limited``.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

from .instants import moved
from .zone_rules import DAY, EPOCH_ORDINAL, zone_rules

Span = tuple[datetime, datetime]
"""From the first instant to before the second."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_MARGIN = 2 * DAY
"""How far the instants of a date can be from the same date in UTC; no offset is over a day."""


def spans(dates: Sequence[tuple[date, date]], timezone: str) -> tuple[Span, ...]:
    """The instants of ranges of dates, first and last included, in order and disjoint.

    A date at an end of the calendar is cut where the years of UTC end.
    """
    found: list[tuple[int, int]] = []
    for first, last in dates:
        begin = (first.toordinal() - EPOCH_ORDINAL) * DAY
        end = (last.toordinal() + 1 - EPOCH_ORDINAL) * DAY
        found += _instants(begin, end, timezone)
    return tuple((_instant(begin), _instant(end)) for begin, end in _merged(found))


def _instants(begin: int, end: int, timezone: str) -> list[tuple[int, int]]:
    """When the zone's clock shows a local second from ``begin`` to before ``end``."""
    changes = zone_rules(timezone).changes(begin - _MARGIN, end + _MARGIN)
    found = []
    for index, (start, offset) in enumerate(changes):
        stop = changes[index + 1][0] if index + 1 < len(changes) else end + _MARGIN
        first, last = max(start, begin - offset), min(stop, end - offset)
        if first < last:
            found.append((first, last))
    return found


def _merged(found: list[tuple[int, int]]) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for begin, end in sorted(found):
        if merged and begin <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((begin, end))
    return merged


def _instant(seconds: int) -> datetime:
    return moved(_EPOCH, timedelta(seconds=seconds))
