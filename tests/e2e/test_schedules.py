"""Schedules as users meet them: previews, cron fires, edits, limits, at both doors.

Every test runs beside good traffic of another user.
"""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from nats.aio.client import Client

from tests.support.eventually import eventually
from tests.support.whole_platform import Json, Platform, ahead, distinct, now
from trigger_runtime.process.ids import new_id

VECTORS = json.loads(
    (Path(__file__).parents[1] / "unit/contracts/data/dst_vectors.json").read_text()
)
POLICIES = ("vixie", "skip_once", "literal")
pytestmark = pytest.mark.usefixtures("beside_good_traffic")
NEW_YORK = {"timezone": "America/New_York"}


def instant(shown: str) -> datetime:
    return datetime.fromisoformat(shown).astimezone(UTC)


async def preview(platform: Platform, **fields: Any) -> Json:
    response = await platform.rest.post("/schedules/preview", json=fields)
    assert response.status_code == 200, response.text
    shown: Json = response.json()
    return shown


@pytest.mark.parametrize("policy", POLICIES)
async def test_previews_tell_the_instants_of_every_vector(platform: Platform, policy: str) -> None:
    for vector in VECTORS:
        shown = await preview(
            platform,
            cron=vector["cron"],
            timezone=vector["zone"],
            dst_policy=policy,
            after=vector["after"],
            until=vector["until"],
        )
        expected = [instant(one) for one in vector[policy]]
        assert [instant(one["scheduled_for"]) for one in shown["occurrences"]] == expected, vector
        assert [instant(one["local"]) for one in shown["occurrences"]] == expected
        assert not shown["more"]


async def test_a_preview_says_in_words_and_flags_what_happens(platform: Platform) -> None:
    shown = await preview(
        platform,
        name="may be sent as for a create",
        type="scheduled",
        payload=1,
        cron="30 2 * * *",
        after="2027-03-13T00:00:00",
        until="2027-03-16T00:00:00",
        **NEW_YORK,
    )

    assert shown["description"] == "At 02:30 (America/New_York)."
    assert [one["dst"] for one in shown["occurrences"]] == [None, "shifted", None]
    assert shown["occurrences"][1]["local"] == "2027-03-14T03:00:00-04:00"
    assert shown["clock_changes"] == [
        {
            "at": "2027-03-14T07:00:00Z",
            "local_before": "2027-03-14T02:00:00",
            "local_after": "2027-03-14T03:00:00",
            "matched": 1,
            "effect": "shifted",
        }
    ]


async def test_previews_begin_now_and_show_twenty(platform: Platform) -> None:
    asked_at, name = now(), f"preview {new_id()}"
    shown = await preview(platform, name=name, type="scheduled", interval="PT1H")

    assert len(shown["occurrences"]) == 20
    assert shown["more"]
    first = instant(shown["occurrences"][0]["scheduled_for"])
    assert asked_at + timedelta(hours=1) <= first <= now() + timedelta(hours=1)
    found = await platform.rest.get("/triggers/", params={"q": name})
    assert found.json() == [], "nothing is saved"


@pytest.mark.parametrize(
    ("fields", "code", "pointer"),
    [
        ({}, "invalid", "/schedule_time"),
        ({"cron": "* * * * *", "interval": 5}, "invalid", "/cron"),
        ({"cron": "* 24 * * *"}, "invalid", "/cron"),
        ({"cron": "0 0 30 2 *"}, "cron-never-fires", "/cron"),
        ({"cron": "* * * * *", "timezone": "Mars/Olympus"}, "unknown-timezone", "/timezone"),
        ({"cron": "* * * * *", "count": 0}, "invalid", "/count"),
        ({"cron": "* * * * *", "count": 1001}, "invalid", "/count"),
        ({"cron": "* * * * *", "count": "5"}, "invalid", "/count"),
        ({"cron": "* * * * *", "after": "yesterday"}, "invalid", "/after"),
        ({"cron": "* * * * *", "after": 5}, "invalid", "/after"),
        ({"cron": "* * * * *", "until": "2020-01-01T00:00Z"}, "invalid", "/until"),
        (
            {
                "cron": "* * * * *",
                "after": "2027-01-01T00:00",
                "until": "2027-01-01T00:00",
            },
            "invalid",
            "/until",
        ),
        ({"cron": "* * * * *", "ends_at": "2020-01-01T00:00Z"}, "schedule-in-past", "/ends_at"),
        ({"schedule_time": "2020-01-01T00:00Z"}, "schedule-in-past", "/schedule_time"),
        ({"schedule_time": "2099-01-01T00:00Z"}, "schedule-beyond-horizon", "/schedule_time"),
        ({"cron": "* * * * *", "type": "api"}, "invalid", "/type"),
        ({"cron": "* * * * *", "cronn": 1}, "invalid", "/cronn"),
        ({"cron": "* * * * *", "paused": True}, "pause-not-supported", "/paused"),
        ([], "invalid", ""),
    ],
)
async def test_what_cannot_be_previewed_is_refused_as_a_create_is(
    platform: Platform, fields: Any, code: str, pointer: str
) -> None:
    response = await platform.rest.post("/schedules/preview", json=fields)

    assert response.status_code == 422, response.text
    shown = response.json()
    assert (shown["code"], [error["pointer"] for error in shown["errors"]]) == (code, [pointer])


