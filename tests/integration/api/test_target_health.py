"""How a target is, and what each of its deliveries waits for, by the executor's views."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

import asyncpg
import httpx
import pytest

from tests.integration.api.test_deliveries import Projected
from tests.integration.api.test_targets import NATS, WEBHOOK, http, made, resolver, running
from tests.support.servers import Database
from tests.unit.retention.factories import ago, make_entry
from trigger_contracts.deliveries.records import delivery_id_of

__all__ = ["http", "resolver", "running"]  # fixtures of theirs
NEVER = {
    "status": "ok",
    "since": None,
    "last_success_at": None,
    "last_failure_at": None,
    "pending": 0,
    "oldest_pending_at": None,
}


@pytest.fixture
async def owner(empty_database: Database) -> AsyncIterator[asyncpg.Connection]:
    async with empty_database.connected() as connection:
        yield connection


async def lane(owner: asyncpg.Connection, target_id: str, state: str = "{}", **fields: Any) -> None:
    """As the executor keeps it."""
    row = {"target_id": target_id, "state": state, **fields}
    marks = ", ".join(f"${n}" for n in range(1, len(row) + 1))
    await owner.execute(
        f"INSERT INTO executor.lane ({', '.join(row)}) VALUES ({marks})", *row.values()
    )


async def waiting(owner: asyncpg.Connection, event_id: str, target_id: str, **fields: Any) -> str:
    """A delivery that is pending for the executor; its id."""
    row = {
        "delivery_id": delivery_id_of(event_id, target_id),
        "event_id": event_id,
        "event_seq": 1,
        "next_attempt_at": ago(seconds=1),
        "expires_at": ago(hours=-47),
        "logged_at": ago(minutes=5),
        "planned_at": ago(minutes=5),
        "epoch": 0,
        "round": 1,
        "attempts": 0,
        "is_test": False,
        "target_id": target_id,
        "trigger_id": "trigger-1",
        **fields,
    }
    marks = ", ".join(f"${n}" for n in range(1, len(row) + 1))
    await owner.execute(
        f"INSERT INTO executor.delivery ({', '.join(row)}) VALUES ({marks})", *row.values()
    )
    delivery_id: str = row["delivery_id"]
    return delivery_id


def later(**durations: float) -> str:
    return (ago() + timedelta(**durations)).isoformat()


async def test_each_condition_is_shown_and_asked_for(
    http: httpx.AsyncClient, owner: asyncpg.Connection
) -> None:
    since = ago(minutes=7)
    failing = {"is_failing": True, "since": since, "last_failure_at": ago(seconds=3)}
    lanes: dict[str, dict[str, Any]] = {
        "ok": {"is_failing": False, "since": since, "last_success_at": ago(seconds=2)},
        "failing": failing,
        "paused": {**failing, "state": f'{{"paused_until": "{later(minutes=9)}"}}'},
        "open": {**failing, "state": f'{{"open_until": "{later(seconds=9)}", "failures": 5}}'},
        "gone": {**failing, "state": f'{{"open_until": "{later(hours=1)}", "is_gone": true}}'},
    }
    ids = {}
    for status, fields in lanes.items():
        ids[status] = (await made(http))["id"]
        await lane(owner, ids[status], **fields)
    never = (await made(http))["id"]

    for status, target_id in ids.items():
        health = (await http.get(f"/targets/{target_id}")).json()["health"]
        assert health["status"] == status
        assert datetime.fromisoformat(health["since"]) == since
        wanted = {target_id} | ({never} if status == "ok" else set())
        found = (await http.get("/targets/", params={"health": status, "count": "true"})).json()
        assert {one["id"] for one in found} == wanted
        assert {one["health"]["status"] for one in found} == {status}
    assert (await http.get(f"/targets/{never}")).json()["health"] == NEVER
    asked = await http.get(
        "/targets/", params={"health": ["open", "gone"], "count": "true", "limit": 1}
    )
    assert asked.headers["x-total-count"] == "2"
    assert (await http.get("/targets/?health=ill")).status_code == 422


async def test_a_breaker_stays_open_until_an_attempt_is_delivered_and_a_pause_ends(
    http: httpx.AsyncClient, owner: asyncpg.Connection
) -> None:
    half_open, rested = (await made(http))["id"], (await made(http))["id"]
    failing = {"is_failing": True}
    await lane(owner, half_open, f'{{"open_until": "{later(seconds=-9)}"}}', **failing)
    await lane(owner, rested, f'{{"paused_until": "{later(seconds=-9)}"}}', is_failing=False)
    shown = [(await http.get(f"/targets/{one}")).json() for one in (half_open, rested)]
    assert [one["health"]["status"] for one in shown] == ["open", "ok"]


async def test_what_waits_is_counted(http: httpx.AsyncClient, owner: asyncpg.Connection) -> None:
    target_id, other = (await made(http))["id"], (await made(http))["id"]
    oldest = ago(hours=3)
    for number in range(3):
        entry = make_entry()
        at = oldest if number == 1 else ago(minutes=1)
        await waiting(owner, entry.event_id, target_id, planned_at=at)
    for one in (target_id, other):
        await lane(owner, one)
    health = (await http.get(f"/targets/{target_id}")).json()["health"]
    assert health["pending"] == 3
    assert datetime.fromisoformat(health["oldest_pending_at"]) == oldest
    assert (await http.get(f"/targets/{other}")).json()["health"] == NEVER


async def test_a_target_that_was_read_is_sent_back(http: httpx.AsyncClient) -> None:
    """What only an answer has is none of its definition."""
    target_id = (await made(http))["id"]
    shown = await http.get(f"/targets/{target_id}")
    edited = {**shown.json(), "name": "renamed"}
    headers = {"If-Match": shown.headers["etag"]}
    answer = await http.put(f"/targets/{target_id}", json=edited, headers=headers)
    assert (answer.status_code, answer.json()["name"]) == (200, "renamed")


async def test_a_pending_delivery_says_what_it_waits_for(
    http: httpx.AsyncClient, owner: asyncpg.Connection, empty_database: Database
) -> None:
    projected = Projected(empty_database)
    limited = (await made(http, type="nats", subject="out.b", rate={"count": 5, "per": "1m"}))["id"]
    ordered = (await made(http, type="nats", subject="out.c", ordered=True))["id"]
    plain = (await made(http))["id"]
    broken, asked, later_on = [(await made(http))["id"] for _ in range(3)]
    await lane(owner, broken, f'{{"open_until": "{later(seconds=9)}"}}')
    await lane(owner, asked, f'{{"paused_until": "{later(seconds=9)}"}}')
    targets = (limited, ordered, plain, broken, asked, later_on)
    for one in (limited, ordered, plain, later_on):
        await lane(owner, one)
    first, second = make_entry(ago(minutes=2)), make_entry(ago(minutes=1))
    for seq, entry in enumerate((first, second), 1):
        await projected.add(entry, **dict.fromkeys(targets, ""), delivered="delivered")
        for one in targets:
            due_at = ago(hours=-1) if one == later_on else ago(seconds=1)
            await waiting(owner, entry.event_id, one, event_seq=seq, next_attempt_at=due_at)
    expected = {
        limited: "rate",
        ordered: "order",
        plain: None,
        broken: "breaker",
        asked: "rate",
        later_on: "schedule",
        "delivered": None,
    }
    shown = (await http.get(f"/events/{second.event_id}")).json()["deliveries"]
    assert {one["target_id"]: one["waits_for"] for one in shown} == expected
    # The first of a trigger waits for none of its own.
    page = (await http.get("/deliveries/", params={"target_id": ordered})).json()
    assert [one["waits_for"] for one in page] == ["order", None]
    alone = (await http.get(f"/deliveries/{delivery_id_of(second.event_id, broken)}")).json()
    assert alone["waits_for"] == "breaker"


async def walked(http: httpx.AsyncClient, path: str, **query: Any) -> list[dict[str, Any]]:
    """All rows of a list, page by page, as its links lead; as many as it counted, if asked to."""
    page = await http.get(path, params=query)
    assert page.status_code == 200, page.text
    counted = page.headers.get("x-total-count")
    found: list[dict[str, Any]] = page.json()
    while "next" in page.links:
        page = await http.get(page.links["next"]["url"])
        found += page.json()
    assert counted in {None, str(len(found))}
    return found


async def test_of_more_than_a_hundred_targets_none_is_missing(
    http: httpx.AsyncClient, owner: asyncpg.Connection, empty_database: Database
) -> None:
    """On no page, by no filter, and in nothing that names them."""
    count = 130
    ids: list[str] = []
    for number in range(count):
        kind = WEBHOOK if number % 2 else NATS
        ids.append((await made(http, **kind, name=f"{number:03} of many"))["id"])
    failing = ids[::13]
    for one in failing:
        await lane(owner, one, is_failing=True, since=ago(minutes=1))

    newest = ids[::-1]
    for limit in (7, 50, 100):
        rows = await walked(http, "/targets/", limit=limit)
        assert [row["id"] for row in rows] == newest, limit
    for query, wanted in (
        ({"q": "OF MANY", "limit": 100}, newest),
        ({"q": "10", "limit": 1}, [one for one in newest if "10" in f"{ids.index(one):03}"]),
        ({"type": "webhook", "limit": 50}, ids[1::2][::-1]),
        ({"health": "failing", "limit": 3}, failing[::-1]),
        ({"health": "ok", "limit": 100}, [one for one in newest if one not in failing]),
        ({"type": "nats", "health": "failing", "limit": 2}, failing[::2][::-1]),
        ({"id": ids[:100], "limit": 100}, ids[:100][::-1]),
        ({"id": ids[:100], "limit": 30, "type": "nats"}, ids[:100:2][::-1]),
    ):
        rows = await walked(http, "/targets/", count="true", **query)
        assert [row["id"] for row in rows] == wanted, query
    # More ids than are looked at are refused, and not cut.
    for path, name in (
        ("/targets/", "id"),
        ("/events/", "target_id"),
        ("/deliveries/", "target_id"),
    ):
        many = await http.get(path, params={name: ids})
        assert (many.status_code, many.json()["errors"][0]["pointer"]) == (422, f"/query/{name}")

    entry = make_entry(ago(minutes=2))
    await Projected(empty_database).add(entry, **dict.fromkeys(ids, "failed"))
    shown = (await http.get(f"/events/{entry.event_id}")).json()["deliveries"]
    assert sorted(one["target_id"] for one in shown) == sorted(ids)
    rows = await walked(http, "/deliveries/", state="pending", limit=60)
    assert sorted(row["target_id"] for row in rows) == sorted(ids)
    some = await walked(http, "/deliveries/", target_id=ids[:90], limit=40)
    assert sorted(row["target_id"] for row in some) == sorted(ids[:90])
