"""Firing with no domain: what every scheduler on a broker and a database has to do at least.

``claim`` takes due rows (SKIP LOCKED, at most 500), appends one message for each in one
atomic batch, advances the rows and commits. ``heap`` knows what is due from memory alone and
publishes each. ``insert`` writes messages to the log as they arrive. Each is a worker.
"""

import asyncio
import heapq
import json
import time
from collections.abc import Sequence
from datetime import UTC, datetime

import asyncpg

from bench.support.servers import BARE, BARE_CONSUMER, PUBLISH_TIMEOUT, Servers
from bench.support.workers import Link
from trigger_contracts.ids import uuid7
from trigger_runtime.consuming.delivery import ack_all
from trigger_runtime.consuming.pull import Pull
from trigger_runtime.jetstream.publisher import JetStreamPublisher, Message

from .tables import INSERT

CLAIM_LIMIT = 500
INSERT_LIMIT = 1000
LONGEST_SLEEP_S = 0.05
BATCHES_IN_FLIGHT = 4

_CLAIM = """
SELECT id, due_at FROM due WHERE due_at <= statement_timestamp()
ORDER BY due_at LIMIT $1 FOR UPDATE SKIP LOCKED
"""
_ADVANCE = "UPDATE due SET due_at = due_at + every WHERE id = ANY ($1::text[])"
_EARLIEST = "SELECT min(due_at) FROM due"

Fired = list[tuple[str, float, float]]
"""Trigger, scheduled for and acknowledged at (epoch seconds)."""


async def sleep_until(epoch_s: float) -> None:
    """A sleep can end a fraction early, so the clock is asked again."""
    while (early := epoch_s - time.time()) > 0:  # noqa: ASYNC110 - time is the event
        await asyncio.sleep(early)


def message(trigger_id: str, scheduled_for: datetime) -> Message:
    event_id = str(uuid7(scheduled_for, trigger_id, str(scheduled_for.timestamp())))
    body = {
        "id": event_id,
        "trigger_id": trigger_id,
        "scheduled_for": scheduled_for.timestamp(),
        "payload": {"text": "x" * 200},
    }
    return Message(f"bare.{trigger_id}", json.dumps(body).encode(), event_id)


async def claim(link: Link, servers: Servers, count: int) -> None:
    """Fire ``count`` occurrences; reports ``Fired``."""
    fired: Fired = []
    async with servers.connected() as connection, servers.database(synchronous_commit="off") as db:
        publisher = JetStreamPublisher(connection, BARE.name, timeout=PUBLISH_TIMEOUT)
        link.ready()
        while len(fired) < count:
            async with db.transaction():
                rows = await db.fetch(_CLAIM, min(CLAIM_LIMIT, count - len(fired)))
                if rows:
                    await publisher.publish_batch([message(row[0], row[1]) for row in rows])
                    at = time.time()
                    await db.execute(_ADVANCE, [row[0] for row in rows])
            if rows:
                fired += [(row[0], row[1].timestamp(), at) for row in rows]
                continue
            earliest: datetime | None = await db.fetchval(_EARLIEST)
            early = LONGEST_SLEEP_S if earliest is None else earliest.timestamp() - time.time()
            await asyncio.sleep(max(0.0, min(early, LONGEST_SLEEP_S)))
        link.report(fired)
        await link.told()


async def heap(
    link: Link, servers: Servers, due: Sequence[tuple[float, str]], every: float | None, count: int
) -> None:
    """As ``claim``, with the due times in memory: nothing survives a crash."""
    fired: Fired = []
    waiting = list(due)
    heapq.heapify(waiting)
    async with servers.connected() as connection:
        publisher = JetStreamPublisher(connection, BARE.name, timeout=PUBLISH_TIMEOUT)

        async def fire(trigger_id: str, at: float) -> None:
            await publisher.publish(message(trigger_id, datetime.fromtimestamp(at, UTC)))
            fired.append((trigger_id, at, time.time()))

        link.ready()
        fires: list[asyncio.Future[None]] = []
        while len(fires) < count:
            at, trigger_id = heapq.heappop(waiting)
            await sleep_until(at)
            fires.append(asyncio.ensure_future(fire(trigger_id, at)))
            if every is not None:
                heapq.heappush(waiting, (at + every, trigger_id))
        await asyncio.gather(*fires)
        link.report(fired)
        await link.told()


async def publish(link: Link, servers: Servers, count: int) -> None:
    """Publish ``count`` messages in atomic batches as fast as they go; reports when it began."""
    async with servers.connected() as connection:
        publisher = JetStreamPublisher(connection, BARE.name, timeout=PUBLISH_TIMEOUT)
        link.ready()
        began = time.time()
        now = datetime.fromtimestamp(began, UTC)
        starts = iter(range(0, count, CLAIM_LIMIT))

        async def fly() -> None:
            for start in starts:
                stop = min(start + CLAIM_LIMIT, count)
                await publisher.publish_batch([message(f"b{n}", now) for n in range(start, stop)])

        await asyncio.gather(*(fly() for _ in range(BATCHES_IN_FLIGHT)))
        link.report(began)
        await link.told()


async def insert(link: Link, servers: Servers, count: int) -> None:
    """Insert ``count`` messages; reports scheduled for and committed at of each."""
    inserted: list[tuple[float, float]] = []
    async with servers.connected() as connection, servers.database() as db:
        pull = Pull(connection, BARE_CONSUMER, batch=INSERT_LIMIT)
        await pull.open()
        link.ready()
        while len(inserted) < count:
            messages = await pull.take()
            bodies = [json.loads(one.payload) for one in messages]
            await _insert(db, bodies, [one.payload.decode() for one in messages])
            at = time.time()
            await ack_all(messages)
            inserted += [(body["scheduled_for"], at) for body in bodies]
        link.report(inserted)
        await link.told()
        await pull.close()


async def _insert(
    db: "asyncpg.Connection[asyncpg.Record]", bodies: Sequence[dict[str, object]], texts: list[str]
) -> None:
    now = datetime.fromtimestamp(time.time(), UTC)
    await db.execute(
        INSERT,
        [body["id"] for body in bodies],
        [body["trigger_id"] for body in bodies],
        [now] * len(bodies),
        texts,
    )
