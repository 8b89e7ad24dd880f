"""Deliveries and attempts: beside their events, whatever order records come in, gone with them."""

import asyncio
import random
from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any

import asyncpg
import pytest
from nats.aio.client import Client

from tests.integration.retention.conftest import MakeLog, Start
from tests.integration.retention.test_event_log import sweep
from tests.integration.retention.test_rebuild import reader, rights
from tests.integration.retention.test_service import count, letters, publish
from tests.support import redrives
from tests.support.eventually import eventually
from tests.support.servers import Broker, Database
from tests.unit.retention.factories import ago, make_entry, make_row
from tests.unit.retention.records import make_records, record_message
from trigger_contracts import subjects
from trigger_contracts.deliveries.records import DeliveryRecord
from trigger_contracts.events import LogEntry
from trigger_contracts.topology import RETENTION_DELIVERIES
from trigger_retention.adapters.event_log import PostgresEventLog
from trigger_retention.adapters.rebuild import rebuild
from trigger_retention.domain.deliveries import RecordRows, first_attempts, merged_rows, rows_of
from trigger_retention.domain.hours import partition_name
from trigger_retention.domain.lifetime import Lifetime
from trigger_retention.ports import Inserted, RowsRefused
from trigger_runtime.jetstream.reader import StreamReader

CANARY = "canary-of-an-excerpt"
TABLES = ("delivery", "attempt")

__all__ = ["reader"]  # a fixture of theirs


async def tables(owner: asyncpg.Connection, schema: str = "retention") -> list[list[Any]]:
    """Both tables, whole."""
    found = [
        await owner.fetch(f"SELECT * FROM {schema}.{table} ORDER BY 1, 2, 3, 4, 5")
        for table in TABLES
    ]
    return [[tuple(row.values()) for row in rows] for rows in found]


async def deliveries(owner: asyncpg.Connection) -> list[asyncpg.Record]:
    return list(await owner.fetch("SELECT * FROM retention.deliveries ORDER BY logged_at"))


async def tell(client: Client, records: Iterable[DeliveryRecord]) -> None:
    """Store records in the log; without message ids, so nothing is deduped."""
    for record in records:
        subject, body = record_message(record)
        await client.jetstream().publish(subject, body)


async def settled(client: Client) -> bool:
    """Whether every record is acknowledged."""
    stream, durable = RETENTION_DELIVERIES.stream.name, RETENTION_DELIVERIES.durable
    last = await client.jetstream().get_last_msg(stream, subjects.ALL_DELIVERY)
    info = await client.jetstream().consumer_info(stream, durable)
    assert info.ack_floor is not None
    return info.ack_floor.stream_seq >= (last.seq or 0)


def about(records: Sequence[DeliveryRecord], *, first_seq: int = 1) -> list[RecordRows]:
    return [rows_of(record, seq) for seq, record in enumerate(records, first_seq)]


