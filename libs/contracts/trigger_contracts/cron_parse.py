"""Cron expressions, read once into sets of bits.

``parse_expression`` takes 5 fields, 6 with leading seconds, or a nickname such as
``@daily``, and raises ``CronError``, which names the field, says where it stands and what
is allowed there. It knows the text alone: neither calendar (``cron_days``) nor zone.
Invariant: an ``Expression`` has at least one second, minute, hour and month.

==============  ======================  ==================================================
field           values                  besides ``*``, ``a``, ``a-b``, ``a,b``, ``/step``
==============  ======================  ==================================================
second          0-59                    (with 6 fields; with 5 it is 0)
minute          0-59
hour            0-23
day-of-month    1-31                    ``L`` last day, ``LW`` last weekday (Mon-Fri), ``nW``
                                        the weekday nearest to day n in the same month; ``?``
month           1-12, JAN-DEC
day-of-week     0-7, SUN-SAT            0 and 7 are Sunday; ``d#n`` the nth d of the month,
                                        ``dL`` its last d; ``?``
==============  ======================  ==================================================

``a/n`` means from a to the field's last value, in steps of n; ``?`` means ``*``. Names are
taken in any case. A reversed range is refused, as Vixie cron does: ``22-2`` is written
``22-23,0-2``. Sunday ends a range as 7, so that ``FRI-SUN`` is one. A range from Sunday to
Sunday is that day (``SUN-SUN``, ``0-SUN``, ``7-0``); only ``0-7`` is the whole week, as in
Vixie cron. Blanks around the expression are not part of it.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from .spellings import named

MAX_LENGTH = 600
"""Characters of an expression: every value of all six fields written out takes 529."""

_SHOWN = 24
"""Characters of a wrong entry that its error repeats."""

_NICKNAMES = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}

_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_WEEKDAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")

SUNDAY = 7
"""Sunday's other number; read as 0."""

_WORD = re.compile(r"[^ \t]+")
_ODD_BLANK = re.compile(r"[^\S \t]|[\u200b-\u200f\u2060\ufeff]")
"""Blanks that separate no fields, and characters of which one sees nothing."""

_ZONE_BEFORE = re.compile(r"(?:CRON_)?TZ=(\S*)", re.ASCII | re.IGNORECASE)
_ENTRY = re.compile(
    r"(?:\*|(?P<low>\d+|[A-Z]{3})(?:-(?P<high>\d+|[A-Z]{3}))?)(?:/(?P<step>\d+))?", re.ASCII
)
_NEAREST = re.compile(r"(\d+)W", re.ASCII)
_NTH = re.compile(r"(\d+|[A-Z]{3})#(\d+)", re.ASCII)
_LAST = re.compile(r"(\d+|[A-Z]{3})L", re.ASCII)


class CronError(ValueError):
    """The expression cannot be read; ``str()`` is a sentence for its author.

    ``field`` is the name of the field (``expression`` for the whole), ``position`` where in
    the expression the wrong entry begins, counted from 0.
    """

    def __init__(self, field: str, position: int, message: str) -> None:
        super().__init__(f"{field}: {message}")
        self.field = field
        self.position = position
        self.message = message


class CronNeverFires(CronError):  # noqa: N818  # says what is the matter, as ``Refused`` does
    """The expression can be read, but no day of any year matches it."""


@dataclass(frozen=True, slots=True)
class DayRule:
    """Which days match. Bit n of a set stands for the number n as written, Sunday is 0."""

    months: int
    days: int
    last_day: bool
    last_weekday: bool
    nearest_weekdays: int
    """The n of each ``nW``."""

    weekdays: int
    nth_weekdays: tuple[int, ...]
    """Sets of weekdays: those that match the first, second … fifth time in a month."""

    last_weekdays: int
    either: bool
    """Day-of-month and day-of-week are joined by OR: neither begins with ``*``."""


@dataclass(frozen=True, slots=True)
class Expression:
    """A cron expression as sets of bits, and how it takes a change of the clock."""

    seconds: int
    minutes: int
    hours: int
    day_rule: DayRule
    fixed_time: bool
    """Neither the minute nor the hour contains ``*``."""


@dataclass(frozen=True, slots=True)
class _Field:
    name: str
    low: int
    high: int
    max_step: int
    names: tuple[str, ...] = ()
    first_name: int = 0
    special: str = ""
    """What the field allows besides values, ranges and steps, in words."""

    @property
    def allowed(self) -> str:
        named = f" or {self.names[0]}-{self.names[-1]}" if self.names else ""
        return (
            f"allowed are *, values {self.low}-{self.high}{named}, ranges a-b,"
            f" steps */n, a/n, a-b/n{self.special} and lists of these with commas"
        )


