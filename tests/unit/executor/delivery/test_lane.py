"""The lane against a naive model: a history of what happened, looked through each time."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trigger_executor.domain.delivery.breaker import CLOSED, open_for
from trigger_executor.domain.delivery.lane import (
    AttemptEffect,
    Lane,
    LaneLimits,
    LaneRecord,
    Standing,
    Wait,
)
from trigger_executor.domain.delivery.rate import LEEWAY, Mark, RateLimit, RateRecord

NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
HOUR = timedelta(hours=1)
DRAW = 0.5


def a_lane(
    concurrency: int = 10, rate: RateLimit | None = None, record: LaneRecord | None = None
) -> Lane:
    limits = LaneLimits(1, concurrency, rate)
    lane = Lane.taken_over("target", limits, record or LaneRecord(), NOON, others_until=NOON)
    if lane.rate is not None:
        lane.rate.reserved_by(lane.rate.reserve(NOON), started_since=0)
    return lane


def after(lane: Lane, *effects: AttemptEffect, now: datetime = NOON) -> Lane:
    """The lane after attempts one after the other, each with an effect."""
    for number, effect in enumerate(effects):
        lane.started(f"delivery {number}", now)
        lane.began(f"delivery {number}", now)
        lane.ended(f"delivery {number}", effect, now, DRAW)
    return lane


# The naive model


@dataclass
class Naive:
    """All that happened to a lane, and what follows from it, worked out from the beginning."""

    concurrency: int
    events: list = field(default_factory=list)

    def state(self) -> tuple[int, int, datetime | None, datetime | None]:
        """Places, attempts in flight, when the breaker lets one through, and the pause's end."""
        places = min(2, self.concurrency)
        flying: dict[str, bool] = {}
        failures = openings = 0
        opened: datetime | None = None
        paused: datetime | None = None
        for what, at, one, effect, retry_after in self.events:
            if what == "start":
                flying[one] = opened is not None
            elif what == "edit":
                opened = None if opened is None else min(opened, at)
            else:
                is_probe = flying.pop(one)
                if effect is AttemptEffect.UNJUDGED:
                    continue
                if effect is AttemptEffect.DELIVERED:
                    places = min(places + 1, self.concurrency) if opened is None else min(places, 2)
                    failures, openings, opened = 0, 0, None
                elif effect is AttemptEffect.GONE:
                    failures, openings, opened = failures + 1, openings + 1, at + HOUR
                else:
                    failures += 1
                    if is_probe or (opened is None and failures >= 5):
                        openings += 1
                        opened = at + open_for(openings, DRAW)
                    if effect is AttemptEffect.OVERLOADED:
                        places = max(1, places // 2)
                if retry_after is not None:
                    until = at + min(retry_after, HOUR)
                    paused = until if paused is None else max(paused, until)
        return places, len(flying), opened, paused

    def free(self, now: datetime) -> int:
        places, flying, opened, paused = self.state()
        if paused is not None and now < paused:
            return 0
        if opened is not None:
            return int(now >= opened and flying == 0)
        return max(0, places - flying)


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("wait"), st.integers(1, 400)),
        st.tuples(st.just("start"), st.integers(1, 4)),
        st.tuples(st.just("end"), st.sampled_from(list(AttemptEffect))),
        st.tuples(st.just("end"), st.just(AttemptEffect.OVERLOADED)),
        st.tuples(st.just("ask to wait"), st.integers(0, 9000)),
        st.tuples(st.just("edit"), st.just(0)),
    ),
    max_size=50,
)


@given(concurrency=st.integers(1, 6), steps=STEPS)
@settings(max_examples=250, deadline=None)
def test_it_lets_start_what_its_history_says(concurrency, steps):
    lane, naive = a_lane(concurrency), Naive(concurrency)
    now = NOON
    flying: list[str] = []
    version = 1

    for number, (step, detail) in enumerate(steps):
        match step:
            case "wait":
                now += detail * SECOND
            case "start":
                for place in range(min(detail, lane.free(now))):
                    one = f"{number}.{place}"
                    lane.started(one, now)
                    naive.events.append(("start", now, one, None, None))
                    flying.append(one)
            case "end" if flying:
                one = flying.pop(0)
                lane.ended(one, detail, now, DRAW)
                naive.events.append(("end", now, one, detail, None))
            case "ask to wait" if flying:
                one = flying.pop()
                asked = detail * SECOND
                lane.ended(one, AttemptEffect.FAILED, now, DRAW, retry_after=asked)
                naive.events.append(("end", now, one, AttemptEffect.FAILED, asked))
            case "edit":
                version += 1
                lane.edited(LaneLimits(version, concurrency), now)
                naive.events.append(("edit", now, None, None, None))
        assert lane.free(now) == naive.free(now)
        assert len(lane.in_flight) <= concurrency
        opens_at = lane.opens_at(now)
        if opens_at is None:
            assert naive.free(now + 2 * HOUR) == 0
        else:
            assert naive.free(opens_at) > 0
            assert opens_at == now or naive.free(opens_at - timedelta(microseconds=1)) == 0


