"""The lanes that this replica serves, as its loops share them: one event loop, no locks.

A lane is in hand from the moment it was taken until it is given back or its lease is lost. Nothing
of it starts unless its lease surely stands, the index and the log answer, and no outcome of it
waits to be recorded.
"""

import heapq
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from trigger_contracts.targets.changes import TargetChanged
from trigger_executor.domain.delivery.due import PendingDelivery
from trigger_executor.domain.delivery.lane import Lane
from trigger_executor.domain.delivery.sharing import MOST_IN_FLIGHT, SharedPlaces, Turns
from trigger_runtime.process.record_clock import ClockOfRecord

LEASE = timedelta(seconds=5)
"""A lane whose owner was not heard of for so long is taken by another replica."""
RENEW_EVERY = timedelta(seconds=1.5)
"""Two renewals may fail before a lease is over."""
IDLE = timedelta(seconds=2)
"""A lane that has nothing to do for so long is given back, and none sooner after it was taken."""
TARGETS_FRESH_S = 0.9
"""Nothing starts by what targets were longer ago: a second after one was deleted, none does."""
UNRECORDABLE = 2**63 - 1
"""Beyond every position: what is settled so, only the next owner looks at again."""


@dataclass(slots=True)
class HeldLane:
    """A lane in hand: its rules, and what is known of its deliveries.

    ``target`` is None where it was deleted: then its deliveries end. ``barrier`` is the newest
    record when the lane was taken, and then the farthest position that was read: nothing that is
    read as of an earlier one counts. PostgreSQL may forget its last commits when it crashes, and
    what was projected by them then waits again, until it is projected again.
    """

    lane: Lane
    epoch: int
    target: TargetChanged | None
    leased_until: float
    """Monotonic, by this replica's clock, and surely not after the index's."""
    barrier: int
    settled: dict[str, int] = field(default_factory=dict)
    """The sequence of the record of what was settled here and is not projected yet."""
    ready: "deque[PendingDelivery]" = field(default_factory=deque)
    """Due deliveries as of ``read_at``, in the order in which they are to be tried."""
    read_at: datetime | None = None
    has_more: bool = False
    """Whether more may be due than was read."""
    taken_at: float = 0.0
    """Monotonic, as what follows."""
    served_at: float = 0.0
    """When it last had something to do."""
    next_at: datetime | None = None
    """When its next delivery becomes due, as far as is known."""
    unrecorded: int = 0
    """Outcomes that could not be recorded yet."""
    held_back_until: float = 0.0
    """Something of ours is in the way of attempts until then."""
    hindrances: int = 0
    """Attempts in a row that something of ours was in the way of."""
    started_since_stored: int = 0
    fetching: set[int] = field(default_factory=set)
    """Sequences of events whose bodies are on their way."""

    @property
    def target_id(self) -> str:
        return self.lane.target_id

    @property
    def is_busy(self) -> bool:
        """Whether something of it is in flight, or not projected yet."""
        unprojected = any(seq < UNRECORDABLE for seq in self.settled.values())
        return bool(self.lane.in_flight or self.fetching or self.unrecorded or unprojected)

    def take_read(self, rows: "list[PendingDelivery]", position: int, now: datetime) -> int:
        """Keep what was read and is not settled since; returns how many were."""
        self.projected(position)
        left = [
            row
            for row in rows
            if row.delivery_id not in self.lane.in_flight and row.delivery_id not in self.settled
        ]
        self.ready = deque(left)
        self.read_at = now
        return len(rows) - len(left)

    def projected(self, position: int) -> None:
        """Records are projected up to here: the index says what was settled by them."""
        self.barrier = max(self.barrier, position)
        if self.settled:
            self.settled = {one: seq for one, seq in self.settled.items() if seq > position}


