"""The schedule that a definition means, from the fields as their owner wrote them.

Local times and dates are read in the definition's zone; an interval without a start counts
from the instant at which its command was accepted. Whether a schedule has a future is the
decider's question (``trigger``). Raises ``Refused`` with the pointer of the field.
"""

import hashlib
import re
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from functools import partial

from . import misfire, spellings
from .cron import Cron
from .cron_parse import CronError, CronNeverFires
from .definition import LIMIT_FIELDS, Definition
from .errors import Code, refused
from .instants import as_written, calendar_date, parse_bound, parse_duration, parse_instant, zone
from .misfire import Misfire
from .schedule import HORIZON, MIN_INTERVAL, AnySchedule, Interval, Limited, Once, Rule

MAX_JITTER = timedelta(days=1)
"""A larger part of time is another schedule, not another start in the same one."""

_JITTER_STEP = timedelta(milliseconds=1)
"""Finer than anything is late by."""

_LIMITS = frozenset(LIMIT_FIELDS)
"""Where none is given, the rule is the schedule, at a third of the time."""

_DATES = re.compile(r"(\d{4}-\d{2}-\d{2})(?:/(\d{4}-\d{2}-\d{2}))?", re.ASCII)


def schedule_of(
    definition: Definition, accepted_at: datetime, trigger_id: str | None = None
) -> AnySchedule | None:
    """The schedule that a definition means if accepted at ``accepted_at``; None for an api trigger.

    A trigger's own part of the jitter follows from its id; without one it is nothing.
    """
    rule = _rule(definition, accepted_at)
    if rule is None or not definition.model_fields_set & _LIMITS:
        return rule
    starts_at = _instant(definition, "starts_at", accepted_at)
    ends_at = _instant(definition, "ends_at")
    _in_order(starts_at, ends_at)
    if isinstance(rule, Interval):
        # Its start is its anchor, and nothing of the grid lies before.
        starts_at = None
    limited = Limited(
        rule=rule,
        shift=_shift(definition, trigger_id),
        starts_at=starts_at,
        ends_at=ends_at,
        exclude=tuple(_dates(n, text) for n, text in enumerate(definition.exclude)),
        # It is the zone of these dates; without any, all definitions alike mean one schedule.
        timezone=definition.timezone if definition.exclude else "UTC",
        max_fires=definition.max_fires,
        misfire=_misfire(definition),
    )
    if limited == Limited(rule=rule):
        return rule
    if isinstance(rule, Interval) and limited == Limited(rule=rule, ends_at=ends_at):
        # An interval can hold its own end, as it did when it could have no other limit.
        return rule.model_copy(update={"ends_at": ends_at})
    return limited


def checks(
    definition: Definition, accepted_at: datetime | None
) -> Iterator[tuple[tuple[str, ...], Callable[[], object]]]:
    """Whatever of a schedule is checked by itself: the fields that this takes, and the check, which
    raises ``Refused``. What follows from all of them together is ``schedule_of``'s.
    """
    limits = partial(_instant, definition)
    yield ("schedule_time",), partial(limits, "schedule_time", accepted_at)
    if definition.interval is not None:
        yield ("interval",), partial(_every, definition.interval)
    if definition.cron is not None:
        yield ("cron",), partial(_cron, definition, definition.cron)
    yield ("starts_at",), partial(limits, "starts_at", accepted_at)
    yield ("ends_at",), partial(limits, "ends_at")
    yield (
        ("starts_at", "ends_at", "timezone"),
        lambda: _in_order(limits("starts_at"), limits("ends_at")),
    )
    yield ("jitter",), partial(_shift, definition, None)
    for index, text in enumerate(definition.exclude):
        yield (f"exclude/{index}",), partial(_dates, index, text)
    yield ("misfire/max_age",), partial(_misfire, definition)


def _in_order(starts_at: datetime | None, ends_at: datetime | None) -> None:
    if ends_at is not None and starts_at is not None and ends_at < starts_at:
        raise refused(Code.INVALID, "must not be earlier than starts_at", pointer="/ends_at")


def written_locally(definition: Definition) -> datetime | None:
    """A one-time schedule's local time as its owner wrote it; None for an instant."""
    text = definition.schedule_time
    if text is None:
        return None
    written = as_written(text)
    return written if written.tzinfo is None else None


