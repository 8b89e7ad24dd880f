"""The log by REST, over the real schema of its owner."""

import json
from datetime import UTC, datetime, timedelta
from uuid import UUID

import httpx
import pytest

from tests.integration.api.conftest import Running, ready, serving
from tests.integration.api.log_rows import Log, listed
from tests.support.servers import Broker, Database
from trigger_contracts.ids import uuid7
from trigger_local.secrets import Secrets


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
    assert row["id"] == str(event_id)


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
        found += [row["id"] for row in response.json()]
        following = response.links.get("next")
        if following is None:
            break
        await log.add()
        response = await http.get(following["url"])
    assert found == [str(event_id) for event_id in expected]


@pytest.mark.parametrize(
    ("bounds", "count"),
    [
        ({"to": "9999-12-31T23:59:59-05:00"}, 1),
        ({"from": "0001-01-01T00:00:00+14:00"}, 1),
        ({"from": "0001-01-01T00:00:00+14:00", "to": "9999-12-31T23:59:59-12:00"}, 1),
        ({"from": "9999-12-31T23:59:59-12:00"}, 0),
        ({"to": "0001-01-01T00:00:00+14:00"}, 0),
    ],
)
async def test_a_bound_beyond_the_calendar_is_no_limit(
    http: httpx.AsyncClient, log: Log, bounds: dict[str, str], count: int
) -> None:
    trigger_id = str(await log.add())
    row = (await http.get(f"/events/{trigger_id}")).json()
    asked = {**bounds, "trigger_id": row["trigger_id"]}
    assert len((await http.get("/events/", params=asked)).json()) == count
    chart = await http.get("/events/stats", params=asked)
    assert chart.status_code == 200, chart.text
    export = await http.get("/events/export", params=asked)
    assert len(export.text.splitlines()) == count


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
        ("limit=1_0", "/query/limit"),
        ("trigger_name=%FF", "/query/trigger_name"),
        ("from_=2026-11-02T00:00:00Z", "/query/from_"),
        ("source=cron", "/query/source"),
        ("min_lateness=-1", "/query/min_lateness"),
        ("min_lateness=nan", "/query/min_lateness"),
        ("max_lateness=inf", "/query/max_lateness"),
        ("min_lateness=1e-400", "/query/min_lateness"),
        ("max_lateness=0.0000001", "/query/max_lateness"),
        ("to=2026-12-31T24:00:00Z", "/query/to"),
        ("min_lateness=2&max_lateness=1", "/query/max_lateness"),
        ("q=%25%20%22%27", "/query/q"),
        ("q=", "/query/q"),
        ("q=a%00b", "/query/q"),
        ("q=" + "x" * 201, "/query/q"),
        ("trigger_name=", "/query/trigger_name"),
        ("count=maybe", "/query/count"),
        ("bucket=1h", "/query/bucket"),
    ],
)
async def test_a_bad_query_is_refused_where_it_is_bad(
    http: httpx.AsyncClient, query: str, pointer: str
) -> None:
    response = await http.get(f"/events/?{query}")
    assert response.status_code == 422
    assert response.json()["errors"][0]["pointer"] == pointer


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ("bucket=7m", "/query/bucket"),
        ("bucket=1m", "/query/bucket"),
        ("limit=10", "/query/limit"),
        ("cursor=x", "/query/cursor"),
        ("q=!", "/query/q"),
        ("from=2026-11-02T00:00:00Z&to=2026-11-01T00:00:00Z", "/query/to"),
    ],
)
async def test_a_bad_chart_is_refused_where_it_is_bad(
    http: httpx.AsyncClient, query: str, pointer: str
) -> None:
    response = await http.get(f"/events/stats?{query}")
    assert response.status_code == 422
    assert response.json()["errors"][0]["pointer"] == pointer


@pytest.mark.parametrize(
    "q", ["50% off", "it's", 'say "hello"', "a.*b|(c+)[d]", "\\\\d{3}", "_", "x'; DROP TABLE y --"]
)
async def test_search_text_is_words_and_nothing_else(
    http: httpx.AsyncClient, log: Log, q: str
) -> None:
    """No regular expression, no wildcard, no quote means anything."""
    event_id = str(await log.add(payload=json.dumps({"text": f"before {q} after"})))
    await log.add(payload='{"text": "something else"}')
    if not any(c.isalnum() for c in q):
        assert (await http.get("/events/", params={"q": q})).status_code == 422
        return
    assert await listed(http, q=q) == [event_id]
    assert await listed(http, q=f"{q.upper()} before") == [event_id]


