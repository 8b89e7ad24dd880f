"""A record that cannot be read concerns only its own trigger, wherever it lies.

Each stands beside a bystander: its schedule, and the answer to its edit, go on meanwhile.
"""

import asyncio
import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from tests.integration.runtime.test_reading import KEPT, hpub, spoken
from tests.integration.scheduler.conftest import Platform, once
from tests.support.eventually import eventually
from trigger_admin import records
from trigger_admin.errors import AdminError
from trigger_contracts import subjects, topology
from trigger_contracts.subjects import Verb
from trigger_runtime.jetstream import records as runtime_records
from trigger_runtime.jetstream.reader import StreamReader
from trigger_scheduler.adapters.rebuild import rebuild

PUB_ACK = b'{"stream":"TRIGGER_COMMANDS","seq":1}'
FAR = "9999-12-31T23:59:59-12:00"
GARBAGE = [b"", b"\xff\x00\xfe", b"{", b"null", b"[]", b'"text"', PUB_ACK, b"[" * 50_000]


def every_second(name: str) -> dict[str, Any]:
    return {"name": name, "type": "scheduled", "interval": "PT1S"}


def spoilt(good: bytes, **fields: Any) -> bytes:
    return json.dumps({**json.loads(good), **fields}).encode()


async def created(platform: Platform, **fields: Any) -> str:
    answer = await platform.ask(Verb.CREATE, **fields)
    assert "trigger_id" in answer, answer
    return str(answer["trigger_id"])


async def put(platform: Platform, subject: str, *bodies: bytes) -> list[int]:
    """As an administrator, or a fault, may: past every service."""
    async with platform.broker.connected("admin") as admin:
        return [(await admin.jetstream().publish(subject, body)).seq for body in bodies]


async def goes_on(platform: Platform, trigger_id: str, more: int = 2) -> None:
    """Its schedule fires, each occurrence once and in time."""
    before = [one.scheduled_for for one in await platform.fires(trigger_id, 1)]
    dues = await platform.fires(trigger_id, len(before) + more)
    instants = [one.scheduled_for for one in dues]
    assert len(set(instants)) == len(instants)
    late = [one.published_at - one.scheduled_for for one in dues[len(before) :]]
    assert max(late) < timedelta(seconds=1), late


async def readable_dues(platform: Platform, trigger_id: str) -> list[Any]:
    found = await platform.stored(topology.DUE.name, subjects.due(trigger_id))
    return [json.loads(body) for body in found if b'"kind":"due"' in body]


async def fired_once_and_again(platform: Platform, trigger_id: str, more: int) -> None:
    async def enough() -> list[Any]:
        dues = await readable_dues(platform, trigger_id)
        return dues if len(dues) >= more else []

    dues = await eventually(enough, within=15, what="its schedule goes on")
    # What somebody else put there is not counted twice: it names occurrences of before.
    mine = [one["scheduled_for"] for one in dues if one["version"] < 1000]
    assert len(set(mine)) == len(mine), mine


@pytest.mark.parametrize("place", ["last", "in the middle"])
async def test_an_unreadable_due_record_stops_neither_its_trigger_nor_others(
    platform: Platform, place: str
) -> None:
    async with platform.scheduler():
        victim = await created(platform, **every_second("victim"))
        bystander = await created(platform, **every_second("bystander"))
        first = (await platform.fires(victim, 1))[-1]
        good = first.model_dump_json().encode()
        kinds = [
            *GARBAGE,
            spoilt(good, schema_version=2),
            spoilt(good, kind="of tomorrow"),
            spoilt(good, trigger_id=bystander),
            spoilt(good, change_seq=10**18, version=2000),
            spoilt(good, change_seq=10**30),
            spoilt(good, version=10**30),
            spoilt(good, cursor=FAR, version=2000),
            spoilt(good, cursor="2999-01-01T00:00:00Z", version=2000),
            spoilt(good, cursor="no instant"),
        ]
        subject = subjects.due(victim)
        await put(platform, subject, *(kinds if place == "last" else kinds[:1]))
        before = len(await readable_dues(platform, victim))
        edited = await platform.ask(
            Verb.UPDATE, trigger_id=bystander, patch={"name": "edited meanwhile"}
        )
        assert edited.get("version") == 2, edited
        await goes_on(platform, bystander)
        await fired_once_and_again(platform, victim, before + 2)
        edited = await platform.ask(Verb.UPDATE, trigger_id=victim, patch={"name": "healed"})
        assert edited.get("version") == 2, edited
        before = len(await readable_dues(platform, victim))
        await fired_once_and_again(platform, victim, before + 1)