def _rule(definition: Definition, accepted_at: datetime) -> Rule | None:
    if definition.cron is not None:
        return _cron(definition, definition.cron)
    if definition.schedule_time is not None:
        at = _instant(definition, "schedule_time", accepted_at)
        return None if at is None else Once(at=at)
    if definition.interval is None:
        return None
    every = _every(definition.interval)
    starts_at = _instant(definition, "starts_at")
    return Interval(
        anchor=starts_at or accepted_at, every=every, fires_at_anchor=starts_at is not None
    )


def _every(interval: float | str) -> timedelta:
    every = _duration(interval, "/interval")
    if not MIN_INTERVAL <= every <= HORIZON:
        detail = f"must be from {MIN_INTERVAL.seconds} second to {HORIZON.days} days"
        raise refused(Code.INVALID, detail, pointer="/interval")
    return every


def _cron(definition: Definition, expression: str) -> Cron:
    try:
        return Cron.parse(expression, definition.timezone, definition.dst_policy)
    except CronNeverFires as error:
        raise refused(Code.CRON_NEVER_FIRES, str(error), pointer="/cron") from None
    except CronError as error:
        detail = f"{error} (at character {error.position + 1})"
        raise refused(Code.INVALID, detail, pointer="/cron", at=error.position) from None


def _shift(definition: Definition, trigger_id: str | None) -> timedelta:
    """The same for a trigger as long as its jitter is, and spread evenly over all triggers."""
    if definition.jitter is None:
        return timedelta()
    jitter = _duration(definition.jitter, "/jitter")
    if not timedelta() <= jitter <= MAX_JITTER:
        raise refused(Code.INVALID, "must be from 0 seconds to 1 day", pointer="/jitter")
    if trigger_id is None:
        return timedelta()
    digest = hashlib.sha256(f"jitter\0{trigger_id}".encode()).digest()
    return int.from_bytes(digest[:8]) % (jitter // _JITTER_STEP + 1) * _JITTER_STEP


def _misfire(definition: Definition) -> Misfire:
    fields = definition.misfire
    if fields is None:
        return misfire.DEFAULT
    max_age = None
    if fields.max_age is not None:
        max_age = _duration(fields.max_age, "/misfire/max_age")
        if not timedelta(seconds=1) <= max_age <= misfire.MAX_AGE:
            hours = misfire.MAX_AGE // timedelta(hours=1)
            detail = f"must be from 1 second to {hours} hours: older ones never fire"
            raise refused(Code.INVALID, detail, pointer="/misfire/max_age")
    return Misfire(policy=fields.policy, max_age=max_age, max_count=fields.max_count)


def _dates(index: int, text: str) -> tuple[date, date]:
    pointer = f"/exclude/{index}"
    match = _DATES.fullmatch(text)
    if match is None:
        detail = "must be a date such as 2026-12-25, or a first and a last: 2026-12-24/2027-01-01"
        raise refused(Code.INVALID, detail + spellings.of_dates(text), pointer=pointer)
    try:
        first = calendar_date(match[1])
        last = calendar_date(match[2] or match[1])
    except ValueError as error:
        raise refused(Code.INVALID, str(error), pointer=pointer) from None
    if not timedelta() <= last - first <= HORIZON:
        detail = f"must end with a date that is not before the first, within {HORIZON.days} days"
        raise refused(Code.INVALID, detail, pointer=pointer)
    return first, last


def _duration(value: float | str, pointer: str) -> timedelta:
    try:
        return parse_duration(value)
    except ValueError as error:
        raise refused(Code.INVALID, str(error), pointer=pointer) from None


def _instant(
    definition: Definition, field: str, accepted_at: datetime | None = None
) -> datetime | None:
    """The instant in a field, at most the horizon after ``accepted_at`` where that is given.

    Limits may lie at the ends of the calendar: there they are none.
    """
    text = getattr(definition, field)
    if text is None:
        return None
    read = parse_instant if field == "schedule_time" else parse_bound
    try:
        at = read(text, zone(definition.timezone))
    except ValueError as error:
        raise refused(Code.INVALID, str(error), pointer=f"/{field}") from None
    if accepted_at is not None and at - accepted_at > HORIZON:
        limit = (accepted_at + HORIZON).astimezone(UTC).date()
        detail = f"must not be later than {limit}: at most {HORIZON.days} days ahead"
        raise refused(Code.SCHEDULE_BEYOND_HORIZON, detail, pointer=f"/{field}")
    return at
