"""Dead letters by REST, over the real broker: what is left to do, and trying again.

Their owner is the runtime's own code under the executor's permissions; what it makes of a message
is up to the test.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from tests.integration.api.conftest import Running, ready, serving
from tests.support.eventually import eventually
from tests.support.servers import Broker, Database
from trigger_contracts import dead_letters, subjects
from trigger_contracts.dead_letters import KEPT_BYTES, Original
from trigger_contracts.events import DeadLetter
from trigger_contracts.ids import uuid7
from trigger_contracts.subjects import Service
from trigger_contracts.topology import COMMANDS, DEAD, DUE, LOG_LIFE
from trigger_local.secrets import Secrets
from trigger_runtime.broker import create_broker
from trigger_runtime.clock import SystemClock
from trigger_runtime.dead_letters import DeadLetters
from trigger_runtime.errors import BrokerUnavailable
from trigger_runtime.nats import Connection
from trigger_runtime.publisher import JetStreamPublisher
from trigger_runtime.reader import StoredMessage, StreamReader
from trigger_runtime.redelivery import Redelivery
from trigger_runtime.redriving import Redriver, listen
from trigger_runtime.settings import NatsSettings

TIMEOUT = timedelta(seconds=5)
FIRE = "trigger.command.fire"


@dataclass
class Owner:
    """A service that buries and redrives."""

    service: Service
    letters: DeadLetters
    seen: list[Redelivery] = field(default_factory=list)
    refuses: str | None = None
    raises: Exception | None = None
    waits_for: asyncio.Event | None = None

    async def bury(
        self,
        seq: int,
        body: bytes = b"poison",
        reason: str = "not JSON",
        *,
        age: timedelta = timedelta(),
        subject: str = FIRE,
        stream: str = COMMANDS.name,
        headers: dict[str, str] | None = None,
    ) -> str:
        """Bury a message that was stored ``age`` ago; its letter's id."""
        stored_at = datetime.now(UTC) - age
        message = _Message(subject, body, headers or {}, seq, stored_at)
        await self.letters.bury(stream, message, reason)
        original = Original(stream, subject, seq, stored_at, {}, body)
        return dead_letters.letter_id(self.service, original)

    async def handle(self, batch: Sequence[Redelivery]) -> Sequence[Redelivery]:
        """The use case: as services do, it buries what it cannot handle."""
        self.seen += batch
        if self.waits_for is not None:
            await self.waits_for.wait()
        if self.raises is not None:
            raise self.raises
        for message in batch:
            if self.refuses is not None:
                await self.letters.bury(COMMANDS.name, message, self.refuses)
        return ()


@dataclass(frozen=True)
class _Message:
    subject: str
    payload: bytes
    headers: dict[str, str]
    stream_seq: int
    stored_at: datetime


@asynccontextmanager
async def owning(
    streams: Broker, secrets: Secrets, service: Service, *, kept_for: timedelta = LOG_LIFE
) -> AsyncIterator[Owner]:
    settings = NatsSettings(
        nats_url=streams.url, nats_user=service.value, nats_password=secrets.nats[service]
    )
    connection = Connection(settings, service)
    broker = create_broker(connection)
    clock = SystemClock()
    reader = StreamReader(connection, DEAD.name, timeout=TIMEOUT)
    publisher = JetStreamPublisher(connection, DEAD.name, timeout=TIMEOUT)
    letters = DeadLetters(publisher, service, clock, kept_for=kept_for)
    owner = Owner(service, letters)
    use_cases = {COMMANDS.name: owner.handle, DUE.name: owner.handle}
    listen(broker, Redriver(service, use_cases, letters, reader, clock, kept_for=kept_for))
    await broker.start()
    await connection.client.flush()
    try:
        yield owner
    finally:
        await broker.stop()
        await connection.close()


@pytest.fixture
async def owner(platform_streams: Broker, secrets: Secrets) -> AsyncIterator[Owner]:
    async with owning(platform_streams, secrets, Service.EXECUTOR) as made:
        yield made


async def listed(http: httpx.AsyncClient, **query: Any) -> list[Any]:
    """Every page."""
    rows: list[Any] = []
    response = await http.get("/dead-letters/", params=query)
    while True:
        assert response.status_code == 200, response.text
        rows += response.json()
        if "next" not in response.links:
            return rows
        response = await http.get(response.links["next"]["url"])


