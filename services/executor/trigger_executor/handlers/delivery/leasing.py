"""Which lanes are ours: they are taken when their time has come, held, and given back when idle.

At any time a lane has one owner; a lease that was not renewed for 5 s passes on. Whoever takes a
lane counts on nothing that was read before the newest record then was projected. Called by the
loops of the deliver role.
"""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta

from trigger_contracts.targets.changes import TargetChanged
from trigger_executor.domain.delivery.lane import Lane, LaneLimits, LaneRecord
from trigger_executor.domain.delivery.rate import RateLimit, RateRecord
from trigger_executor.ports.lanes import LaneIndex, LaneLease, RecordLog, TakenLane
from trigger_runtime.process.errors import DependencyUnavailable

from .lanes_in_hand import IDLE, LEASE, RENEW_EVERY, HeldLane, LanesInHand

TAKE = 200
"""Lanes of one statement."""
MOST_LANES = 12_000
"""Lanes in hand of a process: more than there may be targets, or those in hand that always have
something to do would keep all others waiting. Idle ones are given back, and open ones."""
LOOK_EVERY = timedelta(seconds=1)
"""For what no hint told of."""
LOST_EVERY = timedelta(seconds=0.5)
"""For lanes of replicas that died: they pass on within 6 s."""
LOCKED = timedelta(milliseconds=10)
"""Before a lane whose row somebody has locked is tried again."""
FULL = timedelta(milliseconds=500)
"""Before a process that has as many lanes as it may looks again."""
SOONEST = timedelta(milliseconds=50)
"""Between two renewals that were asked for: what changed meanwhile is stored together."""

Resolve = Callable[[str], Awaitable[TargetChanged | None]]
"""The newest state of a target, None where it was deleted; raises ``DependencyUnavailable``."""


