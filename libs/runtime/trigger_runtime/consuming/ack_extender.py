"""What this process holds of a consumer's messages, kept from others for as long as it lives.

The ack wait is short, so that what a dead process held comes again within a second. A living
one begins it anew for whatever it has held for a third of it, waiting here or in a handler's
hands. Nearly everything is settled sooner, and then nothing is sent. A message that comes while
it is held is not taken twice: a process that was too slow to speak (its event loop was blocked)
loses nothing by it, neither time nor the order of its messages.
Invariant: nothing is kept from others that was answered, nor what a handler was given and has
shown no life of for the consumer's ``hung_after``.
One for each ``Pull``, which alone uses it; deliveries know it as their holder.
"""

import asyncio
import contextlib
from collections.abc import Iterable
from dataclasses import dataclass

from trigger_contracts.topology import Consumer
from trigger_runtime.jetstream.connection import Connection
from trigger_runtime.process.logging_setup import get_logger

from .delivery import Delivery

log = get_logger(__name__)

SHORTEST_PAUSE_S = 0.05
"""Between two rounds of saying what is held."""


@dataclass(slots=True)
class _Tracked:
    delivery: Delivery
    told_at: float
    """When the broker last began the ack wait, as far as this process knows."""
    life_at: float
    handled: bool = False
    kept: bool = False


class AckExtender:
    """The messages of one consumer that this process holds, their ack waits begun anew in time."""

    def __init__(self, connection: Connection, consumer: Consumer) -> None:
        self._connection = connection
        self._consumer = f"{consumer.stream.name}/{consumer.durable}"
        self._third_s = consumer.ack_wait.total_seconds() / 3
        self._hung_after_s = consumer.hung_after.total_seconds()
        self._held: dict[int, _Tracked] = {}
        """By place in the stream, in the order of ``told_at``."""
        self._life_at = 0.0
        """Of whichever handler showed life last: what waits here waits for any of them."""
        self._any = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._telling: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._telling = asyncio.create_task(self._tell(), name=f"hold {self._consumer}")

    async def stop(self) -> None:
        """Keep nothing any longer."""
        self._held.clear()
        if self._telling is not None:
            self._telling.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._telling
            self._telling = None

    def track(self, delivery: Delivery) -> bool:
        """Whether it is new here; otherwise it is held already, and this copy is not needed."""
        if delivery.stream_seq in self._held:
            return False
        now = self._loop.time()
        if not self._held:
            self._any.set()
        self._held[delivery.stream_seq] = _Tracked(delivery, now, now)
        return True

    def start_handling(self, deliveries: Iterable[Delivery]) -> None:
        """A handler has them now."""
        now = self._life_at = self._loop.time()
        for delivery in deliveries:
            if held := self._find(delivery):
                held.life_at = now
                held.handled = True

    def heartbeat(self, delivery: Delivery) -> None:
        now = self._life_at = self._loop.time()
        if held := self._find(delivery):
            held.life_at = now

    def keep(self, delivery: Delivery) -> None:
        """It waits here again, as before it was handed over: its handler comes back to it."""
        if held := self._find(delivery):
            held.kept, held.handled = True, False

    def release_unless_kept(self, delivery: Delivery) -> None:
        """Its handler has returned: what it neither answered nor keeps comes again."""
        held = self._find(delivery)
        if held is not None and not held.kept:
            self.release(delivery)

    def release(self, delivery: Delivery) -> None:
        """Answered, or given up: what comes of it is new. Harmless if it is not held."""
        if self._find(delivery):
            del self._held[delivery.stream_seq]

    def _find(self, delivery: Delivery) -> _Tracked | None:
        held = self._held.get(delivery.stream_seq)
        # A later delivery of the same message is somebody else's business.
        return held if held is not None and held.delivery is delivery else None

    async def _tell(self) -> None:
        while True:
            oldest = next(iter(self._held.values()), None)
            if oldest is None:
                self._any.clear()
                await self._any.wait()
                continue
            early = oldest.told_at + self._third_s - self._loop.time()
            if early > 0 or not self._connection.is_connected:
                await asyncio.sleep(max(early, SHORTEST_PAUSE_S))
                continue
            try:
                await self._extend(self._loop.time())
            except Exception:
                log.exception("messages not kept", consumer=self._consumer)
                await asyncio.sleep(SHORTEST_PAUSE_S)

    async def _extend(self, now: float) -> None:
        hung = 0
        for held in list(self._held.values()):
            if held.told_at + self._third_s > now:
                break
            if self._find(held.delivery) is None:
                continue  # answered while others were extended
            del self._held[held.delivery.stream_seq]
            life_at = held.life_at if held.handled else max(held.life_at, self._life_at)
            if now - life_at > self._hung_after_s:
                hung += 1
                continue
            held.told_at = now
            self._held[held.delivery.stream_seq] = held
            await held.delivery.extend()
        if hung:
            log.error(
                "handler hangs, others may have its messages",
                consumer=self._consumer,
                messages=hung,
            )
