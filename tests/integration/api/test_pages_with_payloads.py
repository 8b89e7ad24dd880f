"""Short pages of the log whose rows have their payloads, and charts of one life of it."""

from datetime import timedelta

import httpx

from tests.integration.api.log_rows import Log


async def test_a_short_page_has_payloads_where_they_are_asked_for(
    http: httpx.AsyncClient, log: Log
) -> None:
    for n in range(22):
        # Retention keeps the JSON as it came: line breaks and large integers, too.
        payload = '{"n":\n' + str(n) + ', "said": "word", "big": 12345678901234567890}'
        await log.add(timedelta(minutes=n), payload=payload)
    await log.add(timedelta(hours=3), status="missed", fired_at=None, payload=None)

    first = await http.get("/events/?payload=true")
    assert [row["payload"]["n"] for row in first.json()] == [*range(20)]
    assert first.json()[0]["payload"]["big"] == 12345678901234567890
    rest = (await http.get(first.links["next"]["url"])).json()
    assert [row["payload"] and row["payload"]["n"] for row in rest] == [20, 21, None]
    # As the event itself is shown, and as the list shows it otherwise.
    detail = (await http.get(f"/events/{rest[0]['id']}")).json()
    assert detail.pop("deliveries") == []
    assert rest[0] == detail
    plain = (await http.get("/events/?limit=500")).json()
    assert [row["id"] for row in plain] == [row["id"] for row in [*first.json(), *rest]]
    assert not any("payload" in row for row in plain)
    # Words are found among the newest rows, and rare ones by an index.
    for query, found in (("q=word&limit=3", 3), ("q=word&limit=20&trigger_id=t", 20), ("q=21", 1)):
        rows = (await http.get(f"/events/?{query}&payload=true")).json()
        assert [row["payload"]["said"] for row in rows] == ["word"] * found, query


async def test_payloads_of_a_long_page_are_refused(http: httpx.AsyncClient) -> None:
    for limit in (21, 500):
        answer = await http.get(f"/events/?payload=true&limit={limit}")
        assert answer.status_code == 422
        (error,) = answer.json()["errors"]
        assert error["pointer"] == "/query/limit"
        assert error["message"] == "must not be more than 20 with payload=true"
    assert (await http.get("/events/?payload=false&limit=500")).status_code == 200


async def test_a_chart_of_the_active_log_is_by_the_minute(
    http: httpx.AsyncClient, log: Log
) -> None:
    for age in (timedelta(minutes=1), timedelta(minutes=119), timedelta(minutes=121)):
        await log.add(age)
    for query in ("state=active&bucket=1m", "state=active&bucket=1m&trigger_id=t"):
        shown = await http.get(f"/events/stats?{query}")
        assert shown.status_code == 200, shown.text
        assert (shown.json()["total"], len(shown.json()["buckets"])) == (2, 121)
    assert (await http.get("/events/stats?bucket=1m")).status_code == 422
