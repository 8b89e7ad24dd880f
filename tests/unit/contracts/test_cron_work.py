"""No expression, zone or instant makes the engine work long: lines executed are counted.

A line takes 0.05 to 0.1 µs. The bounds are some three times what the worst known case takes,
and far less than a look at every day or at every occurrence would take.
"""

import tracemalloc
from collections.abc import Callable, Iterator
from datetime import datetime

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import trigger_contracts
from tests.support.work import lines_executed
from tests.unit.contracts.cron_cases import (
    POLICIES,
    ZONES_WITH_CHANGES,
    at,
    schedules,
)
from tests.unit.contracts.factories import instants
from trigger_contracts.cron import Cron, DstPolicy, compiled
from trigger_contracts.cron_days import matching_days
from trigger_contracts.cron_parse import MAX_LENGTH, CronError
from trigger_contracts.local_time import era
from trigger_contracts.zone_rules import zone_rules

CACHES = (compiled, matching_days, era, zone_rules)
NOW = at("2026-01-01T00:00Z")

TO_PARSE = 100_000
"""Lines to read a new expression, and to lay out its days: about 5 ms."""

TO_SEARCH = 200_000
"""Lines of a search that finds nothing for ever, in a zone that was never asked about."""

TO_SEARCH_AGAIN = 60_000
"""The same in a zone whose changes are known, as they are after the first search."""

TO_FIND = 5_000
"""Lines of a search that finds something, however far ahead."""

EVERY_VALUE = " ".join(
    ",".join(str(n) for n in range(low, high + 1))
    for low, high in ((0, 59), (0, 59), (0, 23), (1, 31), (1, 12), (0, 7))
)
EVERY_FORM = " ".join(
    (
        ",".join(["0"] * 31),
        ",".join(str(n) for n in range(0, 60, 2)),
        "*",
        ",".join(f"{n}W" for n in range(1, 32)) + ",LW,L",
        "*",
        ",".join(f"{d}#{n}" for d in range(7) for n in range(1, 6)) + ",SUNL",
    )
)
STARS = ",".join(["*"] * 290) + " * * * *"
SWALLOWED = (
    ("30 2 * 3 0#2", "America/New_York", "literal"),
    ("59 59 2 * 3 0L", "Europe/Berlin", "skip_once"),
    ("15 2 * 10 7#1", "Australia/Lord_Howe", "literal"),
    ("*/5 0 * 4 5L", "Africa/Cairo", "vixie"),
)
RARE = (
    ("0 0 * 2 MON#5", "Africa/Casablanca", "literal"),
    ("59 59 23 29 2 */7", "Pacific/Chatham", "vixie"),
    ("0 0 0 31W 1 *", "Antarctica/Troll", "skip_once"),
    (EVERY_VALUE, "Asia/Gaza", "vixie"),
    (EVERY_FORM, "Atlantic/Azores", "skip_once"),
    (STARS, "America/Havana", "vixie"),
)


@pytest.fixture(autouse=True)
def _nothing_is_known() -> Iterator[None]:
    forget()
    yield
    forget()


def forget() -> None:
    for cache in CACHES:
        cache.cache_clear()


def lines(call: Callable[[], object]) -> int:
    return lines_executed(trigger_contracts, call)


@pytest.mark.parametrize(("expression", "zone", "policy"), [*SWALLOWED, *RARE])
def test_reading_is_bounded(expression: str, zone: str, policy: DstPolicy):
    assert len(expression) <= MAX_LENGTH
    assert lines(lambda: Cron.parse(expression, zone, policy)) < TO_PARSE


@settings(max_examples=50, deadline=None)
@given(st.text("0123456789*,-/#?LWMON \t@", max_size=700))
@example("*/1," * 149 + "* * * * *")
@example("0-59," * 118 + "0 0 * * *")
@example("0 0 " + "1-31," * 117 + "1 * *")
@example("0 0 * * " + "0#1," * 147 + "0")
@example("9" * 600)
def test_reading_what_makes_no_sense_is_bounded(text: str):
    forget()

    def read() -> None:
        try:
            Cron.parse(text)
        except CronError:
            return

    assert lines(read) < TO_PARSE