# Each rule by its name


def test_it_starts_with_two_and_gains_a_place_by_each_success_up_to_its_concurrency():
    lane = a_lane(concurrency=4)

    assert lane.free(NOON) == 2
    assert [after(lane, AttemptEffect.DELIVERED).free(NOON) for _ in range(4)] == [3, 4, 4, 4]


def test_a_target_that_takes_one_at_a_time_is_given_one():
    assert after(a_lane(concurrency=1), AttemptEffect.DELIVERED).free(NOON) == 1


def test_a_timeout_a_5xx_and_a_failed_connection_halve_its_places_and_one_is_left():
    lane = after(a_lane(), *[AttemptEffect.DELIVERED] * 8)

    free = [after(lane, AttemptEffect.OVERLOADED).free(NOON) for _ in range(4)]

    assert free == [5, 2, 1, 1]


def test_an_answer_that_refuses_leaves_its_places():
    lane = after(a_lane(), AttemptEffect.DELIVERED, AttemptEffect.FAILED)

    assert lane.free(NOON) == 3


def test_half_open_it_lets_one_through_and_only_after_all_came_back():
    lane = after(a_lane(), AttemptEffect.DELIVERED)
    lane.started("slow", NOON)
    after(lane, *[AttemptEffect.FAILED] * 5)
    then = NOON + 11 * SECOND

    assert lane.is_probing(then)
    assert lane.free(then) == 0
    assert lane.opens_at(then) is None
    lane.ended("slow", AttemptEffect.OVERLOADED, then, DRAW)
    assert lane.free(then) == 1
    lane.started("probe", then)
    assert lane.free(then) == 0


def test_closed_again_it_begins_slowly():
    lane = after(a_lane(), *[AttemptEffect.DELIVERED] * 8, *[AttemptEffect.FAILED] * 5)
    then = NOON + 11 * SECOND

    after(lane, AttemptEffect.DELIVERED, now=then)

    assert lane.breaker == CLOSED
    assert lane.free(then) == 2


def test_what_says_nothing_of_the_endpoint_changes_nothing():
    lane = after(a_lane(), *[AttemptEffect.FAILED] * 4, AttemptEffect.UNJUDGED)

    assert lane.breaker.failures == 4
    assert lane.free(NOON) == 2


@pytest.mark.parametrize(
    ("effects", "standing"),
    [
        ([], Standing.UNKNOWN),
        ([AttemptEffect.UNJUDGED], Standing.UNKNOWN),
        ([AttemptEffect.FAILED, AttemptEffect.DELIVERED], Standing.PROVEN),
        ([AttemptEffect.DELIVERED, AttemptEffect.UNJUDGED], Standing.PROVEN),
        ([AttemptEffect.DELIVERED, AttemptEffect.FAILED], Standing.FAILING),
        ([AttemptEffect.DELIVERED, AttemptEffect.OVERLOADED], Standing.FAILING),
        ([AttemptEffect.GONE], Standing.FAILING),
    ],
)
def test_it_stands_as_its_last_attempt_went(effects, standing):
    assert after(a_lane(), *effects).standing is standing


def test_a_probe_that_says_nothing_lets_another_one_through():
    lane = after(a_lane(), *[AttemptEffect.FAILED] * 5)
    then = NOON + 11 * SECOND

    after(lane, AttemptEffect.UNJUDGED, now=then)

    assert lane.is_probing(then)
    assert lane.free(then) == 1


def test_what_was_no_attempt_for_a_reason_of_ours_frees_its_place_and_says_nothing():
    lane = a_lane(concurrency=1)
    lane.started("delivery", NOON)
    lane.given_up("delivery")

    assert lane.free(NOON) == 1
    assert lane.breaker == CLOSED


def test_retry_after_pauses_all_of_it_for_an_hour_at_most():
    lane = a_lane()
    lane.started("delivery", NOON)
    lane.ended("delivery", AttemptEffect.FAILED, NOON, DRAW, retry_after=365 * 24 * HOUR)

    assert lane.free(NOON + HOUR - SECOND) == 0
    assert lane.waits_for(NOON) is Wait.RATE
    assert lane.opens_at(NOON) == NOON + HOUR
    assert lane.free(NOON + HOUR) == 2


