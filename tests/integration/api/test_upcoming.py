"""What all triggers will do next, and the time zones in which they may be told to."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import available_timezones

import httpx
import pytest

from trigger_contracts.instants import zone

pytestmark = pytest.mark.usefixtures("scheduler")


async def created(http: httpx.AsyncClient, **fields: Any) -> dict[str, Any]:
    answer = await http.post("/triggers/", json={"type": "scheduled", **fields})
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


async def test_the_nearest_comes_first_and_each_shows_only_its_next_few(
    http: httpx.AsyncClient,
) -> None:
    soon = datetime.now(UTC) + timedelta(minutes=10)
    once = await created(http, name="once", schedule_time=soon.isoformat())
    berlin = {"cron": "*/20 * * * *", "timezone": "Europe/Berlin"}
    often = await created(http, name="often", starts_at=soon.isoformat(), labels=["x"], **berlin)
    each = await created(http, name="Each hour", interval=3600, labels=["y"])
    await created(http, name="never soon", interval=86_400 * 2)
    await created(http, name="on request", type="api")

    shown = (await http.get("/schedules/upcoming?per_trigger=2")).json()
    by_next = sorted((once, often, each), key=lambda one: one["next_fire_at"])
    assert [one["id"] for one in shown["triggers"]] == [one["id"] for one in by_next]
    assert shown["more"] is False
    assert instant(shown["until"]) - instant(shown["now"]) == timedelta(hours=24)
    by_name = {one["name"]: one for one in shown["triggers"]}
    assert [len(one["occurrences"]) for one in by_name.values()].count(1) == 1
    assert by_name["once"]["more"] is False
    assert (by_name["often"]["more"], by_name["often"]["timezone"]) == (True, "Europe/Berlin")
    for one in (once, often, each):
        alone = (await http.get(f"/triggers/{one['id']}/next?count=2")).json()
        assert by_name[one["name"]]["occurrences"] == alone["occurrences"]


async def test_it_ends_where_it_is_told_to(http: httpx.AsyncClient) -> None:
    each = await created(http, name="each", interval=60)
    other = await created(http, name="other", interval=90)
    first, second = (instant(one["next_fire_at"]) for one in (each, other))

    async def upcoming(**query: Any) -> Any:
        answer = await http.get("/schedules/upcoming", params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    until = first + timedelta(seconds=60)
    shown = await upcoming(until=until.isoformat())
    assert instant(shown["until"]) == until
    ends = [(one["name"], len(one["occurrences"]), one["more"]) for one in shown["triggers"]]
    assert ends == [("each", 2, False), ("other", 1, False)]
    assert [one["name"] for one in (await upcoming(until=first.isoformat()))["triggers"]] == [
        "each"
    ]
    assert (await upcoming(until=(first - timedelta(milliseconds=1)).isoformat()))["triggers"] == []
    one_of_two = await upcoming(limit=1)
    assert (len(one_of_two["triggers"]), one_of_two["more"]) == (1, True)
    assert second > first
    assert [one["name"] for one in (await upcoming(until="9999-12-31T23:59:59Z"))["triggers"]] == [
        *("each", "other")
    ]


async def test_it_is_filtered_as_the_list_of_triggers_is(http: httpx.AsyncClient) -> None:
    for name, labels in (("Straße", ["red"]), ("b", ["blue", "big"]), ("c", [])):
        await created(http, name=name, labels=labels, interval=60)

    async def names(query: str) -> set[str]:
        shown = (await http.get(f"/schedules/upcoming?{query}")).json()
        return {one["name"] for one in shown["triggers"]}

    assert await names("label=red&label=big") == {"Straße", "b"}
    assert await names("q=STRASSE") == {"Straße"}
    assert await names("type=scheduled") == {"Straße", "b", "c"}
    assert await names("type=api") == set()


async def test_what_cannot_be_meant_is_refused(http: httpx.AsyncClient) -> None:
    for query, pointer in (
        ("until=2020-01-01T00:00:00Z", "/query/until"),
        ("until=tomorrow", "/query/until"),
        ("per_trigger=0", "/query/per_trigger"),
        ("per_trigger=101", "/query/per_trigger"),
        ("limit=201", "/query/limit"),
        ("status=active", "/query/status"),
    ):
        answer = await http.get(f"/schedules/upcoming?{query}")
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer)


async def test_large_payloads_are_not_read(http: httpx.AsyncClient) -> None:
    for n in range(8):
        await created(http, name=str(n), interval=60 + n, payload="x" * 200_000, labels=["large"])
    shown = await http.get("/schedules/upcoming?label=large")
    assert len(shown.json()["triggers"]) == 8
    assert len(shown.content) < 8 * 1_000


async def test_zones_are_those_that_a_schedule_may_name(http: httpx.AsyncClient) -> None:
    answer = await http.get("/schedules/timezones")
    shown = answer.json()
    names = [one["name"] for one in shown["zones"]]
    assert names == sorted(names)
    assert {"Asia/Kolkata", "UTC", "Europe/Berlin", "US/Pacific"} <= set(names)
    assert set(names) <= available_timezones() | {"Factory", "localtime"}
    assert shown["tzdata"][:2] == "20"
    now = datetime.now(UTC)
    for one in shown["zones"]:
        clock = now.astimezone(zone(one["name"]))
        assert timedelta(seconds=one["offset_s"]) == clock.utcoffset()
        assert one["abbreviation"] == clock.tzname()
    for name in ("Asia/Kolkata", names[0], names[-1]):
        preview = {"cron": "0 9 * * *", "timezone": name}
        assert (await http.post("/schedules/preview", json=preview)).status_code == 200


async def test_zones_that_are_known_are_not_sent_again(http: httpx.AsyncClient) -> None:
    first = await http.get("/schedules/timezones")
    tag = first.headers["etag"]
    assert first.headers["cache-control"] == "no-cache"
    for condition in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        again = await http.get("/schedules/timezones", headers={"If-None-Match": condition})
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["etag"] == tag
    other = await http.get("/schedules/timezones", headers={"If-None-Match": '"other"'})
    assert other.content == first.content
    wrong = await http.get("/schedules/timezones", headers={"If-None-Match": "other"})
    assert wrong.json()["errors"][0]["pointer"] == "/header/If-None-Match"
