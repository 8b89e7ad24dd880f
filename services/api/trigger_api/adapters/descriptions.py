"""Schedules in plain words: a sentence that is not true is worse than none.

``domain.triggers.cron_words`` says what a cron expression means. Limits at the ends of the calendar
are none, and are not said.
"""

from datetime import datetime, timedelta
from functools import lru_cache

from trigger_api.domain.triggers.cron_words import in_words
from trigger_contracts.cron import Cron
from trigger_contracts.definition import Definition
from trigger_contracts.instants import (
    FIRST_INSTANT,
    LAST_INSTANT,
    on_clock,
    stored_duration,
    stored_zone,
)
from trigger_contracts.schedule import AnySchedule, Interval, Limited, Once, rule_of

_DESCRIBED = 4096
"""Sentences kept; making one takes a tenth of a millisecond."""

_UNITS = (
    (timedelta(days=1), "day"),
    (timedelta(hours=1), "hour"),
    (timedelta(minutes=1), "minute"),
)


def describe(schedule: AnySchedule, definition: Definition) -> str:
    """When a schedule fires, as a sentence; times are those of the definition's zone."""
    rule = rule_of(schedule)
    match rule:
        case Once():
            when = f"Once, on {_moment(rule.at, definition.timezone)}"
        case Interval():
            when = f"Every {_duration(rule.every)}"
            if rule.fires_at_anchor and not _is_no_limit(rule.anchor):
                when += f", from {_moment(rule.anchor, definition.timezone)}"
        case Cron():
            when = _cron(rule.expression)
    parts = [when, *_limits(schedule, definition)]
    return f"{', '.join(parts)} ({stored_zone(definition.timezone)})."


def _limits(schedule: AnySchedule, definition: Definition) -> list[str]:
    said: list[str] = []
    starts_at = schedule.starts_at if isinstance(schedule, Limited) else None
    if starts_at is not None and not _is_no_limit(starts_at):
        said.append(f"from {_moment(starts_at, definition.timezone)}")
    ends_at = schedule.ends_at if isinstance(schedule, Interval | Limited) else None
    if ends_at is not None and not _is_no_limit(ends_at):
        said.append(f"until {_moment(ends_at, definition.timezone)}")
    if definition.exclude:
        said.append(f"except on {', '.join(definition.exclude[:3])}")
        if len(definition.exclude) > 3:
            said[-1] += f" and {len(definition.exclude) - 3} more"
    if definition.max_fires is not None:
        said.append("once only" if definition.max_fires == 1 else f"{definition.max_fires} times")
    jitter = stored_duration(definition.jitter or 0)
    if jitter:
        said.append(f"each up to {_duration(jitter, one='1 ')} later, as its trigger's id has it")
    return said


def _is_no_limit(instant: datetime) -> bool:
    return instant.year in {FIRST_INSTANT.year, LAST_INSTANT.year}


def _moment(instant: datetime, timezone: str) -> str:
    local = on_clock(instant, stored_zone(timezone))
    time = f"{local:%H:%M:%S}.{local.microsecond:06}".rstrip("0").rstrip(".")
    if not (local.second or local.microsecond):
        time = f"{local:%H:%M}"
    again = " for the second time" * local.fold
    return f"{local:%A}, {local.day} {local:%B} {local.year} at {time}{again}"


def _duration(duration: timedelta, one: str = "") -> str:
    """90 seconds as "1 minute 30 seconds"; a single unit as "minute", after ``one``."""
    left, said = duration, []
    for size, unit in _UNITS:
        number, left = divmod(left, size)
        if number:
            said.append(f"{number} {unit}{'s' * (number > 1)}")
    if left:
        seconds = f"{left.seconds}.{left.microseconds:06}".rstrip("0").rstrip(".")
        said.append(f"{seconds} second{'s' * (seconds != '1')}")
    if len(said) == 1 and said[0].startswith("1 "):
        return one + said[0].removeprefix("1 ")
    return " ".join(said) or "0 seconds"


@lru_cache(maxsize=_DESCRIBED)
def _cron(expression: str) -> str:
    return in_words(expression)
