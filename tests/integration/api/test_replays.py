"""Replays by REST, over the real schema of the log: what is published, and what is refused."""

import asyncio
import itertools
import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest

from tests.integration.api.conftest import Running, ready, serving
from tests.integration.api.stand_in import StandInScheduler
from tests.integration.api.test_events import Log
from tests.support.eventually import eventually
from tests.support.servers import Broker, Database
from tests.unit.api.fake_views import FakeViews
from trigger_api.adapters import views as adapter
from trigger_api.adapters.database import Database as ReadOnly
from trigger_api.adapters.views import PostgresViews
from trigger_api.domain.queries import StateFilter
from trigger_api.domain.replays import MAX_REPLAYS, Origin
from trigger_contracts.commands import FireTrigger
from trigger_contracts.events import EntryStatus
from trigger_contracts.ids import fire_event_id, uuid7
from trigger_contracts.topology import COMMANDS
from trigger_local.secrets import Secrets
from trigger_runtime.nats import Connection
from trigger_runtime.reader import StreamReader
from trigger_runtime.settings import NatsSettings

SCHEMA = {"properties": {"n": {"type": ["integer", "null"]}}}
SHORT = {"publish_timeout": timedelta(milliseconds=500), "read_timeout": timedelta(seconds=2)}

Fires = Callable[[], Awaitable[list[FireTrigger]]]


@pytest.fixture
async def log(empty_database: Database) -> Log:
    return Log(empty_database)


@pytest.fixture
async def trigger_id(http: httpx.AsyncClient, scheduler: StandInScheduler) -> str:
    return await created(http)


@pytest.fixture
def fires(platform_streams: Broker, secrets: Secrets) -> Fires:
    """Every fire command that is stored."""

    async def stored() -> list[FireTrigger]:
        settings = NatsSettings(
            nats_url=platform_streams.url, nats_user="admin", nats_password=secrets.nats["admin"]
        )
        admin = Connection(settings, "admin")
        await admin.connect()
        reader = StreamReader(admin, COMMANDS.name, timeout=timedelta(seconds=10))
        found: list[Any] = []
        while page := await reader.after(
            found[-1].seq if found else 0, "trigger.command.fire", 1000
        ):
            found += page
        await admin.close()
        return [FireTrigger.model_validate_json(message.payload) for message in found]

    return stored


async def created(http: httpx.AsyncClient, **fields: Any) -> str:
    body = {"name": "a", "type": "api", "payload": {"own": 1}, "payload_schema": SCHEMA}
    response = await http.post("/triggers/", json={**body, **fields})
    assert response.status_code == 201, response.text
    return str(response.json()["id"])


async def add_many(database: Database, trigger_id: str, count: int) -> None:
    """Fired events of the last hour, which differ by their payload."""
    begin = datetime.now(UTC) - timedelta(minutes=50)
    rows = [(uuid7(begin + timedelta(milliseconds=n), "many"), n) for n in range(count)]
    async with database.connected() as admin:
        hours = {at.replace(minute=0, second=0, microsecond=0) for at in (begin, datetime.now(UTC))}
        await admin.execute("SELECT retention.ensure_partitions($1)", list(hours))
        await admin.execute(
            "INSERT INTO retention.event (event_id, stream_seq, trigger_id, trigger_name,"
            " trigger_type, trigger_version, status, source, is_test, fired_at, logged_at,"
            " misfire, errors, count, payload)"
            " SELECT id, n, $1, 'a', 'api', 1, 'fired', 'api', false, at, at, false, '[]', 1,"
            " json_build_object('n', n)"
            " FROM unnest($2::uuid[], $3::int[]) AS row (id, n),"
            " LATERAL (SELECT $4::timestamptz + n * interval '1 ms' AS at) AS instant",
            trigger_id,
            [event_id for event_id, _ in rows],
            [n for _, n in rows],
            begin,
        )


async def replay_all(http: httpx.AsyncClient, key: str | None = None, **body: Any) -> Any:
    headers = {} if key is None else {"Idempotency-Key": key}
    return await http.post("/events/replay", json=body, headers=headers, timeout=60)


