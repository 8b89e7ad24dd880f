"""Cron schedules: the shared instants, and the rule by examples."""

import json
import pickle
from calendar import isleap
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from pydantic import TypeAdapter, ValidationError

from tests.support import cron_oracle
from tests.unit.contracts.cron_cases import EPOCH, MINUTE, POLICIES, at, back, between, schedules
from tests.unit.contracts.factories import DAY, HOUR, TICK
from trigger_contracts.cron import Cron, DstPolicy, compiled
from trigger_contracts.cron_parse import CronError, CronNeverFires
from trigger_contracts.instants import UnknownZone

VECTORS = json.loads((Path(__file__).parent / "data" / "dst_vectors.json").read_text())


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


@pytest.mark.parametrize("weekday", range(7))
def test_a_weekday_on_a_leap_day_comes_after_up_to_forty_years(weekday: int):
    """Nothing is rarer; two cycles of the calendar, in a zone that has years of its own."""
    schedule = Cron.parse(f"0 12 * 2 {weekday}#5", "Pacific/Chatham")
    leap_days = [date(year, 2, 29) for year in range(2000, 2800) if isleap(year)]
    expected = [day for day in leap_days if day.isoweekday() % 7 == weekday]
    first, last = at("2000-01-01T00:00Z"), at("2800-01-01T00:00Z")

    found = between(schedule, first, last)
    assert [instant.astimezone(ZoneInfo("Pacific/Chatham")).date() for instant in found] == expected
    assert back(schedule, last, first) == found[::-1]
    assert schedule.count(first, last) == len(expected)


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


@pytest.mark.parametrize("deep", [False, True])
def test_a_changed_copy_is_another_schedule(deep: object):
    berlin = Cron.parse("0 9 * * *", "Europe/Berlin")
    berlin.next_after(EPOCH)
    tokyo = berlin.model_copy(update={"timezone": "Asia/Tokyo"}, deep=bool(deep))

    assert tokyo.next_after(EPOCH) == datetime(1970, 1, 2, tzinfo=UTC)
    assert berlin.next_after(EPOCH) == datetime(1970, 1, 1, 8, tzinfo=UTC)


def test_a_schedule_that_was_asked_is_still_the_same_value():
    asked, fresh = Cron.parse("0 9 * * *"), Cron.parse("0 9 * * *")
    asked.next_after(EPOCH)

    assert asked == fresh
    assert hash(asked) == hash(fresh)
    assert asked.model_dump_json() == fresh.model_dump_json()
    assert pickle.loads(pickle.dumps(asked)).next_after(EPOCH) == fresh.next_after(EPOCH)
