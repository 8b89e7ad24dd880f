"""What became of triggers lately, of all that a screen shows in one read."""

import asyncio
from datetime import UTC, datetime, timedelta

import httpx

from tests.integration.api.log_rows import Log, listed
from trigger_contracts.events import EntryStatus
from trigger_contracts.ids import uuid7


async def test_each_has_its_last_event_and_its_newest_as_points(
    http: httpx.AsyncClient, log: Log
) -> None:
    for minutes in range(5):
        await log.add(timedelta(minutes=minutes), trigger_id="a", trigger_name='"a"\n')
    missed = {"status": EntryStatus.MISSED, "fired_at": None, "payload": None}
    await log.add(timedelta(hours=30), trigger_id="b", **missed)
    await log.add(trigger_id="b", is_test=True)
    await log.add(timedelta(hours=49), trigger_id="over")

    query = "trigger_id=b&trigger_id=a&trigger_id=over&trigger_id=nobodys&points=3"
    shown = (await http.get(f"/activity/?{query}")).json()
    by_id = {one["trigger_id"]: one for one in shown}
    assert list(by_id) == ["a", "b", "nobodys", "over"]
    for gone in ("over", "nobodys"):
        assert by_id[gone] == {"trigger_id": gone, "last": None, "points": []}
    rows = (await http.get("/events/?trigger_id=a&limit=3")).json()
    assert by_id["a"]["last"] == rows[0]
    assert by_id["a"]["points"] == [
        {
            "event_id": row["id"],
            **{name: row[name] for name in ("logged_at", "status", "lateness")},
        }
        for row in reversed(rows)
    ]
    assert [point["status"] for point in by_id["b"]["points"]] == ["missed"]


async def test_what_cannot_be_meant_is_refused(http: httpx.AsyncClient) -> None:
    many = "&".join(f"trigger_id=t{n}" for n in range(101))
    for query, pointer in (
        ("", "/query/trigger_id"),
        (many, "/query/trigger_id"),
        ("trigger_id=a&points=0", "/query/points"),
        ("trigger_id=a&points=61", "/query/points"),
    ):
        answer = await http.get(f"/activity/?{query}")
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer)


async def test_the_log_is_found_by_ids(http: httpx.AsyncClient, log: Log) -> None:
    ids = [str(await log.add(timedelta(minutes=n), trigger_id=f"t{n}")) for n in range(4)]
    again = str(await log.add(timedelta(minutes=9), source="replay", replay_of=ids[2]))
    assert await listed(http, trigger_id=["t1", "t3", "none"]) == [ids[1], ids[3]]
    assert await listed(http, event_id=[ids[3], ids[0]]) == [ids[0], ids[3]]
    assert await listed(http, event_id=ids[2], trigger_id="t0") == []
    assert await listed(http, replay_of=ids[2]) == [again]
    exported = await http.get("/events/export", params={"event_id": ids[:2]})
    assert len(exported.text.splitlines()) == 2
    counted = await http.get("/events/stats", params={"trigger_id": ["t1", "t2"]})
    assert counted.json()["total"] == 2
    for name in ("event_id", "replay_of"):
        answer = await http.get("/events/", params={name: "none"})
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (
            422,
            f"/query/{name}",
        )


async def test_an_event_is_waited_for(http: httpx.AsyncClient, log: Log) -> None:
    there = await log.add()
    assert (await http.get(f"/events/{there}?wait=10s")).status_code == 200
    for wait in ("31", "-1", "soon", "PT1M"):
        answer = await http.get(f"/events/{there}?wait={wait}")
        assert answer.json()["errors"][0]["pointer"] == "/query/wait", wait
    now = datetime.now(UTC)
    never, later = uuid7(now, "never"), uuid7(now, "later")
    assert (await http.get(f"/events/{never}?wait=0.3")).status_code == 404
    waiting = asyncio.create_task(http.get(f"/events/{later}?wait=PT20S"))
    await http.get(f"/events/{never}?wait=0.2")
    assert not waiting.done()
    await log.add(event_id=later)
    assert (await waiting).json()["id"] == str(later)