async def test_a_replay_is_stored_before_it_is_answered(
    http: httpx.AsyncClient, trigger_id: str, log: Log, fires: Fires
) -> None:
    payload = '{"n": null, "big": 12345678901234567890, "small": 1e-300, "z": [1.0, "\\u00fc"]}'
    origin = await log.add(timedelta(hours=3), trigger_id=trigger_id, payload=payload, is_test=True)
    for address in (f"/events/{origin}/replay", f"/events/{str(origin).upper()}/replay/"):
        response = await http.post(address)
        assert response.status_code == 202, response.text
        told = response.json()
        assert (told["status"], told["replay_of"]) == ("accepted", str(origin))
        assert response.headers["location"] == f"/events/{told['event_id']}"
        command = (await fires())[-1]
        assert json.dumps(command.payload) == json.dumps(json.loads(payload))
        assert (command.replay_of, command.is_test) == (str(origin), True)
        assert command.command_id
        assert command.accepted_at
        expected = fire_event_id(trigger_id, command.command_id, command.accepted_at)
        assert told["event_id"] == str(expected)


async def test_a_missed_event_is_made_up_for_with_the_triggers_own_payload(
    http: httpx.AsyncClient, trigger_id: str, log: Log, fires: Fires
) -> None:
    missed = await log.add(
        trigger_id=trigger_id, status="missed", payload=None, fired_at=None, count=7
    )
    assert (await http.post(f"/events/{missed}/replay", json={})).status_code == 202
    (command,) = await fires()
    assert not command.has_payload


async def test_what_cannot_be_replayed(
    http: httpx.AsyncClient, trigger_id: str, log: Log, fires: Fires
) -> None:
    rejected = await log.add(trigger_id=trigger_id, status="rejected", payload=None, fired_at=None)
    mismatch = await log.add(trigger_id=trigger_id, payload='{"n": "SECRET"}')
    deleted = await created(http)
    orphan = await log.add(trigger_id=deleted)
    assert (await http.delete(f"/triggers/{deleted}")).status_code == 204
    over = await log.add(timedelta(hours=48, seconds=1), trigger_id=trigger_id)
    for event_id, status, code in (
        (rejected, 422, "not-replayable"),
        (mismatch, 422, "payload-schema-mismatch"),
        (orphan, 404, "not-found"),
        (await log.add(trigger_id="never-saved"), 404, "not-found"),
        (over, 410, "gone"),
        (uuid7(datetime.now(UTC) - timedelta(days=9), "x"), 410, "gone"),
        (uuid7(datetime.now(UTC), "x"), 404, "not-found"),
        ("nothing", 404, "not-found"),
    ):
        response = await http.post(f"/events/{event_id}/replay")
        assert (response.status_code, response.json()["code"]) == (status, code), event_id
        assert response.headers["content-type"] == "application/problem+json"
    (recorded,) = await fires()
    assert (recorded.replay_of, recorded.has_payload) == (str(mismatch), False)
    assert recorded.refused
    assert recorded.refused[0].pointer == "/payload/n"


@pytest.mark.parametrize(
    ("content", "headers", "status", "pointer"),
    [
        (b'{"payload": 1}', {}, 422, ""),
        (b"[1]", {}, 422, ""),
        (b"{", {}, 400, None),
        (b"x", {"Content-Type": "text/plain"}, 415, None),
        (b"", {"Idempotency-Key": "x" * 256}, 422, "/header/Idempotency-Key"),
    ],
)
async def test_a_single_replay_takes_nothing(
    http: httpx.AsyncClient,
    trigger_id: str,
    log: Log,
    fires: Fires,
    content: bytes,
    headers: dict[str, str],
    status: int,
    pointer: str | None,
) -> None:
    origin = await log.add(trigger_id=trigger_id)
    response = await http.post(f"/events/{origin}/replay", content=content, headers=headers)
    assert response.status_code == status
    if pointer is not None:
        assert response.json()["errors"][0]["pointer"] == pointer
    assert await fires() == []


