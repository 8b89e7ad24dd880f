"""Previews: each occurrence and each change of the clock says what becomes of whom."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.contracts.factories import HOUR, NOON, TICK, fields
from trigger_contracts.cron import Cron
from trigger_contracts.definition import parse_definition
from trigger_contracts.instants import zone
from trigger_contracts.preview import Dst, Effect, Preview, preview
from trigger_contracts.schedule import Interval, Limited, Once, upcoming
from trigger_contracts.schedule_fields import schedule_of, written_locally

SPRING = datetime(2026, 3, 8, 5, tzinfo=UTC)
"""Midnight in New York, two hours before its clock goes from 02:00 to 03:00."""
AUTUMN = datetime(2026, 11, 1, 4, tzinfo=UTC)
"""Midnight, two hours before its clock goes from 02:00 to 01:00."""
ZONE = "America/New_York"


def day(expression: str, policy: str, begin: datetime) -> Preview:
    schedule = Cron.parse(expression, ZONE, policy)
    return preview(schedule, ZONE, begin - TICK, until=begin + 6 * HOUR, count=1000)


def told(found: Preview) -> list[tuple[str, str | None]]:
    return [(f"{one.local:%H:%M%z}", one.dst and one.dst.value) for one in found.occurrences]


@pytest.mark.parametrize(
    ("expression", "policy", "occurrences", "effect"),
    [
        ("30 2 * * *", "vixie", [("03:00-0400", "shifted")], "shifted"),
        ("30 2 * * *", "skip_once", [], "skipped"),
        ("30 2 * * *", "literal", [], "skipped"),
        ("0 1-3 * * *", "vixie", [("01:00-0500", None), ("03:00-0400", None)], "shifted"),
        ("30 * * * *", "vixie", [("00:30-0500", None), ("01:30-0500", None)], "skipped"),
    ],
)
def test_in_a_gap(expression: str, policy: str, occurrences: list[object], effect: str):
    found = day(expression, policy, SPRING)

    assert told(found)[:2] == occurrences
    (change,) = found.clock_changes
    assert change.effect == Effect(effect)
    assert change.at == SPRING + 2 * HOUR
    assert change.local_before == datetime(2026, 3, 8, 2)  # noqa: DTZ001 - what a clock shows
    assert change.local_after == datetime(2026, 3, 8, 3)  # noqa: DTZ001
    assert change.matched == 1


@pytest.mark.parametrize(
    ("expression", "policy", "occurrences", "effect"),
    [
        ("30 1 * * *", "vixie", [("01:30-0400", None)], "once"),
        ("30 1 * * *", "skip_once", [("01:30-0400", None)], "once"),
        (
            "30 1 * * *",
            "literal",
            [("01:30-0400", "doubled"), ("01:30-0500", "doubled")],
            "doubled",
        ),
        ("30 */23 * * *", "vixie", [("00:30-0400", None)], None),
        ("0 */1 * * *", "skip_once", [("00:00-0400", None), ("01:00-0400", None)], "once"),
        ("0 */1 * * *", "vixie", [("00:00-0400", None), ("01:00-0400", "doubled")], "doubled"),
    ],
)
def test_in_an_overlap(expression: str, policy: str, occurrences: list[object], effect: str | None):
    found = day(expression, policy, AUTUMN)

    assert told(found)[:2] == occurrences
    assert [change.effect.value for change in found.clock_changes] == ([effect] if effect else [])


def test_a_change_that_concerns_nobody_is_not_told_of():
    assert day("0 12 * * *", "vixie", SPRING).clock_changes == ()
    assert preview(Interval(anchor=SPRING, every=HOUR), ZONE, SPRING, count=9).clock_changes == ()


def test_a_change_on_an_excluded_date_is_not_told_of():
    excluded = Limited(
        rule=Cron.parse("30 2 * * *", ZONE),
        exclude=((SPRING.date(), SPRING.date()),),
        timezone=ZONE,
    )

    found = preview(excluded, ZONE, SPRING - HOUR, count=2)

    assert [one.local.day for one in found.occurrences] == [9, 10]
    assert found.clock_changes == ()


def test_a_one_time_schedule_written_for_a_skipped_time_is_shifted():
    definition = parse_definition(fields(schedule_time="2027-03-14T02:30:00", timezone=ZONE))
    schedule = schedule_of(definition, NOON)
    assert isinstance(schedule, Once)

    (one,) = preview(schedule, ZONE, NOON, count=5, written=written_locally(definition)).occurrences

    assert (one.scheduled_for, one.dst) == (datetime(2027, 3, 14, 7, tzinfo=UTC), Dst.SHIFTED)
    assert written_locally(parse_definition(fields())) is None
    assert written_locally(parse_definition(fields(interval=5))) is None


def test_jitter_does_not_hide_what_the_clock_does():
    schedule = Limited(rule=Cron.parse("30 2 * * *", ZONE), shift=timedelta(seconds=7))

    (one,) = preview(schedule, ZONE, SPRING, count=1).occurrences

    assert (one.scheduled_for, one.dst) == (
        SPRING + 2 * HOUR + timedelta(seconds=7),
        Dst.SHIFTED,
    )


@pytest.mark.parametrize(("count", "shown", "more"), [(1, 1, True), (3, 3, False), (9, 3, False)])
def test_until_is_included_and_more_says_that_it_goes_on(count: int, shown: int, more: bool):  # noqa: FBT001
    every_hour = Interval(anchor=NOON, every=HOUR)

    found = preview(every_hour, "UTC", NOON, count=count, until=NOON + 3 * HOUR)

    assert len(found.occurrences) == shown
    assert found.more == more


def test_of_a_limited_schedule_what_is_left_is_shown():
    schedule = Limited(rule=Interval(anchor=NOON, every=HOUR), max_fires=3)

    assert [
        len(preview(schedule, "UTC", NOON, count=9, fires=n).occurrences) for n in range(5)
    ] == [*(3, 2, 1, 0, 0)]
    assert not preview(schedule, "UTC", NOON, count=3).more
    assert preview(schedule, "UTC", NOON, count=2).more


def test_centuries_of_a_rare_schedule_tell_of_few_changes():
    found = preview(Cron.parse("30 2 8-14 3 *", ZONE), ZONE, SPRING, count=1000)

    assert len(found.occurrences) == 1000
    assert 1 <= len(found.clock_changes) <= 11


@settings(deadline=None, max_examples=60)
@given(
    st.sampled_from(["30 2 * * *", "0,30 1-3 * * *", "*/20 * * * *", "15 0 * * *", "7 */2 * * *"]),
    st.sampled_from(
        [ZONE, "Europe/Berlin", "Australia/Lord_Howe", "Africa/Cairo", "America/Santiago"]
    ),
    st.sampled_from(["vixie", "skip_once", "literal"]),
    st.integers(0, 365),
)
def test_flags_and_changes_agree_with_what_fires(
    expression: str, name: str, policy: str, days: int
):
    """Told apart by the clock alone: shifted is what no wildcard of the expression matches."""
    schedule = Cron.parse(expression, name, policy)
    literal = Cron.parse(expression, name, "literal")
    begin = NOON + timedelta(days=days)

    found = preview(schedule, name, begin, count=1000, until=begin + timedelta(days=9))

    assert [one.scheduled_for for one in found.occurrences] == upcoming(
        schedule, begin, len(found.occurrences)
    )
    for one in found.occurrences:
        assert one.local == one.scheduled_for
        assert one.local.utcoffset() == one.scheduled_for.astimezone(zone(name)).utcoffset()
        matches = literal.next_after(one.scheduled_for - TICK) == one.scheduled_for
        assert (one.dst is Dst.SHIFTED) == (not matches)
    wall = [one.local.replace(tzinfo=None) for one in found.occurrences]
    for one, shown in zip(found.occurrences, wall, strict=True):
        assert (one.dst is Dst.DOUBLED) == (wall.count(shown) == 2) or not (
            begin + 2 * HOUR < one.scheduled_for < begin + timedelta(days=9) - 2 * HOUR
        )
    effects = {change.effect for change in found.clock_changes}
    assert (Dst.SHIFTED in {one.dst for one in found.occurrences}) <= (Effect.SHIFTED in effects)
