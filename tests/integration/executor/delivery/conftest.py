"""Deliverers in this process, on a real broker and database; receivers are a fake ``Sender``.

A deliverer is what ``bootstrap`` makes of the role: projector and lanes, as the executor's own
users. What is sent is written down by ``Receivers``, and answered as a test says.
"""

import asyncio
import contextlib
import json
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from pydantic import SecretStr

from tests.support.eventually import eventually
from tests.support.servers import Broker, Database
from trigger_contracts import subjects, topology
from trigger_contracts.deliveries.outcomes import FailureCode, Outcome
from trigger_contracts.deliveries.records import (
    DeliveryAttempted,
    DeliveryEnded,
    DeliveryPlanned,
    DeliveryRecord,
    delivery_id_of,
    message_id_of,
    message_of,
    record_in,
)
from trigger_contracts.ids import uuid7
from trigger_contracts.targets.changes import TargetChanged, TargetChangeKind, TargetStatus
from trigger_contracts.targets.fields import TargetDefinition
from trigger_executor.adapters import meter
from trigger_executor.adapters.delivery.attempt_log import JetStreamAttemptLog
from trigger_executor.adapters.delivery.health_log import StoredHealth
from trigger_executor.adapters.delivery.index import PostgresDeliveries
from trigger_executor.adapters.delivery.lane_statements import PLANNING
from trigger_executor.adapters.delivery.record_log import RecordReader
from trigger_executor.bootstrap import Executor, build, build_lanes
from trigger_executor.domain.delivery.attempt import Attempt, Attempted, SendResult
from trigger_executor.domain.delivery.retrying import DEFAULT_DELAYS
from trigger_executor.handlers.delivery.alerting import HealthFacts
from trigger_executor.handlers.delivery.projecting import DeliveryProjector
from trigger_executor.handlers.delivery.role import Delivering
from trigger_executor.settings import Settings
from trigger_local.secrets import Secrets
from trigger_runtime.jetstream.connection import Connection
from trigger_runtime.jetstream.publisher import JetStreamPublisher, Message
from trigger_runtime.jetstream.reader import StreamReader
from trigger_runtime.postgres.database import Database as Pool
from trigger_runtime.process.clock import SystemClock
from trigger_runtime.process.loops import Loop, stop_all
from trigger_runtime.process.record_clock import ClockOfRecord
from trigger_runtime.process.settings import DatabaseSettings, NatsSettings

TIMEOUT = timedelta(seconds=2)
LIFE = timedelta(hours=48)

Answer = Callable[[Attempt], Awaitable[SendResult]]


def now() -> datetime:
    return SystemClock().now()


def answer(status: int, *, after_s: float = 0.0, **fields: Any) -> Answer:
    """A receiver that answers with a status."""

    async def answering(_: Attempt) -> SendResult:
        if after_s:
            await asyncio.sleep(after_s)
        is_good = 200 <= status < 300
        return Attempted(
            started_at=now(),
            duration_ms=0,
            outcome=Outcome.DELIVERED if is_good else Outcome.FAILED,
            origin="https://shop.example",
            code=None if is_good else FailureCode.STATUS,
            status=status,
            **fields,
        )

    return answering


@dataclass
class Receivers:
    """``ports.sending.Sender``: all that was sent by any replica, and when."""

    answers: dict[str, Answer] = field(default_factory=dict)
    sent: list[tuple[float, Attempt]] = field(default_factory=list)
    flying: Counter[str] = field(default_factory=Counter)
    most_flying: Counter[str] = field(default_factory=Counter)

    async def send(self, attempt: Attempt) -> SendResult:
        one, began, started_at = attempt.target_id, time.monotonic(), now()
        self.sent.append((began, attempt))
        self.flying[one] += 1
        self.most_flying[one] = max(self.most_flying[one], self.flying[one])
        try:
            told = await self.answers.get(one, answer(200))(attempt)
        finally:
            self.flying[one] -= 1
        if isinstance(told, Attempted):
            took = round((time.monotonic() - began) * 1000)
            told = replace(told, started_at=started_at, duration_ms=took)
        return told

    def event_ids(self) -> list[str]:
        return [attempt.event_id for _, attempt in self.sent]

    def times(self) -> list[float]:
        return [at for at, _ in self.sent]


