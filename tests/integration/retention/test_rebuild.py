"""A rebuild gives the very same table, with the service running, and loses nothing."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import timedelta
from typing import Any

import asyncpg
import pytest
from nats.aio.client import Client
from prometheus_client import REGISTRY

from tests.integration.retention.conftest import MakeLog, Start
from tests.integration.retention.test_service import count, letters, publish, settled
from tests.integration.runtime.test_reading import KEPT, hpub, spoken
from tests.support.eventually import eventually
from tests.support.servers import Broker, Database
from tests.unit.retention.factories import ago, body, make_entry, make_row
from trigger_contracts import subjects
from trigger_contracts.events import EntryStatus
from trigger_contracts.topology import EVENTS
from trigger_local.secrets import Secrets
from trigger_retention.adapters import rebuild as module
from trigger_retention.adapters.event_log import PostgresEventLog
from trigger_retention.adapters.rebuild import LogRebuildReport, rebuild
from trigger_retention.domain.lifetime import Lifetime
from trigger_retention.domain.rows import LogRow
from trigger_retention.ports import Inserted
from trigger_runtime.jetstream.connection import Connection
from trigger_runtime.jetstream.reader import StreamReader
from trigger_runtime.process.errors import DatabaseNotProvisioned
from trigger_runtime.process.settings import NatsSettings

BAD = KEPT[1:]
"""Header blocks; of one byte the broker leaves nothing when it reads it."""
Rebuild = Callable[[], Awaitable[LogRebuildReport]]


@pytest.fixture
async def reader(platform_streams: Broker, secrets: Secrets) -> AsyncIterator[StreamReader]:
    settings = NatsSettings(
        nats_url=platform_streams.url, nats_user="admin", nats_password=secrets.nats["admin"]
    )
    connection = Connection(settings, "admin")
    await connection.connect()
    yield StreamReader(connection, EVENTS.name, timeout=timedelta(seconds=5))
    await connection.close()


async def table(owner: asyncpg.Connection) -> list[Any]:
    rows = await owner.fetch("SELECT * FROM retention.event ORDER BY event_id")
    return [tuple(row.values()) for row in rows]


async def rights(owner: asyncpg.Connection) -> list[Any]:
    """Who owns what and may do what, in the schema, and what its functions look like."""
    rows = await owner.fetch(
        """SELECT relname::text AS name, relowner::regrole::text, relacl::text FROM pg_class
           WHERE relnamespace = 'retention'::regnamespace AND relkind IN ('p', 'v')
           UNION ALL
           SELECT proname::text, proowner::regrole::text, proacl::text || prosecdef::text
           FROM pg_proc WHERE pronamespace = 'retention'::regnamespace
           UNION ALL
           SELECT nspname::text, nspowner::regrole::text, nspacl::text FROM pg_namespace
           WHERE nspname LIKE 'retention%'
           ORDER BY name"""
    )
    return [tuple(row.values()) for row in rows]


async def test_the_table_is_equal_row_by_row_and_so_are_the_rights(
    client: Client,
    service: Start,
    owner: asyncpg.Connection,
    reader: StreamReader,
    empty_database: Database,
) -> None:
    await service()
    entries = [make_entry(ago(hours=n / 10), id_at=ago(hours=n / 2)) for n in range(200)]
    missed = make_entry(
        status=EntryStatus.MISSED, fired_at=None, reason="down", count=3, payload=None
    )
    again = entries[0].model_copy(update={"trigger_name": "another tale of the same event"})
    await publish(client, *entries, b"poison", missed, again, make_entry(ago(hours=49)))
    await eventually(lambda: settled(client))
    before, rights_before = await table(owner), await rights(owner)
    assert len(before) == 201

    report = await rebuild(owner, reader)

    assert await table(owner) == before
    assert await rights(owner) == rights_before
    assert (report.rows, report.messages, report.unreadable) == (201, 204, 1)
    assert report.expired == 1
    assert len(await letters(client)) == 1  # no second one

    # The running service needs no restart, and its next rows go to the new table.
    await publish(client, make_entry(), make_entry(id_at=ago(days=20)))
    await eventually(lambda: settled(client))
    assert await count(owner) == 203
    async with empty_database.connected("etp_api") as api:
        assert await api.fetchval("SELECT count(*) FROM retention.events") == 203


async def test_after_a_rebuild_partitions_come_and_go_as_before(
    client: Client, service: Start, owner: asyncpg.Connection, reader: StreamReader
) -> None:
    """The schema's functions work under its new name, for the running service too."""
    await service(sweep_every="50ms")
    await publish(client, make_entry(id_at=ago(days=3)))
    await eventually(lambda: settled(client))
    for _ in range(2):
        await rebuild(owner, reader)
    await owner.execute("UPDATE retention.event SET logged_at = now() - interval '49 hours'")
    await eventually(lambda: _none_of_three_days_ago(owner))
    await publish(client, make_entry(id_at=ago(days=3)))
    await eventually(lambda: settled(client))
    assert await count(owner) == 1


