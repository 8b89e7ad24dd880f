"""The log as a file, over the real schema of its owner: what is in it, and what never is."""

import csv
import io
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy.dialects.postgresql.asyncpg import dialect

from tests.integration.api.log_rows import Log
from tests.support.downloads import parsed
from tests.support.many_rows import filled
from tests.support.servers import Database
from trigger_api.adapters.log import export_queries as export_statements
from trigger_api.adapters.log.export_queries import PAGE_BYTES
from trigger_api.domain.log.export_paging import ReadRange, below
from trigger_api.domain.log.exports import COLUMNS
from trigger_api.domain.queries import ExportQuery
from trigger_api.domain.schemas import EventDetail
from trigger_contracts.ids import uuid7

EXPORT = "/events/export"


async def exported(http: httpx.AsyncClient, **params: Any) -> list[dict[str, Any]]:
    response = await http.get(EXPORT, params=params)
    assert response.status_code == 200, response.text
    return parsed(response.content)


def cells(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline=""), strict=True))


async def listed(http: httpx.AsyncClient, **params: Any) -> list[dict[str, Any]]:
    """All pages of the list."""
    response = await http.get("/events/", params={"limit": 500, **params})
    rows = []
    while True:
        assert response.status_code == 200, response.text
        rows += response.json()
        if (following := response.links.get("next")) is None:
            return rows
        response = await http.get(following["url"])


def without_payload(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{name: row[name] for name in row if name != "payload"} for row in rows]


async def add_odd_rows(log: Log) -> list[str]:
    """One of everything that a row may be."""
    at = datetime.now(UTC).replace(microsecond=0)
    rows: list[dict[str, Any]] = [
        {"trigger_name": '=HYPERLINK("http://x","y"), ä 🙂\r\nline two', "trigger_id": "-t"},
        {"payload": '{\n "a" : [1.5, -0, 1e3, null, "x\\ny", "\\u0001é🙂", {}],\r\n"c": "="}'},
        {"payload": '"=1+1"'},
        {"payload": "-5"},
        {"payload": "null"},
        {"payload": None, "status": "rejected", "fired_at": None, "reason": "+ it is not\ta number",
         "errors": '[{"pointer": "/payload/a,b", "message": "must be \\"x\\"\\nor y"}]'},
        {"payload": None, "status": "missed", "fired_at": None, "source": "schedule", "count": 7,
         "trigger_type": "scheduled", "scheduled_for": at - timedelta(hours=1),
         "last_scheduled_for": at - timedelta(minutes=1), "reason": "@ the service was away"},
        {"scheduled_for": at + timedelta(days=1), "source": "test", "is_test": True},
        {"scheduled_for": at, "fired_at": at, "logged_at": at, "misfire": True},
        {"source": "replay", "replay_of": uuid7(at, "x"), "trigger_version": 3},
        {"trigger_name": "'quoted' \ufeff\u2028 name", "reason": ""},
    ]  # fmt: skip
    ages = [timedelta(minutes=n) for n in range(len(rows) - 1)] + [timedelta(hours=3)]
    return [str(await log.add(age, **row)) for age, row in zip(ages, rows, strict=True)]


async def test_a_line_is_the_event_itself(http: httpx.AsyncClient, log: Log) -> None:
    expected = await add_odd_rows(log)
    rows = await exported(http)
    assert {row["id"] for row in rows} == set(expected)
    for row in rows:
        shown = (await http.get(f"/events/{row['id']}")).json()
        assert shown.pop("deliveries") == []
        assert row == shown
        assert tuple(row) == COLUMNS
    assert without_payload(rows) == await listed(http)


async def test_a_row_of_csv_says_the_same(http: httpx.AsyncClient, log: Log) -> None:
    await add_odd_rows(log)
    response = await http.get(EXPORT, params={"format": "csv"})
    assert response.headers["content-type"] == "text/csv; charset=utf-8; header=present"
    rows = cells(response.text)
    lines = await exported(http)
    assert [tuple(row) for row in rows] == [COLUMNS] * len(lines)
    texts = {"trigger_id", "trigger_name", "reason"}
    for row, line in zip(rows, lines, strict=True):
        said = {
            name: cell.removeprefix("'") if name in texts else cell for name, cell in row.items()
        }
        for name in ("errors", "payload"):
            said[name] = json.loads(said[name] or "null")
        shown = EventDetail.model_validate(
            {name: None if said[name] == "" and line[name] != "" else said[name] for name in said}
        )
        assert shown.model_dump() == EventDetail.model_validate(line).model_dump()
        for name in texts:
            assert not row[name].startswith(tuple("=+-@\t\r\n"))
        assert not row["payload"].startswith(tuple("=+@\t\r\n"))
        assert row["payload"][:1] != "-" or float(row["payload"]) < 0


async def test_it_is_a_file_of_the_format_asked_for(http: httpx.AsyncClient, log: Log) -> None:
    await log.add()
    for params, headers, kind in (
        ({}, {}, "ndjson"),
        ({"format": "csv"}, {}, "csv"),
        ({}, {"Accept": "text/csv"}, "csv"),
        ({"format": "ndjson"}, {"Accept": "text/csv"}, "ndjson"),
    ):
        response = await http.get(EXPORT, params=params, headers=headers)
        assert kind in response.headers["content-type"]
        named = response.headers["content-disposition"]
        assert named.startswith('attachment; filename="events-20')
        assert named.endswith(f'Z.{kind}"')
    marked = await http.get(EXPORT, params={"format": "csv", "bom": "true"})
    assert marked.content.startswith(b"\xef\xbb\xbfid,")


