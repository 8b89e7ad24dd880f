"""One attempt: made, recorded, and only then told to its lane.

The record is what makes it have happened. While it cannot be appended its lane starts nothing and
the outcome waits here, in memory; a crash before that makes the same attempt again, under its
number.
"""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from trigger_contracts.deliveries.outcomes import Outcome
from trigger_contracts.deliveries.records import (
    DeliveryAttempted,
    DeliveryEnded,
    RecordMessage,
    message_of,
)
from trigger_executor.domain.delivery.attempt import Attempt, Attempted, Cause, NotAttempted
from trigger_executor.domain.delivery.due import PendingDelivery, attempted_record, effect_of
from trigger_executor.domain.delivery.retrying import delays_of, last_start
from trigger_executor.ports.lanes import RecordLog
from trigger_executor.ports.sending import Sender
from trigger_runtime.process.errors import DependencyUnavailable, PublishRefused
from trigger_runtime.process.logging_setup import get_logger

from .lanes_in_hand import UNRECORDABLE, HeldLane, LanesInHand

log = get_logger(__name__)

FIRST_PAUSE_S = 0.05
LONGEST_PAUSE_S = 1.0
"""Between two tries to record an outcome."""
LONGEST_HINDRANCE_S = 30.0
"""Between two tries of a lane that something of ours is in the way of; 0.25 s after the first."""
FIRST_HINDRANCE_S = 0.25


class DeliveryMeter(Protocol):
    """Counts what became of attempts."""

    def attempted(self, record: DeliveryAttempted, target_type: str) -> None: ...
    def hindered(self, cause: Cause) -> None: ...
    def ended(self, record: DeliveryEnded) -> None: ...


class Recording:
    """Appends records until they are durable."""

    def __init__(self, hands: LanesInHand, records: RecordLog) -> None:
        self._hands = hands
        self._records = records

    async def settle(
        self,
        held: HeldLane,
        delivery: PendingDelivery,
        record: DeliveryAttempted | DeliveryEnded,
    ) -> bool:
        """Record what became of a delivery, however long that takes; whether it is recorded.

        It is not where the event's life is over, or where the broker refuses it for good.
        """
        now = self._hands.clock.now()
        message = message_of(record, expires_at=delivery.expires_at, now=now)
        seq = None if message is None else await self._append(held, message)
        held.settled[delivery.delivery_id] = UNRECORDABLE if seq is None else seq
        return seq is not None

    async def _append(self, held: HeldLane, message: RecordMessage) -> int | None:
        pause = 0.0
        try:
            while True:
                try:
                    return await self._records.append(message)
                except DependencyUnavailable as error:
                    if not pause:
                        held.unrecorded += 1
                        log.warning("an outcome waits to be recorded", error=repr(error))
                    pause = min(LONGEST_PAUSE_S, pause * 2 or FIRST_PAUSE_S)
                    await asyncio.sleep(pause)
        except PublishRefused:
            log.exception("a record of a delivery is refused")
            return None
        finally:
            if pause:
                held.unrecorded -= 1
                self._hands.ask(held.target_id)


