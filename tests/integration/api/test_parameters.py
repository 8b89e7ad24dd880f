"""Query parameters: several values where they mean something, and nothing that is not declared."""

import asyncio
import re
from datetime import timedelta
from typing import Any

import httpx
import pytest

from tests.integration.api.conftest import Running
from tests.integration.api.log_rows import Log, listed
from tests.integration.api.replaying import Fires, created, replay_all
from tests.integration.api.stand_in import StandInScheduler
from tests.integration.api.streams import opened
from tests.integration.api.test_triggers import create
from tests.support.log_entries import make_entry, store
from trigger_api.entrypoints.parameters import DeclaredRoute
from trigger_contracts.events import EntryStatus, Source

AT_MOST_ONCE = {
    *("limit", "cursor", "q", "replay_of", "trigger_name", "is_test", "min_lateness"),
    *("max_lateness", "from", "to", "count", "format", "bom", "bucket", "last_event_id"),
    *("partial", "service", "stream", "subject", "until", "per_trigger"),
    *("dry_run", "due_within", "sort", "payload", "points", "wait", "shape", "deliveries"),
}
SEVERAL = {
    *("status", "source", "type", "state", "label", "id", "attention"),
    *("trigger_id", "event_id", "target_id", "delivery", "health"),
}


def routes(gateway: Running) -> list[DeclaredRoute]:
    found = [route for route in gateway.built.app.routes if isinstance(route, DeclaredRoute)]
    assert len(found) == len(gateway.built.app.routes)
    return found


async def test_no_route_takes_a_parameter_that_it_does_not_declare(
    gateway: Running, scheduler: StandInScheduler, commands: Any
) -> None:
    for route in routes(gateway):
        path = re.sub(r"\{\w+\}", "a", route.path)
        for method in route.methods:
            answer = await gateway.http.request(method, f"{path}?synchronous=true&colour=")
            assert answer.status_code == 422, (method, path)
            problem = answer.json()
            assert [error["pointer"] for error in problem["errors"]] == [
                *("/query/synchronous", "/query/colour")
            ], (method, path)
            assert "not known" in problem["errors"][0]["message"]
    refusals = await commands()
    # A fire that is refused is a row; nothing else was stored.
    assert {message.subject for message in refusals} <= {"trigger.command.fire"}
    assert all(b'"refused"' in message.data for message in refusals)


async def test_every_parameter_says_whether_it_may_be_repeated(gateway: Running) -> None:
    declared = {name: many for route in routes(gateway) for name, many in route.parameters.items()}
    assert {name for name, many in declared.items() if many} == SEVERAL
    assert {name for name, many in declared.items() if not many} == AT_MOST_ONCE
    for route in routes(gateway):
        path = re.sub(r"\{\w+\}", "a", route.path)
        for method in route.methods:
            for name in set(route.parameters) & AT_MOST_ONCE:
                answer = await gateway.http.request(method, f"{path}?{name}=1&{name}=1")
                assert answer.status_code == 422, (method, path, name)
                assert answer.json()["errors"][0]["pointer"] == f"/query/{name}"
                assert "only once" in answer.json()["detail"]


async def test_a_write_with_an_unknown_parameter_changes_nothing(
    http: httpx.AsyncClient, scheduler: StandInScheduler
) -> None:
    one = (await create(http)).json()
    path = f"/triggers/{one['id']}"
    body = {"name": "b", "type": "api"}
    refused = await asyncio.gather(
        http.post("/triggers/?dryrun=true", json=body),
        http.post("/triggers/bulk?dry_run=true", json=[body]),
        http.put(f"{path}?dry-run=true", json=body),
        http.patch(f"{path}?partial=true", json={"name": "b"}),
        http.delete(f"{path}?if_version=1"),
        http.post(f"{path}/fire?sync=1"),
        http.post(f"{path}/test?sync"),
        http.post("/test/api/?dry_run=1", json={"payload": 1}),
        http.post("/events/replay?dry_run=true", json={"filter": {"q": "x"}}),
    )
    assert [answer.status_code for answer in refused] == [422] * 9
    # Others' writes go on beside them.
    assert (await create(http, name="other")).status_code == 201
    assert (await http.get(path)).json() == one
    assert [row["name"] for row in (await http.get("/triggers/")).json()] == ["other", one["name"]]


