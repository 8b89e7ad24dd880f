"""The zones' changes of offset, held against ``zoneinfo`` in every zone."""

import zoneinfo
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.contracts.factories import instants
from trigger_contracts import local_time
from trigger_contracts.instants import UnknownZone
from trigger_contracts.local_time import ERA_BITS, LARGE_SHIFT, RULED_ERA, Reading, era
from trigger_contracts.zone_rules import DAY, YearlyRule, ZoneRules, zone_rules

ZONES = sorted(zoneinfo.available_timezones())
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
FIRST, LAST = -3_800_000_000, 17_000_000_000
"""Seconds since 1970: from 1849 to 2508."""


def offset(zone: str, at: int) -> int:
    local = (EPOCH + timedelta(seconds=at)).astimezone(zoneinfo.ZoneInfo(zone))
    shown = local.utcoffset()
    assert shown is not None
    return shown // timedelta(seconds=1)


@pytest.mark.parametrize("zone", ZONES)
def test_offsets_are_those_of_zoneinfo_around_every_change(zone: str):
    changes = zone_rules(zone).changes(FIRST, LAST)

    assert changes[0] == (FIRST, offset(zone, FIRST))
    for (_, before), (at, after) in pairwise(changes):
        assert before != after
        assert (offset(zone, at - 1), offset(zone, at)) == (before, after)


@given(st.sampled_from(ZONES), instants(1, 9999))
def test_offsets_are_those_of_zoneinfo_at_any_instant(zone: str, instant: datetime):
    at = (instant - EPOCH) // timedelta(seconds=1)

    assert zone_rules(zone).changes(at, at + 1)[0] == (at, offset(zone, at))


def test_changes_are_so_far_apart_that_each_concerns_its_neighbours_alone():
    for zone in ZONES:
        changes = [at for at, _ in zone_rules(zone).changes(-1 << 40, 1 << 34)][1:]
        gaps = [later - earlier for earlier, later in pairwise(changes)]
        assert min(gaps, default=4 * DAY) > 3 * DAY, zone


def test_every_zone_keeps_a_yearly_rule_from_the_era_that_says_so():
    last = max(at for zone in ZONES for at, _ in zone_rules(zone).listed)

    assert last >> ERA_BITS <= RULED_ERA


@pytest.mark.parametrize(
    ("rule", "year", "begin", "end"),
    [
        ("M3.5.0", 2026, "2026-03-29", "2026-03-29"),
        ("M2.5.0", 2032, "2032-02-29", "2032-02-29"),
        ("M2.5.0", 2027, "2027-02-28", "2027-02-28"),
        ("J60", 2027, "2027-03-01", "2027-03-01"),
        ("J60", 2028, "2028-03-01", "2028-03-01"),
        ("J59", 2028, "2028-02-28", "2028-02-28"),
        ("59", 2028, "2028-02-29", "2028-02-29"),
        ("0", 2028, "2028-01-01", "2028-01-01"),
    ],
)
def test_dates_of_a_yearly_rule(rule: str, year: int, begin: str, end: str):
    changes = YearlyRule(0, 0, rule, 0, rule, 0).changes(year)

    days = [(EPOCH + timedelta(seconds=at)).date().isoformat() for at, _ in changes]
    assert days == [end, begin]


@pytest.mark.parametrize("name", ["", "Mars/Olympus", "../etc/passwd", "America", "zone.tab"])
def test_what_is_no_zone_is_refused(name: str):
    with pytest.raises(UnknownZone):
        zone_rules(name)


@given(st.sampled_from(ZONES), st.sampled_from(Reading), st.integers(-59, 236))
def test_stretches_are_in_order_and_disjoint(zone: str, reading: Reading, number: int):
    starts, stretches = era(zone, reading, number)

    assert starts == tuple(stretch.start for stretch in stretches)
    assert number << ERA_BITS <= starts[0]
    assert stretches[-1].end == number + 1 << ERA_BITS
    for stretch in stretches:
        assert stretch.start < stretch.end
        assert stretch.gap <= stretch.start + stretch.offset
    for one, other in pairwise(stretches):
        assert one.end <= other.start
        if reading is Reading.EVERY_TIME:
            assert one.end == other.start


@given(st.sampled_from(ZONES), st.integers(-4, 8))
def test_once_each_is_every_local_second_once(zone: str, number: int):
    stretches = [
        *era(zone, Reading.ONCE_EACH, number).stretches,
        *era(zone, Reading.ONCE_EACH, number + 1).stretches,
    ]

    for one, other in pairwise(stretches):
        if abs(other.offset - one.offset) < LARGE_SHIFT:
            assert other.gap == one.end + one.offset


@pytest.mark.parametrize("shift", [-2 * 3600, -1800, 1800, 2 * 3600])
@pytest.mark.parametrize("away", range(-3 * 3600, 3 * 3600 + 1, 1800))
def test_a_change_about_the_border_of_two_eras_is_seen_once(
    monkeypatch: pytest.MonkeyPatch, shift: int, away: int
):
    """There is no such zone, so far."""
    border = 2 << ERA_BITS
    rules = ZoneRules(first_offset=0, listed=((border + away, shift),), rule=None)
    monkeypatch.setattr(local_time, "zone_rules", lambda _: rules)
    for reading in (Reading.ONCE_EACH, Reading.FIRST_TIME):
        # What is kept of the real zones is not asked.
        stretches = [
            stretch
            for number in (1, 2)
            for stretch in era.__wrapped__("Nowhere", reading, number).stretches
        ]
        skipped = max(shift, 0) if reading is Reading.FIRST_TIME else 0
        between = [other.gap - one.end - one.offset for one, other in pairwise(stretches)]
        assert sum(between) == skipped
        assert set(between) <= {0, skipped}
