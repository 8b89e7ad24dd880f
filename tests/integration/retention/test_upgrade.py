"""A log that was made by the first migration and has rows, brought up to date as it stands."""

from datetime import datetime, timedelta
from pathlib import Path

import asyncpg

from tests.unit.retention.factories import ago, make_row
from trigger_contracts.topology import LOG_LIFE
from trigger_retention.adapters import schema
from trigger_retention.adapters.insert import write
from trigger_retention.adapters.statements import Statements
from trigger_retention.domain.rows import LogRow
from trigger_runtime.postgres import migrations

FIRST = "0001_event_log.sql"
NAME = "retention_before"


async def insert_as_it_was(owner: asyncpg.Connection, row: LogRow) -> None:
    """As an older version wrote it: today's statements name columns that are not there yet."""
    hour = row.logged_at.replace(minute=0, second=0, microsecond=0)
    await owner.execute(f"SELECT {NAME}.ensure_partitions($1)", [hour])
    await owner.execute(
        f"INSERT INTO {NAME}.event (event_id, stream_seq, trigger_id, trigger_name,"
        " trigger_type, trigger_version, status, source, is_test, logged_at, misfire, errors,"
        " count, payload) VALUES ($1, $2, 't', 't', 'api', 1, 'fired', 'api', false, $3,"
        " false, '[]', 1, $4)",
        row.event_id,
        row.stream_seq,
        row.logged_at,
        row.payload,
    )


async def test_rows_that_were_there_before_are_found_counted_and_erased_as_all_others(
    owner: asyncpg.Connection, tmp_path: Path
) -> None:
    folder = Path(schema.__file__).with_name("migrations")
    (tmp_path / FIRST).write_text((folder / FIRST).read_text())
    row = make_row(ago(hours=3), payload={"word": "before"})
    hour = row.logged_at.replace(minute=0, second=0, microsecond=0)
    try:
        assert await migrations.apply(owner, tmp_path, NAME) == [FIRST]
        await insert_as_it_was(owner, row)
        await schema.apply(owner, NAME)
        found = await owner.fetchrow(f"SELECT state, replay_of, said FROM {NAME}.events")
        assert tuple(found) == ("archived", None, '{"word":"before"}')
        waiting = f"SELECT event_id FROM {NAME}.waiting_words"
        assert str(await owner.fetchval(waiting)) == row.event_id, "its words are to be found"
        assert await owner.fetchval(f"SELECT {NAME}.close_hour($1)", hour)
        assert await owner.fetchval(waiting) is None
        assert await owner.fetch(f"SELECT span, rows FROM {NAME}.sums ORDER BY 1") == [
            (timedelta(minutes=1), 1),
            (timedelta(hours=1), 1),
        ]
        now: datetime = await owner.fetchval("SELECT now()")
        async with owner.transaction():
            await write(
                owner,
                Statements(NAME),
                [make_row(row.logged_at)],
                erased_before=now - LOG_LIFE,
                known_hours=set(),
            )
        assert await owner.fetchval(f"SELECT count(*) FROM {NAME}.archived") == 2
        await owner.execute(
            f"INSERT INTO {NAME}.life_setting (active_for, kept_for) VALUES ('1 s', '2 s')"
        )
        assert await owner.fetchval(f"SELECT {NAME}.drop_partition($1)", hour) == 2
    finally:
        await owner.execute(f"DROP SCHEMA IF EXISTS {NAME} CASCADE")


async def test_what_the_old_rule_of_words_has_indexed_is_indexed_anew(
    owner: asyncpg.Connection, tmp_path: Path
) -> None:
    folder = Path(schema.__file__).with_name("migrations")
    for name in (FIRST, "0002_searching.sql"):
        (tmp_path / name).write_text((folder / name).read_text())
    rows = [make_row(ago(hours=age), payload='"shipped🚀"') for age in (3, 4)]
    hours = [row.logged_at.replace(minute=0, second=0, microsecond=0) for row in rows]
    finds = f"SELECT count(*) FROM {NAME}.events WHERE word_hashes @> {NAME}.word_hashes($1)"
    try:
        await migrations.apply(owner, tmp_path, NAME)
        for row in rows:
            await insert_as_it_was(owner, row)
        assert await owner.fetchval(f"SELECT {NAME}.close_hour($1)", hours[0])
        while await owner.fetchval(f"SELECT {NAME}.index_words(1, 10)"):
            pass
        await schema.apply(owner, NAME)
        waiting = await owner.fetch(f"SELECT event_id FROM {NAME}.waiting_words")
        assert {str(row["event_id"]) for row in waiting} == {row.event_id for row in rows}
        assert await owner.fetchval(f"SELECT count(*) FROM {NAME}.recent_words") == 0
        for hour in hours:
            assert await owner.fetchval(f"SELECT {NAME}.close_hour($1)", hour)
        await owner.execute("SET enable_seqscan = off")
        assert await owner.fetchval(finds, '"SHIPPED"') == len(rows)
    finally:
        await owner.execute("RESET enable_seqscan")
        await owner.execute(f"DROP SCHEMA IF EXISTS {NAME} CASCADE")
