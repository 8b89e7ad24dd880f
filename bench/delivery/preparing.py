"""Targets, triggers that name them, and fires of these: what there is to deliver."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Sequence
from typing import Any

import httpx

from bench.support.checks import expect_equal, until
from bench.support.creating import BATCH, BATCHES_IN_FLIGHT, PAYLOAD
from bench.support.servers import PUBLISH_TIMEOUT, Platform
from trigger_contracts import subjects, topology
from trigger_contracts.subjects import Verb
from trigger_runtime.jetstream.publisher import JetStreamPublisher, Message

ALLOWED = {"ETP_WEBHOOK_ALLOW": "127.0.0.1"}
"""The platform's environment: it delivers to receivers of the bench."""
AT_ONCE = 16
"""Requests to the gateway."""


@contextlib.asynccontextmanager
async def asking(servers: Platform) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the gateway."""
    async with httpx.AsyncClient(
        base_url=servers.url, headers={"X-API-KEY": servers.api_key}, timeout=60
    ) as client:
        yield client


async def create_targets(
    client: httpx.AsyncClient, definitions: Sequence[dict[str, Any]]
) -> list[str]:
    """Their ids, in the order given."""
    return await _create_each(client, "/targets/", definitions)


async def create_triggers(client: httpx.AsyncClient, targets: Sequence[Sequence[str]]) -> list[str]:
    """Triggers that are fired by request, each with the targets that it names; their ids."""
    definitions = [
        {"name": "bench", "type": "api", "payload": PAYLOAD, "targets": list(one)}
        for one in targets
    ]
    return await _create_each(client, "/triggers/", definitions)


async def _create_each(
    client: httpx.AsyncClient, path: str, definitions: Sequence[dict[str, Any]]
) -> list[str]:
    permits = asyncio.Semaphore(AT_ONCE)

    async def create(definition: dict[str, Any]) -> str:
        async with permits:
            answer = await client.post(path, json=definition)
        expect_equal(answer.status_code, 201, f"create: {answer.text}")
        return str(answer.headers["location"].rstrip("/").rpartition("/")[2])

    return await asyncio.gather(*map(create, definitions))


async def fire_each(servers: Platform, trigger_ids: Sequence[str]) -> None:
    """Fire them in this order, as a NATS client would: in atomic batches."""
    async with servers.connected("api") as connection:
        publisher = JetStreamPublisher(connection, topology.COMMANDS.name, timeout=PUBLISH_TIMEOUT)
        subject = subjects.command(Verb.FIRE)
        bodies = {one: json.dumps({"trigger_id": one}).encode() for one in set(trigger_ids)}
        batches = iter(
            [
                [Message(subject, bodies[one]) for one in trigger_ids[start : start + BATCH]]
                for start in range(0, len(trigger_ids), BATCH)
            ]
        )

        async def publish() -> None:
            for batch in batches:
                await publisher.publish_batch(batch)

        await asyncio.gather(*(publish() for _ in range(BATCHES_IN_FLIGHT)))


async def logged(servers: Platform) -> int:
    """Deliveries in the log's tables."""
    async with servers.database() as database:
        return int(await database.fetchval("SELECT count(*) FROM retention.delivery"))


async def planned(servers: Platform, count: int, *, within: float) -> None:
    """So many deliveries are in the log's tables, whatever has become of them."""
    counted = "SELECT count(*) >= $1 FROM retention.delivery"
    await _until(servers, counted, count, within, f"{count} deliveries in the log")


async def all_delivered(servers: Platform, *, within: float) -> None:
    """The log knows of each delivery that it was delivered."""
    counted = "SELECT count(*) <= $1 FROM retention.delivery WHERE state <> 'delivered'"
    await _until(servers, counted, 0, within, "all deliveries delivered in the log")


async def waiting(servers: Platform, count: int, *, within: float) -> None:
    """At least so many deliveries are pending in the deliverer's index."""
    counted = "SELECT count(*) >= $1 FROM executor.delivery"
    await _until(servers, counted, count, within, f"{count} deliveries wait")


async def opened(servers: Platform, target_ids: Sequence[str], *, within: float) -> None:
    """The breakers of all these targets have opened."""
    counted = (
        "SELECT count(*) >= cardinality($1::text[]) FROM executor.lanes "
        "WHERE target_id = ANY ($1) AND open_until IS NOT NULL"
    )
    await _until(servers, counted, target_ids, within, "all breakers open")


async def _until(servers: Platform, query: str, argument: Any, within: float, what: str) -> None:
    async with servers.database() as database:

        async def is_so() -> bool:
            return bool(await database.fetchval(query, argument))

        await until(is_so, within=within, every=0.5, what=what)