async def test_a_key_makes_one_replay_of_many_requests(
    http: httpx.AsyncClient, trigger_id: str, log: Log, fires: Fires
) -> None:
    origin = await log.add(trigger_id=trigger_id)
    other = await log.add(trigger_id=trigger_id)
    keyed = {"Idempotency-Key": "again"}
    answers = await asyncio.gather(
        *(http.post(f"/events/{origin}/replay", headers=keyed) for _ in range(20))
    )
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.json()["event_id"] for answer in answers}) == 1
    refused = await http.post(f"/events/{other}/replay", headers=keyed)
    assert (refused.status_code, refused.json()["code"]) == (409, "idempotency-mismatch")
    (command,) = await fires()
    assert command.key == "again"


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


async def test_large_payloads_are_read_a_few_at_a_time(
    http: httpx.AsyncClient, trigger_id: str, empty_database: Database, log: Log, fires: Fires
) -> None:
    size = 200_000
    expected = [
        await log.add(
            timedelta(seconds=100 - n),
            trigger_id=trigger_id,
            payload=json.dumps({"n": n, "text": "x" * size}),
        )
        for n in range(25)
    ]
    reads = ReadOnly(empty_database.url("etp_api"), pool_size=1, timeout=timedelta(seconds=5))
    views = PostgresViews(reads, reads)
    found: list[UUID] = []
    last = None
    while page := await views.origins(StateFilter(trigger_id=trigger_id), last, 1000):
        assert len(page) <= adapter.ORIGIN_BYTES // size + 1
        found += [origin.event_id for origin in page]
        last = page[-1]
    await reads.close()
    assert found == expected

    assert (await replay_all(http, filter={"trigger_id": trigger_id})).json()["replayed"] == 25
    assert [len(command.payload["text"]) for command in await fires()] == [size] * 25


async def test_origins_are_those_of_the_model_the_oldest_first(
    empty_database: Database, log: Log
) -> None:
    """Rows of one instant among them, in pages of any size."""
    model = FakeViews()
    now = datetime.now(UTC)
    fields = ("trigger_id", "status", "is_test", "logged_at", "fired_at")
    for minute in (90, 50, 50, 50, 50, 40, 150, 30, 30, 5):
        n = len(model.entries)
        entry = model.add(
            now - timedelta(minutes=minute),
            trigger_id=f"t{n % 2}",
            status=list(EntryStatus)[n % 3],
            is_test=n % 4 == 0,
            payload={"n": n, "word": "odd" if n % 2 else None},
        )
        await log.add(
            timedelta(minutes=minute),
            **entry.model_dump(include=set(fields)),
            event_id=UUID(entry.event_id),
            payload=json.dumps(entry.payload),
        )
    reads = ReadOnly(empty_database.url("etp_api"), pool_size=1, timeout=timedelta(seconds=5))
    for wanted, limit in itertools.product(
        (
            StateFilter(type="api"),
            StateFilter(trigger_id="t1"),
            StateFilter(q="odd", is_test=False),
            StateFilter(status=EntryStatus.MISSED, to=now - timedelta(minutes=40)),
            StateFilter.model_validate({"from": now - timedelta(minutes=50)}),
        ),
        (1, 2, 3, 100),
    ):
        found = [
            await pages(views, wanted, limit) for views in (PostgresViews(reads, reads), model)
        ]
        assert found[0] == found[1]
        assert found[0]
    await reads.close()


async def pages(views: Any, wanted: StateFilter, limit: int) -> list[Origin]:
    found: list[Origin] = []
    while page := await views.origins(wanted, found[-1] if found else None, limit):
        assert len(page) <= limit
        found += page
    return found


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


async def test_every_method_and_spelling(gateway: Running) -> None:
    http = gateway.http
    assert (await replay_all(http, filter={"q": "x"}, dry_run=True)).status_code == 200
    assert (await http.post("/events/replay/", json={"filter": {"q": "x"}})).status_code == 202
    assert (await http.put("/events/x/replay")).headers["allow"] == "POST"
    async with gateway.without_key() as stranger:
        for address in ("/events/replay", "/events/x/replay"):
            assert (await stranger.post(address)).status_code == 401
