"""What retention publishes: dead letters, stored; and notices of sweeps, heard by who listens."""

from nats.errors import Error as NatsError

from trigger_contracts import subjects
from trigger_contracts.dead_letters import Delivered
from trigger_contracts.events import Swept
from trigger_contracts.topology import EVENTS
from trigger_runtime.dead_letters.burying import DeadLetterWriter
from trigger_runtime.jetstream.connection import Connection
from trigger_runtime.process.logging_setup import get_logger

log = get_logger(__name__)


class LogDeadLetters:
    """``ports.DeadLetterWriter`` for messages of TRIGGER_EVENTS."""

    def __init__(self, dead_letters: DeadLetterWriter) -> None:
        self._dead_letters = dead_letters

    async def bury(self, message: Delivered, reason: str) -> None:
        await self._dead_letters.bury(EVENTS.name, message, reason)


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
