"""Outcomes of deliveries, appended to TRIGGER_EVENTS."""

import asyncio
from collections.abc import Callable

from trigger_contracts import subjects
from trigger_contracts.deliveries.records import RecordMessage
from trigger_runtime.jetstream.connection import Connection
from trigger_runtime.jetstream.publisher import JetStreamPublisher, Message
from trigger_runtime.jetstream.reader import StreamReader

TELL_AFTER_S = 0.002
"""What is appended within it is told of once."""


class JetStreamAttemptLog:
    """``ports.lanes.RecordLog``: appended in groups, one sync for all that come together."""

    def __init__(
        self,
        connection: Connection,
        publisher: JetStreamPublisher,
        reader: StreamReader,
        *,
        on_appended: Callable[[], None],
    ) -> None:
        """``on_appended`` is told soon after something was, so that it is projected."""
        self._connection = connection
        self._publisher = publisher
        self._reader = reader
        self._on_appended = on_appended
        self._is_telling = False

    @property
    def is_connected(self) -> bool:
        return self._connection.is_connected

    async def append(self, record: RecordMessage) -> int:
        ack = await self._publisher.publish(
            Message(record.subject, record.body, message_id=record.message_id, ttl=record.ttl)
        )
        if not self._is_telling:
            self._is_telling = True
            asyncio.get_running_loop().call_later(TELL_AFTER_S, self._tell)
        return ack.seq

    async def newest(self) -> int:
        message = await self._reader.last_from_leader(subjects.ALL_DELIVERY)
        return 0 if message is None else message.seq

    def _tell(self) -> None:
        self._is_telling = False
        self._on_appended()
