"""Cron schedules, held against the shared instants and an oracle that looks at every minute."""

import json
import zoneinfo
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import perf_counter
from typing import Any

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from tests.support import cron_oracle
from tests.unit.contracts.factories import DAY, HOUR, SECOND, TICK, instants
from trigger_contracts.cron import Cron, DstPolicy, compiled
from trigger_contracts.cron_days import LAST_YEAR, YEAR_KIND, YEAR_START, matching_days
from trigger_contracts.cron_parse import CronError, CronNeverFires, parse_expression
from trigger_contracts.instants import UnknownZone
from trigger_contracts.zone_rules import zone_rules

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
POLICIES: tuple[DstPolicy, ...] = ("vixie", "skip_once", "literal")
VECTORS = json.loads((Path(__file__).parent / "data" / "dst_vectors.json").read_text())
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


def between(schedule: Cron, after: datetime, until: datetime) -> list[datetime]:
    """The occurrences in (after, until], one by one."""
    found = []
    occurrence = schedule.next_after(after)
    while occurrence is not None and occurrence <= until:
        found.append(occurrence)
        occurrence = schedule.next_after(occurrence)
    return found


def back(schedule: Cron, before: datetime, until: datetime) -> list[datetime]:
    """The occurrences in [until, before), from the last to the first."""
    found = []
    occurrence = schedule.last_before(before)
    while occurrence is not None and occurrence >= until:
        found.append(occurrence)
        occurrence = schedule.last_before(occurrence)
    return found


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: f"{vector['zone']} {vector['cron']}")
def test_the_shared_instants(vector: dict[str, Any], policy: DstPolicy):
    schedule = Cron.parse(vector["cron"], vector["zone"], policy)
    after, until = at(vector["after"]), at(vector["until"])
    expected = [at(text) for text in vector[policy]]

    assert between(schedule, after, until) == expected
    assert back(schedule, until + TICK, after + TICK) == expected[::-1]
    assert schedule.count(after + TICK, until) == len(expected)


@pytest.mark.parametrize("policy", POLICIES)
def test_the_oracle_gives_the_shared_instants(policy: DstPolicy):
    """Not of years: it looks at every minute."""
    for vector in VECTORS:
        after, until = at(vector["after"]), at(vector["until"])
        if until - after < 100 * DAY:
            found = cron_oracle.occurrences(
                vector["cron"], vector["zone"], policy, after + MINUTE, until
            )
            assert found == [at(text) for text in vector[policy]]


# Every change of an offset from 1970 to 2037, once for zones that are names of another.
def _changes() -> list[tuple[str, datetime]]:
    by_changes: dict[Any, str] = {}
    for zone in sorted(zoneinfo.available_timezones()):
        found = zone_rules(zone).changes(0, 2_145_916_800)
        by_changes.setdefault(tuple(found), zone)
    return [
        (zone, EPOCH + timedelta(seconds=instant))
        for found, zone in by_changes.items()
        for instant, _ in found[1:]
    ]


CHANGES = _changes()
ODD_ZONES = {
    "Africa/Monrovia",
    "America/Danmarkshavn",
    "America/Sao_Paulo",
    "America/St_Johns",
    "Antarctica/Casey",
    "Antarctica/Troll",
    "Antarctica/Vostok",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    "Europe/Dublin",
    "Pacific/Apia",
    "Pacific/Chatham",
    "Pacific/Kiritimati",
    "Pacific/Kwajalein",
}
ODD_CHANGES = [change for change in CHANGES if change[0] in ODD_ZONES]


def near(low: int, high: int, *values: int) -> st.SearchStrategy[int]:
    """A field's number, mostly one of ``values``."""
    number = st.integers(low, high)
    return st.sampled_from(values) | number if values else number


@st.composite
def fields(draw: st.DrawFn, low: int, high: int, *values: int) -> str:
    """A field in any of the general forms."""
    number = near(low, high, *values)
    match draw(st.integers(0, 6)):
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
def around_changes(draw: st.DrawFn) -> tuple[str, str, datetime]:
    """An expression, a zone, and a change of its offset about which the expression fires."""
    zone, change = draw(st.sampled_from(CHANGES) | st.sampled_from(ODD_CHANGES))
    tz = zoneinfo.ZoneInfo(zone)
    before, after = (change - SECOND).astimezone(tz), change.astimezone(tz)
    hour = draw(fields(0, 23, before.hour, after.hour, (after.hour - 1) % 24))
    minute = draw(fields(0, 59, before.minute, after.minute, 0, 30))
    return f"{minute} {hour} {draw(day_fields(before, after))}", zone, change


