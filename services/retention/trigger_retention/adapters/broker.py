"""Notices of sweeps, heard by whoever listens."""

from nats.errors import Error as NatsError

from trigger_contracts import subjects
from trigger_contracts.events import Swept
from trigger_runtime.jetstream.connection import Connection
from trigger_runtime.process.logging_setup import get_logger

log = get_logger(__name__)


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
