"""The event log, appended to its stream, and answers over core NATS."""

from collections.abc import Iterator, Sequence

from nats.errors import Error as NatsError

from trigger_executor.domain.row import EventMessage
from trigger_runtime.jetstream.connection import Connection
from trigger_runtime.jetstream.publisher import MAX_BATCH, JetStreamPublisher, Message
from trigger_runtime.process.logging_setup import get_logger

log = get_logger(__name__)

MAX_BATCH_BYTES = 4 * 1024 * 1024
"""Of one atomic batch: the broker holds it in memory until its last message."""


class JetStreamEventWriter:
    """TRIGGER_EVENTS. Rows keep their order."""

    def __init__(self, publisher: JetStreamPublisher) -> None:
        self._publisher = publisher

    async def append(self, rows: Sequence[EventMessage]) -> None:
        messages = [
            Message(row.subject, row.body, message_id=row.event_id, ttl=row.ttl) for row in rows
        ]
        for batch in _batches(messages):
            await self._publisher.publish_each(batch)


class NatsResults:
    """Results go to inboxes: nobody stores them."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def send(self, subject: str, body: bytes) -> None:
        try:
            await self._connection.client.publish(subject, body)
        except (NatsError, OSError) as error:
            log.warning("result not sent", error=repr(error))


def _batches(messages: Sequence[Message]) -> Iterator[Sequence[Message]]:
    start = size = 0
    for index, message in enumerate(messages):
        size += len(message.payload)
        if index > start and (index - start == MAX_BATCH or size > MAX_BATCH_BYTES):
            yield messages[start:index]
            start, size = index, len(message.payload)
    yield messages[start:]
