"""A process's places: turns, the quarter that is kept, and a crowd of dead endpoints beside it."""

import heapq
from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trigger_executor.domain.delivery.lane import AttemptEffect, Lane, LaneLimits, Standing
from trigger_executor.domain.delivery.sharing import SharedPlaces, Turns

NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)
TIMEOUT_S = 15.0


PROVEN, UNKNOWN, FAILING = Standing.PROVEN, Standing.UNKNOWN, Standing.FAILING


class Given:
    """Lanes, called by how they stand (p, u or f and a number), with so much to start each."""

    def __init__(self, places: int, **left: int) -> None:
        self.places, self.left = SharedPlaces(places), left
        self.standings = {lane: self.standing_by_name(lane) for lane in left}
        self.turns, self.order = Turns(self.places), ""
        self.lacking: set[str] = set()
        for lane in left:
            self.turns.add(lane, self.standings[lane])

    @staticmethod
    def standing_by_name(lane: str) -> Standing:
        return {"p": PROVEN, "u": UNKNOWN, "f": FAILING}[lane[0]]

    def take(self) -> str:
        """Who started, in order."""
        self.order = ""
        self.turns.take(self.standings.__getitem__, self.start)
        return self.order.strip()

    def start(self, lane: str) -> bool | None:
        if lane in self.lacking:
            return None
        if not self.left[lane]:
            return False
        self.left[lane] -= 1
        self.places.started(self.standings[lane])
        self.order += f" {lane}"
        return True


def test_lanes_take_turns_however_they_stand():
    assert Given(100, f1=3, p1=1, u1=2).take() == "f1 p1 u1 f1 u1 f1"


def test_who_finds_no_place_keeps_the_turn_and_who_comes_later_stands_behind():
    case = Given(1, u1=2)
    assert case.take() == "u1"
    case.left["u2"], case.standings["u2"] = 1, UNKNOWN
    case.turns.add("u2", UNKNOWN)
    case.places.total = 100

    assert case.take() == "u1 u2"


def test_a_quarter_is_kept_from_lanes_that_fail():
    case = Given(16, f1=50, u1=0, p1=0)
    assert case.take() == " ".join(["f1"] * 12)
    case.left |= {"u1": 50, "p1": 50}
    case.turns.add("u1", UNKNOWN)
    case.turns.add("p1", PROVEN)

    assert case.take() == "u1 p1 u1 p1"


def test_an_eighth_is_kept_for_lanes_whose_last_attempt_delivered():
    case = Given(16, u1=50, f1=50, p1=0)
    assert case.take() == " ".join(["u1 f1"] * 7)
    case.left["p1"] = 50
    case.turns.add("p1", PROVEN)

    assert case.take() == "p1 p1"


def test_who_stands_otherwise_meanwhile_keeps_the_turn():
    case = Given(8, u1=8, u2=1)
    assert case.take() == "u1 u2 u1 u1 u1 u1 u1"
    case.standings["u1"] = PROVEN
    case.places.turned(6, UNKNOWN, PROVEN)

    assert case.take() == "u1"


def test_who_has_to_get_something_first_keeps_the_turn_and_a_place():
    case = Given(3, u1=1, u2=9)
    case.lacking = {"u1"}
    assert case.take() == "u2 u2"
    assert case.places.in_flight == 3
    case.lacking = set()
    case.turns.add("u1", UNKNOWN)

    assert case.take() == "u1"


def test_who_goes_for_something_and_finds_nothing_leaves_its_place():
    case = Given(2, u1=1, u2=9)
    case.lacking = {"u1"}
    assert case.take() == "u2"
    case.turns.discard("u1")

    assert case.take() == "u2"


def test_a_lane_stands_once_and_may_leave():
    case = Given(100, u1=1, u2=1)
    case.turns.add("u1", UNKNOWN)
    case.turns.discard("u2")

    assert case.take() == "u1"
    assert case.take() == ""


@given(
    total=st.integers(1, 40),
    steps=st.lists(st.tuples(st.sampled_from(["start", "end"]), st.sampled_from(list(Standing)))),
)
@settings(max_examples=100, deadline=None)
def test_no_standing_has_more_places_than_it_may(total, steps):
    places, flying = SharedPlaces(total), []

    for step, standing in steps:
        if step == "start" and places.has_room(standing):
            places.started(standing)
            flying.append(standing)
        elif step == "end" and flying:
            places.ended(flying.pop())
        failing, unknown = flying.count(FAILING), flying.count(UNKNOWN)
        assert places.in_flight == len(flying) <= total
        assert failing <= total - total // 4
        assert failing + unknown <= total - total // 8
        assert places.has_room(PROVEN) == (len(flying) < total)