class Replica:
    """One deliverer."""

    def __init__(self, deliveries: "Deliveries", kept_for: timedelta) -> None:
        self._deliveries = deliveries
        broker, database = deliveries.broker, deliveries.database
        self.connection = Connection(
            NatsSettings(
                nats_url=broker.url,
                nats_user="executor",
                nats_password=broker.passwords["executor"],
            ),
            "executor",
        )
        self.pool = Pool(
            DatabaseSettings(database_url=database.url("etp_executor"), pool_size=6),
            "etp executor tests",
            server_settings={"search_path": "executor", **PLANNING},
        )
        self.publisher = JetStreamPublisher(self.connection, topology.EVENTS.name, timeout=TIMEOUT)
        reader = StreamReader(self.connection, topology.EVENTS.name, timeout=TIMEOUT)
        self.lanes: Delivering = build_lanes(
            self.connection,
            self.pool,
            self.publisher,
            deliveries.receivers,
            ClockOfRecord(time.monotonic),
            timeout=TIMEOUT,
            kept_for=kept_for,
            delays=DEFAULT_DELAYS,
            is_sampled=lambda _: False,
            on_appended=deliveries.appended,
        )
        health = HealthFacts(
            JetStreamAttemptLog(
                self.connection, self.publisher, reader, on_appended=deliveries.appended
            ),
            StoredHealth(reader),
            self.lanes.targets.living,
            SystemClock(),
            meter,
            kept_for=kept_for,
        )
        self.projector = DeliveryProjector(
            RecordReader(reader),
            PostgresDeliveries(self.pool),
            deliveries,
            health,
            SystemClock(),
            Quiet(),
        )
        self.projecting = Loop("project", self.projector.one_pass)

    async def start(self) -> None:
        await self.connection.connect()
        self.projecting.start()
        self.lanes.start()

    async def stop(self) -> None:
        await self.lanes.stop()
        await self.projecting.stop()
        await self.publisher.flush()
        await self._close()

    async def kill(self) -> None:
        """It is gone at once, and gives nothing back."""
        hands = self.lanes.hands
        hands.is_stopping = True
        hands.lanes.clear()
        await stop_all((*self.lanes.loops, self.projecting))
        await self.lanes.attempts.stop(0)
        await self._close()

    async def _close(self) -> None:
        await self.connection.close()
        await self.pool.close()
        if self in self._deliveries.replicas:
            self._deliveries.replicas.remove(self)


class Quiet:
    """``ports.projecting.ProjectionMeter``."""

    def projected(self, records: int, age_s: float) -> None: ...
    def followed(self) -> None: ...


