"""From a request at either door to the row in the log: the whole path, as users walk it."""

import json
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from nats.aio.client import Client
from nats.js import JetStreamContext

from tests.support.eventually import eventually
from tests.support.whole_platform import Json, Platform, ahead, distinct, now, text
from trigger_admin import streams
from trigger_contracts import subjects
from trigger_contracts.ids import uuid7
from trigger_runtime.process.ids import new_id

FORGETFUL_STREAMS = ("TRIGGER_COMMANDS", "TRIGGER_EVENTS", "KV_IDEMPOTENCY")
SHORTEST_WINDOW_S = 0.1
"""The least that the broker accepts as a duplicate window."""


def naive(seconds: float) -> str:
    """A time as the seed writes it: whole seconds and no offset, so UTC."""
    return (now() + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S")


def once(seconds: float, **fields: Any) -> Json:
    return {"name": "once", "type": "scheduled", "schedule_time": ahead(seconds), **fields}


def bounded_interval(count: int, **fields: Any) -> tuple[Json, list[datetime]]:
    """A definition of one-second intervals, and its every occurrence."""
    starts_at = now() + timedelta(seconds=1)
    occurrences = [starts_at + timedelta(seconds=n) for n in range(count)]
    bounds = {"starts_at": text(starts_at), "ends_at": text(occurrences[-1])}
    return {"name": "often", "type": "scheduled", "interval": 1, **bounds, **fields}, occurrences


async def completed(platform: Platform, trigger_id: str) -> bool:
    shown = (await platform.rest.get(f"/triggers/{trigger_id}")).json()
    return shown["status"] == "completed" and shown["next_fire_at"] is None


async def rows_once_quiet(platform: Platform, trigger_id: str) -> list[Json]:
    """All rows of a trigger once nothing is under way; the API and the table agree on them."""
    await platform.until_quiet()
    shown = await platform.events(trigger_id=trigger_id)
    rows = await platform.log_rows(trigger_id)
    assert {row["id"] for row in shown} == {str(row["event_id"]) for row in rows}
    assert distinct(row["id"] for row in shown)
    return rows


async def creates_by_rest(platform: Platform, _client: Client, **fields: Any) -> str:
    return (await platform.create(**fields))["id"]


async def creates_by_nats(platform: Platform, client: Client, **fields: Any) -> str:
    trigger_id = new_id()
    done = await platform.ask(client, "create", {"trigger_id": trigger_id, **fields})
    assert done["trigger_id"] == trigger_id, done
    assert done["version"] == 1
    return trigger_id


DOORS = pytest.mark.parametrize("create", [creates_by_rest, creates_by_nats])


@DOORS
async def test_a_one_time_trigger_fires_once(platform: Platform, client: Client, create) -> None:
    definition = once(1, payload={"greeting": "hello"})
    trigger_id = await create(platform, client, **definition)
    await platform.until_events(1, trigger_id=trigger_id)
    await eventually(lambda: completed(platform, trigger_id))
    (row,) = await rows_once_quiet(platform, trigger_id)
    at = datetime.fromisoformat(definition["schedule_time"])
    assert (row["status"], row["source"], row["is_test"]) == ("fired", "schedule", False)
    assert row["scheduled_for"] == at
    assert at <= row["fired_at"] == row["logged_at"]
    detail = (await platform.rest.get(f"/events/{row['event_id']}")).json()
    assert detail["payload"] == {"greeting": "hello"}
    logged_at = datetime.fromisoformat(detail["logged_at"])
    assert datetime.fromisoformat(detail["archives_at"]) - logged_at == timedelta(hours=2)
    assert datetime.fromisoformat(detail["deletes_at"]) - logged_at == timedelta(hours=48)


@DOORS
async def test_an_interval_fires_each_occurrence_once(
    platform: Platform, client: Client, create
) -> None:
    definition, occurrences = bounded_interval(4)
    trigger_id = await create(platform, client, **definition)
    await platform.until_events(4, trigger_id=trigger_id)
    await eventually(lambda: completed(platform, trigger_id))
    rows = await rows_once_quiet(platform, trigger_id)
    assert [row["scheduled_for"] for row in rows] == occurrences
    assert {row["status"] for row in rows} == {"fired"}
    assert all(row["fired_at"] >= row["scheduled_for"] for row in rows)


@DOORS
async def test_an_api_trigger_fires_once_a_request(
    platform: Platform, client: Client, create
) -> None:
    """By REST and by NATS alike; its own payload is what the request's is merged over."""
    schema = {"type": "object", "required": ["n"], "properties": {"n": {"type": "integer"}}}
    trigger_id = await create(
        platform, client, name="door", type="api", payload={"from": "us"}, payload_schema=schema
    )
    by_rest = await platform.fire(trigger_id, payload={"n": 1})
    done = await platform.ask(client, "fire", {"trigger_id": trigger_id, "payload": {"n": 2}})
    await platform.until_events(2, trigger_id=trigger_id)
    rows = await rows_once_quiet(platform, trigger_id)
    found = {str(row["event_id"]): row for row in rows}
    assert found.keys() == {by_rest, done["event_id"]}
    assert json.loads(found[by_rest]["payload"]) == {"from": "us", "n": 1}
    assert json.loads(found[done["event_id"]]["payload"]) == {"from": "us", "n": 2}
    assert found[by_rest]["source"] == "api"
    assert found[done["event_id"]]["source"] == "nats"


async def test_a_fire_that_does_not_fit_is_rejected_at_both_doors(
    platform: Platform, client: Client
) -> None:
    """With the same reasons, one row each, and no payload in it."""
    schema = {"type": "object", "required": ["n"]}
    trigger_id = await creates_by_rest(
        platform, client, name="strict", type="api", payload_schema=schema
    )
    refused = await platform.rest.post(
        f"/triggers/{trigger_id}/fire", json={"payload": {"secret": "canary-17"}}
    )
    problem = await platform.ask(
        client, "fire", {"trigger_id": trigger_id, "payload": {"secret": "canary-17"}}
    )
    assert refused.status_code == problem["status"] == 422
    assert refused.json()["code"] == problem["code"] == "payload-schema-mismatch"
    assert refused.json()["errors"] == problem["errors"] != []
    await platform.until_events(2, trigger_id=trigger_id)
    rows = await rows_once_quiet(platform, trigger_id)
    assert [row["status"] for row in rows] == ["rejected", "rejected"]
    assert "canary-17" not in str(rows)
    assert [json.loads(row["errors"]) for row in rows] == [problem["errors"]] * 2


async def test_a_scheduled_trigger_may_be_fired_at_once(platform: Platform, client: Client) -> None:
    trigger_id = await creates_by_rest(platform, client, **once(3600, payload="later"))
    event_id = await platform.fire(trigger_id)
    (event,) = await platform.until_events(1, trigger_id=trigger_id)
    assert event["id"] == event_id
    assert event["scheduled_for"] is None
    assert not await completed(platform, trigger_id)


@pytest.mark.parametrize("slash", ["", "/"])
async def test_the_seeds_examples_work_as_written(platform: Platform, slash: str) -> None:
    """Only their dates are moved ahead: a time without offset, a text and a nested payload."""
    name = f"Test Trigger {new_id()}"
    created = await platform.rest.post(
        f"/triggers{slash}",
        json={
            "name": name,
            "type": "scheduled",
            "payload": "Sample Payload",
            "schedule_time": naive(3),
        },
    )
    assert created.status_code == 201, created.text
    trigger_id = created.json()["id"]
    assert created.headers["location"] == f"/triggers/{trigger_id}"
    assert created.headers["etag"] == '"1"'
    listed = await platform.rest.get(
        f"/triggers{slash}", headers={"X-API-KEY": platform.status["api_key"]}
    )
    assert name in [trigger["name"] for trigger in listed.json()]
    scheduled = await platform.rest.post(
        f"/test/scheduled{slash}", json={"schedule_time": naive(3)}
    )
    api = await platform.rest.post(f"/test/api{slash}", json={"payload": {"key": "value"}})
    assert scheduled.status_code == api.status_code == 202, scheduled.text + api.text
    (fired,) = await platform.until_events(1, trigger_id=trigger_id)
    assert (await detail_of(platform, fired["id"], slash))["payload"] == "Sample Payload"
    tested = await detail_of(platform, api.json()["event_id"], slash)
    assert (tested["is_test"], tested["payload"]) == (True, {"key": "value"})
    tested = await detail_of(platform, scheduled.json()["event_id"], slash)
    assert (tested["is_test"], tested["payload"]) == (True, None)
    assert datetime.fromisoformat(tested["scheduled_for"]) == datetime.fromisoformat(
        scheduled.json()["fires_at"]
    )


async def detail_of(platform: Platform, event_id: str, slash: str = "") -> Json:
    """One event, once it is logged."""

    async def shown() -> Json | None:
        response = await platform.rest.get(f"/events/{event_id}{slash}")
        return response.json() if response.status_code == 200 else None

    found = await eventually(shown, within=30, what=f"event {event_id}")
    assert found is not None
    return found


async def tested(platform: Platform) -> set[str]:
    """Ids of what the tables hold for tests' sake."""
    rows = await platform.query(
        "SELECT trigger_id FROM scheduler.trigger WHERE is_test UNION"
        " SELECT trigger_id FROM scheduler.change WHERE is_test"
    )
    return {row["trigger_id"] for row in rows}


async def test_tests_leave_no_trigger(platform: Platform, client: Client) -> None:
    """Not in the list, not by its id, not in the tables, and soon not in the stream of changes."""
    others = await tested(platform)
    by_rest = await platform.rest.post(
        "/test/api/", json={"payload": {"n": 1}, "payload_schema": {"type": "object"}}
    )
    recurring = await platform.rest.post("/test/scheduled/", json={"interval": 60, "payload": "x"})
    by_nats = await platform.ask(client, "test", {"type": "api", "payload": {"n": 2}})
    trigger_id = await creates_by_rest(platform, client, name="kept", type="api", payload=[1])
    of_trigger = await platform.rest.post(f"/triggers/{trigger_id}/test")
    for event_id in (
        by_rest.json()["event_id"],
        recurring.json()["event_id"],
        by_nats["event_id"],
        of_trigger.json()["event_id"],
    ):
        assert (await detail_of(platform, event_id))["is_test"] is True
    listed = (await platform.rest.get("/triggers/?limit=500")).json()
    assert "test" not in {trigger["name"] for trigger in listed}
    assert trigger_id in {trigger["id"] for trigger in listed}
    assert by_nats["trigger_id"] not in {trigger["id"] for trigger in listed}
    assert (await platform.rest.get(f"/triggers/{by_nats['trigger_id']}")).status_code == 404

    async def forgotten() -> bool:
        return await tested(platform) <= others

    await eventually(forgotten, within=30)
    for message in await platform.stored(
        "TRIGGER_CHANGES", subjects.changed(by_nats["trigger_id"])
    ):
        assert "Nats-TTL" in message.headers


async def test_fired_events_reach_the_reader_as_cloud_events(platform: Platform) -> None:
    trigger = await platform.create(name="watched", type="api", payload={"n": 1})
    async with platform.connected("reader") as reader:
        watching = await reader.subscribe(subjects.fired(trigger["id"]))
        await reader.flush()
        event_id = await platform.fire(trigger["id"])
        message = await watching.next_msg(timeout=30)
    event = json.loads(message.data)
    assert event["specversion"] == "1.0"
    assert event["id"] == event_id
    assert event["type"] == "trigger.fired.v1"
    assert event["source"] == f"/triggers/{trigger['id']}"
    assert event["subject"] == trigger["id"]
    assert event["datacontenttype"] == "application/json"
    assert event["data"]["payload"] == {"n": 1}
    assert event["time"] == event["data"]["fired_at"]


async def test_a_key_fires_once_whoever_retries_it(platform: Platform, client: Client) -> None:
    """At once, at the same time, by the other door; and never for another payload."""
    trigger = await platform.create(name="keyed", type="api")
    address, key = f"/triggers/{trigger['id']}/fire", {"Idempotency-Key": "order 7/3"}
    first = await platform.rest.post(address, json={"payload": {"a": 1, "b": 2}}, headers=key)
    again = await platform.rest.post(address, json={"payload": {"b": 2, "a": 1}}, headers=key)
    other = await platform.rest.post(address, json={"payload": {"a": 2}}, headers=key)
    fire = {"trigger_id": trigger["id"], "key": key["Idempotency-Key"]}
    by_nats = await platform.ask(
        client, "fire", {**fire, "key": f" {fire['key']}\t ", "payload": {"a": 1, "b": 2}}
    )
    foreign = await platform.ask(client, "fire", {**fire, "key": "ö", "payload": {"a": 1}})
    assert (foreign["status"], foreign["errors"][0]["pointer"]) == (422, "/key")
    other_by_nats = await platform.ask(client, "fire", {**fire, "payload": {"a": 3}})
    assert first.status_code == again.status_code == 202
    assert first.json() == again.json()
    assert by_nats["event_id"] == first.json()["event_id"]
    assert other.status_code == other_by_nats["status"] == 409
    assert other.json()["code"] == other_by_nats["code"] == "idempotency-mismatch"
    rows = await rows_once_quiet(platform, trigger["id"])
    found = {(str(row["event_id"]), row["status"]) for row in rows if row["status"] == "fired"}
    assert found == {(first.json()["event_id"], "fired")}
    # What no key may be is a rejected row, as every refusal of a fire is.
    assert len(rows) == 2


async def test_a_key_used_first_by_nats_holds_for_rest(platform: Platform, client: Client) -> None:
    trigger = await platform.create(name="keyed by NATS", type="api")
    done = await platform.ask(
        client, "fire", {"trigger_id": trigger["id"], "key": "k", "payload": 1}
    )
    address, key = f"/triggers/{trigger['id']}/fire", {"Idempotency-Key": "k"}
    same = await platform.rest.post(address, json={"payload": 1}, headers=key)
    other = await platform.rest.post(address, json={"payload": 2}, headers=key)
    assert same.json()["event_id"] == done["event_id"]
    assert other.status_code == 409
    rows = await rows_once_quiet(platform, trigger["id"])
    assert [str(row["event_id"]) for row in rows] == [done["event_id"]]


async def test_a_create_repeated_under_its_key_makes_one_trigger(platform: Platform) -> None:
    body, key = {"name": f"keyed {new_id()}", "type": "api"}, {"Idempotency-Key": new_id()}
    first = await platform.rest.post("/triggers/", json=body, headers=key)
    again = await platform.rest.post("/triggers/", json=body, headers=key)
    other = await platform.rest.post("/triggers/", json={**body, "payload": 1}, headers=key)
    assert (first.status_code, again.status_code, other.status_code) == (201, 201, 409)
    assert again.json()["id"] == first.json()["id"]
    listed = (await platform.rest.get("/triggers/", params={"q": body["name"]})).json()
    assert len(listed) == 1


@pytest.fixture
async def forgetful(platform: Platform) -> AsyncIterator[JetStreamContext]:
    """The broker forgets message ids within moments: every retry comes past its window."""
    async with platform.connected("admin") as admin:
        jetstream = admin.jetstream(timeout=10)
        # Twice: the server looks for what to forget in the midst of an update, and may do so by the
        # window that was, two minutes: then it looks again after two minutes.
        for window_s in (2 * SHORTEST_WINDOW_S, SHORTEST_WINDOW_S):
            for name in FORGETFUL_STREAMS:
                config = (await jetstream.stream_info(name)).config
                config.duplicate_window = window_s
                await jetstream.update_stream(config)
        yield jetstream
        await streams.apply(admin)


async def test_a_key_holds_after_the_broker_forgot_the_message(
    platform: Platform, client: Client, forgetful: JetStreamContext
) -> None:
    """As after ten minutes: the same command is stored and handled again, and one row stays."""
    trigger = await platform.create(name="retried late", type="api")
    address, key = f"/triggers/{trigger['id']}/fire", {"Idempotency-Key": "late"}
    body = {"payload": {"n": 1}}
    event_id = (await platform.rest.post(address, json=body, headers=key)).json()["event_id"]
    await detail_of(platform, event_id)

    async def stored_again() -> bool:
        retried = await platform.rest.post(address, json=body, headers=key)
        assert retried.json()["event_id"] == event_id
        commands = await platform.stored("TRIGGER_COMMANDS", "trigger.command.fire")
        return len([c for c in commands if c.headers.get("Nats-Msg-Id") == event_id]) > 1

    await eventually(stored_again, within=30, poll=2 * SHORTEST_WINDOW_S)
    written = await platform.stored("TRIGGER_EVENTS", subjects.fired(trigger["id"]))
    assert len({message.payload for message in written}) == 1
    by_nats = await platform.ask(
        client, "fire", {"trigger_id": trigger["id"], "key": "late", **body}
    )
    assert by_nats["event_id"] == event_id
    other = await platform.rest.post(address, json={"payload": 2}, headers=key)
    assert other.status_code == 409
    rows = await rows_once_quiet(platform, trigger["id"])
    assert [str(row["event_id"]) for row in rows] == [event_id]
    # By which door it came again, the event may say; the row says what it said first.
    written = await platform.stored("TRIGGER_EVENTS", subjects.fired(trigger["id"]))
    assert {json.loads(message.payload)["id"] for message in written} == {event_id}
    assert rows[0]["source"] == "api"


async def test_a_command_repeated_past_the_window_is_answered_the_same(
    platform: Platform, client: Client, forgetful: JetStreamContext
) -> None:
    """Each verb under its own command id: one change, the same answer."""
    trigger_id = new_id()
    commands: list[tuple[str, Json]] = [
        ("create", {"trigger_id": trigger_id, "name": "repeated", "type": "api"}),
        ("update", {"trigger_id": trigger_id, "patch": {"payload": 1}}),
        ("fire", {"trigger_id": trigger_id, "payload": 2, "key": "once"}),
        ("delete", {"trigger_id": trigger_id}),
    ]
    answers = []
    for verb, body in commands:
        body["command_id"] = new_id()
        answers.append(await platform.ask(client, verb, body))
        assert "code" not in answers[-1]
        assert await platform.ask(client, verb, body) == answers[-1]
    assert await platform.ask(client, *commands[1]) == answers[1]
    history = (await platform.rest.get(f"/triggers/{trigger_id}/history")).json()
    assert [entry["version"] for entry in history] == [3, 2, 1]
    assert len(await rows_once_quiet(platform, trigger_id)) == 1


async def test_edits_have_versions_conditions_and_a_history(platform: Platform) -> None:
    """Each version with who and when; a stale If-Match is 412 and changes nothing."""
    created = await platform.create(**once(3600, name="edited", payload={"a": 1, "b": 2}))
    one = f"/triggers/{created['id']}"
    patched = await platform.rest.patch(
        one, json={"payload": {"b": None, "c": 3}}, headers={"If-Match": '"1"'}
    )
    assert patched.status_code == 200, patched.text
    assert patched.headers["etag"] == '"2"'
    assert patched.json()["payload"] == {"a": 1, "c": 3}
    assert patched.json()["next_fires"]["before"] == patched.json()["next_fires"]["after"] != []
    stale = {"If-Match": '"1"'}
    replacement = once(7200, name="replaced")
    for refused in (
        await platform.rest.put(one, json=replacement, headers=stale),
        await platform.rest.patch(one, json={"name": "no"}, headers=stale),
        await platform.rest.delete(one, headers=stale),
    ):
        assert refused.status_code == 412
        assert refused.json()["code"] == "version-mismatch"
    replaced = await platform.rest.put(one, json=replacement, headers={"If-Match": '"2"'})
    assert replaced.json()["payload"] is None
    assert replaced.json()["next_fires"]["before"] != replaced.json()["next_fires"]["after"]
    shown = await platform.rest.get(one)
    assert shown.headers["etag"] == '"3"'
    told_of_edits = {"next_fires", "next_occurrences"}
    assert shown.json() == {k: v for k, v in replaced.json().items() if k not in told_of_edits}
    deleted = await platform.rest.delete(one, headers={"If-Match": '"3"'})
    assert deleted.status_code == 204
    assert (await platform.rest.get(one)).status_code == 404
    assert (await platform.rest.delete(one)).status_code == 404
    history = (await platform.rest.get(f"{one}/history")).json()
    assert [(v["version"], v["kind"]) for v in history] == [
        (4, "deleted"),
        (3, "updated"),
        (2, "updated"),
        (1, "created"),
    ]
    assert all(v["actor"].startswith("key:") for v in history)
    assert [v["at"] for v in history] == sorted((v["at"] for v in history), reverse=True)


async def test_an_edited_schedule_fires_as_edited_and_a_deleted_one_never(
    platform: Platform, client: Client
) -> None:
    moved, dropped = once(1.5, name="moved"), once(1.5, name="dropped")
    moved_id = await creates_by_rest(platform, client, **moved)
    dropped_id = await creates_by_nats(platform, client, **dropped)
    later = ahead(2.5)
    await platform.ask(
        client,
        "update",
        {"trigger_id": moved_id, "expected_version": 1, "patch": {"schedule_time": later}},
    )
    assert (await platform.rest.delete(f"/triggers/{dropped_id}")).status_code == 204
    await platform.until_events(1, trigger_id=moved_id)
    (row,) = await rows_once_quiet(platform, moved_id)
    assert row["scheduled_for"] == datetime.fromisoformat(later)
    assert row["trigger_version"] == 2
    assert await rows_once_quiet(platform, dropped_id) == []


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/pause", {}),
        ("PATCH", "", {"paused": True}),
        ("PATCH", "", {"status": "paused"}),
        ("PUT", "", {"name": "x", "type": "api", "enabled": False}),
    ],
)
async def test_a_pause_is_refused_with_its_alternatives(
    platform: Platform, method: str, path: str, body: Json
) -> None:
    trigger = await platform.create(name="never paused", type="api")
    response = await platform.rest.request(method, f"/triggers/{trigger['id']}{path}", json=body)
    assert response.status_code == 422
    assert response.json()["code"] == "pause-not-supported"
    assert "ends_at" in response.json()["detail"]
    assert "delete" in response.json()["detail"]


