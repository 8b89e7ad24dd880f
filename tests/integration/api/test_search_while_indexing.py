"""No search misses a row that was there before it began, whatever is indexed meanwhile."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import asyncpg
import pytest

from tests.integration.api.log_rows import Log
from tests.support.servers import Database as Server
from trigger_api.adapters.database import ReadDatabase
from trigger_api.adapters.log.views import PostgresLogViews
from trigger_api.domain.queries import EventQuery

HOURS = 30
SEARCHERS = 2
TIMEOUT = timedelta(seconds=10)


@pytest.fixture
async def views(empty_database: Server) -> AsyncIterator[PostgresLogViews]:
    options: dict[str, Any] = {"pool_size": SEARCHERS, "timeout": TIMEOUT}
    url = empty_database.url("etp_api")
    databases = ReadDatabase(url, **options), ReadDatabase(url, **options, plans_each=True)
    yield PostgresLogViews(*databases)
    for database in databases:
        await database.close()


async def test_a_row_is_found_while_its_hours_index_is_made_and_filled(
    views: PostgresLogViews, log: Log, empty_database: Server
) -> None:
    """A search is planned in one moment and sees what is committed in a later one."""
    query = EventQuery(q="canarybird", limit=HOURS)
    there = searches = 0
    missed: list[tuple[int, int]] = []

    async def search() -> None:
        nonlocal searches
        while there < HOURS:
            expected = there
            found = len(json.loads((await views.events(query)).body))
            searches += 1
            if found < expected:
                missed.append((found, expected))

    # The hours are there; the tables of their words are not.
    for number in range(HOURS):
        await log.add(timedelta(hours=number), payload=None, status="rejected")
    async with empty_database.connected() as admin:
        for row in await admin.fetch(
            "SELECT inhrelid::regclass::text AS name FROM pg_inherits"
            " WHERE inhparent = 'retention.recent_word'::regclass"
        ):
            await admin.execute(f"DROP TABLE {row['name']}")
        searching = [asyncio.create_task(search()) for _ in range(SEARCHERS)]
        for number in range(HOURS):
            await log.add(timedelta(hours=number), payload='{"text": "canarybird"}')
            there += 1
            while await admin.fetchval("SELECT count(*) FROM retention.waiting_words"):
                with contextlib.suppress(asyncpg.LockNotAvailableError):  # searches go first
                    await admin.fetchval("SELECT retention.index_words(1, 100)")
        await asyncio.gather(*searching)
        indexed = await admin.fetchval("SELECT count(*) FROM retention.recent_words")
    assert (indexed, missed) == (HOURS, [])
    assert searches > HOURS