policies = st.sampled_from(POLICIES)


def compiles(expression: str) -> bool:
    try:
        parse_expression(expression)
        Cron.parse(expression)
    except CronNeverFires:
        return False
    return True


@settings(max_examples=400, deadline=None)
@given(around_changes(), policies, st.data())
def test_around_changes_it_fires_as_the_oracle_says(
    case: tuple[str, str, datetime], policy: DstPolicy, data: st.DataObject
):
    expression, zone, change = case
    assume(compiles(expression))
    assume(not change.second)
    schedule = Cron.parse(expression, zone, policy)
    first, last = change - 26 * HOUR, change + 26 * HOUR
    expected = cron_oracle.occurrences(expression, zone, policy, first, last)

    assert between(schedule, first - TICK, last) == expected
    assert back(schedule, last + TICK, first) == expected[::-1]
    one, other = sorted(data.draw(st.timedeltas(-26 * HOUR, 26 * HOUR)) for _ in range(2))
    begin, end = change + one, change + other
    inside = [occurrence for occurrence in expected if begin <= occurrence <= end]
    assert schedule.count(begin, end) == len(inside)
    assert schedule.count(first, last) == len(expected)


@st.composite
def around_changes_to_the_second(draw: st.DrawFn) -> tuple[str, str, datetime]:
    expression, zone, change = draw(around_changes())
    second = draw(fields(0, 59, 0, 30, 59))
    return f"{second} {expression}", zone, change


@settings(max_examples=60, deadline=None)
@example(("45 44 0 * * *", "Africa/Monrovia", at("1972-01-07T00:44:30Z")), "vixie")
@example(("15 30 0 * * *", "Africa/Monrovia", at("1972-01-07T00:44:30Z")), "vixie")
@example(("*/10 */5 * * * *", "Africa/Monrovia", at("1972-01-07T00:44:30Z")), "literal")
@given(around_changes_to_the_second(), policies)
def test_around_changes_it_fires_to_the_second_as_the_oracle_says(
    case: tuple[str, str, datetime], policy: DstPolicy
):
    expression, zone, change = case
    assume(compiles(expression))
    schedule = Cron.parse(expression, zone, policy)
    assume(abs(offset(zone, change) - offset(zone, change - SECOND)) <= 3 * HOUR)
    first, last = change - HOUR, change + 4 * HOUR
    expected = cron_oracle.occurrences(
        expression, zone, policy, first, last, step=SECOND, memory=4 * HOUR
    )

    assert between(schedule, first - TICK, last) == expected
    assert back(schedule, last + TICK, first) == expected[::-1]
    assert schedule.count(first, last) == len(expected)


def offset(zone: str, instant: datetime) -> timedelta:
    return instant.astimezone(zoneinfo.ZoneInfo(zone)).utcoffset() or timedelta()


@settings(max_examples=200, deadline=None)
@given(day_fields(), st.integers(2, 9998))
@example("29 2 *", 1900)
@example("29 2 *", 2000)
@example("31W 2 *", 2024)
@example("1W,LW * *", 2026)
def test_matching_days_are_the_oracles(days: str, year: int):
    expression = f"0 0 {days}"
    bits = matching_days(parse_expression(expression).day_rule)[YEAR_KIND[year]]
    first = datetime(year, 1, 1)  # noqa: DTZ001

    found = [first + n * DAY for n in range(366) if bits >> n & 1]
    expected = [
        first + n * DAY
        for n in range((first.replace(year=year + 1) - first).days)
        if cron_oracle.matches(expression, first + n * DAY)
    ]
    assert found == expected


def test_the_years_are_those_of_the_calendar():
    for year in range(1, 10_000):
        first = datetime(year, 1, 1, tzinfo=UTC)
        assert YEAR_START[year] == (first - EPOCH).days
        assert YEAR_KIND[year] // 2 == first.isoweekday() % 7
    assert YEAR_START[0] == YEAR_START[1] - 366
    assert YEAR_START[LAST_YEAR + 1] == YEAR_START[LAST_YEAR] + 366


