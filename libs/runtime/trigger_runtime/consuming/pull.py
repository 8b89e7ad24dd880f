"""Messages of one durable pull consumer, as they arrive.

Keeps a long pull request outstanding, so the server pushes each message the moment it is
stored, and tops it up before it is used up. A request that the server lost (restart, new
leader) shows as a reconnect or as missing heartbeats, and is asked anew: messages are never
stranded until their ack wait. nats-py's ``fetch`` would wait for ever there, costs two
requests a fetch and a task a message. What has arrived is held (``ack_extender``) until it is
answered, whoever has it. An exclusive consumer is asked under its ``pin``.
Never creates a consumer. Used by ``consumer`` alone.
"""

import asyncio
import contextlib
import json
import re
from collections import deque
from collections.abc import Iterable

from nats.aio.msg import Msg
from nats.aio.subscription import Subscription
from nats.errors import Error as NatsError

from trigger_contracts.topology import Consumer
from trigger_runtime.jetstream.connection import DRAIN_TIMEOUT_S, Connection
from trigger_runtime.process.logging_setup import get_logger

from .ack_extender import AckExtender
from .delivery import Delivery, delivery_of
from .pin import HEADER as PIN_HEADER
from .pin import WRONG as WRONG_PIN
from .pin import Pin

log = get_logger(__name__)

EXPIRES_S = 5
"""A pull request's life: asking costs a message, and a process that hangs is given what it asked
for."""
HEARTBEAT_S = 2
"""The server tells this often that the request stands."""
SILENCE_S = 5.0
"""Without message or heartbeat for so long the request is lost."""
REFUSED_PAUSE_S = 0.5
"""Before asking again after the server refused, e.g. while a consumer has no leader."""

_HEARTBEAT, _EXPIRED = "100", "408"
_PIN = "pin"
"""In place of a request's number, for what answers the pin."""
_NS = 1_000_000_000
_NUMBER = re.compile(r"[0-9]{1,18}")


