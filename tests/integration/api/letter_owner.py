"""A service that owns dead letters: the runtime's own code under that service's permissions.

What it makes of a message is up to the test.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from tests.support.servers import Broker
from trigger_contracts import dead_letters
from trigger_contracts.dead_letters import Original
from trigger_contracts.subjects import Service
from trigger_contracts.topology import COMMANDS, DEAD, DUE, LOG_LIFE
from trigger_local.secrets import Secrets
from trigger_runtime.consuming.broker import create_broker
from trigger_runtime.dead_letters.redelivery import Redelivery
from trigger_runtime.dead_letters.redriving import Redriver, listen
from trigger_runtime.dead_letters.writer import DeadLetterWriter
from trigger_runtime.jetstream.connection import Connection
from trigger_runtime.jetstream.publisher import JetStreamPublisher
from trigger_runtime.jetstream.reader import StoredMessage, StreamReader
from trigger_runtime.process.clock import SystemClock
from trigger_runtime.process.settings import NatsSettings

TIMEOUT = timedelta(seconds=5)
FIRE = "trigger.command.fire"


@dataclass
class Owner:
    """A service that dead-letters and redrives."""

    service: Service
    letters: DeadLetterWriter
    seen: list[Redelivery] = field(default_factory=list)
    refuses: str | None = None
    raises: Exception | None = None
    waits_for: asyncio.Event | None = None

    async def dead_letter(
        self,
        seq: int,
        body: bytes = b"poison",
        reason: str = "not JSON",
        *,
        age: timedelta = timedelta(),
        subject: str = FIRE,
        stream: str = COMMANDS.name,
        headers: dict[str, str] | None = None,
    ) -> str:
        """Dead-letter a message that was stored ``age`` ago; its letter's id."""
        stored_at = datetime.now(UTC) - age
        message = Message(subject, body, headers or {}, seq, stored_at)
        await self.letters.dead_letter(stream, message, reason)
        original = Original(stream, subject, seq, stored_at, {}, body)
        return dead_letters.letter_id(self.service, original)

    async def handle(self, batch: Sequence[Redelivery]) -> Sequence[Redelivery]:
        """The use case: as services do, it dead-letters what it cannot handle."""
        self.seen += batch
        if self.waits_for is not None:
            await self.waits_for.wait()
        if self.raises is not None:
            raise self.raises
        for message in batch:
            if self.refuses is not None:
                await self.letters.dead_letter(COMMANDS.name, message, self.refuses)
        return ()


@dataclass(frozen=True)
class Message:
    subject: str
    payload: bytes
    headers: dict[str, str]
    stream_seq: int
    stored_at: datetime


@asynccontextmanager
async def owning(
    streams: Broker, secrets: Secrets, service: Service, *, kept_for: timedelta = LOG_LIFE
) -> AsyncIterator[Owner]:
    settings = NatsSettings(
        nats_url=streams.url, nats_user=service.value, nats_password=secrets.nats[service]
    )
    connection = Connection(settings, service)
    broker = create_broker(connection)
    clock = SystemClock()
    reader = StreamReader(connection, DEAD.name, timeout=TIMEOUT)
    publisher = JetStreamPublisher(connection, DEAD.name, timeout=TIMEOUT)
    letters = DeadLetterWriter(publisher, service, clock, kept_for=kept_for)
    owner = Owner(service, letters)
    use_cases = {COMMANDS.name: owner.handle, DUE.name: owner.handle}
    listen(broker, Redriver(service, use_cases, letters, reader, clock, kept_for=kept_for))
    await broker.start()
    await connection.client.flush()
    try:
        yield owner
    finally:
        await broker.stop()
        await connection.close()


async def listed(http: httpx.AsyncClient, **query: Any) -> list[Any]:
    """Every page."""
    rows: list[Any] = []
    response = await http.get("/dead-letters/", params=query)
    while True:
        assert response.status_code == 200, response.text
        rows += response.json()
        if "next" not in response.links:
            return rows
        response = await http.get(response.links["next"]["url"])


async def stored_letters(streams: Broker) -> list[StoredMessage]:
    """What the stream holds."""
    settings = NatsSettings(
        nats_url=streams.url, nats_user="admin", nats_password=streams.passwords["admin"]
    )
    admin = Connection(settings, "admin")
    await admin.connect()
    try:
        return await StreamReader(admin, DEAD.name, timeout=TIMEOUT).after(0, ">", 1000)
    finally:
        await admin.close()