async def test_a_decision_that_names_another_triggers_newer_change_does_not_stall_its_own(
    platform: Platform,
) -> None:
    """Nothing about it is malformed: only the log of changes tells that it is none of ours."""
    async with platform.scheduler():
        victim = await created(platform, **every_second("victim"))
        bystander = await created(platform, **every_second("bystander"))
        first = (await platform.fires(victim, 1))[-1]
        for number in range(3):
            await platform.ask(Verb.UPDATE, trigger_id=bystander, patch={"name": f"n{number}"})
        newest = (await platform.row(bystander) or {})["change_seq"]
        assert newest > first.change_seq
        good = first.model_dump_json().encode()
        forged = spoilt(good, change_seq=newest, version=2000)
        (seq,) = await put(platform, subjects.due(victim), forged)
        before = len(await readable_dues(platform, victim))
        await fired_once_and_again(platform, victim, before + 2)
        await goes_on(platform, bystander)
        edited = await platform.ask(Verb.UPDATE, trigger_id=victim, patch={"name": "healed"})
        assert edited.get("version") == 2, edited
    assert ("TRIGGER_DUE", seq) in runtime_records._named


def forged_ahead(good: bytes) -> bytes:
    """A sound decision, but for its instants: believed, it would silence its trigger for years."""
    return spoilt(
        good,
        published_at="2099-01-01T00:00:00Z",
        scheduled_for="2099-01-01T00:00:00Z",
        cursor="2099-01-01T00:00:00Z",
    )


async def test_a_decision_forged_years_ahead_does_not_silence_its_trigger(
    platform: Platform,
) -> None:
    """Whatever it says of when it was decided: no clock was there yet."""
    async with platform.scheduler():
        victim = await created(platform, **every_second("victim"))
        bystander = await created(platform, **every_second("bystander"))
        first = (await platform.fires(victim, 1))[-1]
        forged = forged_ahead(first.model_dump_json().encode())
        (seq,) = await put(platform, subjects.due(victim), forged)
        before = len(await readable_dues(platform, victim))
        await fired_once_and_again(platform, victim, before + 2)
        await goes_on(platform, bystander)
        await put(platform, subjects.due(victim), forged)
        edited = await platform.ask(Verb.UPDATE, trigger_id=victim, patch={"name": "healed"})
        assert edited.get("version") == 2, edited
        before = len(await readable_dues(platform, victim))
        await fired_once_and_again(platform, victim, before + 1)
    assert ("TRIGGER_DUE", seq) in runtime_records._named
    servers = platform.servers
    found = await records.unreadable(servers)
    assert (seq, "it decides what is not due yet") in [(one.seq, one.why) for one in found]


async def test_what_lies_under_a_malformed_header_block_changes_and_decides_nothing(
    platform: Platform,
) -> None:
    """As in a message on its way: etp records may remove it, so nobody may count on it."""
    async with platform.scheduler():
        victim = await created(platform, **every_second("victim"))
        first = (await platform.fires(victim, 1))[-1]
        (good,) = await platform.stored(topology.CHANGES.name, subjects.changed(victim))
        forged = json.loads(good)
        forged["definition"]["name"] = "forged"
        change = spoilt(json.dumps(forged).encode(), version=2, command_id="forged")
        # Believed, it would keep the trigger silent for a day.
        cursor = (first.scheduled_for + timedelta(days=1)).isoformat()
        due = spoilt(first.model_dump_json().encode(), version=2000, cursor=cursor)
        placed = [
            hpub(subject.encode(), block, body)
            # Of a block of one byte the broker leaves nothing when it reads it.
            for block in KEPT[1:]
            for subject, body in (
                (subjects.changed(victim), change),
                (subjects.due(victim), due),
            )
        ]
        await spoken(platform.broker, "admin", b"".join(placed))
        before = len(await readable_dues(platform, victim))
        await fired_once_and_again(platform, victim, before + 1)
        edited = await platform.ask(Verb.UPDATE, trigger_id=victim, patch={"labels": ["x"]})
        assert edited.get("version") == 2, edited
    row = await platform.row(victim)
    assert row is not None
    assert row["name"] == "victim"