async def test_words_are_found_whole_in_any_order_and_case(
    http: httpx.AsyncClient, log: Log
) -> None:
    event_id = str(await log.add(payload='{"Order": {"id": "A-17", "note": "to be paid"}}'))
    for q in ("order", "a 17", "17 A", "PAID note", "a-17"):
        assert await listed(http, q=q) == [event_id], q
    for q in ("ord", "aid", "1", "order unpaid"):
        assert await listed(http, q=q) == [], q


async def test_a_list_counts_what_it_is_asked_to_count(http: httpx.AsyncClient, log: Log) -> None:
    for n in range(5):
        await log.add(timedelta(minutes=n), trigger_id=f"t{n % 2}")
    for params, rows in (({}, 5), ({"trigger_id": "t0"}, 3), ({"q": "n"}, 5), ({"q": "no"}, 0)):
        response = await http.get("/events/", params={**params, "count": "true", "limit": 1})
        assert response.headers["x-total-count"] == str(rows), params
        assert response.headers["x-total-count-kind"] == "exact"
    assert "x-total-count" not in (await http.get("/events/")).headers


async def test_a_count_of_many_is_an_estimate_and_says_so(
    http: httpx.AsyncClient, log: Log, empty_database: Database
) -> None:
    await log.add(timedelta(minutes=1))
    async with empty_database.connected() as admin:
        await admin.execute(
            """
            INSERT INTO retention.event (event_id, stream_seq, trigger_id, trigger_name,
                trigger_type, trigger_version, status, source, is_test, fired_at, logged_at,
                misfire, errors, count, payload)
            SELECT overlay(event_id::text PLACING lpad(to_hex(n), 12, '0') FROM 25)::uuid, n,
                   CASE WHEN n % 2 = 0 THEN 'even' ELSE 'odd' END, trigger_name, trigger_type, 1,
                   status, source, is_test, fired_at, logged_at - n * interval '1 millisecond',
                   misfire, errors, count, payload
            FROM retention.event, generate_series(1, 30000) AS n"""
        )
    response = await http.get("/events/", params={"trigger_id": "even", "count": "true"})
    assert response.headers["x-total-count-kind"] == "estimate"
    assert int(response.headers["x-total-count"]) == pytest.approx(15_000, rel=0.02)
    response = await http.get("/events/", params={"count": "true"})
    assert response.headers["x-total-count-kind"] == "exact"
    assert response.headers["x-total-count"] == "30001"


async def test_a_chart_has_counts_and_lateness(http: httpx.AsyncClient, log: Log) -> None:
    now = datetime.now(UTC)
    for late in (0.01, 0.02, 5):
        at = now - timedelta(minutes=3)
        scheduled_for = at - timedelta(seconds=late)
        await log.add(timedelta(minutes=3), scheduled_for=scheduled_for, fired_at=at)
    await log.add(timedelta(hours=5), status="missed", fired_at=None, payload=None)
    stats = (await http.get("/events/stats")).json()
    assert (stats["total"], stats["bucket"]) == (4, "1h")
    assert stats["counts"] == {"fired": 3, "missed": 1, "rejected": 0}
    assert stats["lateness"]["p50"] == pytest.approx(0.02, rel=0.06)
    assert stats["lateness"]["p99"] == pytest.approx(5, rel=0.06)
    filled = [bucket for bucket in stats["buckets"] if bucket["total"]]
    assert len(filled) == 2
    assert filled[0]["counts"]["missed"] == 1
    assert filled[0]["lateness"] is None
    assert datetime.fromisoformat(filled[0]["from"]) <= now - timedelta(hours=5)
    missed = (await http.get("/events/stats", params={"status": "missed", "bucket": "6h"})).json()
    assert missed["total"] == 1
    assert 8 <= len(missed["buckets"]) <= 10


async def test_what_takes_too_long_is_answered_with_advice(
    platform_streams: Broker, empty_database: Database, secrets: Secrets, log: Log
) -> None:
    """The database is busy with a lock that a reader waits for."""
    await log.add()
    settings = {"read_timeout": timedelta(seconds=2)}
    async with (
        serving(platform_streams, empty_database, secrets, **settings) as running,
        empty_database.connected() as admin,
    ):
        await ready(running)
        # Connected: what a statement may take is nearly all that its read may.
        assert (await running.http.get("/events/", params={"q": "n"})).status_code == 200
        async with admin.transaction():
            await admin.execute("LOCK TABLE retention.event IN ACCESS EXCLUSIVE MODE")
            response = await running.http.get("/events/", params={"q": "n"})
        assert response.status_code == 503
        assert "narrow" in response.json()["detail"]
        assert response.headers["retry-after"]
