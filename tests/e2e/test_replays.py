"""Replays on the real platform: what fired, was missed or was a test, again, by every door."""

import json
from collections.abc import AsyncIterator

import httpx
import pytest
from nats.aio.client import Client

from tests.support.eventually import eventually
from tests.support.whole_platform import Json, Platform, ahead, distinct, now, running
from trigger_contracts import subjects
from trigger_runtime.process.ids import new_id


@pytest.fixture(scope="module")
async def platform() -> AsyncIterator[Platform]:
    async with running(environment={"ETP_MISFIRE_GRACE": "2s"}) as started:
        yield started


async def replay(platform: Platform, event_id: str, key: str | None = None) -> str:
    headers = {} if key is None else {"Idempotency-Key": key}
    response = await platform.rest.post(f"/events/{event_id}/replay", headers=headers)
    assert response.status_code == 202, response.text
    assert response.json()["replay_of"] == event_id
    return response.json()["event_id"]


async def replay_all(platform: Platform, key: str | None = None, **body: object) -> httpx.Response:
    headers = {} if key is None else {"Idempotency-Key": key}
    return await platform.rest.post("/events/replay", json=body, headers=headers, timeout=120)


async def logged(platform: Platform, event_id: str) -> Json:
    """The event's row, once it is there."""

    async def there() -> Json | None:
        response = await platform.rest.get(f"/events/{event_id}")
        return response.json() if response.status_code == 200 else None

    found = await eventually(there, what=f"{event_id} is logged")
    assert found is not None
    return found


async def test_a_replay_is_a_new_event_with_what_its_origin_carried(
    platform: Platform, client: Client
) -> None:
    trigger = await platform.create(
        name="shop", type="api", payload={"source": "shop", "note": "none", "n": {"own": 1}}
    )
    heard = await client.subscribe(subjects.fired(trigger["id"]))
    await client.flush()
    first = await platform.fire(trigger["id"], payload={"note": None, "n": {"given": [None]}})
    origin = await logged(platform, first)
    assert origin["payload"] == {"source": "shop", "n": {"own": 1, "given": [None]}}
    # Neither what the trigger has for its own since, nor its nulls, change what is repeated.
    edited = {"payload": {"source": "mall", "note": "since", "n": {"own": 2}}}
    await platform.rest.patch(f"/triggers/{trigger['id']}", json=edited)

    again = await replay(platform, first)
    of_again = await replay(platform, again) if await logged(platform, again) else ""

    for event_id, of in ((again, first), (of_again, again)):
        row = await logged(platform, event_id)
        assert (row["source"], row["replay_of"], row["status"]) == ("replay", of, "fired")
        assert row["payload"] == origin["payload"]
        assert (row["trigger_version"], row["is_test"], row["scheduled_for"]) == (2, False, None)
    told = [json.loads((await heard.next_msg(timeout=10)).data) for _ in range(3)]
    assert [event["id"] for event in told] == [first, again, of_again]
    assert [event["data"]["replay_of"] for event in told] == [None, first, again]
    replays = await platform.events(trigger_id=trigger["id"], source="replay")
    assert [row["id"] for row in replays] == [of_again, again]


async def test_a_test_is_replayed_as_a_test(platform: Platform) -> None:
    trigger = await platform.create(name="tested", type="api")
    fired = await platform.rest.post(f"/triggers/{trigger['id']}/test", json={"payload": "t"})
    origin = fired.json()["event_id"]
    await logged(platform, origin)

    row = await logged(platform, await replay(platform, origin))

    assert (row["source"], row["is_test"], row["payload"]) == ("replay", True, "t")


async def test_a_test_that_was_never_saved_has_no_trigger_to_replay(platform: Platform) -> None:
    tested = await platform.rest.post("/test/api/", json={"payload": 1})
    event_id = tested.json()["event_id"]
    await logged(platform, event_id)

    response = await platform.rest.post(f"/events/{event_id}/replay")

    assert response.status_code == 404
    assert "never saved" in response.json()["detail"]