async def test_an_unreadable_change_stops_neither_its_trigger_nor_others(
    platform: Platform,
) -> None:
    async with platform.scheduler():
        victim = await created(platform, **every_second("victim"))
        bystander = await created(platform, **every_second("bystander"))
        (good,) = await platform.stored(topology.CHANGES.name, subjects.changed(victim))
        kinds = [
            *GARBAGE,
            spoilt(good, schema_version=2),
            spoilt(good, kind="of tomorrow"),
            spoilt(good, trigger_id=bystander),
            spoilt(good, version=10**30),
            spoilt(good, fires=-1),
            spoilt(good, at=FAR),
            spoilt(good, command_id="x" * 100_000),
            spoilt(good, actor="a \x00 in it"),
            spoilt(good, definition={"name": "of another type"}),
        ]
        await put(platform, subjects.changed(victim), *kinds)
        edited = await platform.ask(Verb.UPDATE, trigger_id=victim, patch={"name": "healed"})
        assert edited.get("version") == 2, edited
        edited = await platform.ask(Verb.UPDATE, trigger_id=bystander, patch={"name": "too"})
        assert edited.get("version") == 2, edited
        await asyncio.gather(goes_on(platform, victim), goes_on(platform, bystander))
        # What nobody edits is completed, repaired and deleted all the same.
        short = await created(platform, **once(timedelta(seconds=1), name="short"))
        await put(platform, subjects.changed(short), PUB_ACK)
        row = await eventually(
            lambda: completed(platform, short), within=20, what="it is completed"
        )
        assert row["status"] == "completed"
        await put(platform, subjects.changed(victim), PUB_ACK)
        gone = await platform.ask(Verb.DELETE, trigger_id=victim)
        assert gone.get("version") == 3, gone


async def completed(platform: Platform, trigger_id: str) -> dict[str, Any] | None:
    row = await platform.row(trigger_id)
    return row if row is not None and row["status"] == "completed" else None


async def test_repair_goes_past_unreadable_changes(platform: Platform) -> None:
    async with platform.scheduler():
        known = await created(platform, **once(timedelta(hours=1)))
        (good,) = await platform.stored(topology.CHANGES.name, subjects.changed(known))
        await put(platform, subjects.changed(known), *GARBAGE)
        # Appended, as by a scheduler that died then; stored behind what cannot be read.
        fields = {"trigger_id": "lost-0", "creation_id": "c-lost", "command_id": "c-lost"}
        await put(platform, subjects.changed("lost-0"), spoilt(good, **fields))

        async def repaired() -> dict[str, Any] | None:
            return await platform.row("lost-0")

        row = await eventually(repaired, within=20, what="it is in the index")
        assert row["next_fire_at"] is not None


async def test_a_rebuild_goes_past_unreadable_records(platform: Platform) -> None:
    async with platform.scheduler():
        victim = await created(platform, **every_second("victim"))
        first = (await platform.fires(victim, 1))[-1]
    before = await platform.row(victim)
    await put(platform, subjects.changed(victim), *GARBAGE)
    forged = forged_ahead(first.model_dump_json().encode())
    _, due_seq = await put(platform, subjects.due(victim), forged, PUB_ACK)
    changes, due, targets = (
        StreamReader(platform.admin, name, timeout=timedelta(seconds=5))
        for name in (topology.CHANGES.name, topology.DUE.name, topology.TARGETS.name)
    )
    async with platform.database.connected() as connection:
        report = await rebuild(connection, changes, due, targets)
    assert report.triggers == 1
    after = await platform.row(victim)
    assert before is not None
    assert after is not None
    assert after["due_seq"] == due_seq
    assert after["cursor_at"] == before["cursor_at"]
    async with platform.scheduler():
        fired = len(await readable_dues(platform, victim))
        await fired_once_and_again(platform, victim, fired + 1)


