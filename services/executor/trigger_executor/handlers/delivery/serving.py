"""What of the lanes in hand starts now: due deliveries are read, and lanes take turns with them.

One statement reads what is due of all lanes that can start something, no more of each than it has
places, and says up to which record that is so; what was settled at a later one is passed over.
Bodies are fetched before an attempt begins, so that a start is a start. Called by the serving loop.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from trigger_contracts.deliveries.outcomes import Reason
from trigger_executor.domain.delivery.due import PendingDelivery
from trigger_executor.domain.delivery.lane import Standing
from trigger_executor.domain.delivery.retrying import last_start
from trigger_executor.ports.lanes import DueAsk, DueChoice, EventBodies, LaneIndex
from trigger_runtime.process.errors import DependencyUnavailable
from trigger_runtime.process.logging_setup import get_logger

from .attempting import Attempts
from .ending import Endings
from .lanes_in_hand import HeldLane, LanesInHand

log = get_logger(__name__)

LOOK_EVERY = timedelta(seconds=1)
"""For what no hint told of."""
STALE = timedelta(seconds=1)
"""What was read so long ago is read again: it may have been cancelled, or another may be first."""
UNPROJECTED = timedelta(milliseconds=20)
"""Before what is not projected yet is read again."""
PROJECTED = timedelta(milliseconds=200)
"""The same where nothing waits for it but the lane to be idle."""
PACE_S = 0.005
"""Between two statements: what ends meanwhile is made up for by one."""
FETCH_AGAIN = timedelta(milliseconds=500)


class LaneServing:
    """Reads what is due, and starts what may start."""

    def __init__(
        self,
        hands: LanesInHand,
        index: LaneIndex,
        bodies: EventBodies,
        attempts: Attempts,
        endings: Endings,
        *,
        kept_for: timedelta,
        on_failed_fetch: Callable[[], None] = lambda: None,
    ) -> None:
        """``kept_for``: how long events live."""
        self._hands = hands
        self._index = index
        self._bodies = bodies
        self._attempts = attempts
        self._endings = endings
        self._kept_for = kept_for
        self._on_failed_fetch = on_failed_fetch
        self._asked_at = float("-inf")
        self._tasks: set[asyncio.Task[None]] = set()

    async def one_pass(self) -> timedelta:
        """Read and start; returns how long there is nothing to do by itself."""
        hands = self._hands
        if not hands.lanes or hands.is_stopping:
            return LOOK_EVERY
        hands.ring(hands.clock.now())
        if asked := self._asked():
            await self._read(asked)
        hands.turns.take(self._standing_of, self._start)
        next_at = hands.ring(hands.clock.now())
        if hands.to_ask and self._asked():
            return timedelta()
        if next_at is None:
            return LOOK_EVERY
        return max(min(next_at - hands.clock.now(), LOOK_EVERY), timedelta())

    async def stop(self) -> None:
        """No body is waited for any more."""
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    # Reading

    def _asked(self) -> list[DueAsk]:
        """What to ask for: of each lane that can start something as much as it has places."""
        hands = self._hands
        now = hands.clock.now()
        asked: list[DueAsk] = []
        for target_id in list(hands.to_ask):
            held = hands.lanes[target_id]
            if held.target is None:
                hands.to_ask.discard(target_id)
            elif hands.may_start(held) and self._wants(held, now):
                asked.append(_ask(held, now))
        return asked

    def _wants(self, held: HeldLane, now: datetime) -> bool:
        free = held.lane.free(now)
        if not free:
            self._wait_for_opening(held, now)
            return False
        if len(held.ready) < free or self._is_stale(held, now):
            return True
        # There is enough to start: it asks when that is used up.
        held.has_more = True
        self._hands.to_ask.discard(held.target_id)
        self._hands.turns.add(held.target_id, held.lane.standing)
        return False

    def _is_stale(self, held: HeldLane, now: datetime) -> bool:
        return held.read_at is None or now - held.read_at > STALE

    async def _read(self, asked: Sequence[DueAsk]) -> None:
        hands = self._hands
        pause = PACE_S - (hands.clock.monotonic() - self._asked_at)
        if pause > 0:
            await asyncio.sleep(pause)
        self._asked_at = sent = hands.clock.monotonic()
        for ask in asked:
            hands.to_ask.discard(ask.target_id)
        try:
            due = await self._index.due(asked)
        except DependencyUnavailable:
            hands.is_index_there = False
            hands.to_ask.update(ask.target_id for ask in asked if ask.target_id in hands.lanes)
            hands.store_soon()
            raise
        hands.clock.observe(due.now, sent, hands.clock.monotonic())
        rows: dict[str, list[PendingDelivery]] = {ask.target_id: [] for ask in asked}
        for delivery in due.deliveries:
            rows[delivery.target_id].append(delivery)
        for ask in asked:
            held = hands.lanes.get(ask.target_id)
            if held is not None:
                self._keep(held, ask, rows[ask.target_id], due.position, due.next_at, due.now)

    def _keep(
        self,
        held: HeldLane,
        ask: DueAsk,
        rows: list[PendingDelivery],
        position: int,
        next_at: dict[str, datetime],
        now: datetime,
    ) -> None:
        hands = self._hands
        if position < held.barrier:
            # What is read may have been done: it is not projected yet.
            hands.turns.discard(held.target_id)
            hands.ask_at(held.target_id, now + UNPROJECTED)
            return
        settled = held.take_read(rows, position, now)
        if held.lane.limits.is_ordered:
            self._keep_order(held, position, now)
        held.has_more = len(rows) >= ask.most
        held.next_at = next_at.get(held.target_id)
        if held.ready:
            hands.turns.add(held.target_id, held.lane.standing)
        else:
            hands.turns.discard(held.target_id)
        if not held.ready and held.is_busy and held.settled:
            # What comes next shows once their records are projected.
            is_soon = bool(settled) or held.lane.limits.is_ordered
            hands.ask_at(held.target_id, now + (UNPROJECTED if is_soon else PROJECTED))
        if held.next_at is not None:
            hands.ask_at(held.target_id, held.next_at)

    def _keep_order(self, held: HeldLane, position: int, now: datetime) -> None:
        """Leave out what may not be the next of its trigger, until that is known."""
        hands = self._hands
        is_planned = [hands.is_planned(row.event_seq, position) for row in held.ready]
        if False in is_planned:
            hands.want_order(held.target_id)
        elif None in is_planned:
            hands.ask_at(held.target_id, now + UNPROJECTED)
        held.ready = deque(row for row, is_it in zip(held.ready, is_planned, strict=True) if is_it)

    # Starting

    def _standing_of(self, target_id: str) -> Standing:
        held = self._hands.lanes.get(target_id)
        return Standing.UNKNOWN if held is None else held.lane.standing

    def _start(self, target_id: str) -> bool | None:
        """Start one attempt of a lane; False where it has none to start, None where it has to read
        first.
        """
        hands = self._hands
        held = hands.lanes.get(target_id)
        if held is None or not hands.may_start(held):
            return False
        now = hands.clock.now()
        free = held.lane.free(now)
        if not free:
            self._wait_for_opening(held, now)
            return False
        if held.ready and self._is_stale(held, now):
            held.ready.clear()
            held.has_more = True
            hands.ask(held.target_id)
            return None
        while held.ready:
            delivery = held.ready[0]
            if now > last_start(delivery.expires_at, self._kept_for):
                held.ready.popleft()
                self._endings.end(held, delivery, Reason.EXPIRED)
                continue
            body = self._bodies.kept(delivery.event_seq, delivery.event_id)
            if body is None:
                self._fetch(held, free)
                return None
            held.ready.popleft()
            self._attempts.start(held, delivery, body, now)
            self._want_more(held, now)
            return True
        self._want_more(held, now)
        return False

    def _want_more(self, held: HeldLane, now: datetime) -> None:
        if held.has_more and len(held.ready) < max(1, held.lane.free(now)):
            self._hands.ask(held.target_id)

    def _wait_for_opening(self, held: HeldLane, now: datetime) -> None:
        hands = self._hands
        rate = held.lane.rate
        if rate is not None and rate.needs_reservation(now):
            hands.store_soon()
        opens_at = held.lane.opens_at(now)
        if opens_at is not None and opens_at > now:
            hands.to_ask.discard(held.target_id)
            hands.ask_at(held.target_id, opens_at)

    def _fetch(self, held: HeldLane, free: int) -> None:
        """Have the bodies brought that may be needed next."""
        for delivery in list(held.ready)[:free]:
            seq = delivery.event_seq
            is_kept = self._bodies.kept(seq, delivery.event_id) is not None
            if seq in held.fetching or is_kept:
                continue
            held.fetching.add(seq)
            task = asyncio.create_task(self._fetch_one(held, delivery))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _fetch_one(self, held: HeldLane, delivery: PendingDelivery) -> None:
        try:
            body = await self._bodies.fetch(delivery.event_seq, delivery.event_id)
        except DependencyUnavailable:
            self._hands.turns.discard(held.target_id)
            self._hands.ask_at(held.target_id, self._hands.clock.now() + FETCH_AGAIN)
            held.has_more = True
            self._on_failed_fetch()
            return
        finally:
            held.fetching.discard(delivery.event_seq)
        if not self._hands.is_ours(held):
            return
        if body is None:
            if delivery in held.ready:
                held.ready.remove(delivery)
            self._endings.end(held, delivery, Reason.EVENT_LOST)
        self._hands.stand(held)
        # At once: what was fetched is not kept for ever.
        self._hands.turns.take(self._standing_of, self._start)


def _ask(held: HeldLane, now: datetime) -> DueAsk:
    lane = held.lane
    is_probing = lane.is_probing(now)
    if lane.limits.is_ordered:
        choice = DueChoice.FEWEST_HEADS if is_probing else DueChoice.HEADS
    else:
        choice = DueChoice.FEWEST if is_probing else DueChoice.DUE
    places = 1 if is_probing else lane.places
    # Those that are in flight or not projected yet are among them.
    return DueAsk(held.target_id, places + len(lane.in_flight) + len(held.settled), choice)
