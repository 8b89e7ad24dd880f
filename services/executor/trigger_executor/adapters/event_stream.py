"""The event log, appended to its stream."""

from collections.abc import Callable, Sequence

from trigger_contracts.deliveries.records import RecordMessage
from trigger_executor.domain.row import EventMessage
from trigger_executor.ports import Appended
from trigger_runtime.jetstream.acknowledgement import PublishAck
from trigger_runtime.jetstream.publisher import JetStreamPublisher, Message


class JetStreamEventWriter:
    """TRIGGER_EVENTS. Rows keep their order."""

    def __init__(
        self, publisher: JetStreamPublisher, on_planned: Callable[[], None] = lambda: None
    ) -> None:
        """``on_planned`` is told that there are records to project."""
        self._publisher = publisher
        self._on_planned = on_planned

    async def append(self, rows: Sequence[EventMessage]) -> Sequence[Appended]:
        acks = await self._publisher.publish_each(
            [
                Message(
                    row.subject,
                    row.body,
                    message_id=row.event_id,
                    ttl=row.ttl,
                    headers=row.headers,
                )
                for row in rows
            ]
        )
        return [Appended(ack.seq, ack.duplicate) for ack in acks if isinstance(ack, PublishAck)]

    async def plan(self, records: Sequence[RecordMessage]) -> None:
        await self._publisher.publish_each(
            [
                Message(one.subject, one.body, message_id=one.message_id, ttl=one.ttl)
                for one in records
            ]
        )
        self._on_planned()
