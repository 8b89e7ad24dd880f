"""A list and the live tail from its position have every event, whatever retention is doing."""

import asyncio
from datetime import datetime, timedelta

import httpx
from nats.aio.client import Client

from tests.integration.api.conftest import Running, ready, serving
from tests.integration.api.streams import opened
from tests.support.eventually import eventually
from tests.support.log_entries import body_of, make_entry
from tests.support.servers import Broker, Database
from trigger_contracts import subjects
from trigger_local.secrets import Secrets

EVENTS = 240
"""Fewer than a page has: each list shows all that is in the tables."""


async def position_and_rows(http: httpx.AsyncClient, path: str) -> tuple[str, set[str]]:
    answer = await http.get(path)
    assert answer.status_code == 200, answer.text
    shown = answer.json()
    points = shown[0]["points"] if path.startswith("/activity/") else None
    rows = {row["id"] for row in shown} if points is None else {p["event_id"] for p in points}
    return answer.headers.get("x-log-position", ""), rows


async def test_a_list_and_the_stream_from_its_position_have_every_event_under_load(
    gateway: Running,
    platform_streams: Broker,
    empty_database: Database,
    retention: None,
    executor: Client,
) -> None:
    stored: list[str] = []
    logged_at: dict[str, datetime] = {}

    async def publish(writer: int) -> None:
        for number in range(EVENTS // 4):
            entry = make_entry(f"{writer} {number}")
            logged_at[entry.event_id] = entry.logged_at
            await executor.jetstream().publish(subjects.fired("t"), body_of(entry))
            stored.append(entry.event_id)
            await asyncio.sleep(0.01)

    async def held_up() -> None:
        """Some rows can be written and others not: batches are settled out of order."""
        async with empty_database.connected() as admin:
            while len(stored) < EVENTS:
                async with admin.transaction():
                    await admin.execute("LOCK TABLE retention.event IN EXCLUSIVE MODE")
                    await asyncio.sleep(0.3)
                await asyncio.sleep(0.2)

    writing = [asyncio.create_task(publish(writer)) for writer in range(4)]
    holding = asyncio.create_task(held_up())
    await eventually(lambda: len(stored) > 10)
    paths = ("/events/?limit=500", "/events/?limit=500&q=0", "/activity/?trigger_id=t&points=60")
    lists: list[tuple[str, str, set[str]]] = []
    behind = 0
    while len(stored) < EVENTS:
        for path in paths:
            known = len(stored)
            position, rows = await position_and_rows(gateway.http, path)
            assert position, "the position is known"
            if path == paths[0]:
                behind += len(rows) < known
            if path != paths[1]:
                lists.append((path, position, rows))
        await asyncio.sleep(0.15)
    await asyncio.gather(*writing, holding)
    assert behind, "the tables were never behind: this shows nothing"

    for path, position, rows in lists:
        # Of a trigger's activity the newest are shown: what is older is not missing.
        shown = (logged_at[event_id] for event_id in rows)
        first = min(shown) if rows and path == paths[2] else None
        missing = {one for one in stored if first is None or logged_at[one] >= first} - rows
        async with opened(gateway, position) as source:
            while missing:
                event = await source.next()
                assert event.type == "trigger.fired.v1"
                missing.discard(event.json["id"])

    async def caught_up() -> bool:
        position, rows = await position_and_rows(gateway.http, paths[0])
        return len(rows) == EVENTS and position.endswith(f"-{EVENTS}")

    await eventually(caught_up, within=10)


async def test_lists_wait_for_no_broker_that_is_away(
    platform_streams: Broker, empty_database: Database, secrets: Secrets
) -> None:
    # Longer than the client waits: what waits for the broker at all is not answered.
    wait = {"command_timeout": timedelta(minutes=1)}
    async with serving(platform_streams, empty_database, secrets, **wait) as running:
        await ready(running)
        before = (await running.http.get("/events/")).headers["x-log-position"]
        assert before.endswith("-0")
        await platform_streams.kill()
        try:
            for path in ("/events/", "/activity/?trigger_id=t", "/events/?limit=3"):
                answer = await running.http.get(path)
                assert (answer.status_code, answer.headers["x-log-position"]) == (200, before)
        finally:
            await platform_streams.start()
    nowhere = {"nats_url": "nats://127.0.0.1:1", "command_timeout": timedelta(milliseconds=100)}
    async with serving(platform_streams, empty_database, secrets, **nowhere) as running:
        answer = await running.http.get("/events/")
        assert answer.status_code == 200
        assert "x-log-position" not in answer.headers
