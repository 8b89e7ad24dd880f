"""The list of triggers: in any order, by what needs attention, as light as one wants it."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from tests.integration.api.log_rows import Log
from trigger_contracts.events import EntryStatus

pytestmark = pytest.mark.usefixtures("scheduler")

Names = Callable[[str], Awaitable[list[str]]]


@pytest.fixture
def names(http: httpx.AsyncClient) -> Names:
    """Of the triggers that a query lists, two a page, as ``Link`` leads through them."""

    async def listed(query: str) -> list[str]:
        found: list[str] = []
        path = f"/triggers/?limit=2&{query}"
        while path:
            answer = await http.get(path)
            assert answer.status_code == 200, answer.text
            page = [row["name"] for row in answer.json()]
            assert len(page) <= 2
            found += page
            path = answer.links.get("next", {}).get("url", "")
        return found

    return listed


async def created(http: httpx.AsyncClient, name: str, **fields: Any) -> dict[str, Any]:
    answer = await http.post("/triggers/", json={"name": name, "type": "api", **fields})
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


async def test_by_name_in_any_case_and_script(http: httpx.AsyncClient, names: Names) -> None:
    written = ["beta", "Alpha", "ALPHA 2", "Straße", "strasse b", "zulu", "ÄÖ"]
    for name in written:
        await created(http, name)
    order = await names("sort=name")
    assert order[:3] == ["Alpha", "ALPHA 2", "beta"]
    assert order.index("Straße") + 1 == order.index("strasse b")
    assert sorted(order) == sorted(
        ["beta", "Alpha", "ALPHA 2", "Straße", "strasse b", "zulu", "ÄÖ"]
    )
    assert await names("sort=-name") == order[::-1]


async def test_names_that_are_equal_are_each_listed_once(
    http: httpx.AsyncClient, names: Names
) -> None:
    for _ in range(5):
        await created(http, "same")
    await created(http, "x" * 200)
    await created(http, "🚀" * 200)
    for sort in ("name", "-name", "next_fire", "-next_fire", "updated", "-updated", "created"):
        assert len(await names(f"sort={sort}")) == 7, sort


async def test_by_next_fire_and_what_has_none_is_last_either_way(
    http: httpx.AsyncClient, names: Names
) -> None:
    now = datetime.now(UTC)
    for name, hours in (("third", 3), ("first", 1), ("second", 2)):
        at = (now + timedelta(hours=hours)).isoformat()
        await created(http, name, type="scheduled", schedule_time=at)
    await created(http, "on request")
    await created(http, "on request, too")
    up, down = await names("sort=next_fire"), await names("sort=-next_fire")
    assert up[:3] == ["first", "second", "third"]
    assert down[:3] == ["third", "second", "first"]
    assert {*up[3:]} == {*down[3:]} == {"on request", "on request, too"}
    assert await names("due_within=90m&sort=next_fire") == ["first"]
    for two_hours_and_more in ("due_within=PT2H30M", "due_within=9000", "due_within=9000.0"):
        assert await names(f"{two_hours_and_more}&sort=next_fire") == ["first", "second"]
    assert await names("due_within=0") == []


async def test_by_age_and_by_last_edit(http: httpx.AsyncClient, names: Names) -> None:
    made = [await created(http, name) for name in ("a", "b", "c")]
    await http.patch(f"/triggers/{made[0]['id']}", json={"description": "edited"})
    assert await names("") == await names("sort=-created") == ["c", "b", "a"]
    assert await names("sort=created") == ["a", "b", "c"]
    assert await names("sort=updated") == ["b", "c", "a"]
    assert await names("sort=-updated") == ["a", "c", "b"]


async def test_a_page_goes_on_only_in_its_own_order(http: httpx.AsyncClient) -> None:
    for n in range(3):
        await created(http, str(n))
    link = (await http.get("/triggers/?limit=2&sort=name")).links["next"]["url"]
    assert (await http.get(link)).status_code == 200
    other = await http.get(link.replace("sort=name", "sort=updated"))
    assert (other.status_code, other.json()["errors"][0]["pointer"]) == (422, "/query/cursor")


async def test_by_id_as_many_as_a_screen_shows(http: httpx.AsyncClient, names: Names) -> None:
    made = {str(n): (await created(http, str(n)))["id"] for n in range(4)}
    assert await names(f"id={made['1']}&id={made['3']}&id=nobodys") == ["3", "1"]
    assert await names("id=nobodys") == []
    many = "&".join(f"id={n}" for n in range(101))
    answer = await http.get(f"/triggers/?{many}")
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/query/id")
    assert "1 to 100" in answer.json()["detail"]


async def test_attention_is_due_to_what_had_it_in_the_active_log(
    http: httpx.AsyncClient, names: Names, log: Log
) -> None:
    now = datetime.now(UTC)
    soon = now - timedelta(minutes=10)

    async def event(name: str, at: datetime, **fields: Any) -> None:
        trigger = await created(http, name)
        await log.add(trigger_id=trigger["id"], logged_at=at, **fields)

    late = {"scheduled_for": soon - timedelta(seconds=1), "fired_at": soon, "source": "schedule"}
    in_time = {"scheduled_for": soon - timedelta(seconds=0.999), "fired_at": soon}
    missed = {"status": EntryStatus.MISSED, "fired_at": None, "scheduled_for": soon}
    rejected = {"status": EntryStatus.REJECTED, "fired_at": None}
    await event("late", soon, **late)
    await event("in time", soon, **in_time)
    await event("missed", soon, **missed)
    await event("rejected", soon, **rejected)
    await event("rejected yesterday", now - timedelta(hours=20), **rejected)
    await event("a test", soon, **rejected, is_test=True)
    await created(http, "quiet")
    assert await names("attention=late") == ["late"]
    assert await names("attention=missed") == ["missed"]
    assert await names("attention=rejected") == ["rejected"]
    assert set(await names("attention=late&attention=missed")) == {"late", "missed"}
    answer = await http.get("/triggers/?attention=late&attention=rejected&count=true&limit=1")
    assert (answer.headers["x-total-count"], len(answer.json())) == ("2", 1)


async def test_they_are_counted_and_listed_without_payloads(http: httpx.AsyncClient) -> None:
    schema = {"type": "object"}
    for n in range(3):
        await created(http, f"n{n}", payload={"large": "x" * 100_000}, payload_schema=schema)
    await created(http, "other")
    answer = await http.get("/triggers/?q=n&payload=false&count=true&limit=2")
    assert answer.headers["x-total-count"] == "3"
    assert answer.headers["x-total-count-kind"] == "exact"
    assert len(answer.content) < 3_000
    whole = (await http.get("/triggers/?q=n&limit=2")).json()
    for row, full in zip(answer.json(), whole, strict=True):
        assert row == {k: v for k, v in full.items() if k not in {"payload", "payload_schema"}}
    assert "x-total-count" not in (await http.get("/triggers/")).headers


async def test_what_is_read_has_words_and_counts(http: httpx.AsyncClient) -> None:
    each = await created(http, "each", type="scheduled", interval=90, max_fires=5)
    on_request = await created(http, "on request")
    for made, words in ((each, "Every 1 minute 30 seconds"), (on_request, "Fires on request.")):
        read = (await http.get(f"/triggers/{made['id']}")).json()
        assert (read["in_words"][: len(words)], read["fires"]) == (words, 0)
        assert (read["next_fire_local"] is None) == (read["next_fire_at"] is None)
        # What was read may be sent back.
        assert (await http.put(f"/triggers/{made['id']}", json=read)).json()["version"] == 1


async def test_labels_are_listed_with_how_many_have_them(http: httpx.AsyncClient) -> None:
    assert (await http.get("/labels/")).json() == []
    for labels in (["a", "b"], ["b"], ["c", "b"], []):
        await created(http, "n", labels=labels)
    gone = await created(http, "n", labels=["gone"])
    await http.delete(f"/triggers/{gone['id']}")
    assert (await http.get("/labels/")).json() == [
        {"label": "b", "count": 3},
        {"label": "a", "count": 1},
        {"label": "c", "count": 1},
    ]


async def test_what_cannot_be_meant_is_refused(http: httpx.AsyncClient) -> None:
    for query, pointer in (
        ("sort=colour", "/query/sort"),
        ("sort=name&sort=name", "/query/sort"),
        ("due_within=tomorrow", "/query/due_within"),
        ("due_within=-1", "/query/due_within"),
        ("due_within=99999d", "/query/due_within"),
        ("due_within=nan", "/query/due_within"),
        ("attention=paused", "/query/attention"),
        ("payload=maybe", "/query/payload"),
        ("id=", "/query/id"),
        ("id=%00", "/query/id"),
    ):
        answer = await http.get(f"/triggers/?{query}")
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer)
