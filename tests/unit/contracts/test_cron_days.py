"""Days that match, and the calendar they stand in, held against the oracle and ``datetime``."""

from datetime import UTC, datetime

from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.support import cron_oracle
from tests.unit.contracts.cron_cases import EPOCH, day_fields
from tests.unit.contracts.factories import DAY
from trigger_contracts.cron import compiled
from trigger_contracts.cron_days import LAST_YEAR, YEAR_KIND, YEAR_START, matching_days
from trigger_contracts.cron_parse import parse_expression


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