async def stored_letters(streams: Broker) -> list[StoredMessage]:
    """What the stream holds."""
    settings = NatsSettings(
        nats_url=streams.url, nats_user="admin", nats_password=streams.passwords["admin"]
    )
    admin = Connection(settings, "admin")
    await admin.connect()
    try:
        return await StreamReader(admin, DEAD.name, timeout=TIMEOUT).after(0, ">", 1000)
    finally:
        await admin.close()


async def test_a_letter_is_shown_with_its_reason_and_its_original(
    http: httpx.AsyncClient, owner: Owner
) -> None:
    headers = {"reply_to": "_INBOX_client.x", "Nats-Msg-Id": "m1"}
    letter_id = await owner.bury(7, '{"é":'.encode(), "malformed", headers=headers)

    (row,) = await listed(http)
    one = (await http.get(f"/dead-letters/{letter_id}")).json()

    assert row == one
    assert row["id"] == letter_id
    assert (row["service"], row["reason"], row["redrives"]) == ("executor", "malformed", 0)
    original = row["original"]
    assert (original["stream"], original["stream_seq"]) == (COMMANDS.name, 7)
    assert (original["subject"], original["headers"]) == (FIRE, headers)
    assert (original["body"], original["encoding"]) == ('{"é":', "utf-8")
    assert (original["is_whole"], original["body_is_cut"]) == (True, False)
    stored_at = datetime.fromisoformat(original["stored_at"])
    assert datetime.fromisoformat(row["deletes_at"]) == stored_at + timedelta(hours=48)
    assert datetime.fromisoformat(row["dead_at"]) >= stored_at


async def test_no_letters_are_an_empty_list(http: httpx.AsyncClient) -> None:
    response = await http.get("/dead-letters")
    assert (response.status_code, response.json()) == (200, [])
    assert "link" not in response.headers


async def test_pages_are_whole_while_letters_arrive(http: httpx.AsyncClient, owner: Owner) -> None:
    ids = [await owner.bury(n) for n in range(1, 61)]
    found: list[str] = []
    response = await http.get("/dead-letters/", params={"limit": 7})
    while True:
        found += [row["id"] for row in response.json()]
        if "next" not in response.links:
            break
        await owner.bury(1000 + len(found))
        response = await http.get(response.links["next"]["url"])

    assert found == ids[::-1]


async def test_filters_by_service_stream_and_subject(
    http: httpx.AsyncClient, owner: Owner, platform_streams: Broker, secrets: Secrets
) -> None:
    fire = await owner.bury(1)
    due = await owner.bury(2, stream=DUE.name, subject="trigger.due.t1")
    other = await owner.bury(3, stream=DUE.name, subject="trigger.due.t2")
    async with owning(platform_streams, secrets, Service.SCHEDULER) as scheduler:
        create = await scheduler.bury(1, subject="trigger.command.create")

    async def ids(**query: Any) -> list[str]:
        return [row["id"] for row in await listed(http, **query)]

    assert await ids() == [create, other, due, fire]
    assert await ids(service="executor") == [other, due, fire]
    assert await ids(service="scheduler") == [create]
    assert await ids(service="retention") == []
    assert await ids(stream=DUE.name) == [other, due]
    assert await ids(stream=COMMANDS.name, limit=1) == [create, fire]
    assert await ids(stream=COMMANDS.name, service="executor") == [fire]
    assert await ids(subject="trigger.due.t1") == [due]
    assert await ids(subject="trigger.due.*") == []


