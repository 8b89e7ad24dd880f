"""The names of zones: those that the pinned ``tzdata`` package lists, and no others.

A name that is not in the list is unknown, whatever lies in the package: its folders, its tables
and Python's own way of finding files by dots (``America.Argentina/Buenos_Aires``) are no zones.
Owners may write a name in any case and with blanks around it. Pure, but for reading the list
once. Called by ``instants`` and ``definition``.
"""

import re
from collections.abc import Iterator
from functools import cache
from importlib import resources

from tzdata import IANA_VERSION  # type: ignore[import-untyped]  # a package of data

_LONGEST_SHOWN = 64
"""Characters of a wrong name that its error repeats: as many as an id has."""

_OFFSET = re.compile(r"(?:UTC|GMT)? ?([+-])(\d{1,2})(?::?(\d{2}))?", re.ASCII | re.IGNORECASE)


class UnknownZone(ValueError):  # noqa: N818  # says what is the matter, as ``Refused`` does
    """The name is not in the IANA time zone database."""

    def __init__(self, name: str) -> None:
        shown = name if len(name) <= _LONGEST_SHOWN else name[: _LONGEST_SHOWN - 1] + "…"
        super().__init__(
            f"{shown!r} is not an IANA time zone such as 'Europe/Berlin' or 'UTC'{_hint(name)}"
        )


@cache
def zone_names() -> frozenset[str]:
    """All names, of zones and of what they were called before."""
    return frozenset(resources.files("tzdata").joinpath("zones").read_text("ascii").split())


def canonical_zone(name: str) -> str:
    """The zone's name as the list has it; raises ``UnknownZone``."""
    written = name.strip()
    if written in zone_names():
        return written
    # Of other letters some are small letters of ASCII's: the Kelvin sign is a k.
    found = _by_small_letters().get(written.lower()) if written.isascii() else None
    if found is None:
        raise UnknownZone(name)
    return found


def tzdata_version() -> str:
    """The edition of the IANA time zone database that all of this is read from: ``2026a``."""
    return str(IANA_VERSION)


@cache
def _by_small_letters() -> dict[str, str]:
    return {name.lower(): name for name in zone_names()}


def _hint(name: str) -> str:
    """What to write instead, where that can be told."""
    if len(name) > _LONGEST_SHOWN:
        return ""
    offset = _OFFSET.fullmatch(name.strip())
    if offset is not None:
        sign, hours, minutes = offset.groups()
        # POSIX counts offsets westward, and so do these names.
        fixed = f"Etc/GMT{'-' if sign == '+' else '+'}{int(hours)}"
        if int(minutes or 0) == 0 and fixed in zone_names():
            return f"; an offset that never changes is named {fixed!r}, with the sign reversed"
        return "; an offset is no zone: name a place that has it"
    for key in _keys(name):
        meant = _by_letters().get(key)
        if meant is not None:
            return f"; did you mean {meant!r}?"
    return ""


@cache
def _by_letters() -> dict[str, str | None]:
    """Names by their letters and digits alone, whole and only the place; None if several."""
    found: dict[str, str | None] = {}
    for name in sorted(zone_names()):
        _, *place = _keys(name)
        for key in place:
            found[key] = None if key in found else name
    return found | {next(_keys(name)): name for name in zone_names()}


def _keys(name: str) -> Iterator[str]:
    small = name.lower()
    yield re.sub(r"[^a-z0-9]", "", small)
    if "/" in small:
        yield re.sub(r"[^a-z0-9]", "", small.rpartition("/")[2])