async def _none_of_three_days_ago(owner: asyncpg.Connection) -> bool:
    name = f"event_{ago(days=3):%Y%m%d%H}"
    return await owner.fetchval("SELECT to_regclass($1)", f"retention.{name}") is None


async def test_nothing_acknowledged_during_a_rebuild_is_lost(
    client: Client, service: Start, owner: asyncpg.Connection, reader: StreamReader
) -> None:
    """Events stream in all the while, two replicas project, two rebuilds follow each other."""
    await service(projection_batch=20)
    await service(projection_batch=20)
    entries = [make_entry(id_at=ago(minutes=n)) for n in range(600)]

    async def stream_in() -> None:
        for start in range(0, 600, 20):
            await publish(client, *entries[start : start + 20])

    streaming = asyncio.create_task(stream_in())
    reports = [await rebuild(owner, reader) for _ in range(2)]
    await streaming
    await eventually(lambda: settled(client), within=20)
    found = {str(r[0]) for r in await owner.fetch("SELECT event_id FROM retention.event")}
    assert found == {entry.event_id for entry in entries}
    assert reports[1].last_seq >= reports[0].last_seq
    assert not await letters(client)


async def test_writers_wait_while_the_schemas_change_places(
    client: Client,
    service: Start,
    owner: asyncpg.Connection,
    reader: StreamReader,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Stopped exactly between the last fold and the renaming, the projection stands still."""
    await service()
    await publish(client, make_entry())
    await eventually(lambda: settled(client))
    reached, go_on = asyncio.Event(), asyncio.Event()
    up_to = module._Fold.up_to
    calls = []

    async def halt(fold: Any, last_seq: int) -> None:
        await up_to(fold, last_seq)
        calls.append(last_seq)
        if len(calls) == 2:
            reached.set()
            await go_on.wait()

    monkeypatch.setattr(module._Fold, "up_to", halt)
    rebuilding = asyncio.create_task(rebuild(owner, reader))
    await asyncio.wait_for(reached.wait(), 10)
    late = make_entry()
    await publish(client, late)

    async def waits() -> bool:
        info = await client.jetstream().consumer_info(EVENTS.name, "retention")
        return info.num_ack_pending == 1

    await eventually(waits)
    go_on.set()
    await rebuilding
    await eventually(lambda: settled(client))
    assert await count(owner) == 2


async def test_who_waits_while_the_schemas_change_places_asks_the_new_one_for_its_partition(
    make_log: MakeLog,
    owner: asyncpg.Connection,
    reader: StreamReader,
    empty_database: Database,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Even while the old one stays, since somebody reads it: a statement that was prepared before
    must not go on calling the old one's function.
    """
    log = make_log()
    assert await log.insert([make_row(id_at=ago(hours=10))]) == Inserted(stored=1)
    reached, go_on = asyncio.Event(), asyncio.Event()
    up_to, insert = module._Fold.up_to, PostgresEventLog._insert
    calls, tries = [], []

    async def halt(fold: Any, last_seq: int) -> None:
        await up_to(fold, last_seq)
        calls.append(last_seq)
        if len(calls) == 1:
            # The schemas that the rebuild makes and fills let PostgreSQL forget its plans: whoever
            # waits has one that is good until the switch.
            await log.insert([make_row(id_at=ago(hours=15))])
        else:
            reached.set()
            await go_on.wait()

    async def counted(log: PostgresEventLog, rows: Sequence[LogRow]) -> Inserted:
        tries.append(rows)
        return await insert(log, rows)

    monkeypatch.setattr(module._Fold, "up_to", halt)
    async with empty_database.connected("etp_api") as api, empty_database.connected() as looking:

        async def waits() -> bool:
            return bool(
                await looking.fetchval(
                    "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
                )
            )

        async with api.transaction():
            await api.fetch("SELECT FROM retention.events")
            rebuilding = asyncio.create_task(rebuild(owner, reader))
            await asyncio.wait_for(reached.wait(), 10)
            waiting = asyncio.create_task(log.insert([make_row(id_at=ago(hours=20))]))
            await eventually(waits)
            # The one that waits is within its first try: what is counted is another one of it, and
            # the insert behind it.
            monkeypatch.setattr(PostgresEventLog, "_insert", counted)
            go_on.set()
            assert await waiting == Inserted(stored=1)
            assert await log.insert([make_row(id_at=ago(hours=30))]) == Inserted(stored=1)
            assert len(tries) == 1
            assert await looking.fetchval("SELECT to_regnamespace('retention_old') IS NOT NULL")
            assert await count(looking) == 2
        await rebuilding


async def test_a_rebuild_that_was_killed_leaves_everything_and_can_be_repeated(
    client: Client,
    service: Start,
    owner: asyncpg.Connection,
    reader: StreamReader,
    empty_database: Database,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await service()
    await publish(client, *(make_entry() for _ in range(5)))
    await eventually(lambda: settled(client))
    before = await table(owner)
    up_to = module._Fold.up_to
    killed = await empty_database.connect()

    async def cut(fold: Any, last_seq: int) -> None:
        await up_to(fold, last_seq)
        if killed.is_in_transaction():
            killed.terminate()

    with monkeypatch.context() as patch:
        patch.setattr(module._Fold, "up_to", cut)
        with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError, OSError)):
            await rebuild(killed, reader)
    assert await table(owner) == before
    await rebuild(owner, reader)
    assert await table(owner) == before