async def test_a_filter_that_lets_little_through_reads_a_bounded_number_for_a_page(
    http: httpx.AsyncClient, owner: Owner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trigger_api.adapters.dead_letters.MOST_READ", 50)
    rare = [await owner.bury(n, subject="trigger.due.rare") for n in (1, 2)]
    await asyncio.gather(*(owner.bury(n) for n in range(3, 153)))

    first = await http.get("/dead-letters/", params={"subject": "trigger.due.rare"})

    assert first.json() == []
    assert "next" in first.links
    found = [row["id"] for row in await listed(http, subject="trigger.due.rare")]
    assert found == rare[::-1]


async def test_a_list_cuts_a_long_body_and_the_letter_has_it(
    http: httpx.AsyncClient, owner: Owner
) -> None:
    letter_id = await owner.bury(1, b"x" * 100_000)

    (row,) = await listed(http)
    whole = (await http.get(f"/dead-letters/{letter_id}")).json()["original"]

    assert (len(row["original"]["body"]), row["original"]["body_is_cut"]) == (2000, True)
    assert (len(whole["body"]), whole["body_is_cut"], whole["is_whole"]) == (100_000, False, True)


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ("limit=0", "/query/limit"),
        ("limit=501", "/query/limit"),
        ("limit=x", "/query/limit"),
        ("cursor=AAAA", "/query/cursor"),
        ("cursor=%00", "/query/cursor"),
        ("service=api", "/query/service"),
        ("stream=TRIGGER_CHANGES", "/query/stream"),
        ("subject=", "/query/subject"),
        ("subject=%00", "/query/subject"),
        ("colour=red", "/query/colour"),
    ],
)
async def test_a_bad_query_is_refused_where_it_is_bad(
    http: httpx.AsyncClient, query: str, pointer: str
) -> None:
    response = await http.get(f"/dead-letters/?{query}")
    assert response.status_code == 422
    assert response.json()["errors"][0]["pointer"] == pointer


async def test_what_is_not_there_is_absent_or_gone(http: httpx.AsyncClient) -> None:
    long_ago = uuid7(datetime.now(UTC) - timedelta(days=3), "x")
    for one, status in (
        (long_ago, 410),
        (uuid7(datetime.now(UTC), "x"), 404),
        ("ffffffff-ffff-7fff-bfff-ffffffffffff", 404),
        ("00000000-0000-4000-8000-000000000000", 404),
        ("nothing", 404),
        ("*", 404),
        ("%3E", 404),
        (str(long_ago).upper(), 404),
    ):
        for response in (
            await http.get(f"/dead-letters/{one}"),
            await http.post(f"/dead-letters/{one}/redrive"),
        ):
            assert response.status_code == status, one


async def test_a_redrive_that_is_handled_leaves_nothing(
    http: httpx.AsyncClient, owner: Owner, platform_streams: Broker
) -> None:
    headers = {"reply_to": "_INBOX_client.x", "Nats-Msg-Id": "m1"}
    letter_id = await owner.bury(7, b"canary", age=timedelta(hours=1), headers=headers)
    other = await owner.bury(8)
    stored_at = (await http.get(f"/dead-letters/{letter_id}")).json()["original"]["stored_at"]

    done = await http.post(f"/dead-letters/{letter_id}/redrive")
    again = await http.post(f"/dead-letters/{letter_id}/redrive/")

    assert (done.status_code, done.json()["status"]) == (200, "handled")
    assert (again.status_code, again.json()) == (200, done.json())
    (seen,) = owner.seen
    assert (seen.subject, seen.payload, seen.headers) == (FIRE, b"canary", headers)
    assert (seen.stream_seq, seen.stored_at) == (7, datetime.fromisoformat(stored_at))
    assert [row["id"] for row in await listed(http)] == [other]
    gone = await http.get(f"/dead-letters/{letter_id}")
    assert gone.status_code == 410
    assert "handled" in gone.json()["detail"]
    assert not any(b"canary" in m.payload for m in await stored_letters(platform_streams))


async def test_a_redrive_that_fails_stays_with_the_new_reason(
    http: httpx.AsyncClient, owner: Owner, platform_streams: Broker
) -> None:
    letter_id = await owner.bury(1, age=timedelta(hours=1))
    newer = await owner.bury(2)
    (_, before) = await listed(http)
    owner.refuses = "still not JSON"

    first = await http.post(f"/dead-letters/{letter_id}/redrive")
    second = await http.post(f"/dead-letters/{letter_id}/redrive")

    assert (first.status_code, first.json()["status"]) == (200, "failed")
    assert first.json()["reason"] == second.json()["reason"] == "still not JSON"
    (row, other) = await listed(http)
    assert (row["id"], other["id"]) == (letter_id, newer)
    assert row["redrives"] == 2
    assert row["reason"] == "redriven 2 times, failed again: still not JSON"
    assert row["original"] == before["original"]
    assert row["deletes_at"] == before["deletes_at"]
    assert row["dead_at"] > before["dead_at"]
    assert len(await stored_letters(platform_streams)) == 2

    owner.refuses = None
    assert (await http.post(f"/dead-letters/{letter_id}/redrive")).json()["status"] == "handled"
    assert [row["id"] for row in await listed(http)] == [newer]


