"""Clients that move no bytes give their place to those who would, soon."""

import asyncio
import contextlib
import json

from tests.integration.api.conftest import Running, ready, serving
from tests.integration.api.stand_in import StandInScheduler
from tests.support import raw_http
from tests.support.downloads import Download, Incomplete, opened
from tests.support.many_rows import filled
from tests.support.servers import Broker, Database
from trigger_api.entrypoints.bodies import Bodies
from trigger_api.entrypoints.holding import BodyMemory
from trigger_local.secrets import Secrets

EXPORT = "/events/export"
SOON_S = 10.0
"""On a busy machine; it takes 1.5 s."""
LINES = b"\n".join(
    json.dumps({"name": f"n{n}", "type": "api", "payload": "x" * 50_000}).encode()
    for n in range(20)
)


async def test_bulk_bodies_that_stand_still_keep_nobody_out(
    gateway: Running, scheduler: StandInScheduler
) -> None:
    async with contextlib.AsyncExitStack() as stack:
        for _ in range(12):
            await _begun(stack, gateway, 5_000_000, LINES[:200_000])
        async with asyncio.timeout(SOON_S):
            response = await gateway.http.post(
                "/triggers/bulk",
                content=LINES,
                headers={"Content-Type": "application/x-ndjson"},
            )
        answer = response.json()
        assert answer["created"] + answer["accepted"] == 20


async def test_memory_for_bodies_is_taken_from_whoever_stands_still(
    gateway: Running, scheduler: StandInScheduler
) -> None:
    """A megabyte instead of the gateway's 128, so that two senders fill it."""
    bodies = _bodies_of(gateway)
    bodies._holding = BodyMemory(1_000_000)
    async with contextlib.AsyncExitStack() as stack:
        readers = [await _begun(stack, gateway, 900_000, LINES[:490_000]) for _ in range(2)]
        async with asyncio.timeout(SOON_S):
            response = await gateway.http.post(
                "/triggers/bulk",
                content=LINES[:600_000].rpartition(b"\n")[0],
                headers={"Content-Type": "application/x-ndjson"},
            )
        assert response.status_code in (201, 202)
        given_up = await raw_http.answer(readers[0])
        assert (given_up.status, given_up.json["code"]) == (408, "body-too-slow")
        assert "others" in given_up.json["detail"]


async def test_exports_that_nobody_reads_give_way_and_those_that_are_read_do_not(
    platform_streams: Broker, empty_database: Database, secrets: Secrets
) -> None:
    await filled(empty_database, 60_000)
    async with serving(platform_streams, empty_database, secrets, max_exports=2) as running:
        await ready(running)
        key = secrets.api_key
        async with (
            opened(running.url, EXPORT, key) as unread,
            opened(running.url, EXPORT, key) as moving,
        ):
            reading = asyncio.create_task(_slowly(moving))
            async with asyncio.timeout(SOON_S):
                response = await running.http.get(f"{EXPORT}?trigger_id=t1")
            assert response.status_code == 200
            assert (await unread.until_cut()).count(b"\n") < 60_000
            assert await reading == 60_000


async def _slowly(download: Download) -> int:
    """A megabyte a second or so: not fast, and never standing still."""
    lines = 0
    with contextlib.suppress(Incomplete):
        while chunk := await download.chunk():
            lines += chunk.count(b"\n")
            await asyncio.sleep(0.005)
    return lines


async def _begun(
    stack: contextlib.AsyncExitStack, gateway: Running, declared: int, sent: bytes
) -> asyncio.StreamReader:
    return await raw_http.stopped_body(stack, gateway.url, gateway.secrets.api_key, declared, sent)


def _bodies_of(gateway: Running) -> Bodies:
    return gateway.built.gateway._fire_endpoint._bodies
