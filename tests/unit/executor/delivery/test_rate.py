"""The rate limit against a list of all starts: exact, over owners that give back or die."""

from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from trigger_executor.domain.delivery.rate import (
    EXACT_UP_TO,
    LEEWAY,
    STORED_MARKS,
    RateLimit,
    RateRecord,
    RateWindow,
)

NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
COUNTS = SECOND + LEEWAY
LEASE = timedelta(seconds=5)


class Owners:
    """One replica after the other serves a target, and all starts are written down."""

    def __init__(self, limit: RateLimit) -> None:
        self.limit = limit
        self.now = NOON
        self.stored = RateRecord()
        self.starts: list[datetime] = []
        self.window = RateWindow.taken_over(limit, self.stored, NOON)
        self.store()

    def store(self) -> None:
        self.stored = self.window.reserve(self.now)
        self.window.reserved_by(self.stored, started_since=0)

    def start_all(self, wanted: int) -> int:
        count = min(wanted, self.window.free(self.now))
        for _ in range(count):
            self.window.let_begin()
            self.window.began(self.now)
            self.starts.append(self.now)
        return count

    def hand_over(self) -> None:
        self.stored = self.window.given_back(self.now)
        self.window = RateWindow.taken_over(self.limit, self.stored, self.now)
        self.store()

    def die(self) -> None:
        """Its lease runs out at the latest instant at which it can have started anything."""
        self.now += LEASE
        self.window = RateWindow.taken_over(self.limit, self.stored, self.now)
        self.store()

    def most_in_a_span(self) -> int:
        span = self.limit.span
        return max(
            (sum(1 for other in self.starts if start <= other < start + span))
            for start in self.starts or [NOON]
        )


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("wait"), st.integers(0, 4000)),
        st.tuples(st.just("start"), st.integers(1, 12)),
        st.tuples(st.sampled_from(["store", "hand over", "die"]), st.just(0)),
    ),
    max_size=60,
)


@given(count=st.integers(1, 9), per=st.sampled_from(["1s", "1m", "1h"]), steps=STEPS)
@settings(max_examples=150, deadline=None)
def test_no_span_has_more_starts_than_the_limit_whoever_served(count, per, steps):
    owners = Owners(RateLimit(count, per))
    scale = {"1s": 1, "1m": 40, "1h": 2000}[per]

    for step, size in steps:
        match step:
            case "wait":
                owners.now += timedelta(milliseconds=size * scale)
            case "start":
                owners.start_all(size)
            case "store":
                owners.store()
            case "hand over":
                owners.hand_over()
            case "die":
                owners.die()

    assert owners.most_in_a_span() <= count


@given(
    count=st.integers(1, 9),
    waits=st.lists(st.tuples(st.integers(0, 700), st.integers(0, 4)), max_size=40),
)
@settings(max_examples=100, deadline=None)
def test_while_one_replica_serves_the_limit_is_used_to_its_last(count, waits):
    owners = Owners(RateLimit(count, "1s"))

    for milliseconds, wanted in waits:
        owners.now += timedelta(milliseconds=milliseconds)
        owners.store()
        recent = [start for start in owners.starts if start > owners.now - COUNTS]
        assert owners.window.free(owners.now) == count - len(recent)
        owners.start_all(wanted)


@given(count=st.integers(1, 6), waits=st.lists(st.integers(0, 700), max_size=20))
@settings(max_examples=60, deadline=None)
def test_next_free_is_the_first_instant_at_which_one_may_start(count, waits):
    owners = Owners(RateLimit(count, "1s"))

    for milliseconds in waits:
        owners.now += timedelta(milliseconds=milliseconds)
        owners.start_all(1)
        at = owners.window.next_free(owners.now)
        recent = [start for start in owners.starts if start > owners.now - COUNTS]
        assert at == (owners.now if len(recent) < count else recent[-count] + COUNTS)


def test_a_crash_costs_what_was_reserved_and_no_more():
    owners = Owners(RateLimit(1000, "1h"))
    owners.start_all(10)

    owners.die()

    assert owners.window.limit.count - owners.window.used == 1000 - 50
    assert owners.window.free(owners.now) == 50


def test_without_a_reservation_nothing_starts_and_it_is_asked_for():
    window = RateWindow.taken_over(RateLimit(5, "1s"), RateRecord(), NOON)

    assert window.free(NOON) == 0
    assert window.needs_reservation(NOON)

    window.reserved_by(window.reserve(NOON), started_since=0)

    assert window.free(NOON) == 5
    assert not window.needs_reservation(NOON)


def test_what_began_while_a_reservation_was_stored_is_taken_off_it():
    window = RateWindow.taken_over(RateLimit(100, "1m"), RateRecord(), NOON)
    window.reserved_by(RateRecord(reserved=25), started_since=0)
    record = window.reserve(NOON)
    for _ in range(7):
        window.let_begin()
        window.began(NOON)

    window.reserved_by(record, started_since=7)

    assert window.free(NOON) == 18


def test_a_high_limit_is_remembered_in_few_marks_and_never_exceeded():
    limit = RateLimit(100_000, "1m")
    owners = Owners(limit)
    for _ in range(3000):
        owners.now += timedelta(milliseconds=1)
        owners.start_all(1)
        owners.store()

    assert sum(mark.count for mark in owners.window.marks) == 3000
    assert len(owners.window.marks) <= EXACT_UP_TO
    assert all(mark.count <= 61 for mark in owners.window.marks)


def test_few_marks_are_stored_and_none_is_earlier_than_it_was():
    owners = Owners(RateLimit(500, "1m"))
    for _ in range(500):
        owners.now += timedelta(milliseconds=110)
        owners.start_all(1)
        owners.store()

    stored = owners.window.given_back(owners.now)

    assert len(stored.marks) <= STORED_MARKS + 1
    assert sum(mark.count for mark in stored.marks) == 500
    began = sorted(owners.starts)
    place = 0
    for mark in stored.marks:
        place += mark.count
        assert mark.at == began[place - 1]


def test_what_is_about_to_begin_counts_and_counts_from_when_it_began():
    owners = Owners(RateLimit(1, "1s"))
    owners.window.let_begin()
    assert owners.window.free(NOON) == 0

    owners.window.began(NOON + 0.1 * SECOND)

    assert owners.window.free(NOON + COUNTS) == 0
    assert owners.window.next_free(NOON + COUNTS) == NOON + 0.1 * SECOND + COUNTS


def test_what_was_about_to_begin_and_did_not_leaves_its_place():
    owners = Owners(RateLimit(1, "1s"))
    owners.window.let_begin()
    owners.window.given_up()
    owners.store()

    assert owners.window.free(NOON) == 1


def test_another_limit_counts_what_began_under_the_old_one():
    owners = Owners(RateLimit(5, "1s"))
    owners.start_all(5)

    window = owners.window.changed(RateLimit(6, "1m"))
    window.reserved_by(window.reserve(NOON), started_since=0)

    assert window.free(NOON) == 1
    assert window.free(NOON + 2 * SECOND) == 1
    assert window.next_free(NOON) == NOON


def test_a_clock_that_was_set_back_lets_nothing_start_early():
    owners = Owners(RateLimit(1, "1s"))
    owners.now += 10 * SECOND
    owners.start_all(1)
    owners.now -= 5 * SECOND

    assert owners.window.free(owners.now) == 0
