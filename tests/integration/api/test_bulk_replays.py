"""Replays of all that passes a filter, over the real schema of the log."""

import asyncio
from datetime import timedelta

import httpx
import pytest

from tests.integration.api.conftest import ready, serving
from tests.integration.api.log_rows import Log
from tests.integration.api.replaying import Fires, add_many, created, replay_all
from tests.integration.api.stand_in import StandInScheduler
from tests.support.eventually import eventually
from tests.support.servers import Broker, Database
from trigger_api.domain.log.replays import MAX_REPLAYS
from trigger_contracts.topology import COMMANDS
from trigger_local.secrets import Secrets

SHORT = {"publish_timeout": timedelta(milliseconds=500), "read_timeout": timedelta(seconds=2)}


async def test_many_are_counted_first_and_replayed_then(
    http: httpx.AsyncClient, trigger_id: str, log: Log, fires: Fires
) -> None:
    origins = [
        str(
            await log.add(timedelta(minutes=10 + n), trigger_id=trigger_id, payload=f'{{"n": {n}}}')
        )
        for n in reversed(range(5))
    ]
    await log.add(timedelta(minutes=9), trigger_id=trigger_id, payload='{"n": "SECRET"}')
    await log.add(timedelta(minutes=8), trigger_id=trigger_id, status="rejected", payload=None)
    await log.add(timedelta(minutes=7), trigger_id="another")
    archived = await log.add(timedelta(hours=3), trigger_id=trigger_id)
    refused = {"payload-schema-mismatch": 1, "not-replayable": 1}
    wanted = {"trigger_id": trigger_id, "state": "active"}

    counted = await replay_all(http, filter=wanted, dry_run=True)
    assert (counted.status_code, counted.json()) == (
        200,
        {"dry_run": True, "count": 7, "replayable": 5, "refused": refused},
    )
    assert await fires() == []
    done = await replay_all(http, filter=wanted)
    assert (done.status_code, done.json()) == (
        202,
        {"dry_run": False, "count": 7, "replayed": 5, "refused": refused},
    )
    stored = await fires()
    replays = [command for command in stored if not command.refused]
    assert [command.replay_of for command in replays] == origins
    assert [command.payload["n"] for command in replays] == [4, 3, 2, 1, 0]
    assert len(stored) == 6
    older = await replay_all(http, filter={**wanted, "state": "archived"})
    assert older.json()["replayed"] == 1
    assert (await fires())[-1].replay_of == str(archived)


async def test_as_many_as_a_request_may_replay_and_not_one_more(
    http: httpx.AsyncClient, trigger_id: str, empty_database: Database, log: Log, fires: Fires
) -> None:
    await add_many(empty_database, trigger_id, MAX_REPLAYS)
    wanted = {"trigger_id": trigger_id}

    done = await replay_all(http, "all", filter=wanted)
    assert done.status_code == 202, done.text
    assert done.json()["replayed"] == MAX_REPLAYS
    stored = await fires()
    assert [command.payload["n"] for command in stored] == list(range(MAX_REPLAYS))
    assert len({command.command_id for command in stored}) == MAX_REPLAYS
    # Repeated, it means the same events, whatever was logged since.
    await log.add(trigger_id=trigger_id)
    again = await replay_all(http, "all", filter=wanted)
    assert (again.status_code, again.json()) == (202, done.json())
    assert {c.command_id for c in await fires()} == {c.command_id for c in stored}
    other = await replay_all(http, "all", filter={**wanted, "status": "fired"})
    assert (other.status_code, other.json()["code"]) == (409, "idempotency-mismatch")

    for dry_run in (True, False):
        refused = await replay_all(http, filter=wanted, dry_run=dry_run)
        assert refused.status_code == 422
        assert f"{MAX_REPLAYS + 1} events match" in refused.json()["detail"]
        assert refused.json()["errors"][0]["pointer"] == "/filter"