class LanesInHand:
    """What the loops of the deliver role share."""

    def __init__(self, clock: ClockOfRecord, *, total: int = MOST_IN_FLIGHT) -> None:
        """``total``: attempts in flight at once, of all lanes."""
        self.clock = clock
        self.places = SharedPlaces(total)
        self.turns = Turns()
        self.lanes: dict[str, HeldLane] = {}
        self.to_ask: set[str] = set()
        """Lanes of which more may be due than is known."""
        self.is_index_there = True
        self.is_stopping = False
        self.targets_read_at = float("-inf")
        """Monotonic: as of when targets are known."""
        self.wanting_order: set[str] = set()
        """Lanes with an event that may not be the next one of its trigger."""
        self._planned_upto = self._planned_by = 0
        self._timers: list[tuple[datetime, str]] = []
        self._timer_of: dict[str, datetime] = {}
        self._wake_serving: Callable[[], None] = _nobody
        self._wake_renewing: Callable[[], None] = _nobody
        self._wake_ordering: Callable[[], None] = _nobody

    def wakes(
        self,
        *,
        serving: Callable[[], None],
        renewing: Callable[[], None],
        ordering: Callable[[], None],
    ) -> None:
        """Whom to call when there may be something to start, to store, to put in order."""
        self._wake_serving = serving
        self._wake_renewing = renewing
        self._wake_ordering = ordering

    def add(self, held: HeldLane) -> None:
        self.lanes[held.target_id] = held
        held.taken_at = held.served_at = self.clock.monotonic()
        self.ask(held.target_id)

    def remove(self, held: HeldLane) -> None:
        """It is no longer ours; what is in flight ends by itself."""
        if self.lanes.get(held.target_id) is held:
            del self.lanes[held.target_id]
            self.turns.discard(held.target_id)
            self.to_ask.discard(held.target_id)
            self.wanting_order.discard(held.target_id)
            self._timer_of.pop(held.target_id, None)

    def index_answered(self) -> None:
        """After a statement of it was answered."""
        if not self.is_index_there:
            self.is_index_there = True
            self._ask_all()

    def targets_read(self, at: float) -> None:
        """Targets are known as of this monotonic instant."""
        were_known = self._knows_targets()
        self.targets_read_at = at
        if not were_known:
            self._ask_all()

    def is_ours(self, held: HeldLane) -> bool:
        """Whether its lease surely stands."""
        is_in_hand = self.lanes.get(held.target_id) is held
        return is_in_hand and self.clock.monotonic() < held.leased_until

    def may_start(self, held: HeldLane) -> bool:
        """Whether anything of it may start, whatever its own rules say."""
        return (
            not self.is_stopping
            and self.is_index_there
            and self._knows_targets()
            and held.target is not None
            and not held.unrecorded
            and self.clock.monotonic() >= held.held_back_until
            and self.is_ours(held)
        )

    def ask(self, target_id: str) -> None:
        """More of it may be due."""
        if target_id in self.lanes:
            self.to_ask.add(target_id)
            self._wake_serving()

    def stand(self, held: HeldLane) -> None:
        """It may have something to start."""
        self.turns.add(held.target_id, held.lane.standing)
        self._wake_serving()

    def ask_at(self, target_id: str, at: datetime) -> None:
        """Ask for what is due of it then, if not before: then it is known what comes next."""
        known = self._timer_of.get(target_id)
        if target_id in self.lanes and (known is None or at < known):
            self._timer_of[target_id] = at
            heapq.heappush(self._timers, (at, target_id))
            self._wake_serving()

    def ring(self, now: datetime) -> datetime | None:
        """Ask for those whose time has come; when the next one's will have."""
        while self._timers:
            at, target_id = self._timers[0]
            is_it = self._timer_of.get(target_id) == at
            if is_it and at > now:
                return at
            heapq.heappop(self._timers)
            if is_it:
                del self._timer_of[target_id]
                self.to_ask.add(target_id)
        return None

    def planned(self, upto: int, by: int) -> None:
        """Events stored up to a sequence are planned, if ever, by records up to another."""
        self._planned_upto, self._planned_by = upto, by

    def is_planned(self, event_seq: int, position: int) -> bool | None:
        """Whether all events up to this one are planned; None: they are, and not yet projected."""
        if event_seq > self._planned_upto:
            return False
        return True if position >= self._planned_by else None

    def want_order(self, target_id: str) -> None:
        """Have it found out how far the log is planned."""
        self.wanting_order.add(target_id)
        self._wake_ordering()

    def store_soon(self) -> None:
        """Something changed that is to outlive us, or a reservation is needed."""
        self._wake_renewing()

    def _knows_targets(self) -> bool:
        return self.clock.monotonic() - self.targets_read_at < TARGETS_FRESH_S

    def _ask_all(self) -> None:
        for target_id in self.lanes:
            self.ask(target_id)


def _nobody() -> None:
    """Before the loops are there."""