def as_stored(rows: Iterable[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """Rows of the domain as the database gives them back, where ids are no texts."""
    return [
        tuple(
            str(value) if hasattr(value, "hex") and not isinstance(value, float) else value
            for value in row
        )
        for row in rows
    ]


async def test_what_became_of_an_event_is_seen_beside_it(
    client: Client, service: Start, empty_database: Database
) -> None:
    await service()
    entry = make_entry()
    await publish(client, entry)
    await tell(client, make_records(entry, "erp", "failed", "delivered"))
    await tell(client, make_records(entry, "crm", "failed"))
    async with empty_database.connected("etp_api") as api:
        await eventually(lambda: settled(client))
        await eventually(lambda: api.fetchval("SELECT count(*) FROM retention.events"))
        crm, erp = await api.fetch("SELECT * FROM retention.deliveries ORDER BY target_id")
        attempts = await api.fetch(
            "SELECT * FROM retention.attempts WHERE target_id = 'erp' ORDER BY attempt"
        )
    assert str(erp["event_id"]) == str(crm["event_id"]) == entry.event_id
    assert (erp["state"], erp["attempts"], erp["next_attempt_at"]) == ("delivered", 2, None)
    assert (crm["state"], crm["attempts"]) == ("pending", 1)
    assert crm["next_attempt_at"] > entry.logged_at
    assert [(one["outcome"], one["code"], one["status"]) for one in attempts] == [
        ("failed", "status", 503),
        ("delivered", None, 204),
    ]
    assert {one["origin"] for one in attempts} == {"https://erp.example"}


async def test_in_any_order_and_twice_the_tables_are_the_same(
    make_log: MakeLog, owner: asyncpg.Connection
) -> None:
    """By replicas at once, in batches of any size, against the rule as the domain has it."""
    seed = random.randrange(10**9)
    chance = random.Random(seed)
    stories = [
        ("failed", "delivered"),
        ("failed", "dead", "planned 2", "failed", "delivered"),
        ("blocked",),
        ("ended", "planned 2", "failed"),
        ("dead", "delivered"),
        (),
    ]
    records = [
        record
        for number in range(30)
        for record in make_records(
            make_entry(ago(minutes=number)), f"t{number % 3}", *stories[number % len(stories)]
        )
    ]
    rows = about(records)
    expected = [
        as_stored(merged_rows(one.delivery for one in rows)),
        as_stored(first_attempts(one.attempt for one in rows if one.attempt)),
    ]
    logs = [make_log() for _ in range(3)]
    shuffled = rows * 2
    chance.shuffle(shuffled)
    batches = []
    while shuffled:
        size = chance.randint(1, 25)
        batches.append(shuffled[:size])
        shuffled = shuffled[size:]

    await asyncio.gather(
        *(logs[number % 3].insert_records(batch) for number, batch in enumerate(batches))
    )

    assert [as_stored(found) for found in await tables(owner)] == expected, f"seed {seed}"


async def test_rows_wait_for_no_record(
    client: Client, service: Start, owner: asyncpg.Connection
) -> None:
    """Nor does what cannot be stored of deliveries hold anything up."""
    await service()
    await publish(client, make_entry())  # its hour has a partition
    await eventually(lambda: count(owner))
    async with owner.transaction():
        await owner.execute("LOCK TABLE retention.delivery, retention.attempt IN EXCLUSIVE MODE")
        entries = [make_entry() for _ in range(20)]
        for entry in entries:
            await tell(client, make_records(entry, "erp", "delivered"))
            await publish(client, entry)

        async def all_there() -> bool:
            return await count(owner) == 1 + len(entries)

        await eventually(all_there)
        assert await owner.fetchval("SELECT count(*) FROM retention.delivery") == 0
    await eventually(lambda: settled(client))
    assert len(await deliveries(owner)) == len(entries)


async def test_what_is_no_record_is_a_dead_letter_and_the_others_are_stored(
    client: Client, service: Start, owner: asyncpg.Connection
) -> None:
    await service()
    entry = make_entry()
    subject = subjects.delivery(entry.trigger_id)
    good = make_records(entry, "erp", "delivered")
    _, body = record_message(good[0])
    for bad in (b"", b"{", b'{"data": 1}', body.replace(b'"erp"', b'"crm"')):
        await client.jetstream().publish(subject, bad)
    await client.jetstream().publish(subjects.delivery("another"), body)
    await tell(client, good)
    # For others: neither a record nor a row.
    await client.jetstream().publish("trigger.health.erp", b"{")
    await eventually(lambda: settled(client))
    assert [row["state"] for row in await deliveries(owner)] == ["delivered"]
    assert len(await letters(client)) == 5


async def test_a_record_that_was_refused_is_stored_when_it_is_redriven(
    client: Client, service: Start, owner: asyncpg.Connection, broker: Broker
) -> None:
    await service()
    await owner.execute(
        "ALTER TABLE retention.attempt ADD CONSTRAINT no_tea CHECK (excerpt <> 'oolong')"
    )
    entry = make_entry()
    try:
        await tell(client, make_records(entry, "erp", "failed", excerpt="oolong"))
        await tell(client, make_records(entry, "crm", "failed"))
        await eventually(lambda: redrives.letters(broker))
        (stored,) = await redrives.letters(broker)
        assert "oolong" not in stored.letter.reason
        assert (await redrives.redrive(broker, stored)).outcome == "failed"
    finally:
        await owner.execute("ALTER TABLE retention.attempt DROP CONSTRAINT no_tea")
    assert (await redrives.redrive(broker, stored)).outcome == "handled"
    found = await deliveries(owner)
    assert {row["target_id"]: row["attempts"] for row in found} == {"erp": 1, "crm": 1}


async def test_what_the_database_refuses_leaves_nothing(
    log: PostgresEventLog, owner: asyncpg.Connection
) -> None:
    rows = about(make_records(make_entry(), "erp", "failed"))
    [*_, last] = rows
    assert last.attempt is not None
    spoilt = RecordRows(last.delivery, last.attempt._replace(attempt=2, excerpt="\0"))
    with pytest.raises(RowsRefused):
        await log.insert_records([*rows, spoilt])
    assert await tables(owner) == [[], []]


async def test_a_record_of_an_event_past_its_life_is_not_stored(
    log: PostgresEventLog, owner: asyncpg.Connection
) -> None:
    old = about(make_records(make_entry(ago(hours=48, seconds=1)), "erp", "delivered"))
    young = about(make_records(make_entry(ago(hours=47, minutes=59)), "erp", "delivered"))
    assert await log.insert_records([*old, *young]) == Inserted(stored=2, expired=2)
    assert [len(rows) for rows in await tables(owner)] == [1, 1]


async def test_a_life_ends_to_the_microsecond_with_that_of_the_event(
    log: PostgresEventLog, owner: asyncpg.Connection
) -> None:
    """One statement that sees rows, deliveries and the time."""
    entry = make_entry()
    await log.insert([make_row(entry.logged_at, event_id=entry.event_id)])
    await log.insert_records(about(make_records(entry, "erp", "delivered")))
    for age, is_there in (("47:59:59.999999", True), ("48:00:00", False)):
        async with owner.transaction():
            for table in ("event", *TABLES):
                await owner.execute(
                    f"UPDATE retention.{table} SET logged_at = now() - '{age}'::interval"
                )
            seen = [
                await owner.fetchval(f"SELECT count(*) FROM retention.{view}")
                for view in ("events", "deliveries", "attempts")
            ]
        assert seen == [is_there] * 3


@pytest.mark.parametrize("late", [True, False], ids=["row by row", "with their partition"])
async def test_an_excerpt_is_erased_with_its_event(
    log: PostgresEventLog, owner: asyncpg.Connection, *, late: bool
) -> None:
    id_at = ago(days=4) if late else ago(hours=47)
    entry = make_entry(ago(hours=47), id_at=id_at)
    kept = make_entry(ago(hours=1), id_at=id_at if late else ago(hours=1))
    for one in (entry, kept):
        await log.insert([make_row(one.logged_at, event_id=one.event_id)])
        await log.insert_records(
            about(make_records(one, "erp", "failed", excerpt=CANARY if one is entry else "no"))
        )
    # A shorter life, as the service is told.
    await log.set_lifetime(Lifetime(timedelta(hours=2), timedelta(hours=46)))
    await sweep(log)
    for table in ("event", *TABLES):
        assert await owner.fetchval(f"SELECT count(*) FROM retention.{table}") == 1
    for table in TABLES:
        held = await owner.fetchval(f"SELECT string_agg(t::text, '') FROM retention.{table} t")
        assert CANARY not in held
        name = partition_name(id_at).replace("event", table)
        found = await owner.fetchval("SELECT to_regclass($1)", f"retention.{name}")
        # While another one is alive in the hour it stays.
        assert (found is not None) is late


async def test_a_partition_with_a_living_delivery_stays(
    log: PostgresEventLog, owner: asyncpg.Connection
) -> None:
    """Its row is not in the log yet, or never will be."""
    id_at = ago(days=3)
    records = about(make_records(make_entry(ago(minutes=1), id_at=id_at), "erp", "failed"))
    await log.insert_records(records)
    await sweep(log)
    assert [len(rows) for rows in await tables(owner)] == [1, 1]
    for table in TABLES:
        await owner.execute(f"UPDATE retention.{table} SET logged_at = now() - interval '49 h'")
    dropped = {name for erased in await sweep(log) for name in erased.partitions}
    assert partition_name(id_at) in dropped
    assert await tables(owner) == [[], []]


async def test_a_rebuild_makes_equal_tables(
    client: Client, service: Start, owner: asyncpg.Connection, reader: StreamReader
) -> None:
    await service()
    entries = [make_entry(ago(hours=n), id_at=ago(hours=1.5 * n)) for n in range(20)]
    stories = [("failed", "delivered"), ("dead", "planned 2", "failed"), ("ended",), ()]
    for number, entry in enumerate(entries):
        await publish(client, entry)
        records = make_records(entry, "erp", *stories[number % len(stories)])
        await tell(client, [*records, *records[:1]])
    await client.jetstream().publish(subjects.delivery("trigger-1"), b"{")
    await tell(client, make_records(make_entry(ago(hours=49)), "erp", "failed"))
    await eventually(lambda: settled(client))
    before, rights_before = await tables(owner), await rights(owner)
    assert len(before[0]) == len(entries)

    report = await rebuild(owner, reader)

    assert await tables(owner) == before
    assert await rights(owner) == rights_before
    assert (report.rows, report.messages, report.unreadable) == (len(entries), len(entries), 1)
    assert report.expired == 2
    # The running service goes on in the new tables.
    await tell(client, make_records(make_entry(), "erp", "delivered"))
    await eventually(lambda: settled(client))
    assert len(await deliveries(owner)) == len(entries) + 1


async def test_a_rebuild_with_a_shorter_life_keeps_no_attempt_longer_than_its_event(
    client: Client, service: Start, owner: asyncpg.Connection, reader: StreamReader
) -> None:
    parts = await service(kept_for=timedelta(hours=48))
    entry: LogEntry = make_entry(ago(hours=6))
    await publish(client, entry)
    await tell(client, make_records(entry, "erp", "failed", excerpt=CANARY))
    await eventually(lambda: settled(client))
    await owner.execute("UPDATE retention.life_setting SET active_for = '1 h', kept_for = '5 h'")
    assert parts.loops
    report = await rebuild(owner, reader)
    assert (report.rows, report.records, report.expired) == (0, 0, 3)
    assert await tables(owner) == [[], []]
