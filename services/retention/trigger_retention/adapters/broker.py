"""What retention publishes: dead letters, stored; and notices of sweeps, heard by who listens."""

import base64
from collections.abc import Callable
from datetime import datetime

from nats.errors import Error as NatsError

from trigger_contracts import subjects
from trigger_contracts.events import DeadLetter, Swept
from trigger_contracts.subjects import Service
from trigger_contracts.topology import EVENTS
from trigger_retention.ports import StoredMessage
from trigger_runtime.logs import get_logger
from trigger_runtime.nats import Connection
from trigger_runtime.publisher import JetStreamPublisher, Message

log = get_logger(__name__)

MOST_BODY_BYTES = 480 * 1024
"""Of an original kept whole: its text may double when quoted, and must fit a message (1 MiB)."""


class StoredDeadLetters:
    """``ports.DeadLetters`` in TRIGGER_DEAD. The same message again makes no second letter
    while the broker remembers its id.
    """

    def __init__(self, publisher: JetStreamPublisher, now: Callable[[], datetime]) -> None:
        self._publisher = publisher
        self._now = now

    async def bury(self, message: StoredMessage, reason: str) -> None:
        stored_ms = int(message.stored_at.timestamp() * 1000)
        await self._publisher.publish(
            Message(
                subject=subjects.dead(Service.RETENTION),
                payload=dead_letter(message, reason, self._now()).model_dump_json().encode(),
                message_id=f"dead-{EVENTS.name}-{message.stream_seq}-{stored_ms}",
            )
        )
        log.warning("dead letter", stream_seq=message.stream_seq, reason=reason)


def dead_letter(message: StoredMessage, reason: str, dead_at: datetime) -> DeadLetter:
    """The letter of a message: as text where it is one and fits, else in base64, at worst cut."""
    body = message.payload
    if len(body) > MOST_BODY_BYTES:
        reason = f"{reason} (the first {MOST_BODY_BYTES} of {len(body)} bytes are kept)"
        body = body[:MOST_BODY_BYTES]
    try:
        text = body.decode("utf-8")
        printable = "\x00" not in text and len(text.encode("unicode_escape")) < 2 * len(body) + 64
    except UnicodeDecodeError:
        text, printable = "", False
    return DeadLetter(
        reason=reason,
        subject=message.subject,
        stream=EVENTS.name,
        stream_seq=message.stream_seq,
        stored_at=message.stored_at,
        dead_at=dead_at,
        headers=dict(message.headers),
        body=text if printable else base64.b64encode(body).decode(),
        encoding="utf-8" if printable else "base64",
    )


class CoreNotices:
    """``ports.Notices`` over core NATS: not stored, and nobody waits for it."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def swept(self, notice: Swept) -> None:
        if not self._connection.is_connected:
            return  # The rows are erased all the same; a notice hours later would mislead.
        try:
            await self._connection.client.publish(subjects.SWEPT, notice.model_dump_json().encode())
        except (NatsError, OSError) as error:
            log.warning("notice of a sweep not sent", error=repr(error))