def test_every_day_of_every_year_is_found():
    """The estimate of a day's year is corrected wherever it is wrong."""
    engine = compiled("0 0 * * *", "UTC", "literal")
    for year in range(1, LAST_YEAR + 1):
        for day in (YEAR_START[year] - 1, YEAR_START[year], YEAR_START[year] + 1):
            assert engine._first_local(day * 86_400) == day * 86_400
            assert engine._last_local(day * 86_400) == day * 86_400


expressions = st.builds(
    "{} {} {}".format, fields(0, 59), fields(0, 23), day_fields()
) | st.sampled_from(EXPRESSIONS)
zones = st.sampled_from(sorted(zoneinfo.available_timezones()))


@st.composite
def schedules(draw: st.DrawFn) -> Cron:
    expression = draw(expressions)
    assume(compiles(expression))
    return Cron.parse(expression, draw(zones), draw(policies))


anytime = instants(1, 9999) | instants(1900, 2100)


@given(schedules(), anytime)
def test_next_is_later_and_last_is_earlier_than_asked(schedule: Cron, instant: datetime):
    following, preceding = schedule.next_after(instant), schedule.last_before(instant)

    if following is not None:
        assert following > instant
        assert schedule.last_before(following + TICK) == following
        assert schedule.count(following, following) == 1
        assert schedule.count(instant + TICK, following) == 1
    if preceding is not None:
        assert preceding < instant
        assert schedule.next_after(preceding - TICK) == preceding
        assert schedule.count(preceding, instant - TICK) == 1


@given(schedules(), anytime, st.timedeltas(timedelta(), 400 * DAY))
def test_next_is_monotone(schedule: Cron, instant: datetime, later: timedelta):
    assume(instant.year < 9990)
    one, other = schedule.next_after(instant), schedule.next_after(instant + later)

    assert other is None or (one is not None and one <= other)


@given(schedules(), instants(1900, 2100), st.data())
def test_occurrences_between_are_the_sum_of_their_parts(
    schedule: Cron, a: datetime, data: st.DataObject
):
    following = schedule.next_after(a)
    reach = HOUR if following is None else max(HOUR, (following - a) * 20)
    b, c = sorted(a + data.draw(st.timedeltas(timedelta(), reach)) for _ in range(2))
    whole = between(schedule, a, c) if schedule.count(a, c) < 2000 else None
    parts = (schedule.count(a + TICK, b), schedule.count(b + TICK, c))

    assert schedule.count(a + TICK, c) == sum(parts)
    if whole is not None:
        assert between(schedule, a, b) + between(schedule, b, c) == whole
        assert len(whole) == sum(parts)
        assert back(schedule, c + TICK, a + TICK) == whole[::-1]


@given(schedules(), anytime, st.sampled_from([2, -7, 12]))
def test_the_instants_own_zone_does_not_matter(schedule: Cron, instant: datetime, hours: int):
    assume(2 < instant.year < 9998)
    elsewhere = instant.astimezone(zoneinfo.ZoneInfo(f"Etc/GMT{hours:+d}"))

    assert schedule.next_after(elsewhere) == schedule.next_after(instant)
    assert schedule.last_before(elsewhere) == schedule.last_before(instant)


@given(schedules())
def test_a_schedule_is_read_back_from_its_json(schedule: Cron):
    adapter = TypeAdapter(Cron)

    text = schedule.model_dump_json()
    assert json.loads(text).keys() == {"kind", "expression", "timezone", "dst_policy"}
    assert adapter.validate_json(text) == schedule


def upcoming(schedule: Cron, after: str, count: int) -> list[str]:
    found, instant = [], at(after)
    for _ in range(count):
        occurrence = schedule.next_after(instant)
        assert occurrence is not None
        found.append(occurrence.isoformat().replace("+00:00", "Z"))
        instant = occurrence
    return found