async def test_an_administrator_lists_and_removes_what_cannot_be_read(platform: Platform) -> None:
    async with platform.scheduler():
        trigger_id = await created(platform, **once(timedelta(hours=1)))
    placed = [
        (topology.CHANGES.name, await put(platform, subjects.changed(trigger_id), PUB_ACK)),
        (topology.TARGETS.name, await put(platform, subjects.target("g1"), PUB_ACK)),
        (topology.DUE.name, await put(platform, subjects.due(trigger_id), b"\xff")),
        (topology.EVENTS.name, await put(platform, subjects.delivery(trigger_id), b"{}")),
        (topology.EVENTS.name, await put(platform, f"trigger.fired.{trigger_id}", b"{}")),
        (topology.DEAD.name, await put(platform, "trigger.dead.executor.X.x", b"[]")),
        (
            topology.IDEMPOTENCY.stream,
            await put(platform, topology.IDEMPOTENCY.subject(f"{trigger_id}.x"), PUB_ACK),
        ),
    ]
    servers = platform.servers
    found = await records.unreadable(servers)
    expected = [(stream, seq) for stream, (seq,) in placed]
    assert [(one.stream, one.seq) for one in found] == expected
    for stream, (seq,) in placed:
        assert str(seq) in await records.remove(servers, stream, seq)
    assert await records.unreadable(servers) == []
    with pytest.raises(AdminError, match="nothing"):
        await records.remove(servers, *expected[0])
    for stream, seq in ((topology.CHANGES.name, 1), (topology.DUE.name, 1)):
        if await records_has(platform, stream, seq):
            with pytest.raises(AdminError, match="can be read"):
                await records.remove(servers, stream, seq)
    with pytest.raises(AdminError, match="no stream"):
        await records.remove(servers, "TRIGGER_ELSEWHERE", 1)
    with pytest.raises(AdminError, match="dead letter"):
        await records.remove(servers, topology.COMMANDS.name, 1)
    async with platform.scheduler():
        edited = await platform.ask(Verb.UPDATE, trigger_id=trigger_id, patch={"name": "on"})
        assert edited.get("version") == 2, edited


async def test_postgresqls_clock_decides_what_an_administrator_finds_ahead_of_its_time(
    platform: Platform,
) -> None:
    """As it does for a claim; that of the administrator's machine decides nothing."""
    async with platform.scheduler():
        trigger_id = await created(platform, **every_second("often"))
        good = (await platform.fires(trigger_id, 1))[-1].model_dump_json().encode()
    (seq,) = await put(platform, subjects.due(trigger_id), forged_ahead(good))
    servers = platform.servers
    assert [(one.seq) for one in await records.unreadable(servers)] == [seq]
    schema = f"clock_{seq}"
    async with platform.database.server.connected() as admin:
        await admin.execute(f"CREATE SCHEMA {schema}")
        await admin.execute(
            f"CREATE FUNCTION {schema}.clock_timestamp() RETURNS timestamptz"
            " LANGUAGE sql AS $$ SELECT '2099-01-02T00:00:00Z'::timestamptz $$"
        )
        try:
            url = f"{servers.database_url}?search_path={schema},pg_catalog"
            later = replace(servers, database_url=url)
            assert await records.unreadable(later) == []
            with pytest.raises(AdminError, match="can be read"):
                await records.remove(later, topology.DUE.name, seq)
        finally:
            await admin.execute(f"DROP SCHEMA {schema} CASCADE")
    assert str(seq) in await records.remove(servers, topology.DUE.name, seq)


async def records_has(platform: Platform, stream: str, seq: int) -> bool:
    reader = StreamReader(platform.admin, stream, timeout=timedelta(seconds=5))
    return await reader.get(seq) is not None