@pytest.mark.parametrize(("expression", "zone", "policy"), SWALLOWED)
@pytest.mark.parametrize("instant", [NOW, at("0001-01-02T00:00Z"), at("9000-01-01T00:00Z")])
def test_a_search_that_gaps_always_disappoint_is_bounded(
    expression: str, zone: str, policy: DstPolicy, instant: datetime
):
    schedule = Cron.parse(expression, zone, policy)
    if instant >= NOW:
        assert schedule.next_after(instant) is None
    forget()

    assert lines(lambda: schedule.next_after(instant)) < TO_SEARCH
    assert lines(lambda: schedule.next_after(instant)) < TO_SEARCH_AGAIN


@pytest.mark.parametrize(("expression", "zone", "policy"), RARE)
@pytest.mark.parametrize("instant", [NOW, at("0001-01-02T00:00Z"), at("9000-01-01T00:00Z")])
def test_a_search_for_what_is_rare_is_bounded(
    expression: str, zone: str, policy: DstPolicy, instant: datetime
):
    schedule = Cron.parse(expression, zone, policy)
    schedule.next_after(instant)
    schedule.last_before(instant)

    assert lines(lambda: schedule.next_after(instant)) < TO_FIND
    assert lines(lambda: schedule.last_before(instant)) < TO_FIND


@settings(max_examples=150, deadline=None)
@given(schedules(), instants(1, 9990))
def test_a_search_is_bounded(schedule: Cron, instant: datetime):
    found = schedule.next_after(instant)

    assert lines(lambda: schedule.next_after(instant)) < (
        TO_SEARCH_AGAIN if found is None else TO_FIND
    )


@pytest.mark.parametrize(("expression", "zone", "policy"), [*SWALLOWED, *RARE])
def test_a_count_goes_by_years_and_not_by_occurrences(
    expression: str, zone: str, policy: DstPolicy
):
    schedule = Cron.parse(expression, zone, policy)
    end = at("2126-01-01T00:00Z")
    schedule.count(NOW, end)

    assert lines(lambda: schedule.count(NOW, end)) < 50_000


def test_counting_a_thousand_years_of_seconds_is_arithmetic():
    schedule = Cron.parse("* * * * * *", "Europe/Berlin", "literal")

    assert schedule.count(at("2000-01-01T00:00Z"), at("3000-01-01T00:00Z")) == (
        365_243 * 86_400 + 1
    )


def test_thousands_of_expressions_cost_the_same_each_and_are_not_all_kept():
    """Each has a day rule of its own too, so that nothing is found ready."""

    def ask(n: int) -> None:
        days = ",".join(str(day + 1) for day in range(15) if n + 1 >> day & 1)
        zone = ZONES_WITH_CHANGES[n % len(ZONES_WITH_CHANGES)]
        schedule = Cron.parse(f"{n % 60} {n % 24} {days} * *", zone, POLICIES[n % 3])
        assert schedule.next_after(NOW) is not None

    for n in range(5_000):
        ask(n)
    for cache in CACHES:
        info = cache.cache_info()
        assert info.maxsize is not None
        assert info.currsize <= info.maxsize
    assert matching_days.cache_info().currsize < 5_000
    assert max(lines(lambda n=n: ask(n)) for n in range(5_000, 5_300)) < TO_PARSE


def test_an_expression_kept_is_small():
    """20,000 of them, with day rules of their own as none but a hostile client has: 60 MB."""
    expressions = [f"{n % 60} 0 {n // 60 + 1}W * {n % 7}" for n in range(1_000)]
    zone_rules("UTC")

    tracemalloc.start()
    try:
        for expression in expressions:
            compiled(expression, "UTC", "vixie")
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert held / len(expressions) < 3_000


def test_the_count_of_lines_sees_a_loop():
    """Of the counter itself: twice as many years are about twice as many lines."""
    schedule = Cron.parse("0 0 29 2 *")
    one, two = (
        lines(lambda end=end: schedule.count(NOW, at(end)))
        for end in ("2126-01-01T00:00Z", "2226-01-01T00:00Z")
    )

    assert 1.5 < two / one < 2.5
