"""Erasing what one subject of a stream holds."""

from nats.aio.client import Client
from nats.errors import Error as NatsError

from trigger_runtime.jetstream.connection import Connection
from trigger_runtime.process.errors import BrokerUnavailable

_TIMEOUT_S = 2.0


async def purge(connection: Connection, stream: str, subject: str, up_to_seq: int) -> None:
    """Remove the messages of a subject up to and including a sequence.

    Raises BrokerUnavailable.
    """
    client: Client = connection.client
    body = f'{{"filter":"{subject}","seq":{up_to_seq + 1}}}'
    try:
        await client.request(f"$JS.API.STREAM.PURGE.{stream}", body.encode(), timeout=_TIMEOUT_S)
    except (NatsError, OSError, TimeoutError) as error:
        raise BrokerUnavailable(f"not erased of {stream}: {error!r}") from error