async def test_a_cron_error_names_the_field_and_what_is_allowed(
    platform: Platform, client: Client
) -> None:
    definition = {"name": "x", "type": "scheduled", "cron": "0 25 * * *"}
    by_rest = (await platform.rest.post("/triggers/", json=definition)).json()
    by_nats = await platform.ask(client, "create", definition)

    for shown in (by_rest, by_nats):
        assert shown["errors"] == [
            {
                "pointer": "/cron",
                "message": "hour: '25' is out of range: allowed are *, values 0-23, ranges a-b, "
                "steps */n, a/n, a-b/n and lists of these with commas (at character 3)",
                "at": 2,
            }
        ]


async def test_a_cron_trigger_fires_each_occurrence_once_and_then_is_over(
    platform: Platform,
) -> None:
    trigger = await platform.create(
        name="every second",
        type="scheduled",
        cron="* * * * * *",
        max_fires=4,
        jitter="PT0.9S",
        **NEW_YORK,
    )
    first = instant(trigger["next_fire_at"])
    upcoming = (await platform.rest.get(f"/triggers/{trigger['id']}/next?count=9")).json()
    planned = [instant(one["scheduled_for"]) for one in upcoming["occurrences"]]
    await platform.until_events(4, trigger_id=trigger["id"])

    async def over() -> Json | None:
        shown: Json = (await platform.rest.get(f"/triggers/{trigger['id']}")).json()
        return shown if shown["status"] == "completed" else None

    shown = await eventually(over)
    await platform.until_quiet()
    rows = await platform.log_rows(trigger["id"])
    occurrences = sorted(row["scheduled_for"] for row in rows)
    assert occurrences == [first + timedelta(seconds=n) for n in range(4)]
    assert set(planned) <= set(occurrences)
    assert first.microsecond == occurrences[0].microsecond
    assert shown["next_fire_at"] is None
    assert distinct(row["event_id"] for row in rows)
    upcoming = (await platform.rest.get(f"/triggers/{trigger['id']}/next")).json()
    assert upcoming["occurrences"] == []
    assert upcoming["description"].startswith("Every second, 4 times")


async def test_an_edit_shows_what_comes_before_and_after_it(platform: Platform) -> None:
    begin = "2027-03-13T00:00:00"
    trigger = await platform.create(
        name="night", type="scheduled", cron="30 2 * * *", starts_at=begin, **NEW_YORK
    )
    url = f"/triggers/{trigger['id']}"

    fields = {"dst_policy": "skip_once"}
    would = (await platform.rest.patch(f"{url}?dry_run=true", json=fields)).json()
    edited = (await platform.rest.patch(url, json=fields)).json()

    for side in ("before", "after"):
        assert would["next_occurrences"][side][:5] == edited["next_occurrences"][side]
    assert would["clock_changes"][0]["effect"] == "skipped"
    assert edited["next_fires"]["before"][1] == "2027-03-14T07:00:00Z"
    assert edited["next_fires"]["after"][1] == "2027-03-15T06:30:00Z"
    before, after = (edited["next_occurrences"][side] for side in ("before", "after"))
    assert before[1] == {
        "scheduled_for": "2027-03-14T07:00:00Z",
        "local": "2027-03-14T03:00:00-04:00",
        "dst": "shifted",
    }
    assert [one["dst"] for one in after] == [None] * 5
    upcoming = (await platform.rest.get(f"{url}/next?count=5")).json()
    assert upcoming["occurrences"] == after
    assert upcoming["clock_changes"][0]["effect"] == "skipped"
    # What was shown may be sent back.
    same = await platform.rest.put(url, json=edited, headers={"If-Match": '"2"'})
    assert (same.status_code, same.json()["version"]) == (200, 2)


