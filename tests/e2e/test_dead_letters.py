"""A dead letter on the running platform: seen, redriven, and gone once its cause is."""

import asyncio
import json
from datetime import datetime, timedelta
from typing import Any

from nats.aio.client import Client

from tests.support.eventually import eventually
from tests.support.whole_platform import Json, Platform, now
from trigger_contracts import subjects
from trigger_contracts.events import Due
from trigger_contracts.ids import occurrence_event_id
from trigger_runtime.process.ids import new_id

REFUSE = "ALTER TABLE retention.event ADD CONSTRAINT no_tea CHECK (trigger_name <> 'tea') NOT VALID"
ACCEPT = "ALTER TABLE retention.event DROP CONSTRAINT IF EXISTS no_tea"


async def letters(platform: Platform, body: str | None = None, **query: Any) -> list[Json]:
    """The newest of them; or those of them whose message was this one."""
    response = await platform.rest.get("/dead-letters/", params=query)
    assert response.status_code == 200, response.text
    return [one for one in response.json() if body is None or one["original"]["body"] == body]


async def until_letters(platform: Platform, count: int, **query: Any) -> list[Json]:
    async def enough() -> list[Json]:
        found = await letters(platform, **query)
        return found if len(found) >= count else []

    return await eventually(enough, within=60, what=f"{count} dead letters of {query}")


async def redrive(platform: Platform, letter: Json) -> Json:
    response = await platform.rest.post(f"/dead-letters/{letter['id']}/redrive")
    assert response.status_code == 200, response.text
    return response.json()


async def test_a_command_that_is_no_json_stays_until_its_life_is_over(
    platform: Platform, client: Client
) -> None:
    body = f'{{"name {new_id()}": '
    problem = await platform.ask(client, "create", body.encode())
    assert problem["code"] == "malformed-json"
    (letter,) = await until_letters(platform, 1, body=body, service="scheduler")
    assert letter["reason"].startswith("malformed-json")
    original = letter["original"]
    assert (original["subject"], original["body"]) == ("trigger.command.create", body)
    assert subjects.is_result_inbox(original["headers"]["reply_to"])
    lives = datetime.fromisoformat(letter["deletes_at"]) - datetime.fromisoformat(
        original["stored_at"]
    )
    assert lives == timedelta(hours=48)

    done = await redrive(platform, letter)

    assert done["status"] == "failed"
    (again,) = await letters(platform, body=body, service="scheduler")
    assert again["id"] == letter["id"]
    assert again["reason"] == f"redriven once, failed again: {done['reason']}"
    assert again["deletes_at"] == letter["deletes_at"]
    shown = await platform.rest.get(f"/dead-letters/{letter['id']}")
    assert shown.json() == again


async def test_an_occurrence_without_its_definition_fires_once_that_is_there(
    platform: Platform, client: Client
) -> None:
    """As after a loss: with the id and the instant that it had, and one row however often."""
    trigger_id, command_id, at = new_id(), new_id(), now()
    async with platform.connected("admin") as admin:
        jetstream = admin.jetstream(timeout=10)
        last = (await jetstream.stream_info("TRIGGER_CHANGES")).state.last_seq
        record = Due(
            trigger_id=trigger_id,
            creation_id=command_id,
            version=1,
            change_seq=last + 1,
            cursor=at,
            scheduled_for=at,
            published_at=at,
        )
        await jetstream.publish(subjects.due(trigger_id), record.model_dump_json().encode())
    (letter,) = await until_letters(platform, 1, subject=subjects.due(trigger_id))
    assert (letter["service"], letter["original"]["stream"]) == ("executor", "TRIGGER_DUE")
    assert (await redrive(platform, letter))["status"] == "failed"

    definition = {"name": "found again", "type": "api", "payload": {"tea": "green"}}
    created = await platform.ask(
        client, "create", {**definition, "trigger_id": trigger_id, "command_id": command_id}
    )
    assert created["version"] == 1
    outcomes = await asyncio.gather(*(redrive(platform, letter) for _ in range(5)))

    assert {outcome["status"] for outcome in outcomes} == {"handled"}
    (event,) = await platform.until_events(1, trigger_id=trigger_id)
    assert event["id"] == str(occurrence_event_id(trigger_id, command_id, at))
    assert datetime.fromisoformat(event["fired_at"]) == at
    await platform.until_quiet()
    assert len(await platform.log_rows(trigger_id)) == 1
    assert await letters(platform, subject=subjects.due(trigger_id)) == []
    gone = await platform.rest.get(f"/dead-letters/{letter['id']}")
    assert (gone.status_code, gone.json()["code"]) == (410, "gone")


async def test_an_event_that_the_table_refused_is_there_once_it_takes_it(
    platform: Platform,
) -> None:
    canary = f"canary-{new_id()}"
    trigger = await platform.create(name="tea", type="api")
    await platform.query(REFUSE)
    try:
        event_id = await platform.fire(trigger["id"], payload={"secret": canary})
        (letter,) = await until_letters(platform, 1, stream="TRIGGER_EVENTS")
        assert letter["service"] == "retention"
        assert json.loads(letter["original"]["body"])["id"] == event_id
        assert canary not in letter["reason"]
        assert await platform.events(trigger_id=trigger["id"]) == []
    finally:
        await platform.query(ACCEPT)

    assert (await redrive(platform, letter))["status"] == "handled"

    detail = (await platform.rest.get(f"/events/{event_id}")).json()
    assert detail["payload"] == {"secret": canary}
    assert await letters(platform, stream="TRIGGER_EVENTS") == []
    assert not any(canary in str(each.payload) for each in await platform.stored("TRIGGER_DEAD"))
    assert canary not in platform.logs()


async def test_while_its_service_is_away_a_redrive_is_refused(
    platform: Platform, client: Client
) -> None:
    poison = f"poison {new_id()}"
    await platform.ask(client, "fire", poison.encode())
    (letter,) = await until_letters(platform, 1, body=poison, service="executor")
    async with platform.gone("executor"):
        response = await platform.rest.post(f"/dead-letters/{letter['id']}/redrive")
        # At first it may count as listening: then it was asked, and did not answer.
        assert response.status_code in {202, 503}, response.text
        assert letter in await letters(platform, service="executor")
    await platform.until_ready()
    assert (await redrive(platform, letter))["status"] == "failed"
