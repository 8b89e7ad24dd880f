"""Writes what a service could not handle to TRIGGER_DEAD. Never silent, never in the way.

Each letter has a subject of its own, on which the newest message takes the place of the one
before: the letter, as it was written last, or the word that it was handled after all. Its life is
its original's, so the broker forgets both at the same time.
"""

from datetime import timedelta

from trigger_contracts import dead_letters as letters
from trigger_contracts import subjects
from trigger_contracts.dead_letters import Delivered, Original
from trigger_contracts.events import DeadLetter, DeadLetterHandled
from trigger_contracts.subjects import Service
from trigger_runtime.jetstream.publisher import JetStreamPublisher, Message
from trigger_runtime.process.clock import Clock
from trigger_runtime.process.log_context import of_message
from trigger_runtime.process.logging_setup import get_logger
from trigger_runtime.process.metrics import DEAD_LETTERS

from .redelivery import Redelivery

log = get_logger(__name__)

HANDLED_KNOWN_FOR = timedelta(minutes=5)
"""So long a repeated redrive is told that the first one succeeded."""

_IN_PLACE = {"Nats-Rollup": "sub"}
"""The broker removes what was on the subject before."""


class DeadLetterWriter:
    """The dead letters of one service; they live for ``kept_for`` from when the original began."""

    def __init__(
        self,
        publisher: JetStreamPublisher,
        service: Service,
        clock: Clock,
        *,
        kept_for: timedelta,
    ) -> None:
        self._publisher = publisher
        self._service = service
        self._clock = clock
        self._kept_for = kept_for

    async def dead_letter(self, stream: str, delivery: Delivered, reason: str) -> None:
        """Keep a delivery with the reason; the same delivery twice is kept once.

        Says nothing of the reason in the service's log: it may quote what somebody sent.
        """
        if isinstance(delivery, Redelivery):
            delivery.fail(reason)
            return
        original = Original(
            stream=stream,
            subject=delivery.subject,
            stream_seq=delivery.stream_seq,
            stored_at=delivery.stored_at,
            headers=delivery.headers,
            body=delivery.payload,
        )
        letter_id = letters.letter_id(self._service, original)
        where = {"stream": stream, "letter": letter_id, **of_message(delivery)}
        letter = letters.dead_letter(original, reason, self._clock.now(), kept_for=self._kept_for)
        if letters.deletes_at(letter, self._kept_for) <= letter.dead_at:
            log.warning("dead letter not kept, its life is over", **where)
        else:
            await self._write(letter, letter_id)
            log.warning("dead letter", **where)
        DEAD_LETTERS.labels(stream).inc()

    async def failed_again(self, letter: DeadLetter, letter_id: str, reason: str, seq: int) -> None:
        """Say so in its place; StaleExpectation if something else has taken it, at ``seq``."""
        await self._write(
            letters.failed_again(letter, reason, self._clock.now()), letter_id, expected_seq=seq
        )

    async def handled(self, letter: DeadLetter, letter_id: str) -> None:
        """Nothing of it is left."""
        handled = DeadLetterHandled(handled_at=self._clock.now())
        await self._publisher.publish(
            Message(
                subjects.dead(self._service, letter.stream, letter_id),
                handled.model_dump_json().encode(),
                ttl=HANDLED_KNOWN_FOR,
                headers=_IN_PLACE,
            )
        )

    async def _write(
        self, letter: DeadLetter, letter_id: str, *, expected_seq: int | None = None
    ) -> None:
        left = letters.deletes_at(letter, self._kept_for) - letter.dead_at
        await self._publisher.publish(
            Message(
                subjects.dead(self._service, letter.stream, letter_id),
                letter.model_dump_json().encode(),
                # Of each redrive another one: the broker would drop it as a repetition.
                message_id=f"dead-{self._service}-{letter_id}-{letter.redrives}",
                expected_last_subject_seq=expected_seq,
                ttl=left,
                headers=_IN_PLACE,
            )
        )
