"""A cron expression in words: of the sets that it means, not of how it was written.

``*/15`` and ``0,15,30,45`` are one sentence, and what has another meaning has another one. A step
is called one only where it comes out even (``*/10`` days are day 1, 11, 21 and 31); all else is
listed. What would be a riddle in words is not said: then the expression itself is quoted. Pure.
"""

from collections.abc import Iterator, Sequence
from itertools import product

from trigger_contracts.cron_parse import DayRule, Expression, fields_of, parse_expression

_MOST_TIMES = 8
"""Times of day that are listed one by one."""

_RUN = 3
"""So many numbers in a row are said as the first and the last."""

_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
_WEEKDAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
_ALTERNATE = (list(range(1, 32, 2)), list(range(2, 32, 2)))
_NTH = ("first", "second", "third", "fourth", "fifth")


def in_words(expression: str) -> str:
    """When it fires, without a zone and without a full stop."""
    if _is_beyond_words(fields_of(expression)):
        return f"On the cron schedule {' '.join(expression.split())}"
    meaning = parse_expression(expression)
    return ", ".join([*_times(meaning), *_days(meaning.day_rule)])


def _is_beyond_words(fields: list[str]) -> bool:
    """Lists with steps, or of days that are more than a date or a weekday."""
    *_, day, _, weekday = fields
    special = any(mark in weekday for mark in "#L") or any(mark in day for mark in "LW")
    is_list_of_special = special and ("," in weekday or "," in day)
    return is_list_of_special or any("," in field and "/" in field for field in fields)


def _times(meaning: Expression) -> Iterator[str]:
    """The time of day, in one to three parts."""
    seconds, minutes, hours = map(_values, (meaning.seconds, meaning.minutes, meaning.hours))
    if seconds == minutes == [0] and (step := _step(hours, 24)):
        yield _every(step, "hour")
        return
    if seconds == [0] and len(hours) == 1 and _is_run(minutes) and len(minutes) < 60:
        first, last = (f"{hours[0]:02}:{minute:02}" for minute in (minutes[0], minutes[-1]))
        yield f"Every minute between {first} and {last}"
        return
    is_few = len(seconds) * len(minutes) * len(hours) <= _MOST_TIMES
    if is_few and not _step(seconds, 60) and not _step(minutes, 60):
        yield f"At {_list([_time(*one) for one in product(hours, minutes, seconds)])}"
        return
    if seconds == [0]:
        step = 60 if minutes == [0] and _is_run(hours) else _step(minutes, 60)
        yield _every(step, "minute") if step else f"At {_past(minutes, 'minute', 'hour')}"
    else:
        step = _step(seconds, 60)
        yield _every(step, "second") if step else f"At {_past(seconds, 'second', 'minute')}"
        if len(minutes) < 60:
            yield f"at {_past(minutes, 'minute', 'hour')}"
    if len(hours) == 1 or (_is_run(hours) and len(hours) < 24):
        yield f"between {hours[0]:02}:00 and {hours[-1]:02}:59"
    elif len(hours) < 24:
        yield f"in the hours {_list(hours)}"


def _days(rule: DayRule) -> Iterator[str]:
    """Which days, in parts that begin with a small letter; nothing where it is each day."""
    month = _months(_values(rule.months))
    date, weekday = _dates(rule), _weekdays(rule)
    if rule.either:
        # One is enough; where one is every day, the other says nothing.
        if date and weekday:
            yield date
            yield f"or {weekday.removeprefix('only ')}"
        if month:
            yield month
        return
    if date:
        yield date
    if date and weekday:
        if month:
            yield month
        yield f"and {weekday}"
        return
    if weekday:
        yield weekday
    if month:
        yield month


def _dates(rule: DayRule) -> str:
    days = _values(rule.days)
    if len(days) == 31:
        return ""
    said = []
    if _is_run(days):
        said.append(f"between day {days[0]} and {days[-1]} of the month")
    elif days in _ALTERNATE:
        said.append(f"on {'odd' if days[0] == 1 else 'even'} days of the month")
    elif days:
        said.append(f"on day {_list(days)} of the month")
    if rule.last_day:
        said.append("on the last day of the month")
    if rule.last_weekday:
        said.append("on the last weekday of the month")
    said += [
        f"on the weekday nearest day {day} of the month" for day in _values(rule.nearest_weekdays)
    ]
    return " or ".join(said)


def _weekdays(rule: DayRule) -> str:
    days = _values(rule.weekdays)
    if len(days) == 7:
        return ""
    said = []
    # Friday through Sunday is a run in a week that begins with Monday.
    from_monday = sorted(day or 7 for day in days)
    run = next((week for week in (days, from_monday) if _is_run(week)), None)
    if run:
        said.append(f"{_WEEKDAYS[run[0]]} through {_WEEKDAYS[run[-1] % 7]}")
    elif days:
        said.append(f"only on {_list([_WEEKDAYS[day] for day in days])}")
    for nth, of_nth in zip(_NTH, rule.nth_weekdays, strict=True):
        said += [f"on the {nth} {_WEEKDAYS[day]} of the month" for day in _values(of_nth)]
    said += [f"on the last {_WEEKDAYS[day]} of the month" for day in _values(rule.last_weekdays)]
    return " or ".join(said)


def _months(months: list[int]) -> str:
    if len(months) == 12:
        return ""
    names = [_MONTHS[month - 1] for month in months]
    return f"{names[0]} through {names[-1]}" if _is_run(months) else f"only in {_list(names)}"


def _values(bits: int) -> list[int]:
    return [n for n in range(bits.bit_length()) if bits >> n & 1]


def _step(values: list[int], cycle: int) -> int:
    """The even step from 0 on that the values are; 0 where they are none."""
    step = cycle // len(values)
    return step if len(values) > 1 and values == list(range(0, cycle, step)) else 0


def _is_run(values: list[int]) -> bool:
    return len(values) >= _RUN and values[-1] - values[0] == len(values) - 1


def _every(step: int, unit: str) -> str:
    if (step, unit) == (60, "minute"):
        step, unit = 1, "hour"
    return f"Every {unit}" if step == 1 else f"Every {step} {unit}s"


def _past(values: list[int], unit: str, whole: str) -> str:
    if _is_run(values):
        return f"{unit}s {values[0]} through {values[-1]} past the {whole}"
    return f"{_list(values)} {unit}{'s' * (values != [1])} past the {whole}"


def _time(hour: int, minute: int, second: int) -> str:
    return f"{hour:02}:{minute:02}" + f":{second:02}" * bool(second)


def _list(values: Sequence[object]) -> str:
    *most, last = map(str, values)
    if not most:
        return last
    return f"{', '.join(most)}{',' * (len(most) > 1)} and {last}"
