"""Creates many triggers ahead, as a NATS client would: create commands in atomic batches."""

import asyncio
import json
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from nats.aio.msg import Msg

from trigger_contracts import subjects, topology
from trigger_contracts.subjects import Verb
from trigger_runtime.jetstream.publisher import JetStreamPublisher, Message

from .checks import BenchFailed, expect_equal, until
from .servers import PUBLISH_TIMEOUT, Platform

BATCH = 500
BATCHES_IN_FLIGHT = 4

LEAD_S = 6.0
"""Between the last creation and the first occurrence, at least."""
CREATES_PER_S = 1500
"""What a creation ahead of time may be relied on to reach, on a slow machine, too."""

PAYLOAD = {"text": "x" * 200}


def lead(count: int) -> float:
    """Seconds from now in which ``count`` triggers are surely created."""
    return LEAD_S + count / CREATES_PER_S


def instant(epoch_s: float) -> str:
    return datetime.fromtimestamp(epoch_s, UTC).isoformat(timespec="microseconds")


def once(number: int, at: float) -> dict[str, Any]:
    return _scheduled(number, schedule_time=instant(at))


def every(number: int, seconds: int, starts_at: float) -> dict[str, Any]:
    return _scheduled(number, interval=seconds, starts_at=instant(starts_at))


def _scheduled(number: int, **schedule: Any) -> dict[str, Any]:
    return {
        "trigger_id": f"bench-{number:06}",
        "name": f"bench {number}",
        "type": "scheduled",
        "payload": PAYLOAD,
        **schedule,
    }


async def create_ahead(
    platform: Platform, definitions: Sequence[dict[str, Any]], before: float, *, others: int = 0
) -> None:
    """Create them all and see them in the due index, before the epoch second ``before``.

    ``others`` are there already.
    """
    await publish_creates(platform, definitions)
    async with platform.database() as database:

        async def all_there() -> bool:
            count = await database.fetchval("SELECT count(*) FROM scheduler.trigger")
            return bool(count == len(definitions) + others)

        within = before - time.time()
        if within <= 0:
            raise BenchFailed("creating the triggers took longer than the bench allows for")
        await until(all_there, within=within, what=f"{len(definitions)} triggers created")


async def publish_creates(
    platform: Platform, definitions: Sequence[dict[str, Any]], *, answered: bool = False
) -> tuple[float, float]:
    """Seconds until all commands were stored, and until all were answered (if asked for)."""
    async with platform.connected("api") as connection:
        reply_to = f"{subjects.inbox_prefix('api')}.created"
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        problems: list[bytes] = []
        answers = 0

        async def hear(message: Msg) -> None:
            nonlocal answers
            answers += 1
            if b'"code"' in message.data[:200] or b'"version":1' not in message.data[:200]:
                problems.append(message.data)
            if answers == len(definitions) and not done.done():
                done.set_result(None)

        headers = None
        if answered:
            headers = {subjects.REPLY_TO_HEADER: reply_to}
            await connection.client.subscribe(
                reply_to, cb=hear, pending_msgs_limit=0, pending_bytes_limit=0
            )
        publisher = JetStreamPublisher(connection, topology.COMMANDS.name, timeout=PUBLISH_TIMEOUT)
        subject = subjects.command(Verb.CREATE)
        batches = _batches(
            [
                Message(
                    subject,
                    json.dumps(fields).encode(),
                    f"create-{fields['trigger_id']}",
                    headers=headers,
                )
                for fields in definitions
            ]
        )

        async def publish() -> None:
            for batch in batches:
                await publisher.publish_batch(batch)

        started = time.perf_counter()
        await asyncio.gather(*(publish() for _ in range(BATCHES_IN_FLIGHT)))
        stored_s = time.perf_counter() - started
        if answered:
            await asyncio.wait_for(done, 60 + len(definitions) / 100)
        answered_s = time.perf_counter() - started
        expect_equal(problems[:1], [], "refused creates")
        return stored_s, answered_s


def _batches(messages: Sequence[Message]) -> Iterator[Sequence[Message]]:
    for start in range(0, len(messages), BATCH):
        yield messages[start : start + BATCH]
