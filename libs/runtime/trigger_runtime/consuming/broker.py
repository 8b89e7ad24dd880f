"""FastStream's broker on the process's one connection.

FastStream's own connect and error handling are replaced: they raise inside nats-py's error
callback for some errors, which ends its reconnecting for ever.
Streams and consumers are never declared here; the admin step does.
"""

from typing import Any

from faststream.nats import NatsBroker
from nats.aio.client import Client
from nats.errors import ConnectionClosedError

from trigger_contracts import subjects
from trigger_contracts.heartbeats import Heartbeat
from trigger_contracts.subjects import Service
from trigger_contracts.topology import WORKERS
from trigger_runtime.jetstream.connection import Connection
from trigger_runtime.process.logging_setup import get_logger

from .faststream_internals import BrokerUsecase

log = get_logger(__name__)

GRACEFUL_TIMEOUT_S = 5.0
"""What a stop waits for the batch in hand; unacknowledged messages come again."""


class PlatformBroker(NatsBroker):
    """A NatsBroker that connects through ``Connection``."""

    platform_connection: Connection

    async def _connect(self) -> Client:
        client = await self.platform_connection.connect()
        self.config.connect(client)
        return client

    async def stop(self, *_: Any, **__: Any) -> None:
        """Stop the subscribers, each after the batch in hand.

        The connection stays: its owner closes it once the publishers have flushed. One that the
        broker has closed for good has nothing left to be unsubscribed.
        """
        try:
            await BrokerUsecase.stop(self)
        except* ConnectionClosedError:
            log.info("subscriptions ended with their connection")


def create_broker(connection: Connection, *, description: str | None = None) -> PlatformBroker:
    """A broker for ``subscribe_batches`` and for AsyncAPI documents."""
    broker = PlatformBroker(
        description=description,
        graceful_timeout=GRACEFUL_TIMEOUT_S,
        # Ours logs with context and counts; FastStream's would log every record twice.
        logger=None,
        # Handlers get what they ask for; no injection, no validation.
        apply_types=False,
    )
    broker.platform_connection = connection
    if connection.service in WORKERS:
        service = Service(connection.service)
        broker.publisher(
            subjects.alive(service),
            schema=Heartbeat,
            title=subjects.alive(service),
            description="That this replica lives, once a second, and whether it is ready.",
        )
    return broker
