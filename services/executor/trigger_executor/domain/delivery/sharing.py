"""How a process shares its attempts in flight among its lanes.

Lanes take turns, one attempt each: who has much waiting gets no more than who has little. A quarter
of all is kept from lanes whose last attempt failed, and half of that from those that have shown
nothing yet, too: a crowd of endpoints that hang, known to be dead or met for the first time, never
holds everything until its timeouts. Pure: told what starts and ends.
"""

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field

from .lane import Standing

MOST_IN_FLIGHT = 1000
"""Attempts in flight of a process: with as many a core is busy long before."""


@dataclass(slots=True)
class SharedPlaces:
    """What is in flight, of how many, and how much of it with lanes of each standing."""

    total: int = MOST_IN_FLIGHT
    taken: dict[Standing, int] = field(default_factory=lambda: dict.fromkeys(Standing, 0))

    @property
    def in_flight(self) -> int:
        return sum(self.taken.values())

    def has_room(self, standing: Standing) -> bool:
        """Whether a lane of this standing may start one more."""
        failing = self.taken[Standing.FAILING]
        unproven = failing + self.taken[Standing.UNKNOWN]
        if self.in_flight >= self.total:
            return False
        match standing:
            case Standing.PROVEN:
                return True
            case Standing.UNKNOWN:
                return unproven < self.total - self.total // 8
            case Standing.FAILING:
                most_unproven = self.total - self.total // 8
                return failing < self.total - self.total // 4 and unproven < most_unproven

    def started(self, standing: Standing) -> None:
        self.taken[standing] += 1

    def ended(self, standing: Standing) -> None:
        """``standing`` as it was while this one was in flight, before ``turned``."""
        self.taken[standing] -= 1

    def turned(self, in_flight: int, before: Standing, after: Standing) -> None:
        """A lane with so many in flight stands otherwise from now on."""
        self.taken[before] -= in_flight
        self.taken[after] += in_flight


@dataclass(slots=True)
class Turns:
    """Whose turn it is. A lane stands here while it may have something to start.

    Who has to get something first, at its turn, has a place kept meanwhile: others, who lack
    nothing, would take all of them time and again.
    """

    places: SharedPlaces
    _queues: dict[Standing, list[tuple[int, str]]] = field(
        default_factory=lambda: {standing: [] for standing in Standing}
    )
    _tickets: dict[str, int] = field(default_factory=dict)
    _kept: dict[str, tuple[int, Standing]] = field(default_factory=dict)
    """The tickets of those that have gone for something, and what they have a place as."""
    _last: int = 0

    def add(self, lane: str, standing: Standing) -> None:
        """It takes its turn after those that are here, or where it kept it; once."""
        if lane not in self._tickets:
            self._stand(lane, standing, self._back(lane))

    def discard(self, lane: str) -> None:
        self._tickets.pop(lane, None)
        self._back(lane)

    def take(
        self,
        standing_of: Callable[[str], Standing],
        start: Callable[[str], bool | None],
    ) -> None:
        """Give turns until nobody can start anything, or no place is left.

        ``start`` starts one attempt of a lane and takes its place; False when it has none to start,
        and leaves; None when it has to get something first, and keeps its turn, and a place, until
        it is added again. Who finds no place keeps the turn before those that come later.
        """
        while (queue := self._next()) is not None:
            ticket, lane = heapq.heappop(self._queues[queue])
            if self._tickets.get(lane) != ticket:
                continue
            standing = standing_of(lane)
            if standing is not queue:
                heapq.heappush(self._queues[standing], (ticket, lane))
                continue
            did = start(lane)
            self._tickets.pop(lane, None)
            if did:
                self._stand(lane, standing)
            elif did is None:
                self._kept[lane] = (ticket, standing)
                self.places.started(standing)

    def _back(self, lane: str) -> int | None:
        """The ticket of one that had gone for something; its place is free."""
        kept = self._kept.pop(lane, None)
        if kept is None:
            return None
        ticket, standing = kept
        self.places.ended(standing)
        return ticket

    def _next(self) -> Standing | None:
        """The queue of whoever has stood longest, of those for whom there is a place."""
        able = [
            (queue[0], standing)
            for standing, queue in self._queues.items()
            if queue and self.places.has_room(standing)
        ]
        return min(able)[1] if able else None

    def _stand(self, lane: str, standing: Standing, kept: int | None = None) -> None:
        self._last += 1
        ticket = self._last if kept is None else kept
        self._tickets[lane] = ticket
        heapq.heappush(self._queues[standing], (ticket, lane))