class Deliveries:
    """The servers, the replicas, and what others do."""

    def __init__(self, broker: Broker, database: Database, admin: Connection) -> None:
        self.broker, self.database, self.admin = broker, database, admin
        self.receivers = Receivers()
        self.replicas: list[Replica] = []
        self.kept_for = LIFE
        self._seen: dict[str, DeliveryRecord] = {}
        self._seen_up_to = 0

    # ``ports.projecting.LaneWakes``, and what a replica tells of: hints, within this process.

    def waiting(self, target_ids: Collection[str]) -> None:
        for replica in self.replicas:
            replica.lanes.woken(target_ids)

    def appended(self) -> None:
        for replica in self.replicas:
            if replica.projector.hinted():
                replica.projecting.wake()

    async def start(self, count: int = 1) -> None:
        for _ in range(count):
            replica = Replica(self, self.kept_for)
            self.replicas.append(replica)
            await replica.start()

    async def stop(self) -> None:
        while self.replicas:
            await self.replicas[0].stop()

    def owner_of(self, target_id: str) -> Replica:
        return next(one for one in self.replicas if target_id in one.lanes.hands.lanes)

    # The scheduler's and the record role's

    async def has(self, target_id: str = "shop", version: int = 1, **fields: Any) -> TargetChanged:
        """A change of a target is in its log."""
        change = TargetChanged(
            kind=TargetChangeKind.CREATED if version == 1 else TargetChangeKind.UPDATED,
            target_id=target_id,
            creation_id="create",
            command_id=f"command {version}",
            version=version,
            status=TargetStatus.ACTIVE,
            definition=TargetDefinition(
                **{"type": "webhook", "url": "https://shop.example/hook", **fields}
            ),
            actor="tests",
            at=now(),
            created_at=now(),
            created_by="tests",
        )
        await self._change(change)
        return change

    async def delete(self, change: TargetChanged) -> None:
        await self._change(
            change.model_copy(
                update={
                    "kind": TargetChangeKind.DELETED,
                    "status": TargetStatus.DELETED,
                    "version": change.version + 1,
                }
            )
        )

    async def _change(self, change: TargetChanged) -> None:
        await self._publisher(topology.TARGETS).publish(
            Message(subjects.target(change.target_id), change.model_dump_json().encode())
        )

    def _publisher(self, stream: topology.Stream) -> JetStreamPublisher:
        return JetStreamPublisher(self.admin, stream.name, timeout=TIMEOUT)

    async def fire(
        self, target_id: str = "shop", *, trigger_id: str = "order", count: int = 1
    ) -> list[str]:
        """Events are logged and their deliveries planned, in this order; the events' ids."""
        events = self._publisher(topology.EVENTS)
        at = now()
        ids = [
            str(uuid7(at, trigger_id, target_id, str(time.monotonic_ns()), str(n)))
            for n in range(count)
        ]
        acks = await events.publish_batch(
            [
                Message(
                    subjects.fired(trigger_id),
                    json.dumps({"id": event_id}).encode(),
                    message_id=event_id,
                )
                for event_id in ids
            ]
        )
        records = [
            DeliveryPlanned(
                delivery_id=delivery_id_of(event_id, target_id),
                event_id=event_id,
                trigger_id=trigger_id,
                target_id=target_id,
                round=1,
                logged_at=at,
                event_seq=ack.seq,
                planned_at=at,
                expires_at=at + self.kept_for,
            )
            for event_id, ack in zip(ids, acks, strict=True)
        ]
        messages = [message_of(one, expires_at=one.expires_at, now=at) for one in records]
        await events.publish_batch(
            [
                Message(one.subject, one.body, message_id=one.message_id, ttl=one.ttl)
                for one in messages
                if one is not None
            ]
        )
        self.appended()
        return ids

    # What is seen

    async def listen(self) -> None:
        """Remember records whose lives are short."""

        async def hear(message: Any) -> None:
            self._see(record_in(message.subject, message.data))

        await self.admin.client.subscribe(subjects.ALL_DELIVERY, cb=hear)
        await self.admin.client.flush()

    def _see(self, record: DeliveryRecord) -> None:
        self._seen.setdefault(message_id_of(record), record)

    async def records(self) -> list[DeliveryRecord]:
        """All that there were, in their order."""
        reader = StreamReader(self.admin, topology.EVENTS.name, timeout=TIMEOUT)
        while page := await reader.after(self._seen_up_to, subjects.ALL_DELIVERY, 1000):
            for one in page:
                self._see(record_in(one.subject, one.payload))
            self._seen_up_to = page[-1].seq
        return list(self._seen.values())

    async def attempted(self) -> list[DeliveryAttempted]:
        return [one for one in await self.records() if isinstance(one, DeliveryAttempted)]

    async def ended(self) -> list[DeliveryEnded]:
        return [one for one in await self.records() if isinstance(one, DeliveryEnded)]

    async def pending(self) -> int:
        async with self.database.connected() as connection:
            count: int = await connection.fetchval("SELECT count(*) FROM executor.delivery")
        return count

    async def lane(self, target_id: str = "shop") -> dict[str, Any]:
        async with self.database.connected() as connection:
            row = await connection.fetchrow(
                "SELECT * FROM executor.lane WHERE target_id = $1", target_id
            )
        return {} if row is None else dict(row)

    async def all_done(self, *, within: float = 15) -> None:
        async def done() -> bool:
            records = await self.records()
            planned = {one.delivery_id for one in records if isinstance(one, DeliveryPlanned)}
            final = {
                one.delivery_id
                for one in records
                if isinstance(one, DeliveryEnded)
                or (isinstance(one, DeliveryAttempted) and one.final is not None)
            }
            return planned == final and await self.pending() == 0

        await eventually(done, within=within, poll=0.1, what="nothing is pending")


@pytest.fixture
async def deliveries(
    platform_streams: Broker, empty_database: Database, secrets: Secrets
) -> AsyncIterator[Deliveries]:
    admin = Connection(
        NatsSettings(
            nats_url=platform_streams.url, nats_user="admin", nats_password=secrets.nats["admin"]
        ),
        "admin",
    )
    await admin.connect()
    async with empty_database.connected() as connection:
        # Emptied with the rest.
        await connection.execute(
            "INSERT INTO executor.projection DEFAULT VALUES ON CONFLICT DO NOTHING"
        )
    made = Deliveries(platform_streams, empty_database, admin)
    await made.listen()
    try:
        yield made
    finally:
        with contextlib.suppress(Exception):
            await made.stop()
        await admin.close()


StartRole = Callable[..., Awaitable[Executor]]


@pytest.fixture
async def start_role(platform_streams: Broker, secrets: Secrets) -> AsyncIterator[StartRole]:
    """Starts an executor with roles and a database, as its process does; stopped after the test."""
    started: list[tuple[Executor, tuple]] = []

    async def one(roles: str, database_url: str) -> Executor:
        executor = build(
            Settings(
                nats_url=platform_streams.url,
                nats_user="executor",
                nats_password=SecretStr(secrets.nats["executor"]),
                database_url=SecretStr(database_url),
                executor_roles=roles,
            )
        )
        parts = executor.parts
        started.append((executor, parts))
        await executor.broker.start()
        for part in parts:
            part.start()
        return executor

    yield one
    for executor, parts in started:
        await stop_all(parts)
        await executor.broker.stop()
        await executor.connection.close()
        for close in executor.on_stop:
            await close()
