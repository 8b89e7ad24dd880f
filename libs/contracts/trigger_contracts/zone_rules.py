"""When a zone's offset from UTC changes, to the second, from the pinned ``tzdata`` package.

``zoneinfo`` answers what the offset is at an instant, not when it changes; so this reads
the same files (RFC 9636): the changes listed, and the yearly rule for all time after them.
It knows no policy and no schedule. Invariant: at every instant the offset is the one that
``zoneinfo`` gives, which a test holds it to for all zones.
"""

import re
import struct
from bisect import bisect_right
from calendar import isleap, monthrange
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from importlib import resources

from .instants import zone

DAY = 86_400
"""Seconds of a day."""

EPOCH_ORDINAL = 719_163
"""``date(1970, 1, 1).toordinal()``."""

_HEADER = struct.Struct(">4sc15x6l")
_LOCAL_TYPE = struct.Struct(">lbB")

_RULE = re.compile(
    r"(?:<[^>]+>|[A-Za-z]+)(?P<offset>[-+]?[\d:]+)"
    r"(?:(?:<[^>]+>|[A-Za-z]+)(?P<summer_offset>[-+]?[\d:]+)?"
    r",(?P<begin>[MJ\d.]+)(?:/(?P<begin_time>[-+]?[\d:]+))?"
    r",(?P<end>[MJ\d.]+)(?:/(?P<end_time>[-+]?[\d:]+))?)?",
    re.ASCII,
)
_ZONES = 1024
"""Zones kept read: there are 598, most of them names of others."""


@dataclass(frozen=True, slots=True)
class YearlyRule:
    """Two changes a year, as a POSIX TZ string has them. Offsets are seconds east of UTC."""

    offset: int
    summer_offset: int
    begin: str
    begin_time: int
    end: str
    end_time: int

    def changes(self, year: int) -> list[tuple[int, int]]:
        """The changes of a year: the instant in seconds since 1970, and the offset from then."""
        summer = _day(self.begin, year) * DAY + self.begin_time - self.offset
        winter = _day(self.end, year) * DAY + self.end_time - self.summer_offset
        return [(winter, self.offset), (summer, self.summer_offset)]


@dataclass(frozen=True, slots=True)
class ZoneRules:
    """A zone's offsets: before the first listed change, from each, and after the last."""

    first_offset: int
    listed: tuple[tuple[int, int], ...]
    rule: YearlyRule | None

    def changes(self, begin: int, end: int) -> list[tuple[int, int]]:
        """(instant, offset from then) in [begin, end); the first entry is the one at ``begin``."""
        known = [*self.listed, *self._by_rule(begin, end)]
        in_force = bisect_right(known, begin, key=_instant)
        found = [(begin, known[in_force - 1][1] if in_force else self.first_offset)]
        for instant, offset in known[in_force:]:
            if instant >= end:
                break
            # A change of the name alone is none of the clock.
            if offset != found[-1][1]:
                found.append((instant, offset))
        return found

    def _by_rule(self, begin: int, end: int) -> list[tuple[int, int]]:
        if self.rule is None:
            return []
        last = self.listed[-1][0] if self.listed else begin - DAY
        first_year = _year(max(begin, last)) - 1
        found = [
            change
            for year in range(first_year, _year(end) + 2)
            for change in self.rule.changes(min(max(year, 1), 9999))
            if change[0] > last
        ]
        return sorted(found, key=_instant)


@lru_cache(maxsize=_ZONES)
def zone_rules(name: str) -> ZoneRules:
    """The rules of the IANA zone ``name``; raises ``UnknownZone``."""
    zone(name)
    return _read(resources.files("tzdata").joinpath("zoneinfo", *name.split("/")).read_bytes())


def _read(file: bytes) -> ZoneRules:
    """Read a TZif file of version 2 or later: the part with 64-bit instants."""
    _, _, *counts = _HEADER.unpack_from(file)
    is_ut, is_std, leaps, times, types, letters = counts
    begin = _HEADER.size + times * 5 + types * 6 + letters + leaps * 8 + is_std + is_ut
    _, _, *counts = _HEADER.unpack_from(file, begin)
    is_ut, is_std, leaps, times, types, letters = counts
    at = begin + _HEADER.size
    instants = struct.unpack_from(f">{times}q", file, at)
    at += times * 8
    kinds = file[at : at + times]
    at += times
    offsets = [_LOCAL_TYPE.unpack_from(file, at + 6 * n)[0] for n in range(types)]
    at += types * 6 + letters + leaps * 12 + is_std + is_ut
    return ZoneRules(
        first_offset=offsets[0],
        listed=tuple(
            (instant, offsets[kind]) for instant, kind in zip(instants, kinds, strict=True)
        ),
        rule=_yearly_rule(file[at:].strip().decode("ascii")),
    )


def _yearly_rule(text: str) -> YearlyRule | None:
    """The rule in a POSIX TZ string; None where the offset stays."""
    match = _RULE.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is not a POSIX TZ string")
    if match["begin"] is None:
        return None
    # POSIX counts offsets westward.
    offset = -_seconds(match["offset"])
    summer = match["summer_offset"]
    return YearlyRule(
        offset=offset,
        summer_offset=offset + 3600 if summer is None else -_seconds(summer),
        begin=match["begin"],
        begin_time=_seconds(match["begin_time"] or "2"),
        end=match["end"],
        end_time=_seconds(match["end_time"] or "2"),
    )


def _seconds(text: str) -> int:
    hours, minutes, seconds = (*text.lstrip("+-").split(":"), "0", "0")[:3]
    total = int(hours) * 3600 + int(minutes) * 60 + int(seconds)
    return -total if text.startswith("-") else total


def _day(text: str, year: int) -> int:
    """The day (since 1970) that a rule's date means in ``year``: Mm.w.d, Jn or n."""
    if not text.startswith("M"):
        first = date(year, 1, 1).toordinal() - EPOCH_ORDINAL
        if not text.startswith("J"):
            return first + int(text)
        return first + int(text[1:]) - 1 + (isleap(year) and int(text[1:]) > 59)
    month, week, weekday = map(int, text[1:].split("."))
    first = date(year, month, 1).toordinal()
    day = (weekday - first) % 7 + 7 * (week - 1)
    if day >= monthrange(year, month)[1]:
        day -= 7  # the fifth means the last
    return first + day - EPOCH_ORDINAL


def _year(instant: int) -> int:
    days = max(1, min(instant // DAY + EPOCH_ORDINAL, date.max.toordinal()))
    return date.fromordinal(days).year


def _instant(change: tuple[int, int]) -> int:
    return change[0]