async def test_an_event_past_its_life_is_gone_and_an_unknown_one_unknown(
    platform: Platform,
) -> None:
    """Its id alone tells which."""
    over, alive = (uuid7(now() - timedelta(hours=age), new_id()) for age in (48.01, 47.9))
    assert (await platform.rest.get(f"/events/{over}")).status_code == 410
    assert (await platform.rest.get(f"/events/{over}")).json()["code"] == "gone"
    assert (await platform.rest.get(f"/events/{alive}")).status_code == 404
    assert (await platform.rest.get("/events/nonsense")).status_code == 404


async def test_the_log_is_filtered_and_paged(platform: Platform) -> None:
    trigger = await platform.create(name="paged", type="api")
    fired = [await platform.fire(trigger["id"], payload=n) for n in range(7)]
    rows = await platform.until_events(7, trigger_id=trigger["id"])
    assert [row["id"] for row in rows] == fired[::-1]
    page = await platform.rest.get("/events/", params={"trigger_id": trigger["id"], "limit": 3})
    seen = page.json()
    while "next" in page.links:
        page = await platform.rest.get(page.links["next"]["url"])
        seen += page.json()
    assert seen == rows
    assert await platform.events(trigger_id=trigger["id"], state="archived") == []
    assert await platform.events(trigger_id=trigger["id"], state="active", type="api") == rows
    assert await platform.events(trigger_id=trigger["id"], is_test=True) == []
    assert await platform.events(trigger_id=trigger["id"], status="rejected") == []
    middle = rows[3]["logged_at"]
    assert await platform.events(trigger_id=trigger["id"], **{"from": middle}) == rows[:4]
    assert await platform.events(trigger_id=trigger["id"], to=middle) == rows[4:]


async def test_without_the_key_there_is_nothing_but_health(platform: Platform) -> None:
    async with platform.new_rest(headers={}) as stranger:
        for path in ("/triggers/", "/events/", "/nothing"):
            assert (await stranger.get(path)).status_code == 401
        for path in ("/health", "/ready", "/openapi.json"):
            assert (await stranger.get(path)).status_code == 200
