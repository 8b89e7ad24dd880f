"""What is tried no more ends without an attempt: expired, its target deleted, its event lost.

It is recorded like an attempt, so that the log says why nothing was sent. Called by the serving
loop for what it meets, and by a loop of its own for what cannot be tried at present.
"""

import asyncio
from collections.abc import Sequence
from datetime import timedelta

from trigger_contracts.deliveries.outcomes import Reason
from trigger_executor.domain.delivery.due import PendingDelivery, ended_record
from trigger_executor.domain.delivery.retrying import margin_of
from trigger_executor.ports.lanes import LaneIndex

from .attempting import DeliveryMeter, Recording
from .lanes_in_hand import HeldLane, LanesInHand

EVERY = timedelta(seconds=1)
"""Between two looks for what expires, and a third of the time that there is for it at most."""
SHORTEST = timedelta(milliseconds=50)
PAGE = 500
"""Deliveries of one statement, and records that wait for one group commit."""


class Endings:
    """Ends deliveries that are tried no more."""

    def __init__(
        self,
        hands: LanesInHand,
        index: LaneIndex,
        recording: Recording,
        meter: DeliveryMeter,
        *,
        kept_for: timedelta,
    ) -> None:
        self._hands = hands
        self._index = index
        self._recording = recording
        self._meter = meter
        self._margin = margin_of(kept_for)
        self._every = max(SHORTEST, min(EVERY, self._margin / 3))
        self._tasks: dict[str, asyncio.Task[None]] = {}
        """By the delivery that ends."""

    def end(self, held: HeldLane, delivery: PendingDelivery, reason: Reason) -> None:
        """Record that it ended, in the background; once."""
        one = delivery.delivery_id
        if one in self._tasks or one in held.settled or one in held.lane.in_flight:
            return
        task = asyncio.create_task(self._end(held, delivery, reason))
        self._tasks[one] = task
        task.add_done_callback(lambda _: self._tasks.pop(one, None))

    async def one_pass(self) -> timedelta:
        """End what of the lanes in hand cannot be tried in time, and all of deleted targets."""
        hands = self._hands
        held_lanes = [held for held in hands.lanes.values() if self._may_end(held)]
        if not held_lanes:
            return self._every
        now = hands.clock.now()
        # What ends before this may start nothing more, whatever its lane would allow.
        before = now + self._margin
        position, expiring = await self._index.expiring(
            [held.target_id for held in held_lanes], before, PAGE
        )
        for held in held_lanes:
            if position >= held.barrier:
                held.projected(position)
        for delivery in expiring:
            expired = hands.lanes.get(delivery.target_id)
            if expired is None or not self._may_end(expired) or position < expired.barrier:
                continue
            self.end(expired, delivery, Reason.EXPIRED)
        for held in held_lanes:
            if held.target is None and hands.is_ours(held):
                await self._end_all(held)
        await self.settled()
        return timedelta() if len(expiring) == PAGE else self._every

    async def settled(self) -> None:
        """Wait for what is being ended."""
        if self._tasks:
            await asyncio.wait(list(self._tasks.values()))

    async def stop(self) -> None:
        """Whatever is not recorded by now is ended by the next owner."""
        for task in list(self._tasks.values()):
            task.cancel()
        await self.settled()

    async def _end_all(self, held: HeldLane) -> None:
        """The target was deleted: nothing of it is tried any more."""
        after = ""
        while True:
            position, rows = await self._index.pending(held.target_id, after, PAGE)
            if position < held.barrier or not self._hands.is_ours(held):
                return
            held.take_read(list(rows), position, self._hands.clock.now())
            self._end_each(held)
            await self.settled()
            if len(rows) < PAGE:
                return
            after = rows[-1].delivery_id

    def _end_each(self, held: HeldLane) -> None:
        rows: Sequence[PendingDelivery] = list(held.ready)
        held.ready.clear()
        for delivery in rows:
            self.end(held, delivery, Reason.TARGET_DELETED)
            held.served_at = self._hands.clock.monotonic()

    def _may_end(self, held: HeldLane) -> bool:
        return not self._hands.is_stopping and self._hands.is_ours(held)

    async def _end(self, held: HeldLane, delivery: PendingDelivery, reason: Reason) -> None:
        record = ended_record(delivery, reason, self._hands.clock.now())
        if await self._recording.settle(held, delivery, record):
            self._meter.ended(record)
        self._hands.ask(held.target_id)