_SECOND = _Field("second", 0, 59, 60)
_MINUTE = _Field("minute", 0, 59, 60)
_HOUR = _Field("hour", 0, 23, 24)
_DAY = _Field("day-of-month", 1, 31, 31, special=", L, LW, nW, ?")
_MONTH = _Field("month", 1, 12, 12, _MONTHS, 1)
_WEEKDAY = _Field("day-of-week", 0, SUNDAY, 7, _WEEKDAYS, 0, ", d#n with n 1-5, dL, ?")
_FIELDS = (_SECOND, _MINUTE, _HOUR, _DAY, _MONTH, _WEEKDAY)


@dataclass(frozen=True, slots=True)
class _Entry:
    """One entry of a field's list, in capitals, and where it stands."""

    field: _Field
    text: str
    position: int

    def wrong(self, why: str) -> CronError:
        odd = _ODD_BLANK.search(self.text)
        if odd is not None:
            why += f" with {named(odd.group())} in it"
        return CronError(
            self.field.name, self.position, f"{_shown(self.text)} {why}: {self.field.allowed}"
        )

    def value(self, text: str) -> int:
        field = self.field
        if not text.isdigit():
            if text not in field.names:
                raise self.wrong("is not understood")
            return field.names.index(text) + field.first_name
        value = int(text)
        if not field.low <= value <= field.high:
            raise self.wrong("is out of range")
        return value

    def weekday(self, text: str) -> int:
        return self.value(text) % SUNDAY


def parse_expression(text: str) -> Expression:
    """The expression in ``text``; raises ``CronError``."""
    if len(text) > MAX_LENGTH:
        detail = f"is longer than {MAX_LENGTH} characters, which no expression needs"
        raise CronError("expression", MAX_LENGTH, detail)
    words = _words(text)
    _refuse_foreign(text, words)
    if len(words) == len(_FIELDS) - 1:
        words.insert(0, ("0", words[0][1]))
    if len(words) != len(_FIELDS):
        detail = (
            f"has {len(words)} fields: 5 are needed (minute hour day-of-month month day-of-week),"
            " 6 with a leading second, or one of " + ", ".join(_NICKNAMES)
        )
        raise CronError("expression", len(text) if len(words) < 5 else words[6][1], detail)
    second, minute, hour, day, month, weekday = (
        _entries(field, *word) for field, word in zip(_FIELDS, words, strict=True)
    )
    return Expression(
        seconds=_bits(second),
        minutes=_bits(minute),
        hours=_bits(hour),
        day_rule=_day_rule(day, month, weekday),
        fixed_time="*" not in words[1][0] and "*" not in words[2][0],
    )


def fields_of(text: str) -> list[str]:
    """The fields of an expression that can be read, in capitals and with nicknames spelt out."""
    return [word for word, _ in _words(text)]


def positions(text: str) -> list[int]:
    """Where the words of an expression begin."""
    begin, end = _span(text)
    return [match.start() for match in _WORD.finditer(text, begin, end)]


def _span(text: str) -> tuple[int, int]:
    """Where an expression begins and ends, without the blanks around it."""
    return len(text) - len(text.lstrip()), len(text.rstrip())


def _words(text: str) -> list[tuple[str, int]]:
    found = _WORD.finditer(text, *_span(text))
    words = [(_capitals(match.group()), match.start()) for match in found]
    return _spelt_out(words) if words and words[0][0].startswith("@") else words


def _refuse_foreign(text: str, words: list[tuple[str, int]]) -> None:
    """Refuse, with what to write instead, what other products put into an expression."""
    odd = _ODD_BLANK.search(text, *_span(text))
    if odd is not None and len(words) not in {len(_FIELDS) - 1, len(_FIELDS)}:
        detail = f"{named(odd.group())} separates no fields: write a space"
        if odd.group() in "\r\n":
            detail = "is one line: what another line says is another trigger"
        raise CronError("expression", odd.start(), detail)
    zone = _ZONE_BEFORE.match(text, _span(text)[0])
    if zone is not None:
        detail = f"a zone stands in the field `timezone`, here {_shown(zone[1])}, and not in cron"
        raise CronError("expression", zone.start(), detail)
    if len(words) == len(_FIELDS) + 1:
        detail = (
            "has 7 fields, the last one for years: leave that out, and limit the years by"
            " `starts_at` and `ends_at`; 5 fields are needed (minute hour day-of-month month"
            " day-of-week), 6 with a leading second"
        )
        raise CronError("expression", words[6][1], detail)


