"""Dead letters by REST, over the real broker: what is left to do."""

import asyncio
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from tests.integration.api.conftest import Running
from tests.integration.api.letter_owner import (
    FIRE,
    Message,
    Owner,
    listed,
    owning,
    stored_letters,
)
from tests.integration.api.streams import metric
from tests.integration.runtime.test_reading import KEPT, hpub, spoken
from tests.support.servers import Broker, Postgres
from trigger_admin import records
from trigger_admin.installation import Installation
from trigger_contracts import subjects
from trigger_contracts.ids import uuid7
from trigger_contracts.subjects import Service
from trigger_contracts.topology import COMMANDS, DUE
from trigger_local.secrets import Secrets
from trigger_runtime.jetstream import records as runtime_records

BAD = KEPT[1:]
"""Header blocks; of one byte the broker leaves nothing when it reads it."""


async def test_a_letter_is_shown_with_its_reason_and_its_original(
    http: httpx.AsyncClient, owner: Owner
) -> None:
    headers = {"reply_to": "_INBOX_client.x", "Nats-Msg-Id": "m1"}
    letter_id = await owner.dead_letter(7, '{"é":'.encode(), "malformed", headers=headers)

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
    ids = [await owner.dead_letter(n) for n in range(1, 61)]
    found: list[str] = []
    response = await http.get("/dead-letters/", params={"limit": 7})
    while True:
        found += [row["id"] for row in response.json()]
        if "next" not in response.links:
            break
        await owner.dead_letter(1000 + len(found))
        response = await http.get(response.links["next"]["url"])

    assert found == ids[::-1]


async def test_filters_by_service_stream_and_subject(
    http: httpx.AsyncClient, owner: Owner, platform_streams: Broker, secrets: Secrets
) -> None:
    fire = await owner.dead_letter(1)
    due = await owner.dead_letter(2, stream=DUE.name, subject="trigger.due.t1")
    other = await owner.dead_letter(3, stream=DUE.name, subject="trigger.due.t2")
    async with owning(platform_streams, secrets, Service.SCHEDULER) as scheduler:
        create = await scheduler.dead_letter(1, subject="trigger.command.create")

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
    rare = [await owner.dead_letter(n, subject="trigger.due.rare") for n in (1, 2)]
    await asyncio.gather(*(owner.dead_letter(n) for n in range(3, 153)))

    first = await http.get("/dead-letters/", params={"subject": "trigger.due.rare"})

    assert first.json() == []
    assert "next" in first.links
    found = [row["id"] for row in await listed(http, subject="trigger.due.rare")]
    assert found == rare[::-1]


async def test_a_list_cuts_a_long_body_and_the_letter_has_it(
    http: httpx.AsyncClient, owner: Owner
) -> None:
    letter_id = await owner.dead_letter(1, b"x" * 100_000)

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


async def test_a_delivery_that_is_buried_twice_is_one_letter(
    http: httpx.AsyncClient, owner: Owner
) -> None:
    stored_at = datetime.now(UTC)
    message = Message(FIRE, b"x", {}, 1, stored_at)
    await owner.letters.dead_letter(COMMANDS.name, message, "once")
    await owner.letters.dead_letter(COMMANDS.name, message, "once")
    assert len(await listed(http)) == 1


async def test_what_nobody_of_ours_wrote_is_left_out(
    http: httpx.AsyncClient, owner: Owner, platform_streams: Broker
) -> None:
    letter_id = await owner.dead_letter(1)
    other = str(uuid7(datetime.now(UTC), "y"))
    async with platform_streams.connected() as admin:
        subject = subjects.dead(Service.EXECUTOR, COMMANDS.name, other)
        await admin.jetstream().publish(subject, b"not a letter")
        await admin.jetstream().publish("trigger.dead.executor", b"of an older version")
    assert [row["id"] for row in await listed(http)] == [letter_id]
    assert (await http.get(f"/dead-letters/{other}")).status_code == 422


async def test_dead_letters_need_a_key(gateway: Running) -> None:
    async with gateway.without_key() as stranger:
        assert (await stranger.get("/dead-letters/")).status_code == 401
        assert (await stranger.post("/dead-letters/x/redrive")).status_code == 401


async def test_without_the_broker_there_are_none_to_see(
    gateway: Running, owner: Owner, broker: Broker
) -> None:
    letter_id = await owner.dead_letter(1)
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


async def test_letters_that_cannot_be_read_are_left_out_counted_and_never_redriven(
    http: httpx.AsyncClient, owner: Owner, platform_streams: Broker, postgres: Postgres
) -> None:
    """Garbage, another version, malformed header blocks; the others are listed and redriven."""
    good = await owner.dead_letter(1)
    (stored,) = await stored_letters(platform_streams)
    newer = stored.payload.replace(b'"schema_version":1', b'"schema_version":2')
    far = re.sub(rb'("stored_at":")[^"]+', rb"\g<1>9999-12-31T23:59:59Z", stored.payload)
    assert stored.payload not in (newer, far)
    bodies = [b"", b"\xff", b"{", b"[]", b'{"stream":"TRIGGER_DEAD","seq":1}', newer, far]
    ids = [str(uuid7(datetime.now(UTC), f"bad {n}")) for n in range(len(bodies) + len(BAD))]
    subject = {one: subjects.dead(Service.EXECUTOR, COMMANDS.name, one) for one in ids}
    async with platform_streams.connected("admin") as admin:
        for one, body in zip(ids, bodies, strict=False):
            await admin.jetstream().publish(subject[one], body)
    malformed = zip(ids[len(bodies) :], BAD, strict=True)
    raw = [hpub(subject[one].encode(), block, stored.payload) for one, block in malformed]
    await spoken(platform_streams, "admin", b"".join(raw))

    runtime_records._named.clear()
    before = metric("etp_records_unreadable_total", stream="TRIGGER_DEAD")
    assert [row["id"] for row in await listed(http)] == [good]
    counted = metric("etp_records_unreadable_total", stream="TRIGGER_DEAD") - before
    for one in ids:
        for answer in (
            await http.get(f"/dead-letters/{one}"),
            await http.post(f"/dead-letters/{one}/redrive"),
        ):
            assert answer.status_code == 422, answer.text
            assert "cannot be read" in answer.text
            assert "etp records" in answer.text
    assert counted == len(ids)
    assert owner.seen == []
    redriven = await http.post(f"/dead-letters/{good}/redrive")
    assert redriven.json()["status"] == "handled"
    password = platform_streams.passwords["admin"]
    servers = Installation(platform_streams.url, password, postgres.url())
    found = await records.unreadable(servers)
    assert {one.subject for one in found} == set(subject.values())
    for record in found:
        await records.remove(servers, record.stream, record.seq)
    assert (await http.get(f"/dead-letters/{ids[0]}")).status_code == 404
