"""The event log, appended to its stream."""

from collections.abc import Iterator, Sequence

from trigger_executor.domain.row import EventMessage
from trigger_runtime.jetstream.publisher import MAX_BATCH, JetStreamPublisher, Message

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


def _batches(messages: Sequence[Message]) -> Iterator[Sequence[Message]]:
    start = size = 0
    for index, message in enumerate(messages):
        size += len(message.payload)
        if index > start and (index - start == MAX_BATCH or size > MAX_BATCH_BYTES):
            yield messages[start:index]
            start, size = index, len(message.payload)
    yield messages[start:]
