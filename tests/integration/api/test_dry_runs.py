"""`?dry_run=true`: a write says what it would do, or why not, and does nothing."""

import re
from datetime import datetime, timedelta
from typing import Any

import httpx

from tests.integration.api.stand_in import StandInScheduler
from tests.integration.api.test_triggers import create

BERLIN = {"cron": "30 2 * * *", "timezone": "Europe/Berlin", "starts_at": "2030-03-29T00:00:00"}
DAILY: dict[str, Any] = {"schedule_time": None, **BERLIN}


async def everything(http: httpx.AsyncClient, one: str) -> list[Any]:
    """All that a write could change."""
    history = await http.get(f"{one}/history")
    return [(await http.get("/triggers/")).json(), (await http.get(one)).json(), history.json()]


def of_no_moment(answer: httpx.Response) -> str:
    """A problem without what differs from one request to the next."""
    return re.sub(r'"request_id":"[^"]*"|after \S+,', "", answer.text)


async def test_a_create_shows_what_would_be_made_and_makes_nothing(
    http: httpx.AsyncClient, scheduler: StandInScheduler
) -> None:
    body = {"name": "n", "type": "scheduled", **BERLIN}
    would = await http.post("/triggers/?dry_run=true", json=body)
    assert would.status_code == 200, would.text
    assert scheduler.commands == []
    assert (await http.get("/triggers/")).json() == []
    assert not {"location", "etag"} & set(would.headers)
    shown = would.json()
    assert shown["id"] is None
    preview = (await http.post("/schedules/preview", json={**BERLIN, "count": 10})).json()
    assert shown["next_occurrences"] == {"before": [], "after": preview["occurrences"]}
    assert shown["in_words"] == {"before": None, "after": preview["description"]}
    assert [change["effect"] for change in shown["clock_changes"]] == ["shifted"]
    made = (await http.post("/triggers/", json=body)).json()
    its_own = {"next_occurrences", "in_words", "clock_changes"}
    moment = {"id", "created_at", "updated_at"}
    assert set(shown) == set(made) | its_own
    for name in set(made) - moment - its_own:
        assert shown[name] == made[name], name


async def test_an_edit_shows_before_and_after_and_edits_nothing(
    http: httpx.AsyncClient, scheduler: StandInScheduler
) -> None:
    one = (await create(http, **DAILY)).headers["location"]
    before = await everything(http, one)
    asked = len(scheduler.commands)
    hourly = {"cron": "0 * * * *"}
    replacement = {"name": "r", "type": "scheduled", **BERLIN, **hourly}
    for would in (
        await http.patch(f"{one}?dry_run=true", json=hourly),
        await http.put(f"{one}?dry_run=true", json=replacement),
    ):
        assert would.status_code == 200, would.text
        shown = would.json()
        upcoming = (await http.get(f"{one}/next?count=10")).json()
        assert shown["next_occurrences"]["before"] == upcoming["occurrences"]
        assert shown["in_words"]["before"] == upcoming["description"]
        assert len(shown["next_occurrences"]["after"]) == 10
        assert shown["in_words"]["after"] != shown["in_words"]["before"]
        assert shown["version"] == 2
        assert shown["clock_changes"] == []
        assert shown["next_fire_at"] == shown["next_occurrences"]["after"][0]["scheduled_for"]
    assert await everything(http, one) == before
    assert len(scheduler.commands) == asked
    done = (await http.put(one, json=replacement)).json()
    assert done["next_fires"]["after"] == [
        each["scheduled_for"] for each in shown["next_occurrences"]["after"][:5]
    ]
    for name in set(done) & set(shown) - {"updated_at", "next_occurrences", "in_words"}:
        assert shown[name] == done[name], name


async def test_what_an_edit_leaves_stays_as_it_was(
    http: httpx.AsyncClient, scheduler: StandInScheduler
) -> None:
    """Also the phase of an interval, which a preview of the fields alone cannot know."""
    made = await create(http, schedule_time=None, interval=3600)
    one = made.headers["location"]
    renamed = (await http.patch(f"{one}?dry_run=true", json={"name": "other"})).json()
    occurrences = renamed["next_occurrences"]
    assert occurrences["before"] == occurrences["after"]
    assert occurrences["after"][0]["scheduled_for"] == made.json()["next_fire_at"]
    assert (renamed["name"], renamed["version"]) == ("other", 2)
    same = (await http.patch(f"{one}?dry_run=true", json={})).json()
    assert (same["version"], same["next_occurrences"]) == (1, occurrences)
    in_berlin = (await http.patch(f"{one}?dry_run=true", json={"timezone": "Asia/Tokyo"})).json()
    after = in_berlin["next_occurrences"]["after"]
    assert [each["scheduled_for"] for each in after] == [
        each["scheduled_for"] for each in occurrences["after"]
    ]
    assert {each["local"][-6:] for each in after} == {"+09:00"}


