"""The events that a replay would replay: read a few at a time, the oldest first."""

import itertools
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx

from tests.integration.api.log_rows import Log
from tests.integration.api.replaying import Fires, replay_all
from tests.support.servers import Database
from tests.unit.api.fake_views import FakeViews
from trigger_api.adapters.database import ReadDatabase as ReadOnly
from trigger_api.adapters.log import views as adapter
from trigger_api.adapters.log.views import PostgresLogViews
from trigger_api.domain.log.replays import Origin
from trigger_api.domain.queries import StateFilter
from trigger_contracts.events import EntryStatus


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
    views = PostgresLogViews(reads, reads)
    found: list[UUID] = []
    last = None
    while page := await views.origins(StateFilter(trigger_id=(trigger_id,)), last, 1000):
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
            StateFilter(type=("api",)),
            StateFilter(trigger_id=("t1",)),
            StateFilter(q="odd", is_test=False),
            StateFilter(status=(EntryStatus.MISSED,), to=now - timedelta(minutes=40)),
            StateFilter.model_validate({"from": now - timedelta(minutes=50)}),
        ),
        (1, 2, 3, 100),
    ):
        found = [
            await pages(views, wanted, limit) for views in (PostgresLogViews(reads, reads), model)
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