async def test_limits_are_merged_field_by_field_and_can_be_taken_back(platform: Platform) -> None:
    trigger = await platform.create(
        name="limits",
        type="scheduled",
        cron="0 9 * * *",
        exclude=["2027-12-25"],
        misfire={"policy": "all", "max_count": 7},
    )
    url = f"/triggers/{trigger['id']}"

    edited = (await platform.rest.patch(url, json={"misfire": {"max_age": "PT1H"}})).json()
    assert edited["misfire"] == {"policy": "all", "max_age": "PT1H", "max_count": 7}
    edited = (await platform.rest.patch(url, json={"misfire": None, "exclude": None})).json()
    assert (edited["misfire"], edited["exclude"]) == (None, [])
    refused = await platform.rest.patch(url, json={"misfire": {"policy": "some"}})
    assert refused.json()["errors"][0]["pointer"] == "/misfire/policy"


async def test_what_comes_next_of_triggers_without_a_schedule(platform: Platform) -> None:
    trigger = await platform.create(name="api", type="api")

    shown = (await platform.rest.get(f"/triggers/{trigger['id']}/next")).json()

    assert (shown["description"], shown["occurrences"]) == ("Fires on request.", [])
    for path in ("/triggers/nobody/next", "/triggers/a%20b/next"):
        assert (await platform.rest.get(path)).status_code == 404
    for query in ("count=0", "count=1001", "count=x", "cuont=5"):
        response = await platform.rest.get(f"/triggers/{trigger['id']}/next?{query}")
        assert response.status_code == 422


async def test_a_recurring_test_fires_once_and_tells_its_next_occurrences(
    platform: Platform,
) -> None:
    before = await _named_test(platform)
    response = await platform.rest.post(
        "/test/scheduled/", json={"cron": "0 9 * * MON", "timezone": "Asia/Kolkata", "payload": 1}
    )

    assert response.status_code == 202, response.text
    accepted = response.json()
    assert len(accepted["next_fires"]) == 5
    assert {instant(one).strftime("%a %H:%M") for one in accepted["next_fires"]} == {"Mon 03:30"}
    await eventually(lambda: _found(platform, accepted["event_id"]))
    assert await _named_test(platform) == before


async def _named_test(platform: Platform) -> list[str]:
    """As a test is that has no other name."""
    return [one["id"] for one in (await platform.rest.get("/triggers/?q=test")).json()]


async def _found(platform: Platform, event_id: str) -> bool:
    response = await platform.rest.get(f"/events/{event_id}")
    return response.status_code == 200 and response.json()["is_test"]


async def test_an_interval_keeps_its_grid_when_its_limits_are_edited(platform: Platform) -> None:
    trigger = await platform.create(name="grid", type="scheduled", interval=3600)
    before = instant(trigger["next_fire_at"])

    edited = (
        await platform.rest.patch(
            f"/triggers/{trigger['id']}",
            json={"max_fires": 9, "ends_at": ahead(86_400 * 30), "exclude": ["2020-01-01"]},
        )
    ).json()

    assert instant(edited["next_fire_at"]) == before
    moved = (
        await platform.rest.patch(f"/triggers/{trigger['id']}", json={"interval": 7200})
    ).json()
    assert instant(moved["next_fire_at"]) > before


GOES_ON: dict[str, Json] = {
    "the zero time of Go": {"cron": "0 9 * * *", "starts_at": "0001-01-01T00:00:00Z"},
    "the zero time of .NET": {"interval": "P1D", "starts_at": "0001-01-01T00:00:00"},
    "for ever in SQL": {"cron": "0 9 * * *", "ends_at": "9999-12-31T23:59:59Z"},
    "for ever in .NET": {"interval": "P1D", "ends_at": "9999-12-31T23:59:59.9999999"},
    "the last day": {"cron": "0 9 * * *", "exclude": ["9999-12-31", "0001-01-01"]},
    "nine digits": {"interval": "P1D", "starts_at": "2026-01-01T00:00:00.123456789+0200"},
    "blanks": {"cron": " 0 9 * * *\n", "exclude": ["2030-01-01 "], "jitter": "PT1M "},
}
EAST, WEST = "asia/tokyo", " America/NEW_YORK"


