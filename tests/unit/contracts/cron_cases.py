"""Cron schedules to try: expressions, zones, the changes of their clocks, and ways to walk."""

import zoneinfo
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from hypothesis import assume
from hypothesis import strategies as st

from tests.unit.contracts.factories import SECOND, instants
from trigger_contracts.cron import Cron, DstPolicy
from trigger_contracts.cron_parse import CronNeverFires, parse_expression
from trigger_contracts.zone_rules import zone_rules

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
POLICIES: tuple[DstPolicy, ...] = ("vixie", "skip_once", "literal")
EXPRESSIONS = (
    "* * * * *",
    "*/7 * * * *",
    "30 2 * * *",
    "0 0 * * *",
    "*/20 9-17 * * MON-FRI",
    "15 10 L * *",
    "0 12 15W,LW * *",
    "0 0 13 * FRI",
    "0 6 * * 1#1,5L",
    "0 0 29 2 *",
    "*/10 * * * * *",
    "5,35 59 23 31 12 ?",
)

HARD_ZONES = (
    "Africa/Cairo",  # skips midnight; gave daylight saving up and took it up again
    "Africa/Casablanca",  # its winter is Ramadan
    "America/Danmarkshavn",
    "America/Havana",  # skips midnight, repeats it too
    "America/New_York",
    "America/Santiago",  # skips midnight between two days
    "America/Sao_Paulo",
    "America/St_Johns",  # half an hour off, and changes at 0:01
    "Antarctica/Casey",  # three hours both ways
    "Antarctica/Troll",  # two hours
    "Antarctica/Vostok",  # seven hours
    "Asia/Gaza",
    "Asia/Kathmandu",  # a change of standard time by a quarter of an hour
    "Asia/Pyongyang",
    "Asia/Tehran",
    "Atlantic/Azores",
    "Australia/Lord_Howe",  # half an hour of daylight saving
    "Europe/Chisinau",
    "Europe/Dublin",  # its winter is the exception
    "Europe/London",
    "Pacific/Apia",  # skipped a day
    "Pacific/Chatham",  # three quarters of an hour off
    "Pacific/Kiritimati",
    "Pacific/Kwajalein",
)


@lru_cache(maxsize=1024)
def changes(zone: str, first_year: int, end_year: int) -> tuple[datetime, ...]:
    """When the zone's offset changes from a year to before another."""
    begin, end = (
        (datetime(year, 1, 1, tzinfo=UTC) - EPOCH) // SECOND for year in (first_year, end_year)
    )
    return tuple(
        EPOCH + instant * SECOND for instant, _ in zone_rules(zone).changes(begin, end)[1:]
    )


def _zones_with_changes() -> list[str]:
    """One of those that share all changes from 1970 to 2037, where there are any."""
    by_changes = {
        tuple(zone_rules(zone).changes(0, 2_145_916_800)): zone
        for zone in sorted(zoneinfo.available_timezones(), reverse=True)
    }
    return sorted(zone for found, zone in by_changes.items() if len(found) > 1)


ZONES_WITH_CHANGES = _zones_with_changes()


def between(schedule: Cron, after: datetime, until: datetime) -> list[datetime]:
    """The occurrences in (after, until], one by one."""
    found, instant = [], after
    while (occurrence := schedule.next_after(instant)) is not None and occurrence <= until:
        assert occurrence > instant
        found.append(occurrence)
        instant = occurrence
    return found


def back(schedule: Cron, before: datetime, until: datetime) -> list[datetime]:
    """The occurrences in [until, before), from the last to the first."""
    found, instant = [], before
    while (occurrence := schedule.last_before(instant)) is not None and occurrence >= until:
        assert occurrence < instant
        found.append(occurrence)
        instant = occurrence
    return found


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


def offset(zone: str, instant: datetime) -> timedelta:
    return instant.astimezone(zoneinfo.ZoneInfo(zone)).utcoffset() or timedelta()


def near(low: int, high: int, *values: int) -> st.SearchStrategy[int]:
    """A field's number, mostly one of ``values``."""
    number = st.integers(low, high)
    return st.sampled_from(values) | number if values else number


@st.composite
def fields(draw: st.DrawFn, low: int, high: int, *values: int) -> str:
    """A field in any of the general forms."""
    number = near(low, high, *values)
    match draw(st.integers(0, 7)):
        case 0 | 1:
            return str(draw(number))
        case 2:
            return "*"
        case 3:
            return f"*/{draw(st.integers(1, high - low))}"
        case 4:
            return ",".join(str(n) for n in draw(st.lists(number, min_size=2, max_size=4)))
        case 5:
            return f"{draw(number)}/{draw(st.integers(1, high - low))}"
        case 6:
            # A star that is not the first to be read: no fixed time all the same.
            return f"{draw(number)},*/{draw(st.integers(2, high - low))}"
        case _:
            begin, end = sorted((draw(number), draw(number)))
            return f"{begin}-{end}" + draw(st.sampled_from(["", "/2", "/3"]))


@st.composite
def day_fields(draw: st.DrawFn, *days: datetime) -> str:
    """Day-of-month, month and day-of-week; mostly some that match ``days``."""
    date = st.sampled_from(days) if days else instants(1990, 2020)
    number = date.map(lambda day: day.day)
    month = draw(st.just("*") | date.map(lambda day: str(day.month)) | fields(1, 12))
    weekday = date.map(lambda day: day.isoweekday() % 7)
    day_of_month = draw(
        st.sampled_from(["*", "*", "*", "?", "L", "LW", "*/2", "L,15"])
        | number.map(str)
        | number.map("{}W".format)
        | fields(1, 31)
    )
    day_of_week = draw(
        st.sampled_from(["*", "*", "*", "?", "*/2", "MON-FRI", "FRI-7"])
        | weekday.map(str)
        | weekday.map("{}L".format)
        | st.tuples(weekday, st.integers(1, 5)).map(lambda pair: f"{pair[0]}#{pair[1]}")
        | fields(0, 7)
    )
    return f"{day_of_month} {month} {day_of_week}"


@st.composite
def firing_about(draw: st.DrawFn, zone: str, instant: datetime) -> str:
    """An expression that mostly fires shortly before, at or after an instant."""
    tz = zoneinfo.ZoneInfo(zone)
    before, after = (instant - SECOND).astimezone(tz), instant.astimezone(tz)
    hour = draw(fields(0, 23, before.hour, after.hour, (after.hour - 1) % 24))
    minute = draw(fields(0, 59, before.minute, after.minute, 0, 30))
    expression = f"{minute} {hour} {draw(day_fields(before, after))}"
    assume(fires(expression))
    return expression


def fires(expression: str) -> bool:
    parse_expression(expression)
    try:
        Cron.parse(expression)
    except CronNeverFires:
        return False
    return True


expressions = st.builds(
    "{} {} {}".format, fields(0, 59), fields(0, 23), day_fields()
) | st.sampled_from(EXPRESSIONS)


@st.composite
def schedules(draw: st.DrawFn) -> Cron:
    expression = draw(expressions)
    assume(fires(expression))
    zone = draw(st.sampled_from(sorted(zoneinfo.available_timezones())))
    return Cron.parse(expression, zone, draw(st.sampled_from(POLICIES)))