def test_leap_days():
    leap = Cron.parse("0 0 29 2 *")
    monday = Cron.parse("0 0 * 2 MON#5")
    sunday = Cron.parse("0 0 29 2 */7")

    assert upcoming(leap, "2096-02-29T00:00Z", 2) == [
        "2104-02-29T00:00:00Z",
        "2108-02-29T00:00:00Z",
    ]
    assert upcoming(monday, "2026-01-01T00:00Z", 3) == [
        "2044-02-29T00:00:00Z",
        "2072-02-29T00:00:00Z",
        "2112-02-29T00:00:00Z",
    ]
    assert upcoming(sunday, "2026-01-01T00:00Z", 2) == [
        "2032-02-29T00:00:00Z",
        "2060-02-29T00:00:00Z",
    ]
    assert leap.last_before(at("2104-02-29T00:00Z")) == at("2096-02-29T00:00Z")
    assert leap.count(at("2000-01-01T00:00Z"), at("2400-01-01T00:00Z")) == 97


def test_a_fire_after_the_gap_and_a_match_at_its_end_are_one():
    schedule = Cron.parse("0,30 2,3 * * *", "America/New_York")

    assert upcoming(schedule, "2026-03-08T05:00Z", 3) == [
        "2026-03-08T07:00:00Z",
        "2026-03-08T07:30:00Z",
        "2026-03-09T06:00:00Z",
    ]
    assert schedule.count(at("2026-03-08T07:00Z"), at("2026-03-08T07:00Z")) == 1


def test_a_gap_over_midnight_belongs_to_the_day_it_skips():
    """Nuuk: 23:00 on Saturday 28 March 2026 is already 00:00 on Sunday."""
    saturday = Cron.parse("30 23 * * SAT", "America/Nuuk")
    sunday = Cron.parse("30 23 * * SUN", "America/Nuuk")

    assert upcoming(saturday, "2026-03-28T12:00Z", 1) == ["2026-03-29T01:00:00Z"]
    assert upcoming(sunday, "2026-03-28T12:00Z", 1) == ["2026-03-30T00:30:00Z"]


def test_seconds_in_the_gap_fire_once_and_in_the_overlap_the_first_time():
    schedule = Cron.parse("*/20 59 1-2 * * *", "Europe/Berlin")

    assert upcoming(schedule, "2026-03-29T00:59:30Z", 2) == [
        "2026-03-29T00:59:40Z",
        "2026-03-29T01:00:00Z",
    ]
    assert upcoming(schedule, "2026-10-25T00:59:30Z", 2) == [
        "2026-10-25T00:59:40Z",
        "2026-10-26T00:59:00Z",
    ]


@pytest.mark.parametrize(
    ("zone", "after", "expected"),
    [
        # 24 hours skipped: what was due on the day that was not is not made up for.
        ("Pacific/Apia", "2011-12-29T12:00Z", ["2011-12-29T22:00Z", "2011-12-30T22:00Z"]),
        ("Pacific/Kwajalein", "1993-08-20T12:00Z", ["1993-08-21T00:00Z", "1993-08-22T00:00Z"]),
        # A day shown twice, when Alaska was sold: noon of 18 October comes twice.
        ("America/Sitka", "1867-10-17T00:00Z", None),
    ],
)
def test_a_large_shift_is_followed_as_the_clock_shows_it(
    zone: str, after: str, expected: list[str] | None
):
    vixie, literal = Cron.parse("0 12 * * *", zone), Cron.parse("0 12 * * *", zone, "literal")
    until = at(after) + 4 * DAY

    assert between(vixie, at(after), until) == between(literal, at(after), until)
    if expected is not None:
        assert between(vixie, at(after), until)[:2] == [at(text) for text in expected]


def test_three_hours_back_are_not_repeated_and_three_forward_not_made_up_for():
    """Casey, in Antarctica, has moved its clock by three hours both ways."""
    forward, backward = at("2018-10-06T20:00Z"), at("2018-03-10T17:00Z")
    twice, skipped = "30 1-3 * * *", "30 4-6 * * *"
    first, last = backward - 3 * HOUR, backward + 3 * HOUR

    assert Cron.parse(twice, "Antarctica/Casey").count(first, last) == 3
    assert Cron.parse(twice, "Antarctica/Casey", "literal").count(first, last) == 6
    assert Cron.parse(skipped, "Antarctica/Casey").count(forward, forward + DAY - HOUR) == 2