def _capitals(word: str) -> str:
    # Of other letters some are capitals of ASCII's, or two: the long s, the dotless i, the sharp s.
    return word.upper() if word.isascii() else word


def _spelt_out(words: list[tuple[str, int]]) -> list[tuple[str, int]]:
    """The fields that a nickname stands for."""
    nickname, position = words[0]
    fields = _NICKNAMES.get(nickname.lower())
    if fields is not None and len(words) == 1:
        return [(field, position) for field in fields.split()]
    if nickname == "@REBOOT":
        why = "has no instant to be planned for"
    elif nickname == "@EVERY":
        why = "is written as an interval, not as cron"
    else:
        why = "is not a nickname" if fields is None else "stands alone"
    detail = f"{_shown(nickname.lower())} {why}: allowed are {', '.join(_NICKNAMES)}"
    raise CronError("expression", position, detail)


def _entries(field: _Field, text: str, position: int) -> list[_Entry]:
    entries = []
    for entry in text.split(","):
        entries.append(_Entry(field, entry, position))
        position += len(entry) + 1
    return entries


def _bits(entries: list[_Entry]) -> int:
    return sum(1 << value for value in {value for entry in entries for value in _values(entry)})


def _values(entry: _Entry) -> Iterator[int]:
    """The values that an entry of the general form means."""
    field = entry.field
    if not entry.text:
        raise entry.wrong("is empty")
    match = _ENTRY.fullmatch(entry.text)
    if match is None:
        raise entry.wrong("is not understood")
    if match["step"] is None:
        step = 1
    else:
        step = int(match["step"])
        if not 1 <= step <= field.max_step:
            raise entry.wrong(f"has no step of 1 to {field.max_step}")
    if match["low"] is None:
        low, high = field.low, field.high
    else:
        low = entry.value(match["low"])
        if match["high"] is not None:
            high = entry.value(match["high"])
            in_numbers = (match["low"] + match["high"]).isdigit()
            if field is _WEEKDAY and _is_one_sunday(low, high, in_numbers=in_numbers):
                high = low
            elif match["high"] == _WEEKDAYS[0]:
                high = SUNDAY
        else:
            high = low if match["step"] is None else field.high
    if low > high:
        again = f"{match['low']}-{field.high},{field.low}-{match['high']}"
        raise entry.wrong(f"is a reversed range, to be written {again}")
    yield from range(low, high + 1, step)


def _is_one_sunday(low: int, high: int, *, in_numbers: bool) -> bool:
    """Whether weekdays go from Sunday to Sunday; ``0-7`` alone means all days between."""
    is_week = in_numbers and low == 0 and high == SUNDAY
    return low % SUNDAY == 0 and high % SUNDAY == 0 and not is_week


def _day_rule(days: list[_Entry], months: list[_Entry], weekdays: list[_Entry]) -> DayRule:
    days, any_day = _without_question_mark(days)
    weekdays, any_weekday = _without_question_mark(weekdays)
    nearest, nth, last = 0, [0] * 5, 0
    plain_days, plain_weekdays = [], []
    for entry in days:
        if match := _NEAREST.fullmatch(entry.text):
            nearest |= 1 << entry.value(match[1])
        elif entry.text not in {"L", "LW"}:
            plain_days.append(entry)
    for entry in weekdays:
        if match := _NTH.fullmatch(entry.text):
            weekday, n = entry.weekday(match[1]), int(match[2])
            if not 1 <= n <= len(nth):
                raise entry.wrong("names no week of the month")
            nth[n - 1] |= 1 << weekday
        elif match := _LAST.fullmatch(entry.text):
            last |= 1 << entry.weekday(match[1])
        else:
            plain_weekdays.append(entry)
    sundays = _bits(plain_weekdays)
    return DayRule(
        months=_bits(months),
        days=_bits(plain_days),
        last_day=any(entry.text == "L" for entry in days),
        last_weekday=any(entry.text == "LW" for entry in days),
        nearest_weekdays=nearest,
        weekdays=(sundays | sundays >> SUNDAY) & ~(1 << SUNDAY),
        nth_weekdays=tuple(nth),
        last_weekdays=last,
        either=not any_day and not any_weekday,
    )


def _without_question_mark(entries: list[_Entry]) -> tuple[list[_Entry], bool]:
    """A day field with ``?`` as ``*``, and whether it begins with a ``*``."""
    first = entries[0]
    if first.text == "?" and len(entries) == 1:
        return [_Entry(first.field, "*", first.position)], True
    return entries, first.text.startswith("*")


def _shown(text: str) -> str:
    return repr(text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…")