async def test_the_lives_that_were_set_are_kept(
    service: Start, owner: asyncpg.Connection, reader: StreamReader
) -> None:
    await service(active_for="20m", kept_for="40h")
    wanted = Lifetime(timedelta(minutes=20), timedelta(hours=40))

    async def life() -> tuple[timedelta, timedelta]:
        row: Any = await owner.fetchrow("SELECT * FROM retention.life")
        return row["active_for"], row["kept_for"]

    async def is_set() -> bool:
        return await life() == (wanted.active_for, wanted.kept_for)

    await eventually(is_set)
    await rebuild(owner, reader)
    assert await is_set()


async def test_a_statement_prepared_before_works_after(
    client: Client,
    service: Start,
    owner: asyncpg.Connection,
    reader: StreamReader,
    empty_database: Database,
) -> None:
    """The gateway's connections keep theirs, and must read the new table."""
    await service()
    await publish(client, make_entry())
    await eventually(lambda: settled(client))
    async with empty_database.connected("etp_api") as api:
        statement = await api.prepare("SELECT event_id, payload FROM retention.events")
        assert len(await statement.fetch()) == 1
        await rebuild(owner, reader)
        await publish(client, make_entry())
        await eventually(lambda: settled(client))
        assert len(await statement.fetch()) == 2


async def test_what_cannot_be_read_is_no_row_for_the_service_nor_for_a_rebuild(
    client: Client,
    service: Start,
    owner: asyncpg.Connection,
    reader: StreamReader,
    platform_streams: Broker,
) -> None:
    """Garbage, and events under malformed header blocks; others' events are rows meanwhile."""
    entries = [make_entry() for _ in range(3)]
    garbage = [b"", b"\xff", b"{", b"[]", b"null", b'{"stream":"TRIGGER_EVENTS","seq":1}']
    forged = [hpub(subjects.fired("trigger-1").encode(), one, body(make_entry())) for one in BAD]
    await service()
    await publish(client, entries[0], *garbage, entries[1])
    # For others, whatever it is: neither a row nor unreadable.
    await client.jetstream().publish("trigger.health.target-1", b"{")
    await spoken(platform_streams, "admin", b"".join(forged))
    await publish(client, entries[2])
    await eventually(lambda: settled(client))
    before = await table(owner)
    assert len(before) == len(entries)
    assert len(await letters(client)) == len(garbage) + len(BAD)
    report = await rebuild(owner, reader)
    assert report.unreadable == len(garbage) + len(BAD)
    assert await table(owner) == before
    await publish(client, make_entry())
    await eventually(lambda: settled(client))
    assert await count(owner) == len(entries) + 1


@pytest.mark.parametrize("removed", ["SCHEMA retention", "TABLE retention.event"])
async def test_a_service_whose_tables_are_removed_goes_on_once_they_are_made_anew(
    client: Client,
    service: Start,
    owner: asyncpg.Connection,
    reader: StreamReader,
    removed: str,
) -> None:
    """It dead-letters nothing meanwhile, and its own length of a row's life is told again."""
    parts = await service(kept_for=timedelta(hours=5))
    await publish(client, make_entry())
    await eventually(lambda: settled(client))

    async def dropped() -> bool:
        """It locks tables in an order of its own, beside a service that has some of them."""
        try:
            await owner.execute(f"DROP {removed} CASCADE")
        except asyncpg.DeadlockDetectedError:
            return False
        return True

    await eventually(dropped)
    await publish(client, make_entry())
    with pytest.raises(DatabaseNotProvisioned):
        await parts.database.ping()
    # A pass of the sweep meets it: the tables are away for longer than between two of them.
    failed = REGISTRY.get_sample_value("etp_loop_failures_total", {"loop": "sweep"}) or 0
    next(loop for loop in parts.loops if loop.name == "sweep").wake()
    await eventually(
        lambda: (
            (REGISTRY.get_sample_value("etp_loop_failures_total", {"loop": "sweep"}) or 0) > failed
        )
    )
    report = await rebuild(owner, reader)
    assert report.rows == 2
    await publish(client, make_entry())
    await eventually(lambda: settled(client))
    assert await count(owner) == 3
    assert await letters(client) == []
    await parts.database.ping()

    async def told_again() -> bool:
        return bool(
            await owner.fetchval("SELECT kept_for = interval '5 hours' FROM retention.life")
        )

    await eventually(told_again, within=20, what="the service's own life is set again")
