"""Results of commands, over core NATS: they go to inboxes, and nobody stores them."""

from nats.errors import Error as NatsError

from trigger_runtime.process.logging_setup import get_logger

from .connection import Connection

log = get_logger(__name__)


class NatsResults:
    """``trigger_contracts.results.ResultSender``."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def send(self, subject: str, body: bytes) -> None:
        try:
            await self._connection.client.publish(subject, body)
        except (NatsError, OSError) as error:
            # What it tells of is durable; whoever repeats the command is told again.
            log.warning("result not sent", error=repr(error))