async def test_an_error_of_the_service_is_a_failure_with_its_name(
    http: httpx.AsyncClient, owner: Owner
) -> None:
    letter_id = await owner.bury(1)
    owner.raises = KeyError("colour")

    response = await http.post(f"/dead-letters/{letter_id}/redrive")

    assert response.json()["reason"] == "KeyError: 'colour'"
    assert len(await listed(http)) == 1


async def test_a_redrive_waits_for_no_server(http: httpx.AsyncClient, owner: Owner) -> None:
    letter_id = await owner.bury(1)
    before = await listed(http)
    owner.raises = BrokerUnavailable("away")

    response = await http.post(f"/dead-letters/{letter_id}/redrive")

    assert (response.status_code, response.headers["retry-after"]) == (503, "1")
    assert await listed(http) == before


async def test_a_redrive_without_its_service_is_refused_and_changes_nothing(
    http: httpx.AsyncClient, platform_streams: Broker, secrets: Secrets
) -> None:
    async with owning(platform_streams, secrets, Service.RETENTION) as owner:
        letter_id = await owner.bury(1)
    before = await listed(http)

    response = await http.post(f"/dead-letters/{letter_id}/redrive")

    assert response.status_code == 503
    assert response.json()["code"] == "unavailable"
    assert await listed(http) == before


async def test_a_redrive_that_takes_long_is_accepted_and_done(
    platform_streams: Broker, empty_database: Database, secrets: Secrets, owner: Owner
) -> None:
    letter_id = await owner.bury(1)
    owner.waits_for = asyncio.Event()
    options = {"command_timeout": timedelta(milliseconds=200)}
    async with serving(platform_streams, empty_database, secrets, **options) as running:
        await ready(running)
        response = await running.http.post(f"/dead-letters/{letter_id}/redrive")
        assert (response.status_code, response.json()["status"]) == (202, "accepted")
        assert len(await listed(running.http)) == 1

        owner.waits_for.set()

        async def nothing_left() -> bool:
            return await listed(running.http) == []

        await eventually(nothing_left)


async def test_redriven_by_many_at_once_it_is_handled_and_gone(
    http: httpx.AsyncClient, owner: Owner, platform_streams: Broker, secrets: Secrets
) -> None:
    letter_id = await owner.bury(1)
    async with owning(platform_streams, secrets, Service.EXECUTOR) as second:
        answers = await asyncio.gather(
            *(http.post(f"/dead-letters/{letter_id}/redrive") for _ in range(20))
        )
        assert {answer.json()["status"] for answer in answers} == {"handled"}
        assert 1 <= len(owner.seen) + len(second.seen) <= 20
    assert await listed(http) == []


async def test_a_failing_redrive_does_not_bring_back_what_another_has_handled(
    http: httpx.AsyncClient, owner: Owner, platform_streams: Broker, secrets: Secrets
) -> None:
    letter_id = await owner.bury(1)
    owner.refuses, owner.waits_for = "no", asyncio.Event()
    failing = asyncio.create_task(http.post(f"/dead-letters/{letter_id}/redrive"))
    await eventually(lambda: owner.seen)
    (stored,) = await stored_letters(platform_streams)
    await owner.letters.handled(DeadLetter.model_validate_json(stored.payload), letter_id)

    owner.waits_for.set()

    assert (await failing).json()["status"] == "failed"
    assert await listed(http) == []


async def test_what_was_cut_cannot_be_redriven(http: httpx.AsyncClient, owner: Owner) -> None:
    letter_id = await owner.bury(1, b"x" * (KEPT_BYTES + 1))
    many = {f"h{n}": "x" for n in range(30)}
    by_headers = await owner.bury(2, headers=many)

    for one in (letter_id, by_headers):
        response = await http.post(f"/dead-letters/{one}/redrive")
        assert response.status_code == 422
        assert response.json()["errors"][0]["pointer"] == "/path/letter_id"
        shown = (await http.get(f"/dead-letters/{one}")).json()
        assert shown["original"]["is_whole"] is False
    assert owner.seen == []


async def test_a_delivery_that_is_buried_twice_is_one_letter(
    http: httpx.AsyncClient, owner: Owner
) -> None:
    stored_at = datetime.now(UTC)
    message = _Message(FIRE, b"x", {}, 1, stored_at)
    await owner.letters.bury(COMMANDS.name, message, "once")
    await owner.letters.bury(COMMANDS.name, message, "once")
    assert len(await listed(http)) == 1


