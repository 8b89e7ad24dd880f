"""Schedules in plain words. cron-descriptor says what an expression means; the rest is ours.

What that library would say wrongly or not at all is taken apart first, or quoted: a sentence
that is not true is worse than none.
"""

from datetime import datetime, timedelta
from functools import lru_cache

from cron_descriptor import Options, get_description  # type: ignore[import-untyped]  # has none

from trigger_contracts.cron import Cron
from trigger_contracts.cron_parse import fields_of
from trigger_contracts.definition import Definition
from trigger_contracts.instants import parse_duration, zone
from trigger_contracts.schedule import AnySchedule, Interval, Limited, Once, rule_of
from trigger_runtime.logs import get_logger

log = get_logger(__name__)

_DESCRIBED = 4096
"""Sentences kept; making one takes a few tenths of a millisecond."""

_UNITS = ((86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second"))


def describe(schedule: AnySchedule, definition: Definition) -> str:
    """When a schedule fires, as a sentence; times are those of the definition's zone."""
    rule = rule_of(schedule)
    match rule:
        case Once():
            when = f"Once, on {_moment(rule.at, definition.timezone)}"
        case Interval():
            when = f"Every {_duration(rule.every)}"
            if rule.fires_at_anchor:
                when += f", from {_moment(rule.anchor, definition.timezone)}"
        case Cron():
            when = _cron(rule.expression)
    parts = [when, *_limits(schedule, definition)]
    return f"{', '.join(parts)} ({definition.timezone})."


def _limits(schedule: AnySchedule, definition: Definition) -> list[str]:
    said: list[str] = []
    if isinstance(schedule, Limited) and schedule.starts_at is not None:
        said.append(f"from {_moment(schedule.starts_at, definition.timezone)}")
    ends_at = schedule.ends_at if isinstance(schedule, Interval | Limited) else None
    if ends_at is not None:
        said.append(f"until {_moment(ends_at, definition.timezone)}")
    if definition.exclude:
        said.append(f"except on {', '.join(definition.exclude[:3])}")
        if len(definition.exclude) > 3:
            said[-1] += f" and {len(definition.exclude) - 3} more"
    if definition.max_fires is not None:
        said.append("once only" if definition.max_fires == 1 else f"{definition.max_fires} times")
    if definition.jitter is not None:
        jitter = parse_duration(definition.jitter)
        said.append(f"each up to {_duration(jitter, one='1 ')} later, as its trigger's id has it")
    return said


def _moment(instant: datetime, timezone: str) -> str:
    local = instant.astimezone(zone(timezone))
    time = local.strftime("%H:%M:%S").removesuffix(":00")
    return f"{local:%A}, {local.day} {local:%B} {local.year} at {time}"


def _duration(duration: timedelta, one: str = "") -> str:
    """90 seconds as "1 minute 30 seconds"; a single unit as "minute", after ``one``."""
    left = duration.total_seconds()
    said = []
    for size, unit in _UNITS:
        number = left if unit == "second" else left // size
        left -= number * size
        if number:
            said.append(f"1 {unit}" if number == 1 else f"{number:.6g} {unit}s")
    if len(said) == 1 and said[0].startswith("1 "):
        return one + said[0].removeprefix("1 ")
    return " ".join(said) or "0 seconds"


@lru_cache(maxsize=_DESCRIBED)
def _cron(expression: str) -> str:
    fields = fields_of(expression)
    day, weekday = fields[-3], fields[-1]
    try:
        if _is_beyond_words(day, weekday) or any("," in f and "/" in f for f in fields):
            return f"On the cron schedule {expression}"
        if not {"*", "?"} & {day, weekday}:
            return _both_days(fields)
        return _words(fields)
    except Exception as error:  # noqa: BLE001 - a library's own failure costs a sentence, no answer
        log.warning("cron expression not described", expression=expression, error=repr(error))
        return f"On the cron schedule {expression}"


def _both_days(fields: list[str]) -> str:
    """With day-of-month and day-of-week given, each by itself: the library says "or" of some
    such pairs, rightly or not, and puts a comma between others.
    """
    *times, day, month, weekday = fields
    weekdays = _last_part(["*", "*", "*", "*", weekday])
    # Vixie's rule: one is enough only where neither begins with a star.
    if day.startswith("*") or weekday.startswith("*"):
        return f"{_words([*times, day, month, '*'])}, and {weekdays}"
    either = f"{_words([*times, day, '*', '*'])}, or {weekdays.removeprefix('only ')}"
    return either if month == "*" else f"{either}, {_last_part(['*', '*', '*', month, '*'])}"


def _last_part(fields: list[str]) -> str:
    """What is said of the one field that is no star."""
    return _words(fields).partition(", ")[2]


def _is_beyond_words(day: str, weekday: str) -> bool:
    """Lists that hold more than days: the library describes one such entry, not several."""
    special = any(mark in weekday for mark in "#L") or any(mark in day for mark in "LW")
    return special and ("," in weekday or "," in day)


def _words(fields: list[str]) -> str:
    options = Options()
    options.use_24hour_time_format = True
    options.locale_code = "en_US"
    hour = len(fields) - 4
    times = [_evenly(f, 24 if place == hour else 60) for place, f in enumerate(fields[: hour + 1])]
    return str(get_description(" ".join([*times, *fields[hour + 1 :]]), options))


def _evenly(field: str, cycle: int) -> str:
    """A field of the time of day, its values spelt out where a step does not come out even.

    ``*/23`` hours are 00:00 and 23:00, not every 23 hours.
    """
    step = field.removeprefix("*/")
    if step == field or cycle % int(step) == 0:
        return field
    return ",".join(map(str, range(0, cycle, int(step))))