async def test_a_delete_says_what_would_not_happen(
    http: httpx.AsyncClient, scheduler: StandInScheduler
) -> None:
    one = (await create(http, **DAILY)).headers["location"]
    before = await everything(http, one)
    would = await http.delete(f"{one}?dry_run=true")
    assert would.status_code == 200, would.text
    shown = would.json()
    assert (shown["status"], shown["next_fire_at"]) == ("deleted", None)
    assert len(shown["next_occurrences"]["before"]) == 10
    assert shown["next_occurrences"]["after"] == []
    assert shown["in_words"]["after"] is None
    assert await everything(http, one) == before
    assert (await http.delete(one)).status_code == 204
    assert (await http.delete(f"{one}?dry_run=true")).status_code == 404


async def test_a_trigger_on_request_would_fire_at_no_time(
    http: httpx.AsyncClient, scheduler: StandInScheduler
) -> None:
    body = {"name": "n", "type": "api", "payload": {"a": None}}
    would = await http.post("/triggers/?dry_run=true", json=body)
    shown = would.json()
    assert shown["next_occurrences"] == {"before": [], "after": []}
    assert shown["in_words"] == {"before": None, "after": None}
    assert shown["payload"] == {"a": None}


REFUSALS: list[tuple[str, Any, dict[str, str], int, str]] = [
    ("PATCH", {"interval": 0}, {}, 422, "invalid"),
    ("PATCH", {"cron": "0 25 * * *"}, {}, 422, "invalid"),
    ("PATCH", {"paused": True}, {}, 422, "pause-not-supported"),
    ("PATCH", [], {}, 422, "invalid"),
    ("PATCH", {"type": "api"}, {}, 422, "invalid"),
    ("PATCH", {"ends_at": "2020-01-01T00:00:00Z"}, {}, 422, "schedule-in-past"),
    ("PATCH", {"name": "x"}, {"If-Match": '"7"'}, 412, "version-mismatch"),
    ("PUT", {"name": "x"}, {}, 422, "invalid"),
    ("PUT", {"name": "x", "type": "api"}, {"If-None-Match": "*"}, 412, "version-mismatch"),
    ("DELETE", None, {"If-Match": '"7"'}, 412, "version-mismatch"),
]


async def test_what_would_be_refused_is_refused_as_the_write_is(
    http: httpx.AsyncClient, scheduler: StandInScheduler
) -> None:
    one = (await create(http, schedule_time=None, interval=60)).headers["location"]
    for method, body, headers, status, code in REFUSALS:
        asked = len(scheduler.commands)
        would = await http.request(method, f"{one}?dry_run=true", json=body, headers=headers)
        assert (would.status_code, would.json()["code"]) == (status, code), would.text
        assert len(scheduler.commands) == asked
        really = await http.request(method, one, json=body, headers=headers)
        assert of_no_moment(would) == of_no_moment(really)


async def test_only_words_for_yes_and_no_are_taken(
    http: httpx.AsyncClient, scheduler: StandInScheduler
) -> None:
    body = {"name": "n", "type": "api"}
    for word in ("", "maybe", "2"):
        answer = await http.post(f"/triggers/?dry_run={word}", json=body)
        assert answer.json()["errors"][0]["pointer"] == "/query/dry_run"
    assert scheduler.commands == []
    assert (await http.post("/triggers/?dry_run=false", json=body)).status_code == 201


async def test_jitter_is_shown_once_the_trigger_has_its_id(
    http: httpx.AsyncClient, scheduler: StandInScheduler
) -> None:
    jittered = {**DAILY, "jitter": 3600}
    would = (
        await http.post(
            "/triggers/?dry_run=true", json={"name": "n", **jittered, "type": "scheduled"}
        )
    ).json()
    nominal = datetime.fromisoformat(would["next_occurrences"]["after"][0]["scheduled_for"])
    made = (await create(http, **jittered)).json()
    late = datetime.fromisoformat(made["next_fire_at"]) - nominal
    assert timedelta() <= late <= timedelta(hours=1)
    one = f"/triggers/{made['id']}"
    again = (await http.patch(f"{one}?dry_run=true", json={"name": "other"})).json()
    assert again["next_occurrences"]["after"][0]["scheduled_for"] == made["next_fire_at"]
