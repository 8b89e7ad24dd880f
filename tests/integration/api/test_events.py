"""The log by REST, over the real schema of its owner."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest

from tests.integration.api.conftest import Running
from tests.support.servers import Database
from trigger_contracts.ids import uuid7


class Log:
    """Writes rows as retention does."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._count = 0

    async def add(self, age: timedelta = timedelta(), **fields: Any) -> UUID:
        self._count += 1
        at = datetime.now(UTC) - age
        row = {
            "event_id": uuid7(at, str(self._count)),
            "stream_seq": self._count,
            "trigger_id": "t",
            "trigger_name": "Test",
            "trigger_type": "api",
            "trigger_version": 1,
            "status": "fired",
            "source": "api",
            "is_test": False,
            "fired_at": at,
            "logged_at": at,
            "misfire": False,
            "errors": "[]",
            "count": 1,
            "payload": '{"n": 1}',
            **fields,
        }
        async with self._database.connected() as admin:
            hour = at.replace(minute=0, second=0, microsecond=0)
            await admin.execute("SELECT retention.ensure_partitions($1)", [hour])
            names = ", ".join(row)
            marks = ", ".join(f"${n}" for n in range(1, len(row) + 1))
            await admin.execute(
                f"INSERT INTO retention.event ({names}) VALUES ({marks})", *row.values()
            )
        event_id: UUID = row["event_id"]
        return event_id


@pytest.fixture
async def log(empty_database: Database) -> Log:
    return Log(empty_database)


async def listed(http: httpx.AsyncClient, **params: Any) -> list[str]:
    response = await http.get("/events/", params=params)
    assert response.status_code == 200, response.text
    return [row["event_id"] for row in response.json()]


async def test_an_event_with_its_lives(http: httpx.AsyncClient, log: Log) -> None:
    event_id = await log.add(timedelta(minutes=5), payload='{"a": [1, "x"]}')
    shown = (await http.get(f"/events/{event_id}")).json()
    assert shown["payload"] == {"a": [1, "x"]}
    assert shown["state"] == "active"
    logged_at = datetime.fromisoformat(shown["logged_at"])
    assert datetime.fromisoformat(shown["archives_at"]) == logged_at + timedelta(hours=2)
    assert datetime.fromisoformat(shown["deletes_at"]) == logged_at + timedelta(hours=48)
    (row,) = (await http.get("/events/")).json()
    assert "payload" not in row
    assert row["event_id"] == str(event_id)


async def test_states_and_filters(http: httpx.AsyncClient, log: Log) -> None:
    active = str(await log.add(timedelta(minutes=1)))
    test = str(await log.add(timedelta(minutes=2), is_test=True, source="test"))
    rejected = str(
        await log.add(
            timedelta(minutes=3),
            status="rejected",
            fired_at=None,
            payload=None,
            trigger_id="r",
            errors='[{"pointer": "/payload", "message": "no"}]',
        )
    )
    archived = str(await log.add(timedelta(hours=3), trigger_type="scheduled"))
    await log.add(timedelta(hours=48, seconds=1))
    assert await listed(http) == [active, test, rejected, archived]
    assert await listed(http, state="active") == [active, test, rejected]
    assert await listed(http, state="archived") == [archived]
    assert await listed(http, is_test="true") == [test]
    assert await listed(http, is_test="false", state="active") == [active, rejected]
    assert await listed(http, status="rejected") == [rejected]
    assert await listed(http, trigger_id="r") == [rejected]
    assert await listed(http, type="scheduled") == [archived]
    ago = (datetime.now(UTC) - timedelta(minutes=2, seconds=30)).isoformat()
    assert await listed(http, **{"from": ago}) == [active, test]
    assert await listed(http, to=ago) == [rejected, archived]
    (row,) = (await http.get("/events/", params={"status": "rejected"})).json()
    assert row["errors"] == [{"pointer": "/payload", "message": "no"}]


async def test_pages_stay_right_while_rows_arrive_and_share_an_instant(
    http: httpx.AsyncClient, log: Log
) -> None:
    at = datetime.now(UTC) - timedelta(minutes=10)
    expected = sorted(
        [await log.add(timedelta(minutes=10), logged_at=at) for _ in range(7)], reverse=True
    )
    found: list[str] = []
    response = await http.get("/events/", params={"limit": 2})
    while True:
        found += [row["event_id"] for row in response.json()]
        following = response.links.get("next")
        if following is None:
            break
        await log.add()
        response = await http.get(following["url"])
    assert found == [str(event_id) for event_id in expected]


async def test_what_is_not_there(gateway: Running, log: Log) -> None:
    http = gateway.http
    over = await log.add(timedelta(hours=48, seconds=1))
    assert (await http.get(f"/events/{over}")).status_code == 410
    long_ago = uuid7(datetime.now(UTC) - timedelta(days=9), "x")
    gone = await http.get(f"/events/{long_ago}")
    assert (gone.status_code, gone.json()["code"]) == (410, "gone")
    for unknown in (
        uuid7(datetime.now(UTC), "x"),
        uuid7(datetime.now(UTC) - timedelta(hours=47), "x"),
        UUID("ffffffff-ffff-7fff-bfff-ffffffffffff"),
        UUID("00000000-0000-4000-8000-000000000000"),
        "nothing",
    ):
        response = await http.get(f"/events/{unknown}")
        assert (response.status_code, response.json()["code"]) == (404, "not-found"), unknown


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ("from=2026-11-02T00:00:00Z&to=2026-11-01T00:00:00Z", "/query/to"),
        ("from=yesterday", "/query/from"),
        ("from=1700000000", "/query/from"),
        ("to=2026-02-30T00:00:00Z", "/query/to"),
        ("is_test=perhaps", "/query/is_test"),
        ("state=deleted", "/query/state"),
        ("status=x'; DROP TABLE x", "/query/status"),
        ("trigger_id=%00", "/query/trigger_id"),
        ("cursor=AAAA", "/query/cursor"),
        ("limit=99999999999999999999", "/query/limit"),
        ("from_=2026-11-02T00:00:00Z", "/query/from_"),
    ],
)
async def test_a_bad_query_is_refused_where_it_is_bad(
    http: httpx.AsyncClient, query: str, pointer: str
) -> None:
    response = await http.get(f"/events/?{query}")
    assert response.status_code == 422
    assert response.json()["errors"][0]["pointer"] == pointer