@pytest.mark.parametrize("zone", [EAST, WEST])
@pytest.mark.parametrize("case", GOES_ON.values(), ids=GOES_ON.keys())
async def test_what_lies_at_the_ends_of_the_calendar_is_taken_at_both_doors(
    platform: Platform, client: Client, case: Json, zone: str
) -> None:
    definition = {"name": "end", "type": "scheduled", **case, "timezone": zone}
    by_rest = await platform.create(**definition)
    by_nats = await platform.ask(client, "create", definition)

    for trigger in (by_rest, by_nats["trigger"]):
        assert trigger["timezone"] in {"Asia/Tokyo", "America/New_York"}
        address = f"/triggers/{trigger['id']}"
        shown = await platform.rest.get(f"{address}/next?count=3")
        assert shown.status_code == 200, shown.text
        assert len(shown.json()["occurrences"]) == 3
        assert "9999" not in shown.json()["description"].replace("9999-12-31, 0001-01-01", "")
        edited = await platform.rest.patch(address, json={"ends_at": "9999-12-31T23:59:59Z"})
        assert edited.status_code == 200, edited.text
        assert (await platform.rest.delete(address)).status_code < 300
    shown = await preview(platform, **case, timezone=zone)
    assert len(shown["occurrences"]) == 20


@pytest.mark.parametrize("zone", ["UTC", "Pacific/Kiritimati", "Etc/GMT+12"])
@pytest.mark.parametrize(
    "window",
    [
        {"after": "0001-01-01T00:00:00Z"},
        {"after": "0001-01-01T00:00:00"},
        {"after": "9999-12-31T00:00:00Z", "until": "9999-12-31T23:59:59Z"},
        {"until": "9999-12-31T23:59:59.999999999"},
    ],
)
async def test_a_preview_reaches_both_ends_of_the_calendar(
    platform: Platform, window: Json, zone: str
) -> None:
    for rule in ({"cron": "* * * * *"}, {"interval": 60}):
        shown = await preview(platform, **rule, **window, timezone=zone)
        assert shown["occurrences"]
        for one in shown["occurrences"]:
            assert instant(one["local"]) == instant(one["scheduled_for"])


@pytest.mark.parametrize("rule", [{"cron": "* * * * *"}, {"interval": 60}])
async def test_after_the_end_of_the_calendar_nothing_is_previewed(
    platform: Platform, rule: Json
) -> None:
    for after in ("9999-12-31T23:59:59Z", "9999-12-31T23:59:59-12:00"):
        response = await platform.rest.post("/schedules/preview", json={**rule, "after": after})
        assert response.status_code == 422, response.text
        assert [error["pointer"] for error in response.json()["errors"]] == ["/after"]


async def test_a_bulk_with_such_lines_is_answered_line_by_line(platform: Platform) -> None:
    lines: list[Json] = [
        {"interval": "P1D", "starts_at": "0001-01-01T00:00:00Z"},
        {"interval": "P1D", "timezone": "America.Argentina/Buenos_Aires"},
        {"cron": "0 0 * * *", "ends_at": "9999-12-31T23:59:59Z", "timezone": EAST},
        {"interval": "P1D", "starts_at": "2027-01-01T00:00:00+05:60"},
        {"cron": "0 0 * * *", "exclude": ["9999-12-31", "0001-01-01"], "timezone": EAST},
        {"schedule_time": "0001-01-01T00:00:00Z"},
    ]
    response = await platform.rest.post(
        "/triggers/bulk?partial=true",
        json=[{"name": "line", "type": "scheduled", **line} for line in lines],
    )
    assert response.status_code < 300, response.text
    statuses = [line["status"] for line in response.json()["lines"]]
    assert statuses == ["created", "refused"] * 3
    for line in response.json()["lines"]:
        if "id" in line:
            assert (await platform.rest.get(f"/triggers/{line['id']}/next")).status_code == 200