class Pull:
    """Asks for messages of ``consumer``; ``take`` returns what has arrived."""

    def __init__(
        self, connection: Connection, consumer: Consumer, *, batch: int, prefetch: int | None = None
    ) -> None:
        """``prefetch``: fewer messages than that are never asked for or here; half a batch, unless
        somebody waits for full ones.
        """
        self._connection = connection
        self._client = connection.client
        self._next = f"$JS.API.CONSUMER.MSG.NEXT.{consumer.stream.name}.{consumer.durable}"
        self._batch = batch
        self._prefetch = max(1, batch // 2) if prefetch is None else prefetch
        self._inbox = self._reply = ""
        self._subscription: Subscription | None = None
        self._pin = Pin(connection, consumer) if consumer.exclusive else None
        self._request = {
            "batch": batch,
            "expires": EXPIRES_S * _NS,
            "idle_heartbeat": HEARTBEAT_S * _NS,
        }
        self._extender = AckExtender(connection, consumer)
        self._buffer: deque[Delivery] = deque()
        self._arrived = asyncio.Event()
        self._full_batch = asyncio.Event()
        self._turn = asyncio.Lock()
        self._asked = 0
        """Messages that the server may still send for what was asked."""
        self._refused = ""
        connection.on_reconnect(self._forget_requests)

    async def open(self) -> None:
        self._inbox = self._client.new_inbox()
        self._reply = f"{self._inbox}.1"
        self._extender.start()
        if self._pin is not None:
            self._pin.start(f"{self._inbox}.{_PIN}")
        self._subscription = await self._client.listen(f"{self._inbox}.*", self._received)

    async def wait_for_full_batch(self, timeout_s: float) -> None:
        """Wait until a full batch has arrived, but no longer than so many seconds."""
        if timeout_s <= 0 or len(self._buffer) >= self._batch:
            return
        self._full_batch.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self._full_batch.wait()

    async def take(self) -> list[Delivery]:
        """At least one and at most a batch of messages, in order; waits only for the first."""
        async with self._turn:
            while not self._buffer:
                # Before asking: what arrives while that is sent must not be slept through.
                self._arrived.clear()
                await self._ask()
                try:
                    async with asyncio.timeout(SILENCE_S):
                        await self._arrived.wait()
                except TimeoutError:
                    if self._connection.is_connected:
                        log.warning("pull request lost", consumer=self._next)
                    self._forget_requests()
                if self._refused:
                    log.warning("pull request refused", consumer=self._next, why=self._refused)
                    self._refused = ""
                    await asyncio.sleep(REFUSED_PAUSE_S)
            size = min(self._batch, len(self._buffer))
            # Ask before these are handled: the next batch travels meanwhile. And before they
            # are taken: nothing is in nobody's hands if this is cancelled here.
            await self._ask(taking=size)
            taken = [self._buffer.popleft() for _ in range(size)]
            self._extender.start_handling(taken)
            return taken

    def release(self, deliveries: Iterable[Delivery]) -> None:
        """Their handler is done: what it did not answer or keep comes again after the ack wait."""
        for delivery in deliveries:
            self._extender.release_unless_kept(delivery)

    async def close(self) -> None:
        """Ask for no more and give back what was not taken, for another replica."""
        if self._subscription is not None:
            # Drain, not unsubscribe: what is on its way here must be given back, too.
            with contextlib.suppress(NatsError, OSError, TimeoutError):
                async with asyncio.timeout(DRAIN_TIMEOUT_S):
                    await self._subscription.drain()  # type: ignore[no-untyped-call]
            self._subscription = None
        await give_back(self._buffer)
        self._buffer.clear()
        await self._extender.stop()
        if self._pin is not None:
            await self._pin.stop()

    async def _ask(self, taking: int = 0) -> None:
        if self._asked + len(self._buffer) - taking < self._prefetch:
            self._asked += self._batch
            request = self._request | (self._pin.fields if self._pin is not None else {})
            await self._client.publish(self._next, json.dumps(request).encode(), reply=self._reply)

    def _forget_requests(self) -> None:
        """What was asked before is void: ask anew. A message sent twice is redelivery, no harm."""
        self._asked = 0
        # A reply of its own for what follows: a late status of a forgotten request is not ours.
        self._reply = f"{self._inbox}.{int(self._reply.rpartition('.')[2] or 0) + 1}"
        self._arrived.set()

    def _received(self, message: Msg) -> None:
        if message.subject.startswith(self._inbox):
            self._status(message)
        else:
            delivery = delivery_of(message, self._extender)
            if delivery is None:
                # Published straight to an inbox of ours: no stream has it, nobody is to answer it.
                log.warning("not a delivery", consumer=self._next)
                return
            self._asked -= 1
            # Of a malformed header block it may be missing.
            if self._pin is not None and (pin_id := delivery.headers.get(PIN_HEADER)):
                self._pin.take(pin_id)
            if self._extender.track(delivery):
                self._buffer.append(delivery)
                if len(self._buffer) >= self._batch:
                    self._full_batch.set()
        self._arrived.set()

    def _status(self, message: Msg) -> None:
        headers = message.headers or {}
        status = headers.get("Status", "")
        asked_now = message.subject in {self._reply, f"{self._inbox}.{_PIN}"}
        if status == WRONG_PIN and self._pin is not None and asked_now:
            self._pin.lose()
            self._forget_requests()
        if status == _HEARTBEAT or message.subject != self._reply:
            return
        unsent = headers.get("Nats-Pending-Messages", "")
        self._asked = max(0, self._asked - int(unsent)) if _NUMBER.fullmatch(unsent) else 0
        if status != _EXPIRED:
            self._refused = f"{status} {headers.get('Description', '')}".strip()


async def give_back(deliveries: Iterable[Delivery]) -> None:
    """Have them delivered again at once, to whoever asks."""
    for delivery in deliveries:
        await delivery.nak()