async def test_a_broken_request_goes_on_under_its_key_where_it_ended(
    platform_streams: Broker,
    empty_database: Database,
    secrets: Secrets,
    scheduler: StandInScheduler,
    fires: Fires,
) -> None:
    count = 3_000
    async with serving(platform_streams, empty_database, secrets, **SHORT) as running:
        await ready(running)
        trigger_id = await created(running.http)
        await add_many(empty_database, trigger_id, count)
        body = {"filter": {"trigger_id": trigger_id}}
        request = asyncio.create_task(replay_all(running.http, "broken", **body))
        async with platform_streams.connected() as admin:

            async def begun() -> bool:
                info = await admin.jetstream().stream_info(COMMANDS.name)
                return info.state.messages > 300

            await eventually(begun, poll=0.005)
        await platform_streams.kill()
        try:
            broken = await request
            away = await replay_all(running.http, **body)
        finally:
            await platform_streams.start()
        assert (broken.status_code, away.status_code) == (503, 503)
        assert broken.headers["retry-after"]
        told = broken.json()["detail"]
        certain = int(told.partition("at least ")[2].partition(" ")[0])
        await ready(running)
        stored = len({command.replay_of for command in await fires()})
        assert 0 < certain <= stored < count, told

        async def goes_through() -> bool:
            again = await replay_all(running.http, "broken", **body)
            return again.status_code == 202 and again.json()["replayed"] == count

        await eventually(goes_through)
        commands = await fires()
        assert {command.payload["n"] for command in commands} == set(range(count))
        # The executor gives one event to all commands under one key, and these have its id.
        assert len({command.command_id for command in commands}) == count


@pytest.mark.parametrize(
    ("content", "headers", "status", "pointer"),
    [
        (b"", {}, 400, None),
        (b"{", {}, 400, None),
        (b"{}", {}, 422, "/filter"),
        (b"[]", {}, 422, ""),
        (b'{"filter": {}}', {}, 422, "/filter"),
        (
            b'{"filter": {"from": "2026-11-02T00:00:00Z", "to": "2026-11-01"}}',
            {},
            422,
            "/filter/to",
        ),
        (
            b'{"filter": {"from": "2026-11-02T00:00:00Z", "to": "2026-11-01T00:00:00Z"}}',
            {},
            422,
            "/filter/to",
        ),
        (b'{"filter": {"trigger_id": "a\\u0000"}}', {}, 400, None),
        (b'{"filter": {"colour": 1}}', {}, 422, "/filter/colour"),
        (b'{"filter": {"min_lateness": 1e999}}', {}, 400, None),
        (b'{"filter": {"q": ".*%"}, "dry_run": 1}', {}, 422, "/dry_run"),
        (b'{"filter": {"q": "' + b"x" * 262_144 + b'"}}', {}, 413, None),
        (b'{"filter": {"q": "x"}}', {"Content-Type": "text/plain"}, 415, None),
        (b'{"filter": {"q": "x"}}', {"Idempotency-Key": ""}, 422, "/header/Idempotency-Key"),
    ],
)
async def test_a_bad_request_is_refused_where_it_is_bad(
    http: httpx.AsyncClient,
    content: bytes,
    headers: dict[str, str],
    status: int,
    pointer: str | None,
) -> None:
    response = await http.post("/events/replay", content=content, headers=headers)
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    if pointer is not None:
        assert response.json()["errors"][0]["pointer"] == pointer


@pytest.mark.parametrize(
    "wanted", [{"q": "%'); DROP x; --"}, {"trigger_name": "'"}, {"from": "2999-01-01T00:00:00Z"}]
)
async def test_a_filter_is_text_and_may_find_nothing(
    http: httpx.AsyncClient, log: Log, wanted: dict[str, str]
) -> None:
    await log.add()
    for dry_run in (True, False):
        answer = await replay_all(http, filter=wanted, dry_run=dry_run)
        assert answer.json()["count"] == 0, answer.text