async def test_what_an_outage_missed_is_made_up_for(platform: Platform) -> None:
    trigger = await platform.create(
        name="often",
        type="scheduled",
        interval=1,
        payload={"room": "attic"},
        starts_at=ahead(1),
        misfire={"policy": "none"},
    )
    wanted = {"trigger_id": trigger["id"], "status": "missed"}
    async with platform.gone("scheduler"):
        until = now().timestamp() + 7
        await eventually(lambda: now().timestamp() > until, within=10)
    await platform.until_ready()
    await platform.until_events(3, trigger_id=trigger["id"], status="missed", within=60)
    assert (await platform.rest.delete(f"/triggers/{trigger['id']}")).status_code == 204
    gone = (await replay_all(platform, filter=wanted, dry_run=True)).json()
    assert gone["refused"] == {"not-found": gone["count"]}
    # A trigger with the same id is another one, and what fires is its own payload.
    async with platform.connected() as client:
        fields = {"name": "anew", "type": "scheduled", "interval": 3600, "payload": "anew"}
        await platform.ask(client, "create", {**fields, "trigger_id": trigger["id"]})
    # What the trigger missed before it was deleted may still be on its way to the log.
    await platform.until_quiet()
    # With a count: a list without one may be as it was a second ago.
    missed = list(reversed(await platform.events(**wanted, count="true")))

    counted = await replay_all(platform, filter=wanted, dry_run=True)
    assert counted.json() == {
        "dry_run": True,
        "count": len(missed),
        "replayable": len(missed),
        "refused": {},
    }
    assert await platform.events(trigger_id=trigger["id"], source="replay") == []
    key = new_id()
    for _ in range(3):
        done = await replay_all(platform, key, filter=wanted)
        assert (done.status_code, done.json()["replayed"]) == (202, len(missed))

    await platform.until_events(len(missed), trigger_id=trigger["id"], source="replay")
    await platform.until_quiet()
    rows = await platform.events(trigger_id=trigger["id"], source="replay")
    assert [row["replay_of"] for row in reversed(rows)] == [row["id"] for row in missed]
    assert (await logged(platform, rows[0]["id"]))["payload"] == "anew"


async def test_many_once_each_while_executors_are_killed(platform: Platform) -> None:
    trigger = await platform.create(name="many", type="api", payload_schema={"type": "integer"})
    count = 700
    for start in range(0, count, 100):
        await platform.rest.post(f"/triggers/{trigger['id']}/fire", json={"payload": "no"})
        for n in range(start, start + 100):
            await platform.fire(trigger["id"], payload=n)
    origins = await platform.until_events(count + 7, trigger_id=trigger["id"])
    wanted = {"trigger_id": trigger["id"]}
    key = new_id()

    answers = [await replay_all(platform, key, filter=wanted)]
    await platform.kill("executor", "api")
    await platform.until_ready()
    answers.append(await replay_all(platform, key, filter=wanted))

    for answer in answers:
        assert answer.json() == {
            "dry_run": False,
            "count": count + 7,
            "replayed": count,
            "refused": {"not-replayable": 7},
        }
    await platform.until_events(count, trigger_id=trigger["id"], source="replay", within=60)
    await platform.until_quiet()
    rows = await platform.log_rows(trigger["id"])
    replays = [row for row in rows if row["source"] == "replay"]
    assert len(replays) == count
    assert distinct(row["replay_of"] for row in replays)
    fired = {row["id"] for row in origins if row["status"] == "fired"}
    assert {str(row["replay_of"]) for row in replays} == fired
    in_order = sorted(replays, key=lambda row: (row["logged_at"], row["event_id"]))
    assert [json.loads(row["payload"]) for row in in_order] == list(range(count))


async def test_a_replay_that_no_longer_matches_leaves_one_rejected_row(platform: Platform) -> None:
    trigger = await platform.create(name="strict", type="api")
    origin = await platform.fire(trigger["id"], payload={"secret": "canary"})
    await logged(platform, origin)
    schema = {"payload_schema": {"required": ["order"]}}
    await platform.rest.patch(f"/triggers/{trigger['id']}", json=schema)

    response = await platform.rest.post(f"/events/{origin}/replay")

    assert (response.status_code, response.json()["code"]) == (422, "payload-schema-mismatch")
    (row,) = await platform.until_events(1, trigger_id=trigger["id"], status="rejected")
    assert (row["source"], row["replay_of"]) == ("replay", origin)
    shown = (await platform.rest.get(f"/events/{row['id']}")).json()
    assert shown["payload"] is None
    assert shown["errors"]
    refused = await platform.rest.post(f"/events/{row['id']}/replay")
    assert (refused.status_code, refused.json()["code"]) == (422, "not-replayable")


async def test_a_nats_client_replays_by_the_same_rules(platform: Platform, client: Client) -> None:
    trigger = await platform.create(name="by nats", type="api", payload={"own": 1})
    origin = await platform.fire(trigger["id"], payload={"n": 1})
    fire = {"trigger_id": trigger["id"], "replay_of": origin, "key": new_id()}

    first = await platform.ask(client, "fire", {**fire, "payload": {"n": None}})
    again = await platform.ask(client, "fire", {**fire, "payload": {"n": None}})
    other = await platform.ask(client, "fire", {**fire, "payload": {"n": 2}})
    wrong = await platform.ask(client, "fire", {**fire, "replay_of": "*"})

    assert first["event_id"] == again["event_id"]
    assert (other["code"], wrong["code"]) == ("idempotency-mismatch", "invalid")
    row = await logged(platform, first["event_id"])
    assert (row["source"], row["replay_of"]) == ("replay", origin)
    assert row["payload"] == {"n": None}
    assert len(await platform.events(trigger_id=trigger["id"], source="replay")) == 1
