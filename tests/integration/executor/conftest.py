"""The executor as it is wired, on the session's real broker, and what stands around it."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from tests.support.eventually import eventually
from tests.support.servers import Broker
from trigger_admin import streams
from trigger_contracts import subjects, topology
from trigger_contracts.events import TriggerChanged, subject_of
from trigger_contracts.idempotency import Claim
from trigger_executor.bootstrap import Executor, build
from trigger_executor.settings import Settings
from trigger_local.secrets import Secrets
from trigger_runtime.jetstream.connection import Connection
from trigger_runtime.jetstream.idempotency_store import IdempotencyStore
from trigger_runtime.jetstream.publisher import JetStreamPublisher, Message
from trigger_runtime.jetstream.reader import StoredMessage, StreamReader
from trigger_runtime.process.settings import NatsSettings

TIMEOUT = timedelta(seconds=5)

Start = Callable[[], Awaitable[Executor]]


@dataclass(frozen=True)
class Around:
    """The scheduler, a client and an onlooker, in one."""

    connection: Connection

    def _publisher(self, stream: topology.Stream) -> JetStreamPublisher:
        return JetStreamPublisher(self.connection, stream.name, timeout=TIMEOUT)

    async def change(self, change: TriggerChanged) -> int:
        """Store a change; its sequence."""
        message = Message(subject_of(change), change.model_dump_json().encode())
        return (await self._publisher(topology.CHANGES).publish(message)).seq

    async def due(self, *records: Any) -> None:
        """Store due records (or bytes, of trigger ``t1``) as one batch."""
        messages = [
            Message(subjects.due("t1"), record)
            if isinstance(record, bytes)
            else Message(subjects.due(record.trigger_id), record.model_dump_json().encode())
            for record in records
        ]
        await self._publisher(topology.DUE).publish_batch(messages)

    async def fire(self, *bodies: bytes, reply_to: str | None = None) -> None:
        headers = {} if reply_to is None else {subjects.REPLY_TO_HEADER: reply_to}
        messages = [Message("trigger.command.fire", body, headers=headers) for body in bodies]
        await self._publisher(topology.COMMANDS).publish_batch(messages)

    def claims(self) -> IdempotencyStore:
        return IdempotencyStore(self.connection, topology.IDEMPOTENCY, (Claim,), timeout=TIMEOUT)

    async def stored(self, stream: topology.Stream) -> list[StoredMessage]:
        reader = StreamReader(self.connection, stream.name, timeout=TIMEOUT)
        return await reader.after(0, ">", 1000)

    async def rows(self) -> list[dict[str, Any]]:
        """The log: the entry of each event."""
        return [json.loads(m.payload)["data"] for m in await self.stored(topology.EVENTS)]

    async def dead(self) -> list[dict[str, Any]]:
        return [json.loads(m.payload) for m in await self.stored(topology.DEAD)]

    async def handled(self, consumer: topology.Consumer, *, within: float = 15) -> None:
        """Wait until everything stored for ``consumer`` is acknowledged."""
        jetstream = self.connection.client.jetstream()

        last = (await jetstream.stream_info(consumer.stream.name)).state.last_seq

        async def idle() -> bool:
            info = await jetstream.consumer_info(consumer.stream.name, consumer.durable)
            # A consumer learns of a message a moment after the stream has it: pending is no proof.
            return info.delivered.stream_seq >= last and info.num_ack_pending == 0

        await eventually(idle, within=within, what=f"{consumer.stream.name} is handled")

    async def dues_handled(self, *, within: float = 15) -> None:
        await self.handled(topology.EXECUTOR_DUES, within=within)

    async def fires_handled(self, *, within: float = 15) -> None:
        await self.handled(topology.EXECUTOR_FIRES, within=within)

    async def deliver_fires_again(self) -> None:
        """As after a crash of a broker that forgot every acknowledgement."""
        consumer = topology.EXECUTOR_FIRES
        jetstream = self.connection.client.jetstream()
        await jetstream.delete_consumer(consumer.stream.name, consumer.durable)
        await jetstream.add_consumer(consumer.stream.name, streams.consumer_config(consumer))

    @asynccontextmanager
    async def inbox(self, subject: str) -> AsyncIterator[list[dict[str, Any]]]:
        """What arrives at ``subject``."""
        heard: list[dict[str, Any]] = []

        async def hear(message: Any) -> None:
            heard.append(json.loads(message.data))

        subscription = await self.connection.client.subscribe(subject, cb=hear)
        await self.connection.client.flush()
        yield heard
        await subscription.unsubscribe()


@pytest.fixture
async def around(platform_streams: Broker, secrets: Secrets) -> AsyncIterator[Around]:
    settings = NatsSettings(
        nats_url=platform_streams.url, nats_user="admin", nats_password=secrets.nats["admin"]
    )
    connection = Connection(settings, "admin")
    await connection.connect()
    yield Around(connection)
    await connection.close()


@pytest.fixture
async def start(platform_streams: Broker, secrets: Secrets) -> AsyncIterator[Start]:
    """Starts the executor, as its own user with its own permissions; stopped after the test."""
    started: list[Executor] = []

    async def one() -> Executor:
        executor = build(
            Settings(
                nats_url=platform_streams.url,
                nats_user="executor",
                nats_password=secrets.nats["executor"],
            )
        )
        started.append(executor)
        await executor.broker.start()
        return executor

    yield one
    for executor in started:
        await executor.broker.stop()
        await executor.connection.close()


@pytest.fixture
async def executor(start: Start) -> Executor:
    return await start()