async def test_a_letter_lives_no_longer_than_its_original(
    gateway: Running, owner: Owner, platform_streams: Broker
) -> None:
    """The rest of 48 h, or of what a row that was recorded late had; the broker keeps time."""
    late = {"Nats-TTL": "7200s"}
    await owner.bury(1, age=timedelta(hours=47, minutes=30))
    await owner.bury(2, age=timedelta(minutes=30), headers=late, subject="trigger.fired.x")
    await owner.bury(3, age=timedelta(hours=48))
    last = await owner.bury(4, age=timedelta(hours=47, minutes=59, seconds=59))

    lives = [
        int(m.headers["Nats-TTL"].removesuffix("s")) for m in await stored_letters(platform_streams)
    ]
    assert [round(life, -1) for life in lives] == [1800, 5400, 0]

    async def forgotten() -> bool:
        return len(await stored_letters(platform_streams)) == 2

    await eventually(forgotten, what="the broker forgets it")
    rows = await listed(gateway.http)
    assert [row["original"]["stream_seq"] for row in rows] == [2, 1]
    gone = await gateway.http.get(f"/dead-letters/{last}")
    assert gone.status_code == 410


async def test_a_shorter_life_is_kept_by_the_gateway_too(
    platform_streams: Broker, empty_database: Database, secrets: Secrets, owner: Owner
) -> None:
    """To the microsecond, and whatever the one who buried it thought of its life."""
    options = {"kept_for": timedelta(minutes=5)}
    over = await owner.bury(1, age=timedelta(minutes=5))
    alive = await owner.bury(2, age=timedelta(minutes=4))
    async with serving(platform_streams, empty_database, secrets, **options) as running:
        await ready(running)
        (row,) = await listed(running.http)
        assert row["id"] == alive
        stored_at = datetime.fromisoformat(row["original"]["stored_at"])
        assert datetime.fromisoformat(row["deletes_at"]) == stored_at + timedelta(minutes=5)
        assert (await running.http.get(f"/dead-letters/{over}")).status_code == 410
        redrive = await running.http.post(f"/dead-letters/{over}/redrive")
        assert (redrive.status_code, redrive.json()["code"]) == (410, "gone")
    assert owner.seen == []


async def test_who_buries_with_a_shorter_life_has_the_broker_keep_it(
    http: httpx.AsyncClient, platform_streams: Broker, secrets: Secrets
) -> None:
    kept_for = timedelta(seconds=2)
    async with owning(platform_streams, secrets, Service.EXECUTOR, kept_for=kept_for) as owner:
        letter_id = await owner.bury(1, b"canary")
        assert (await http.get(f"/dead-letters/{letter_id}")).status_code == 200

        async def forgotten() -> bool:
            return await stored_letters(platform_streams) == []

        await eventually(forgotten, what="the broker forgets it")
    assert await listed(http) == []


async def test_what_nobody_of_ours_wrote_is_left_out(
    http: httpx.AsyncClient, owner: Owner, platform_streams: Broker
) -> None:
    letter_id = await owner.bury(1)
    other = str(uuid7(datetime.now(UTC), "y"))
    async with platform_streams.connected() as admin:
        subject = subjects.dead(Service.EXECUTOR, COMMANDS.name, other)
        await admin.jetstream().publish(subject, b"not a letter")
        await admin.jetstream().publish("trigger.dead.executor", b"of an older version")
    assert [row["id"] for row in await listed(http)] == [letter_id]
    assert (await http.get(f"/dead-letters/{other}")).status_code == 404


async def test_dead_letters_need_a_key(gateway: Running) -> None:
    async with gateway.without_key() as stranger:
        assert (await stranger.get("/dead-letters/")).status_code == 401
        assert (await stranger.post("/dead-letters/x/redrive")).status_code == 401


async def test_without_the_broker_there_are_none_to_see(
    gateway: Running, owner: Owner, broker: Broker
) -> None:
    letter_id = await owner.bury(1)
    await broker.stop()
    try:
        for response in (
            await gateway.http.get("/dead-letters/"),
            await gateway.http.get(f"/dead-letters/{letter_id}"),
            await gateway.http.post(f"/dead-letters/{letter_id}/redrive"),
        ):
            assert (response.status_code, response.json()["code"]) == (503, "unavailable")
    finally:
        await broker.start()