# A simulation in virtual time


@dataclass
class World:
    """Lanes of endpoints that answer in 20 ms or never, beside each other in one process."""

    dead: int
    healthy: int
    total: int
    draw: float = 0.5
    now: float = 0.0
    waits: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.places = SharedPlaces(self.total)
        self.turns = Turns(self.places)
        names = [f"dead {n}" for n in range(self.dead)]
        names += [f"healthy {n}" for n in range(self.healthy)]
        self.lanes = {name: Lane(name, LaneLimits(1, 10)) for name in names}
        self.waiting: dict[str, deque[float]] = {name: deque() for name in names}
        self.agenda: list[tuple[float, int, str, str, str]] = []
        self.count = 0

    @property
    def instant(self) -> datetime:
        return NOON + timedelta(seconds=self.now)

    def plan(self, at: float, what: str, lane: str, one: str = "") -> None:
        self.count += 1
        heapq.heappush(self.agenda, (at, self.count, what, lane, one))

    def standing_of(self, name: str) -> Standing:
        return self.lanes[name].standing

    def run(self, until: float) -> None:
        while self.agenda and self.agenda[0][0] <= until:
            self.now, _, what, name, one = heapq.heappop(self.agenda)
            if what == "due":
                self.waiting[name].append(self.now)
            elif what == "end":
                self.end(self.lanes[name], one)
            self.turns.add(name, self.standing_of(name))
            self.turns.take(self.standing_of, self.start)

    def start(self, name: str) -> bool:
        lane, waiting = self.lanes[name], self.waiting[name]
        if not waiting:
            return False
        if not lane.free(self.instant):
            if (at := lane.opens_at(self.instant)) is not None:
                # A microsecond is what an instant can tell.
                self.plan((at - NOON).total_seconds() + 1e-6, "open", name)
            return False
        self.count += 1
        one, due, takes = str(self.count), waiting.popleft(), TIMEOUT_S
        if name.startswith("healthy"):
            self.waits.append(self.now - due)
            takes = 0.02
        self.places.started(lane.standing)
        lane.started(one, self.instant)
        self.plan(self.now + takes, "end", name, one)
        return True

    def end(self, lane: Lane, one: str) -> None:
        before = lane.standing
        self.places.ended(before)
        is_healthy = lane.target_id.startswith("healthy")
        effect = AttemptEffect.DELIVERED if is_healthy else AttemptEffect.OVERLOADED
        lane.ended(one, effect, self.instant, self.draw)
        self.places.turned(len(lane.in_flight), before, lane.standing)
        if not is_healthy:
            # It is tried again, and there is always another one.
            self.waiting[lane.target_id].append(self.now)

    def crowd(self, at: float, *, each: int) -> None:
        for place in range(self.dead):
            for _ in range(each):
                self.plan(at, "due", f"dead {place}")

    def deliver_to_healthy(self, begin: float, count: int, *, each_s: float) -> None:
        for place in range(count):
            self.plan(begin + place * each_s, "due", f"healthy {place % self.healthy}")


@pytest.mark.parametrize("dead", [100, 300])
def test_a_crowd_known_to_be_dead_does_not_touch_how_long_healthy_lanes_wait(dead):
    world = World(dead=dead, healthy=20, total=100)
    world.crowd(0.0, each=20)
    # Until each had two timeouts, and all of them are known.
    known = 2 * TIMEOUT_S * (2 * dead / 75 + 1)
    world.deliver_to_healthy(known, 3000, each_s=0.02)

    world.run(known + 61)

    assert len(world.waits) == 3000
    assert max(world.waits) == 0.0


def test_nor_does_a_crowd_that_is_met_at_once_touch_those_that_are_proven():
    world = World(dead=300, healthy=5, total=100)
    world.deliver_to_healthy(0.0, 10, each_s=0.1)
    world.crowd(2.0, each=5)
    world.deliver_to_healthy(2.0, 400, each_s=0.1)

    world.run(60.0)

    assert len(world.waits) == 410
    assert max(world.waits) == 0.0


def test_an_endpoint_that_returns_is_found_within_six_minutes():
    world = World(dead=1, healthy=1, total=10, draw=0.999)
    world.crowd(0.0, each=50)
    returned = 7200.0
    world.run(returned)
    lane = world.lanes["dead 0"]

    found_at = lane.opens_at(world.instant) or world.instant
    assert lane.breaker.openings > 6
    assert (found_at - NOON).total_seconds() - returned <= 360
