"""The estimate of the clock of record: never ahead of it, whatever the clock does."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.scheduler.factories import HOUR, MINUTE, NOON, SECOND
from trigger_runtime.process.record_clock import ClockOfRecord


class World:
    """A process's monotonic clock and PostgreSQL's, as a test moves them."""

    def __init__(self, offset: timedelta = timedelta()) -> None:
        self.seconds = 1000.0
        self.offset = offset
        self.clock = ClockOfRecord(lambda: self.seconds)

    @property
    def true_now(self):
        return NOON + self.offset + timedelta(seconds=self.seconds)

    def look(self, going: float, returning: float) -> None:
        """A look takes ``going`` seconds to the database and ``returning`` back."""
        sent = self.clock.monotonic()
        self.seconds += going
        read_at = self.true_now
        self.seconds += returning
        self.clock.observe(read_at, sent, self.clock.monotonic())


def test_before_the_first_look_there_is_no_time():
    with pytest.raises(RuntimeError):
        World().clock.now()


def test_after_a_look_the_estimate_is_behind_by_the_way_back():
    world = World()

    world.look(going=0.010, returning=0.002)

    assert world.true_now - world.clock.now() == pytest.approx(
        timedelta(milliseconds=2), abs=timedelta(microseconds=2)
    )


def test_between_looks_it_goes_on():
    world = World()
    world.look(0.001, 0.001)
    before = world.clock.now()

    world.seconds += 60

    assert world.clock.now() - before == MINUTE


def test_a_slow_look_does_not_spoil_a_good_estimate():
    world = World()
    world.look(0.001, 0.001)

    world.look(0.5, 5.0)

    assert world.true_now - world.clock.now() < timedelta(milliseconds=2)


def test_a_better_look_improves_it():
    world = World()
    world.look(0.5, 5.0)
    assert world.true_now - world.clock.now() > 4 * SECOND

    world.look(0.001, 0.001)

    assert world.true_now - world.clock.now() < timedelta(milliseconds=2)


@pytest.mark.parametrize("jump", [HOUR, -HOUR, SECOND, -SECOND, timedelta(days=400)])
def test_a_clock_that_was_set_is_followed(jump: timedelta):
    world = World()
    world.look(0.001, 0.001)

    world.offset += jump
    world.look(0.001, 0.001)

    assert timedelta() <= world.true_now - world.clock.now() < timedelta(milliseconds=2)


latency = st.floats(0, 2).map(lambda seconds: round(seconds, 6))
looks = st.tuples(
    latency,
    latency,
    st.floats(0, 100).map(lambda seconds: round(seconds, 6)),
    st.just(timedelta()) | st.timedeltas(timedelta(seconds=-100), timedelta(seconds=100)),
)


@given(st.lists(looks, min_size=1, max_size=20))
def test_after_any_look_the_estimate_is_not_ahead_and_behind_by_a_round_trip_at_most(history):
    """Set back by less than looks take, it is ahead as much; else only rounding is forgiven."""
    rounding = timedelta(microseconds=2)
    world = World()
    was_set = False
    for going, returning, pause, jump in history:
        world.offset += jump
        was_set = was_set or jump != timedelta()
        world.look(going, returning)
        behind = world.true_now - world.clock.now()
        assert behind <= timedelta(seconds=going + returning) + rounding
        ahead_allowed = timedelta(seconds=going + returning) if was_set else timedelta()
        assert behind >= -ahead_allowed - rounding
        world.seconds += pause


@given(st.lists(st.tuples(latency, latency), min_size=1, max_size=20))
def test_while_nobody_sets_the_clock_the_estimate_never_goes_back_nor_ahead(history):
    world = World()
    before = None
    for going, returning in history:
        world.look(going, returning)
        now = world.clock.now()
        assert before is None or now >= before
        assert now <= world.true_now + timedelta(microseconds=2)
        before = now
