"""A zone's clock as stretches of even time, as a daylight-saving policy reads it.

In a stretch the offset from UTC is one number, so that a search there is arithmetic on
integers. Between the stretches of a ``Reading`` lies what that reading does not see. It
knows no schedule. Invariant: stretches are in order and disjoint, hence no instant is met
twice. They are made for an era of 34 years at a time and kept.

Two changes of an offset are more than three days apart in every zone and at all times (a
test holds the pinned ``tzdata`` to it), so that a change concerns its neighbours alone.
"""

from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple

from .zone_rules import DAY, zone_rules

ERA_BITS = 30
"""An era is 2^30 seconds, 34 years: a zone's next ten years are in one or two."""

RULED_ERA = 3
"""From the era that ends in 2106 on, every zone keeps a yearly rule (Morocco's list: 2087)."""

LARGE_SHIFT = 3 * 3600
"""Seconds. Debian's cron takes a larger shift for a correction of the clock, not a season.

Of three hours exactly it catches up with none that are skipped, and repeats none.
"""

_NEIGHBOURHOOD = 4 * DAY
"""How far before an era a change can still matter in it; no shift is longer than a day."""

_ERAS = 4096
"""Eras kept, 3 to 10 kB each in zones with seasons, less than 1 kB in others."""


class Reading(StrEnum):
    """What one sees of a clock that is put forward and back."""

    EVERY_TIME = "every time"
    """All that it shows, twice what it shows twice."""

    FIRST_TIME = "first time"
    """All that it shows, but nothing a second time."""

    ONCE_EACH = "once each"
    """Every local time once: the skipped at the change, the repeated the first time.

    A large shift is followed as the clock shows it.
    """


class OffsetSpan(NamedTuple):
    """Instants from ``start`` to before ``end``, in seconds since 1970, with one offset.

    Local seconds from ``gap`` to before ``start + offset`` were skipped and count as seen at
    ``start``; mostly there are none.
    """

    start: int
    end: int
    offset: int
    gap: int


class Era(NamedTuple):
    """The stretches of 34 years; ``starts`` are theirs, for bisection."""

    starts: tuple[int, ...]
    stretches: tuple[OffsetSpan, ...]


@lru_cache(maxsize=_ERAS)
def era(zone_name: str, reading: Reading, number: int) -> Era:
    """The stretches that begin or go on in an era; raises ``UnknownZone``."""
    begin, end = number << ERA_BITS, number + 1 << ERA_BITS
    changes = zone_rules(zone_name).changes(begin - _NEIGHBOURHOOD, end)
    stretches = []
    old_offset = changes[0][1]
    for index, (changed_at, offset) in enumerate(changes):
        until = changes[index + 1][0] if index + 1 < len(changes) else end
        start, gap = _seen_from(reading, changed_at, old_offset, offset)
        if start < begin:
            start, gap = begin, begin + offset
        if start < until:
            stretches.append(OffsetSpan(start, until, offset, gap))
        old_offset = offset
    return Era(tuple(stretch.start for stretch in stretches), tuple(stretches))


def _seen_from(reading: Reading, changed_at: int, old_offset: int, offset: int) -> tuple[int, int]:
    """From which instant the clock is seen after a change, and from which local second."""
    shift = offset - old_offset
    if reading is Reading.FIRST_TIME and shift < 0:
        return changed_at - shift, changed_at + old_offset
    if reading is Reading.ONCE_EACH:
        if -LARGE_SHIFT <= shift < 0:
            return changed_at - shift, changed_at + old_offset
        if 0 < shift < LARGE_SHIFT:
            return changed_at, changed_at + old_offset
    return changed_at, changed_at + offset