@pytest.mark.parametrize("name", ["from", "to"])
async def test_offsets_and_the_ends_of_the_calendar_in_query_strings(
    platform: Platform, name: str
) -> None:
    for path in ("/events/", "/events/stats", "/events/export"):
        for value in (
            "2027-01-01T00:00:00+05:60",
            "2027-01-01T00:00:00 05:99",
            "2027-01-01T00:00+24:00",
        ):
            response = await platform.rest.get(path, params={name: value})
            assert response.status_code == 422, (path, value, response.text)
            assert response.json()["errors"][0]["pointer"] == f"/query/{name}"
            assert "the offset" in response.json()["detail"]
        for value in (
            "0001-01-01T00:00:00Z",
            "9999-12-31T23:59:59Z",
            "9999-12-31T23:59:59.999999999Z",
            "2027-01-01T00:00:00+0200 ",
            "2027-01-01T00:00:00 0200",
        ):
            response = await platform.rest.get(path, params={name: value})
            assert response.status_code == 200, (path, value, response.text)


@pytest.mark.parametrize("days", ["SUN-SUN", "0-SUN", "7-7", "sun-sun/1"])
async def test_from_sunday_to_sunday_is_sundays_at_both_doors(
    platform: Platform, client: Client, days: str
) -> None:
    definition = {"name": "sundays", "type": "scheduled", "cron": f"0 9 * * {days}"}
    by_rest = await platform.create(**definition)
    by_nats = await platform.ask(client, "create", definition)
    for trigger in (by_rest, by_nats["trigger"]):
        upcoming = (await platform.rest.get(f"/triggers/{trigger['id']}/next?count=3")).json()
        named = {instant(one["local"]).strftime("%a") for one in upcoming["occurrences"]}
        assert named == {"Sun"}, upcoming


async def test_an_unknown_zone_stops_nobody_elses_work(platform: Platform, client: Client) -> None:
    """By both doors and as an edit, while others create, edit, fire and are on time."""
    dotted = {"timezone": "America.Argentina/Buenos_Aires"}
    definition = {"name": "dots", "type": "scheduled", "schedule_time": ahead(3600)}
    victim = await platform.create(**definition)
    others = await platform.create(name="others", type="api")
    due = await platform.create(name="due", type="scheduled", schedule_time=ahead(1))

    for attempt in (definition, {**definition, "schedule_time": None, "cron": "* * * * *"}):
        by_rest = await platform.rest.post("/triggers/", json={**attempt, **dotted})
        by_nats = await platform.ask(client, "create", {**attempt, **dotted}, within=10)
        assert (by_rest.status_code, by_nats["status"]) == (422, 422)
        assert by_rest.json()["code"] == by_nats["code"] == "unknown-timezone"
    edit = {**dotted, "schedule_time": None, "cron": "* * * * *"}
    patch = {"trigger_id": victim["id"], "patch": edit}
    refused = await platform.ask(client, "update", patch, within=10)
    by_rest = await platform.rest.patch(f"/triggers/{victim['id']}", json=edit)
    for problem in (refused, by_rest.json()):
        assert (problem["status"], problem["code"]) == (422, "unknown-timezone")

    edited = await platform.rest.patch(f"/triggers/{others['id']}", json={"name": "goes on"})
    assert edited.status_code == 200, edited.text
    await platform.fire(others["id"])
    await platform.until_events(1, trigger_id=others["id"])
    (fired,) = await platform.until_events(1, trigger_id=due["id"])
    assert fired["lateness"] < 1


@pytest.mark.parametrize(
    ("rule", "sentence"),
    [
        ({"cron": "0 0 * * */2"}, "At 00:00, only on Sunday, Tuesday, Thursday, and Saturday"),
        ({"cron": "0 0 * */5 *"}, "At 00:00, only in January, June, and November"),
        ({"cron": "0 0 */10 * *"}, "At 00:00, on day 1, 11, 21, and 31 of the month"),
        ({"cron": "*/25 * * * * *"}, "At 0, 25, and 50 seconds past the minute"),
        ({"interval": 1.5}, "Every 1.5 seconds"),
    ],
)
async def test_what_a_schedule_is_said_to_do_is_what_it_does_at_both_doors(
    platform: Platform, client: Client, rule: Json, sentence: str
) -> None:
    definition = {"name": "said", "type": "scheduled", "starts_at": ahead(3600), **rule}
    by_rest = await platform.create(**definition)
    by_nats = await platform.ask(client, "create", definition)
    said = [(await preview(platform, **rule))["description"]]
    for trigger in (by_rest, by_nats["trigger"]):
        address = f"/triggers/{trigger['id']}"
        said.append((await platform.rest.get(f"{address}/next")).json()["description"])
        assert (await platform.rest.delete(address)).status_code == 204
    assert all(one.startswith(sentence) for one in said), said
