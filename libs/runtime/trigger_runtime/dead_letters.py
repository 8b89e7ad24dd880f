"""Writes what a service could not handle to TRIGGER_DEAD. Never silent, never in the way."""

from trigger_contracts import subjects
from trigger_contracts.dead_letters import Delivered, Original, dead_letter, message_id
from trigger_contracts.subjects import Service

from .clock import Clock
from .logs import get_logger
from .metrics import DEAD_LETTERS
from .publisher import JetStreamPublisher, Message

log = get_logger(__name__)


class DeadLetters:
    """The dead letters of one service."""

    def __init__(self, publisher: JetStreamPublisher, service: Service, clock: Clock) -> None:
        self._publisher = publisher
        self._service = service
        self._clock = clock

    async def bury(self, stream: str, delivery: Delivered, reason: str) -> None:
        """Keep a delivery with the reason; the same delivery twice is kept once."""
        original = Original(
            stream=stream,
            subject=delivery.subject,
            stream_seq=delivery.stream_seq,
            stored_at=delivery.stored_at,
            headers=delivery.headers,
            body=delivery.payload,
        )
        letter = dead_letter(original, reason, self._clock.now())
        await self._publisher.publish(
            Message(
                subjects.dead(self._service),
                letter.model_dump_json().encode(),
                message_id=message_id(self._service, original),
            )
        )
        DEAD_LETTERS.labels(stream).inc()
        log.warning(
            "dead letter", stream=stream, stream_seq=delivery.stream_seq, reason=letter.reason
        )