def test_a_shorter_pause_does_not_end_a_longer_one():
    lane = a_lane()
    for one, asked in (("a", 60 * SECOND), ("b", SECOND)):
        lane.started(one, NOON)
        lane.ended(one, AttemptEffect.FAILED, NOON, DRAW, retry_after=asked)

    assert lane.opens_at(NOON) == NOON + 60 * SECOND


def test_a_retry_after_in_the_past_pauses_nothing():
    lane = a_lane()
    lane.started("delivery", NOON)
    lane.ended("delivery", AttemptEffect.FAILED, NOON, DRAW, retry_after=-SECOND)

    assert lane.free(NOON) == 2


def test_410_opens_it_for_an_hour():
    lane = after(a_lane(), AttemptEffect.GONE)

    assert lane.breaker.is_gone
    assert lane.opens_at(NOON) == NOON + HOUR
    assert lane.waits_for(NOON + HOUR - SECOND) is Wait.BREAKER


def test_an_edit_half_opens_it_and_keeps_what_the_receiver_asked_for():
    lane = after(a_lane(), *[AttemptEffect.FAILED] * 5)
    lane.edited(LaneLimits(2, 10), NOON + SECOND)

    assert lane.free(NOON + SECOND) == 1

    after(lane, AttemptEffect.FAILED, now=NOON + SECOND)
    assert lane.free(NOON + SECOND) == 0


def test_the_same_version_again_is_no_edit():
    lane = after(a_lane(), *[AttemptEffect.FAILED] * 5)
    lane.edited(LaneLimits(1, 10), NOON + SECOND)

    assert lane.free(NOON + SECOND) == 0


def test_a_good_test_half_opens_it():
    lane = after(a_lane(), AttemptEffect.GONE)
    lane.found_well(NOON + SECOND)

    assert lane.free(NOON + SECOND) == 1


def test_fewer_at_once_take_effect_at_once():
    lane = after(a_lane(), *[AttemptEffect.DELIVERED] * 8)
    lane.edited(LaneLimits(2, 3), NOON)

    assert lane.free(NOON) == 3


def test_its_rate_bounds_what_may_start():
    lane = a_lane(rate=RateLimit(3, "1s"))
    after(lane, AttemptEffect.DELIVERED, AttemptEffect.DELIVERED)

    assert lane.free(NOON) == 1

    after(lane, AttemptEffect.DELIVERED)
    assert lane.free(NOON) == 0
    assert lane.waits_for(NOON) is Wait.RATE
    assert lane.opens_at(NOON) == NOON + SECOND + LEEWAY


def test_an_edit_of_the_rate_counts_what_began_before_it():
    lane = after(a_lane(rate=RateLimit(9, "1s")), *[AttemptEffect.DELIVERED] * 3)
    lane.edited(LaneLimits(2, 10, RateLimit(4, "1s")), NOON)
    assert lane.rate is not None
    assert lane.rate.needs_reservation(NOON)

    lane.rate.reserved_by(lane.rate.reserve(NOON), started_since=0)

    assert lane.free(NOON) == 1


# What outlives its owner


def test_an_open_breaker_and_a_pause_outlive_their_owner():
    lane = after(a_lane(), *[AttemptEffect.FAILED] * 5)
    lane.started("delivery", NOON)
    lane.ended("delivery", AttemptEffect.FAILED, NOON, DRAW, retry_after=60 * SECOND)

    again = a_lane(record=lane.record())

    assert again.opens_at(NOON) == NOON + 60 * SECOND
    assert again.breaker == lane.breaker


def test_a_new_owner_begins_with_two():
    lane = after(a_lane(), *[AttemptEffect.DELIVERED] * 8)

    again = a_lane(record=lane.record())

    assert again.free(NOON) == 2
    assert again.standing is Standing.PROVEN


def test_an_edit_that_no_owner_saw_half_opens_it_when_it_is_taken():
    record = after(a_lane(), *[AttemptEffect.FAILED] * 5).record()

    edited = Lane.taken_over("target", LaneLimits(2, 10), record, NOON, others_until=NOON)

    assert edited.free(NOON) == 1


@pytest.mark.parametrize("version", [0, 1])
def test_a_lane_that_nobody_has_served_is_closed(version):
    assert a_lane(record=LaneRecord(version=version)).free(NOON) == 2


def test_what_a_lost_owner_had_reserved_counts_until_its_lease_is_over():
    record = LaneRecord(1, rate=RateRecord((Mark(NOON, 2),), reserved=1))
    lost = NOON + 5 * SECOND

    lane = Lane.taken_over(
        "target", LaneLimits(1, 10, RateLimit(3, "1m")), record, lost, others_until=lost
    )
    assert lane.rate is not None
    lane.rate.reserved_by(lane.rate.reserve(lost), started_since=0)

    assert lane.free(lost) == 0
    assert lane.opens_at(lost) == NOON + 60 * SECOND + LEEWAY