@pytest.mark.parametrize("expression", ["0 0 30 2 *", "0 0 31 4,6,9,11 *", "0 0 31W 2 *"])
def test_what_no_day_matches_never_fires(expression: str):
    with pytest.raises(CronNeverFires) as caught:
        Cron.parse(expression)

    assert (caught.value.field, caught.value.position) == ("day-of-month", 4)
    assert "never fires" in str(caught.value)


@pytest.mark.parametrize("expression", ["0 0 30 2 1", "0 0 31 2,3 *", "0 0 * 2 6#5"])
def test_what_some_day_matches_fires(expression: str):
    assert Cron.parse(expression).next_after(at("2026-01-01T00:00Z")) is not None


@pytest.mark.parametrize("policy", ["skip_once", "literal"])
def test_what_the_gaps_always_swallow_never_fires(policy: DstPolicy):
    """New York's gap is at 2:00 on the second Sunday of March for ever, since 2007."""
    schedule = Cron.parse("30 2 * 3 0#2", "America/New_York", policy)

    assert schedule.next_after(at("2026-01-01T00:00Z")) is None
    assert schedule.last_before(at("2026-01-01T00:00Z")) == at("2006-03-12T07:30Z")
    assert schedule.count(at("2026-01-01T00:00Z"), at("3026-01-01T00:00Z")) == 0


@pytest.mark.parametrize(
    ("expression", "zone"),
    [
        ("0 0 * 2 MON#5", "Africa/Casablanca"),
        ("59 59 23 29 2 */7", "Pacific/Chatham"),
        ("30 2 * 3 0#2", "America/New_York"),
        ("0 0 31W 1 *", "Antarctica/Troll"),
    ],
)
def test_no_expression_makes_a_search_long(expression: str, zone: str):
    """A hundred of each in a second: they take 5 to 500 µs, and a scan by day would not end."""
    schedule = Cron.parse(expression, zone, "literal")
    instant = at("2026-01-01T00:00Z")
    schedule.next_after(instant)
    schedule.last_before(instant)

    begun = perf_counter()
    for _ in range(100):
        schedule.next_after(instant)
        schedule.last_before(instant)
    assert perf_counter() - begun < 2


def test_counting_a_thousand_years_of_seconds_is_arithmetic():
    schedule = Cron.parse("* * * * * *", "Europe/Berlin", "literal")

    assert schedule.count(at("2000-01-01T00:00Z"), at("3000-01-01T00:00Z")) == (
        365_243 * 86_400 + 1
    )


@pytest.mark.parametrize("zone", ["UTC", "Pacific/Kiritimati", "Pacific/Pago_Pago"])
def test_the_ends_of_time(zone: str):
    schedule = Cron.parse("0 0 * * *", zone)
    first = datetime.min.replace(tzinfo=UTC)
    last = datetime.max.replace(tzinfo=UTC)

    assert schedule.last_before(first) is None
    assert schedule.next_after(last) is None
    beginning, end = schedule.next_after(first), schedule.last_before(last)
    assert beginning is not None
    assert beginning - first <= DAY
    assert end is not None
    assert last - end <= DAY
    assert schedule.count(first, last) in {3_652_058, 3_652_059}


def test_errors_come_as_they_are_or_as_pydantics():
    with pytest.raises(CronError):
        Cron.parse("* * *")
    with pytest.raises(UnknownZone):
        Cron.parse("* * * * *", "Mars/Olympus")
    with pytest.raises(ValidationError, match="hour: '25' is out of range"):
        Cron(expression="0 25 * * *")
    with pytest.raises(ValidationError):
        TypeAdapter(Cron).validate_json('{"kind":"cron","expression":"* * * * *","dst_policy":""}')


def test_an_expression_is_read_once():
    before = compiled.cache_info()
    schedule = Cron.parse("17 3 * * 2", "Europe/Oslo")
    Cron.parse("17 3 * * 2", "Europe/Oslo").next_after(EPOCH)
    schedule.next_after(EPOCH)

    assert compiled.cache_info().misses - before.misses <= 1


def test_a_changed_copy_is_another_schedule():
    berlin = Cron.parse("0 9 * * *", "Europe/Berlin")
    berlin.next_after(EPOCH)
    tokyo = berlin.model_copy(update={"timezone": "Asia/Tokyo"})

    assert tokyo.next_after(EPOCH) == datetime(1970, 1, 2, tzinfo=UTC)
