"""Up to where the log of record is surely in the tables: what a list and a live tail share.

It is the floor of retention's acknowledgements: every event up to there was acknowledged, and none
is before its row is committed (or it is a dead letter), by whichever replica and in whatever order.
A rebuild exchanges tables that hold all of this. Invariant: what is told may be behind, never
ahead; so an older one does as well as a new one, and lists wait for no broker that is away.
"""

import asyncio
import json
from collections.abc import Callable
from datetime import timedelta

from nats.errors import Error as NatsError

from trigger_api.domain.live_tail.tail_position import StreamPosition
from trigger_api.ports.live_tail import EventStream
from trigger_contracts.topology import RETENTION_EVENTS
from trigger_runtime.jetstream.connection import Connection
from trigger_runtime.process.errors import DependencyUnavailable
from trigger_runtime.process.logging_setup import get_logger

log = get_logger(__name__)

FRESH_FOR = timedelta(seconds=1)
"""Whoever goes on from an older one is sent a second of events again; to ask for each list would
cost each of them a round trip."""
PATIENCE = timedelta(milliseconds=100)
"""What one list in a second may wait for the broker; it usually answers in one or two."""

_INFO = f"$JS.API.CONSUMER.INFO.{RETENTION_EVENTS.stream.name}.{RETENTION_EVENTS.durable}"
_NOT_TOLD = (NatsError, OSError, TimeoutError, DependencyUnavailable, LookupError, ValueError)


class ProjectedPosition:
    """``ports.log.LogPosition``, asked of the broker at most once in ``FRESH_FOR``."""

    def __init__(
        self, connection: Connection, events: EventStream, monotonic: Callable[[], float]
    ) -> None:
        self._connection = connection
        self._events = events
        self._monotonic = monotonic
        self._known: StreamPosition | None = None
        self._asked_at: float | None = None
        self._asking: asyncio.Task[None] | None = None

    async def certain(self) -> StreamPosition | None:
        if self._asking is None and self._is_old() and self._connection.is_connected:
            self._asked_at = self._monotonic()
            self._asking = asyncio.create_task(self._ask(), name="position of the log")
        if self._asking is not None:
            await asyncio.shield(self._asking)  # whoever goes away leaves it to the others
        return self._known

    def _is_old(self) -> bool:
        at = self._asked_at
        return at is None or self._monotonic() - at >= FRESH_FOR.total_seconds()

    async def _ask(self) -> None:
        """Keeps what was known where the broker does not answer."""
        try:
            async with asyncio.timeout(PATIENCE.total_seconds()):
                # In this order: of a stream that is made anew in between, the floor is one of no
                # epoch that was told, and a reader is sent all of it.
                epoch = (await self._events.state()).epoch
                answer = await self._connection.client.request(_INFO, b"")
            floor = json.loads(answer.data)["ack_floor"]["stream_seq"]
            self._known = StreamPosition(epoch, floor)
        except _NOT_TOLD as error:
            log.debug("the log's position is not known", error=repr(error))
        finally:
            self._asking = None