class Attempts:
    """Makes attempts, each in a task of its own."""

    def __init__(
        self,
        hands: LanesInHand,
        sender: Sender,
        recording: Recording,
        meter: DeliveryMeter,
        *,
        delays: Sequence[timedelta],
        kept_for: timedelta,
        draw: Callable[[], float],
        is_sampled: Callable[[str], bool],
    ) -> None:
        """``delays`` are the platform's; ``draw`` is at random, from 0 to below 1; ``is_sampled``
        says whether an event's trace is.
        """
        self._hands = hands
        self._sender = sender
        self._recording = recording
        self._meter = meter
        self._delays = delays
        self._kept_for = kept_for
        self._draw = draw
        self._is_sampled = is_sampled
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self, held: HeldLane, delivery: PendingDelivery, body: bytes, now: datetime) -> None:
        """Take its place and begin; ``held.lane`` has said that it may."""
        self._hands.places.started(held.lane.standing)
        held.lane.started(delivery.delivery_id, now)
        held.started_since_stored += 1
        task = asyncio.create_task(self._run(held, delivery, body))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def stop(self, within_s: float) -> None:
        """Let what is in flight end; what takes longer is cancelled, and made again by others."""
        if not self._tasks:
            return
        _, late = await asyncio.wait(self._tasks, timeout=within_s)
        for task in late:
            task.cancel()
        if late:
            log.warning("attempts cancelled while stopping", attempts=len(late))
            await asyncio.wait(late)

    async def _run(self, held: HeldLane, delivery: PendingDelivery, body: bytes) -> None:
        hands, lane = self._hands, held.lane
        before = lane.standing
        settled: Attempted | None = None
        try:
            settled = await self._attempt(held, delivery, body)
        finally:
            # The lane may stand otherwise since: what it had in flight moved along.
            hands.places.ended(lane.standing)
            before = lane.standing
            if settled is None:
                lane.given_up(delivery.delivery_id)
            else:
                retry_after = settled.retry_after_s
                was = lane.breaker
                lane.ended(
                    delivery.delivery_id,
                    effect_of(settled),
                    hands.clock.now(),
                    self._draw(),
                    retry_after=None if retry_after is None else timedelta(seconds=retry_after),
                )
                if lane.breaker.open_until != was.open_until or retry_after is not None:
                    held.ready.clear()
                    held.has_more = True
                    hands.store_soon()
            hands.places.turned(len(lane.in_flight), before, lane.standing)
            if hands.lanes.get(held.target_id) is held:
                if not held.ready:
                    hands.ask(held.target_id)
                hands.stand(held)

    async def _attempt(
        self, held: HeldLane, delivery: PendingDelivery, body: bytes
    ) -> Attempted | None:
        """What came of it, once that is recorded; None for nothing that counts."""
        target = held.target
        if target is None or not self._hands.is_ours(held):
            return None
        held.lane.began(delivery.delivery_id, self._hands.clock.now())
        result = await self._sender.send(
            Attempt(
                event_id=delivery.event_id,
                target_id=delivery.target_id,
                definition=target.definition,
                secrets=target.secrets,
                number=delivery.attempts + 1,
                is_test=delivery.is_test,
                event=body,
                is_sampled=self._is_sampled(delivery.event_id),
            )
        )
        if isinstance(result, NotAttempted):
            self._hold_back(held, result.cause)
            return None
        held.hindrances = 0
        record = attempted_record(
            delivery,
            result,
            epoch=held.epoch,
            target_version=target.version,
            delays=delays_of(target.definition.delays, self._delays, is_test=delivery.is_test),
            last=last_start(delivery.expires_at, self._kept_for),
            draw=self._draw(),
        )
        if await self._recording.settle(held, delivery, record):
            self._meter.attempted(record, target.definition.type)
        if record.next_attempt_at is not None:
            self._hands.ask_at(held.target_id, record.next_attempt_at)
        if result.outcome is Outcome.DELIVERED:
            held.served_at = self._hands.clock.monotonic()
        return result

    def _hold_back(self, held: HeldLane, cause: Cause) -> None:
        """Something of ours was in the way: the whole lane is tried again soon."""
        self._meter.hindered(cause)
        pause = min(LONGEST_HINDRANCE_S, FIRST_HINDRANCE_S * 2.0 ** min(held.hindrances, 10))
        if cause is Cause.ORIGIN_BUSY:
            # Others to the same origin are in flight, and end.
            pause = FIRST_HINDRANCE_S
        else:
            held.hindrances += 1
        held.held_back_until = self._hands.clock.monotonic() + pause
        held.has_more = True
        held.ready.clear()
        self._hands.ask_at(
            held.target_id, self._hands.clock.now() + timedelta(seconds=pause, milliseconds=1)
        )