class LaneLeases:
    """Takes, holds and gives back lanes."""

    def __init__(
        self,
        hands: LanesInHand,
        index: LaneIndex,
        log: RecordLog,
        resolve: Resolve,
        *,
        owner: str,
    ) -> None:
        """``owner`` names this process, and no other one ever."""
        self._hands = hands
        self._index = index
        self._log = log
        self._resolve = resolve
        self._owner = owner
        self._renewed_at = float("-inf")

    async def take(self) -> timedelta:
        """Take what nobody has; returns how long there is nothing to take."""
        hands = self._hands
        room = MOST_LANES - len(hands.lanes)
        if hands.is_stopping:
            return LOOK_EVERY
        if room <= 0 or not self._log.is_connected:
            return FULL
        sent = hands.clock.monotonic()
        taken = await self._index.take(self._owner, min(room, TAKE), LEASE)
        hands.clock.observe(taken.now, sent, hands.clock.monotonic())
        hands.index_answered()
        if taken.lanes:
            await self.hold(taken.lanes, taken.now, sent + LEASE.total_seconds())
            return timedelta()
        if taken.next_wake_at is None:
            return LOOK_EVERY
        return max(min(taken.next_wake_at - taken.now, LOOK_EVERY), LOCKED)

    async def take_lost(self) -> timedelta:
        """Take what was left by replicas that are not heard of any more."""
        hands = self._hands
        if hands.is_stopping or not self._log.is_connected or len(hands.lanes) >= MOST_LANES:
            return LOST_EVERY
        sent = hands.clock.monotonic()
        lost = await self._index.take_lost(self._owner, TAKE, LEASE)
        if lost.lanes:
            hands.clock.observe(lost.now, sent, hands.clock.monotonic())
            await self.hold(lost.lanes, lost.now, sent + LEASE.total_seconds())
        return timedelta() if len(lost.lanes) == TAKE else LOST_EVERY

    async def hold(self, lanes: Sequence[TakenLane], now: datetime, leased_until: float) -> None:
        """Have lanes that were taken in hand."""
        # After the lanes were taken: whatever their owners recorded before is no newer.
        barrier = await self._log.newest()
        for taken in lanes:
            target = await self._resolve(taken.target_id)
            lane = Lane.taken_over(
                taken.target_id,
                limits_of(target),
                taken.record,
                now,
                others_until=taken.others_until,
            )
            if taken.is_asked:
                lane.found_well(now)
            self._hands.add(HeldLane(lane, taken.epoch, target, leased_until, barrier))
            if lane.rate is not None:
                self._hands.store_soon()

    async def renew(self) -> timedelta:
        """Hold on to what is in hand, and give back what is idle."""
        hands = self._hands
        since = hands.clock.monotonic() - self._renewed_at
        if since < SOONEST.total_seconds():
            return SOONEST
        self._renewed_at = hands.clock.monotonic()
        idle: list[HeldLane] = []
        kept: list[HeldLane] = []
        for held in hands.lanes.values():
            (idle if self._is_idle(held) else kept).append(held)
        if kept:
            try:
                await self._renew(kept)
            except DependencyUnavailable:
                hands.is_index_there = False
                raise
            hands.index_answered()
        # What came into it meanwhile is found by whoever takes it.
        await self.release([held for held in idle if not held.is_busy])
        return RENEW_EVERY

    async def _renew(self, held_lanes: Sequence[HeldLane]) -> None:
        hands = self._hands
        now, sent = hands.clock.now(), hands.clock.monotonic()
        rates: dict[str, RateRecord] = {}
        for held in held_lanes:
            held.started_since_stored = 0
            if held.lane.rate is not None:
                rates[held.target_id] = held.lane.rate.reserve(now)
        leases = [_lease(held, held.lane.record(rates.get(held.target_id))) for held in held_lanes]
        renewed = await self._index.renew(self._owner, leases, LEASE)
        hands.clock.observe(renewed.now, sent, hands.clock.monotonic())
        for held in held_lanes:
            if held.target_id not in renewed.held:
                hands.remove(held)
                continue
            held.leased_until = sent + LEASE.total_seconds()
            if held.lane.rate is not None and held.target_id in rates:
                missed = held.lane.rate.reserved == 0
                held.lane.rate.reserved_by(
                    rates[held.target_id], started_since=held.started_since_stored
                )
                if missed:
                    hands.ask(held.target_id)
            if held.target_id in renewed.asked:
                held.lane.found_well(hands.clock.now())
                hands.ask(held.target_id)

    def _is_idle(self, held: HeldLane) -> bool:
        """Whether it is given back: nothing of it is to be done within two seconds."""
        hands = self._hands
        now, monotonic = hands.clock.now(), hands.clock.monotonic()
        if hands.is_stopping or held.is_busy or monotonic - held.taken_at < IDLE.total_seconds():
            return False
        opens_at = held.lane.opens_at(now)
        if opens_at is not None and opens_at > now + IDLE:
            return True
        is_unread = held.read_at is None and held.target is not None
        is_due_soon = held.next_at is not None and held.next_at <= now + IDLE
        if is_unread or held.ready or held.has_more or is_due_soon:
            held.served_at = monotonic
        return monotonic - held.served_at >= IDLE.total_seconds()

    async def release(self, held_lanes: Sequence[HeldLane]) -> None:
        """Give lanes back of which nothing is in flight."""
        if not held_lanes:
            return
        now = self._hands.clock.now()
        leases: list[LaneLease] = []
        opens_at: list[datetime | None] = []
        for held in held_lanes:
            self._hands.remove(held)
            rate = None if held.lane.rate is None else held.lane.rate.given_back(now)
            leases.append(_lease(held, held.lane.record(rate)))
            opens_at.append(held.lane.opens_at(now))
        await self._index.release(self._owner, leases, opens_at)


def _lease(held: HeldLane, record: LaneRecord) -> LaneLease:
    return LaneLease(held.target_id, held.epoch, record)


def limits_of(target: TargetChanged | None) -> LaneLimits:
    """What a target's newest version allows."""
    if target is None:
        return LaneLimits(version=0, concurrency=1)
    rate = target.definition.rate
    return LaneLimits(
        version=target.version,
        concurrency=target.definition.concurrency,
        rate=None if rate is None else RateLimit(rate.count, rate.per),
        is_ordered=target.definition.ordered,
    )
