"""When a cron schedule fires, by looking at a zone's clock minute after minute.

Slow and obvious, written from the rules in prose and sharing nothing with the engine: it
reads the expression by itself and takes local time from ``zoneinfo``. A change of offset
within a minute (only where offsets have seconds) and six-field expressions need ``SECOND``
as the step.
"""

from calendar import monthrange
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
THREE_HOURS = timedelta(hours=3)

MONTHS = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"]
WEEKDAYS = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"]
FRIDAY, SATURDAY, SUNDAY = 5, 6, 0


def occurrences(
    expression: str,
    zone: str,
    policy: str,
    first: datetime,
    last: datetime,
    step: timedelta = MINUTE,
    memory: timedelta = timedelta(hours=25),
) -> list[datetime]:
    """Every occurrence in [first, last]; the clock is watched from ``memory`` earlier."""
    watched = (zone, first - memory, last, step)
    if policy == "vixie" and _is_fixed_time(expression):
        found = _fixed_time_vixie(expression, _clock(*watched), step)
    elif policy == "skip_once":
        found = _first_showings(_matching(expression, *watched))
    else:
        found = [instant for instant, _ in _matching(expression, *watched)]
    return [instant for instant in found if instant >= first]


Clock = list[tuple[datetime, datetime]]
"""Instants, and what the clock shows at each."""


@lru_cache(maxsize=2)
def _clock(zone: str, first: datetime, last: datetime, step: timedelta) -> Clock:
    tz, instant, shown = ZoneInfo(zone), first.astimezone(UTC), []
    while instant <= last:
        shown.append((instant, instant.astimezone(tz).replace(tzinfo=None)))
        instant += step
    return shown


@lru_cache(maxsize=2)
def _matching(
    expression: str, zone: str, first: datetime, last: datetime, step: timedelta
) -> Clock:
    """Where the clock shows what the expression asks for: of one example, for several policies."""
    clock = _clock(zone, first, last, step)
    return [(instant, local) for instant, local in clock if matches(expression, local)]


def _first_showings(matching: Clock) -> list[datetime]:
    """What the clock shows a second time does not count."""
    found, shown = [], set()
    for instant, local in matching:
        if local not in shown:
            found.append(instant)
        shown.add(local)
    return found


def _fixed_time_vixie(expression: str, clock: Clock, step: timedelta) -> list[datetime]:
    """Skipped times count, together, when the clock has jumped over them; repeated ones not."""
    found = []
    expected = clock[0][1]
    repeats_until = datetime.min  # noqa: DTZ901
    for instant, local in clock:
        fires = False
        put_forward = local - expected
        if timedelta() < put_forward < THREE_HOURS:
            skipped = expected
            while skipped < local:
                fires = fires or matches(expression, skipped)
                skipped += step
        elif -THREE_HOURS <= put_forward < timedelta():
            repeats_until = expected
        elif put_forward:
            repeats_until = datetime.min  # noqa: DTZ901
        if fires or (local >= repeats_until and matches(expression, local)):
            found.append(instant)
        expected = local + step
    return found


def _is_fixed_time(expression: str) -> bool:
    minute, hour = _six_fields(expression)[1:3]
    return "*" not in minute and "*" not in hour


def matches(expression: str, local: datetime) -> bool:
    seconds, minutes, hours, day_matches = _read(expression)
    return (
        local.minute in minutes
        and local.hour in hours
        and local.second in seconds
        and local.microsecond == 0
        and day_matches(local.date())
    )


def _six_fields(expression: str) -> list[str]:
    fields = expression.upper().replace("?", "*").split()
    return fields if len(fields) == 6 else ["0", *fields]


@lru_cache(maxsize=64)
def _read(expression: str) -> tuple[set[int], set[int], set[int], Callable[[date], bool]]:
    second, minute, hour, days, months, weekdays = _six_fields(expression)

    @lru_cache(maxsize=1000)
    def day_matches(day: date) -> bool:
        if day.month not in _numbers(months, 1, 12, MONTHS, 1):
            return False
        by_date = any(_date_matches(entry, day) for entry in days.split(","))
        by_weekday = any(_weekday_matches(entry, day) for entry in weekdays.split(","))
        if days.startswith("*") or weekdays.startswith("*"):
            return by_date and by_weekday
        return by_date or by_weekday

    return (
        _numbers(second, 0, 59),
        _numbers(minute, 0, 59),
        _numbers(hour, 0, 23),
        day_matches,
    )


def _numbers(
    text: str, low: int, high: int, names: list[str] | None = None, first_name: int = 0
) -> set[int]:
    found: set[int] = set()
    for name in names or []:
        text = text.replace(name, str(names.index(name) + first_name))
    for entry in text.split(","):
        bounds, _, step = entry.partition("/")
        if bounds == "*":
            begin, end = low, high
        elif "-" in bounds:
            begin, end = map(int, bounds.split("-"))
        else:
            begin, end = int(bounds), high if step else int(bounds)
        found |= {n for n in range(begin, end + 1) if (n - begin) % int(step or 1) == 0}
    return found


def _date_matches(entry: str, day: date) -> bool:
    last = monthrange(day.year, day.month)[1]
    if entry == "L":
        return day.day == last
    if entry == "LW":
        return day == _nearest_weekday(day.replace(day=last))
    if entry.endswith("W"):
        n = int(entry[:-1])
        return n <= last and day == _nearest_weekday(day.replace(day=n))
    return day.day in _numbers(entry, 1, 31)


def _nearest_weekday(day: date) -> date:
    """Of the Mondays to Fridays of the month, the one with the fewest days between."""
    weekdays = [
        other
        for other in (day + timedelta(days=n) for n in range(-3, 4))
        if other.month == day.month and _weekday(other) not in {SATURDAY, SUNDAY}
    ]
    return min(weekdays, key=lambda other: abs(other - day))


def _weekday_matches(entry: str, day: date) -> bool:
    if "#" in entry:
        weekday, n = entry.split("#")
        nth = (day.day + 6) // 7
        return _weekday(day) in _weekdays(weekday) and nth == int(n)
    if entry.endswith("L"):
        is_last = (day + timedelta(days=7)).month != day.month
        return _weekday(day) in _weekdays(entry[:-1]) and is_last
    return _weekday(day) in _weekdays(entry)


def _weekdays(text: str) -> set[int]:
    return {n % 7 for n in _numbers(text, 0, 7, WEEKDAYS)}


def _weekday(day: date) -> int:
    return day.isoweekday() % 7
