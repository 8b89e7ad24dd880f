"""A scheduler in this process, on a real broker and database, and a client to speak to it."""

import asyncio
import contextlib
import json
import os
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from nats.aio.client import Client
from pydantic import SecretStr

from tests.support.eventually import eventually
from tests.support.servers import Broker, Database
from trigger_admin.installation import ADMIN, Installation
from trigger_contracts import subjects, topology
from trigger_contracts.events import DUE_RECORD, Due, Fence, Missed
from trigger_contracts.subjects import Verb
from trigger_local import ports, programs
from trigger_runtime.jetstream.connection import Connection
from trigger_runtime.jetstream.reader import StoredMessage, StreamReader
from trigger_runtime.process.clock import SystemClock
from trigger_runtime.process.ids import new_id
from trigger_runtime.process.settings import NatsSettings
from trigger_scheduler.bootstrap import Scheduler, build
from trigger_scheduler.settings import Settings


def now() -> datetime:
    return SystemClock().now()


def text(instant: datetime) -> str:
    return instant.astimezone(UTC).isoformat()


class Platform:
    """The broker and database as tests of the scheduler use them."""

    def __init__(
        self, broker: Broker, database: Database, client: Client, admin: Connection
    ) -> None:
        self.broker = broker
        self.database = database
        self.client = client
        self.admin = admin

    @property
    def servers(self) -> Installation:
        """As an administrator's command is told them."""
        password = self.broker.passwords[ADMIN]
        return Installation(self.broker.url, password, self.database.url())

    def settings(self, **changes: Any) -> Settings:
        return Settings(
            nats_url=self.broker.url,
            nats_user="scheduler",
            nats_password=self.broker.passwords["scheduler"],
            database_url=self.database.url("etp_scheduler"),
            **changes,
        )

    def environment(self, port: int, **changes: str) -> dict[str, str]:
        """Of a scheduler process; its HTTP is on this port, 0 is any."""
        return {
            **os.environ,
            "ETP_NATS_URL": self.broker.url,
            "ETP_NATS_USER": "scheduler",
            "ETP_NATS_PASSWORD": self.broker.passwords["scheduler"],
            "ETP_DATABASE_URL": self.database.url("etp_scheduler"),
            "ETP_HTTP_PORT": str(port),
            **changes,
        }

    @contextlib.asynccontextmanager
    async def scheduler(
        self,
        *,
        loops: bool = True,
        alter: Callable[[Scheduler], None] | None = None,
        **changes: Any,
    ) -> AsyncIterator[Scheduler]:
        """A running scheduler; without ``loops`` it only answers commands."""
        scheduler = build(self.settings(**changes))
        if alter is not None:
            alter(scheduler)
        await scheduler.connection.connect()
        await scheduler.broker.start()
        if loops:
            for loop in scheduler.loops:
                loop.start()
        try:
            yield scheduler
        finally:
            for loop in scheduler.loops:
                await loop.stop()
            await scheduler.broker.stop()
            for publisher in scheduler.publishers:
                await publisher.flush()
            await scheduler.connection.close()
            for database in scheduler.databases:
                await database.close()

    async def send(self, verb: Verb, body: Any, **headers: str) -> int:
        """Publish a command as it is; returns its place in the stream."""
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        ack = await self.client.jetstream().publish(
            subjects.command(verb), raw, headers=headers or None
        )
        return ack.seq

    async def ask(self, verb: Verb, within: float = 10.0, **body: Any) -> dict[str, Any]:
        """Publish a command and return its result."""
        reply_to = f"_INBOX_client.{new_id()}"
        waiting = await self.client.subscribe(reply_to)
        await self.send(verb, body, **{subjects.REPLY_TO_HEADER: reply_to})
        answer: dict[str, Any] = json.loads((await waiting.next_msg(timeout=within)).data)
        await waiting.unsubscribe()
        return answer

    async def due_together(self, count: int, at: datetime) -> list[str]:
        """Create triggers that are due at the same instant; returns their ids."""
        crowd = once_at(at)
        created = await asyncio.gather(*(self.ask(Verb.CREATE, **crowd) for _ in range(count)))
        return [answer["trigger_id"] for answer in created]

    async def records(self, trigger_id: str) -> list[Due | Missed | Fence]:
        """Everything on a trigger's due subject, in order."""
        found = await self.stored(topology.DUE.name, subjects.due(trigger_id))
        return [DUE_RECORD.validate_json(body) for body in found]

    async def stored(self, stream: str, subject: str) -> list[bytes]:
        """The bodies of every message of a subject."""
        return [message.payload for message in await self._stored(stream, subject)]

    async def stored_at(self, stream: str, subject: str) -> list[datetime]:
        """When the broker stored every message of a subject."""
        return [message.stored_at for message in await self._stored(stream, subject)]

    async def _stored(self, stream: str, subject: str) -> list[StoredMessage]:
        reader = StreamReader(self.admin, stream, timeout=timedelta(seconds=5))
        return await reader.after(0, subject, 10_000)

    async def row(self, trigger_id: str) -> dict[str, Any] | None:
        async with self.database.connected() as connection:
            row = await connection.fetchrow(
                "SELECT * FROM scheduler.trigger WHERE trigger_id = $1", trigger_id
            )
        return None if row is None else dict(row)

    async def fires(self, trigger_id: str, count: int, within: float = 10.0) -> list[Due]:
        """Wait until ``count`` occurrences are due; returns all of them."""

        async def enough() -> list[Due]:
            due = [one for one in await self.records(trigger_id) if isinstance(one, Due)]
            return due if len(due) >= count else []

        return await eventually(enough, within=within, what=f"{count} due records")


async def until_ready(port: int) -> None:
    """Wait until a scheduler process with its HTTP on this port is at work."""
    await eventually(
        lambda: programs.answers_ready(ports.LOOPBACK, port), within=30, what="it is ready"
    )


def once(after: timedelta, **fields: Any) -> dict[str, Any]:
    """The definition of a one-time trigger some time ahead."""
    return once_at(now() + after, **fields)


def once_at(instant: datetime, **fields: Any) -> dict[str, Any]:
    return {"name": "once", "type": "scheduled", "schedule_time": text(instant), **fields}


@pytest.fixture
async def platform(platform_streams: Broker, empty_database: Database) -> AsyncIterator[Platform]:
    settings = NatsSettings(
        nats_url=platform_streams.url,
        nats_user="admin",
        nats_password=SecretStr(platform_streams.passwords["admin"]),
    )
    admin = Connection(settings, "admin")
    await admin.connect()
    async with platform_streams.connected("client") as client:
        yield Platform(platform_streams, empty_database, client, admin)
    await admin.close()