async def test_several_values_of_a_trigger_filter_are_any_of_them(
    http: httpx.AsyncClient, scheduler: StandInScheduler
) -> None:
    for name, labels in (("a", ["red"]), ("b", ["blue", "big"]), ("c", ["green"]), ("d", [])):
        await create(http, name=name, labels=labels)
    await create(http, name="e", type="api", schedule_time=None, labels=["red", "blue"])

    async def names(query: str) -> list[str]:
        answer = await http.get(f"/triggers/?{query}")
        assert answer.status_code == 200, answer.text
        return sorted(row["name"] for row in answer.json())

    assert await names("label=red&label=blue") == ["a", "b", "e"]
    assert await names("label=red&label=red") == ["a", "e"]
    assert await names("label=green&label=none&label=big") == ["b", "c"]
    assert await names("type=api&type=scheduled") == ["a", "b", "c", "d", "e"]
    assert await names("type=scheduled&label=red&label=blue") == ["a", "b"]
    assert await names("status=active&status=completed&type=api") == ["e"]
    found, address = [], "/triggers/?limit=1&label=red&label=blue&status=active&status=completed"
    while address:
        answer = await http.get(address)
        found += [row["name"] for row in answer.json()]
        address = answer.links.get("next", {}).get("url", "")
        assert not address or address.count("label=") == 2
    assert found == ["e", "b", "a"]


async def test_several_values_of_an_event_filter_are_any_of_them(
    http: httpx.AsyncClient, log: Log
) -> None:
    unfired = {"payload": None, "fired_at": None}
    fired = str(await log.add(timedelta(minutes=1)))
    missed = str(await log.add(timedelta(minutes=2), status="missed", source="schedule", **unfired))
    rejected = str(await log.add(timedelta(minutes=3), status="rejected", source="nats", **unfired))
    old = str(await log.add(timedelta(hours=5), source="nats", trigger_type="scheduled"))
    assert await listed(http, status=["missed", "rejected"]) == [missed, rejected]
    assert await listed(http, status=["rejected", "fired"]) == [fired, rejected, old]
    assert await listed(http, source=["api", "schedule"]) == [fired, missed]
    assert await listed(http, state=["archived", "active"]) == [fired, missed, rejected, old]
    assert await listed(http, type=["api", "scheduled"], source="nats") == [rejected, old]
    assert await listed(http, status=["missed", "fired"], source=["nats", "schedule"]) == [
        *(missed, old)
    ]
    both = {"status": ["missed", "rejected"], "state": ["active", "archived"]}
    counted = await http.get("/events/", params={**both, "count": "true", "limit": 1})
    assert counted.headers["x-total-count"] == "2"
    following = await http.get(counted.links["next"]["url"])
    assert [row["id"] for row in following.json()] == [rejected]
    assert following.headers["x-total-count"] == "2"
    stats = (await http.get("/events/stats", params=both)).json()
    assert stats["counts"] == {"fired": 0, "missed": 1, "rejected": 1}
    exported = await http.get("/events/export", params=both)
    assert [missed in line or rejected in line for line in exported.text.splitlines()] == [
        *(True, True)
    ]
    worded = await http.get("/events/stats", params={**both, "q": "n"})
    assert worded.json()["total"] == 0


async def test_several_values_of_a_live_filter_are_any_of_them(
    gateway: Running, executor: Any
) -> None:
    entries = [
        make_entry("a"),
        make_entry("b", status=EntryStatus.MISSED, fired_at=None),
        make_entry("c", source=Source.NATS),
        make_entry("d", status=EntryStatus.REJECTED, fired_at=None, source=Source.NATS),
    ]
    filters = {"status": ["missed", "rejected"], "source": ["nats", "schedule", "api"]}
    async with opened(gateway, "0", params=filters) as stream:
        await store(executor, entries)
        assert [event.json["data"]["payload"] for event in await stream.take(2)] == ["b", "d"]


async def test_a_bulk_replay_filters_by_any_of_several_values(
    http: httpx.AsyncClient, scheduler: StandInScheduler, log: Log, fires: Fires
) -> None:
    trigger_id = await created(http)
    for age, source in ((3, "api"), (2, "nats"), (1, "test")):
        await log.add(timedelta(minutes=age), trigger_id=trigger_id, source=source, payload="{}")
    accepted = await replay_all(http, filter={"source": ["api", "nats"], "status": "fired"})
    assert accepted.status_code == 202, accepted.text
    assert accepted.json()["replayed"] == 2
    assert len(await fires()) == 2
    refused = await replay_all(http, filter={"source": ["api", "cron"]})
    assert refused.json()["errors"][0]["pointer"] == "/filter/source/1"


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ("status=fired&status=lost", "/query/status/1"),
        ("status=lost", "/query/status"),
        ("source=&source=api", "/query/source/0"),
        ("state=active&state=gone", "/query/state/1"),
        ("limit=5&limit=6", "/query/limit"),
        ("q=a&q=b", "/query/q"),
        ("from=2026-01-01T00:00:00Z&from=2026-01-02T00:00:00Z", "/query/from"),
        ("=1", "/query/"),
        ("Status=fired", "/query/Status"),
        ("status[]=fired", "/query/status[]"),
        ("status=fired" + "&status=fired" * 50, "/query/status"),
    ],
)
async def test_a_value_that_is_not_valid_is_named_by_its_place(
    http: httpx.AsyncClient, query: str, pointer: str
) -> None:
    answer = await http.get(f"/events/?{query}")
    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]
