"""Storing definitions with no rules: one message and one row each. Workers."""

import asyncio
import json
import time
from collections.abc import Sequence

import asyncpg

from bench.support.servers import BARE, PUBLISH_TIMEOUT, Servers
from bench.support.workers import Link
from trigger_runtime.jetstream.publisher import JetStreamPublisher, Message

POOL = 8
BATCH = 500
_ROW = "INSERT INTO due (id, due_at) VALUES ($1, $2::text::timestamptz)"
_ROWS = "INSERT INTO due (id, due_at) SELECT * FROM unnest($1::text[], $2::text[]::timestamptz[])"

Definitions = Sequence[tuple[str, str, bytes]]
"""Id, when due, and the body."""


async def singly(link: Link, servers: Servers, definitions: Definitions, at_once: int) -> None:
    """Each its own publish and its own commit, ``at_once`` at a time; reports the seconds."""
    async with (
        servers.connected() as connection,
        asyncpg.create_pool(servers.database_url, min_size=POOL, max_size=POOL) as pool,
    ):
        publisher = JetStreamPublisher(connection, BARE.name, timeout=PUBLISH_TIMEOUT)
        link.ready()
        started = time.perf_counter()
        following = iter(definitions)

        async def create() -> None:
            for trigger_id, due_at, body in following:
                await publisher.publish(Message(f"bare.{trigger_id}", body, trigger_id))
                await pool.execute(_ROW, trigger_id, due_at)

        await asyncio.gather(*(create() for _ in range(at_once)))
        link.report(time.perf_counter() - started)
        await link.told()


async def in_bulk(link: Link, servers: Servers, definitions: Definitions) -> None:
    """Atomic batches, one INSERT each; reports the seconds."""
    async with servers.connected() as connection, servers.database() as db:
        publisher = JetStreamPublisher(connection, BARE.name, timeout=PUBLISH_TIMEOUT)
        link.ready()
        started = time.perf_counter()
        for start in range(0, len(definitions), BATCH):
            part = definitions[start : start + BATCH]
            await publisher.publish_batch(
                [Message(f"bare.{one}", body, f"bulk-{one}") for one, _, body in part]
            )
            await db.execute(_ROWS, [one[0] for one in part], [one[1] for one in part])
        link.report(time.perf_counter() - started)
        await link.told()


def bare_form(definitions: Sequence[dict[str, object]], prefix: str) -> Definitions:
    return [
        (f"{prefix}{number}", str(fields["schedule_time"]), json.dumps(fields).encode())
        for number, fields in enumerate(definitions)
    ]