async def test_an_empty_log_is_an_empty_file(http: httpx.AsyncClient, log: Log) -> None:
    assert (await http.get(EXPORT)).content == b""
    assert (await http.get(f"{EXPORT}/?format=csv")).text == ",".join(COLUMNS) + "\r\n"


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ("format=xml", "/query/format"),
        ("limit=5", "/query/limit"),
        ("cursor=x", "/query/cursor"),
        ("count=true", "/query/count"),
        ("state=deleted", "/query/state"),
        ("bom=true", "/query/bom"),
        ("bom=perhaps", "/query/bom"),
        ("q=%25%22", "/query/q"),
        ("trigger_id=%00", "/query/trigger_id"),
        ("from=2026-11-02T00:00:00Z&to=2026-11-01T00:00:00Z", "/query/to"),
        ("min_lateness=2&max_lateness=1", "/query/max_lateness"),
    ],
)
async def test_a_bad_query_is_refused_where_it_is_bad(
    http: httpx.AsyncClient, query: str, pointer: str
) -> None:
    response = await http.get(f"{EXPORT}?{query}")
    assert response.status_code == 422
    assert response.json()["errors"][0]["pointer"] == pointer


async def test_the_filters_are_those_of_the_list(
    http: httpx.AsyncClient, log: Log, empty_database: Database
) -> None:
    await add_odd_rows(log)
    await filled(empty_database, 3000, timedelta(seconds=30), size=5)
    now = datetime.now(UTC)
    for params in (
        {"state": "active"},
        {"state": "archived", "trigger_id": "t3"},
        {"trigger_name": "name 4"},
        {"type": "api"},
        {"source": "replay"},
        {"status": "rejected"},
        {"is_test": "true"},
        {"min_lateness": "0.002", "max_lateness": "0.003"},
        {"q": "742"},
        {"q": "N", "trigger_id": "t1"},
        {"from": (now - timedelta(hours=5)).isoformat()},
        {"to": (now - timedelta(hours=5)).isoformat(), "status": "fired"},
        {"to": "0001-01-01T00:00:00Z"},
        {"to": "9999-12-31T23:59:59Z", "q": "replace"},
        {"trigger_id": "nobody"},
        {"from": (now - timedelta(hours=2)).isoformat(), "to": now.isoformat(), "is_test": "false"},
    ):
        rows = await exported(http, **params)
        found = await listed(http, **params)
        assert without_payload(rows) == found, params
        csv_rows = cells((await http.get(EXPORT, params={**params, "format": "csv"})).text)
        assert [row["id"] for row in csv_rows] == [row["id"] for row in found]


async def test_many_pages_are_in_order_without_gap_or_duplicate(
    http: httpx.AsyncClient, empty_database: Database
) -> None:
    await filled(empty_database, 20_000)
    for params in ({}, {"format": "csv"}):
        text = (await http.get(EXPORT, params=params)).text
        rows = cells(text) if params else parsed(text.encode())
        keys = [(row["logged_at"], row["id"]) for row in rows]
        assert len(set(keys)) == 20_000
        # Whole seconds are written without a fraction.
        assert keys == sorted(
            keys, key=lambda k: (datetime.fromisoformat(k[0]), k[1]), reverse=True
        )


async def test_large_rows_are_cut_into_pages_by_their_size(
    http: httpx.AsyncClient, empty_database: Database
) -> None:
    size = 250_000
    await filled(empty_database, 60, timedelta(seconds=30), size)
    assert 60 * size > 3 * PAGE_BYTES
    rows = await exported(http)
    assert [row["payload"]["n"] for row in rows] == sorted(range(1, 61), key=lambda n: (n // 3, -n))
    assert {len(row["payload"]["text"]) for row in rows} == {size}
    assert len(cells_of_any_size((await http.get(EXPORT, params={"format": "csv"})).text)) == 60


def cells_of_any_size(text: str) -> list[dict[str, str]]:
    before = csv.field_size_limit(1_000_000)
    try:
        return cells(text)
    finally:
        csv.field_size_limit(before)


async def test_a_page_costs_the_same_at_any_depth(empty_database: Database) -> None:
    await filled(empty_database, 30_000, timedelta(milliseconds=100), size=10)
    newest = datetime.now(UTC) - timedelta(minutes=1)
    pages = []
    async with empty_database.connected("etp_api") as reader:
        await reader.execute("SET plan_cache_mode = force_custom_plan")
        for depth in (timedelta(), timedelta(minutes=15)):
            stretch = ReadRange(below(newest - depth), None, 500)
            compiled = export_statements.lines(ExportQuery(), stretch).compile(dialect=dialect())
            values = [compiled.params[name] for name in compiled.positiontup]
            found = await reader.fetch(
                f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {compiled}", *values
            )
            top = json.loads(found[0][0])[0]["Plan"]
            pages.append(top["Shared Hit Blocks"] + top["Shared Read Blocks"])
            assert "Seq Scan on event" not in str(top)
    assert pages[1] < 2 * pages[0], "pages of the table read for a page of rows"
    assert pages[0] < 200


async def test_it_is_documented(http: httpx.AsyncClient) -> None:
    document = (await http.get("/openapi.json")).json()
    operation = document["paths"][EXPORT]["get"]
    assert operation["responses"]["200"]["content"].keys() == {"application/x-ndjson", "text/csv"}
    names = {parameter["name"] for parameter in operation["parameters"]}
    assert names >= {"format", "bom", "state", "trigger_id", "q", "from", "to"}
    assert not names & {"cursor", "limit", "count"}
    assert "EventDetail" in document["components"]["schemas"]
