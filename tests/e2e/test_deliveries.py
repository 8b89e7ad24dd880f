"""Events on their way to targets, by real processes: signed, waited for, and after kills.

Receivers are on 127.0.0.2, which the shared platform allows: on 127.0.0.1 it delivers nothing.
"""

import asyncio
import json
import os
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from nats.aio.client import Client
from nats.aio.msg import Msg
from standardwebhooks.webhooks import Webhook

from tests.e2e.conftest import RECEIVERS
from tests.support import pages
from tests.support.eventually import eventually
from tests.support.receiver import no_more, receiving
from tests.support.whole_platform import Json, Platform, ahead
from trigger_local import ports

EXAMPLE = Path(__file__).parents[2] / "examples" / "receiver.py"


async def target(platform: Platform, **fields: Any) -> Json:
    response = await platform.rest.post("/targets/", json=fields)
    assert response.status_code == 201, response.text
    made: Json = response.json()
    return made


async def trigger(platform: Platform, *targets: Json) -> str:
    made = await platform.create(
        name="delivers", type="api", targets=[one["id"] for one in targets]
    )
    return str(made["id"])


async def deliveries(platform: Platform, event_id: str) -> list[Json]:
    response = await platform.rest.get(f"/events/{event_id}", params={"wait": "10s"})
    assert response.status_code == 200, response.text
    found: list[Json] = response.json()["deliveries"]
    return found


async def until(platform: Platform, event_id: str, state: str, count: int = 1) -> list[Json]:
    async def all_are() -> list[Json] | None:
        found = await deliveries(platform, event_id)
        return found if [one["state"] for one in found] == [state] * count else None

    return await eventually(all_are, within=40, what=f"the deliveries of {event_id} are {state}")


@asynccontextmanager
async def example(secret: str, port: int) -> AsyncIterator[asyncio.StreamReader]:
    """The README's receiver; what it prints."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, str(EXAMPLE)),
        env={"PATH": os.environ["PATH"], "SECRET": secret, "LISTEN": f"{RECEIVERS}:{port}"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    assert process.stdout is not None
    try:
        yield process.stdout
    finally:
        process.send_signal(signal.SIGTERM)
        await process.wait()


async def test_what_was_fired_while_the_receiver_was_away_arrives_signed(
    platform: Platform,
) -> None:
    port = ports.choose_free(set())
    away = await target(
        platform, type="webhook", url=f"http://{RECEIVERS}:{port}/hook", retry=[2] * 15
    )
    fires = await trigger(platform, away)
    fired = [await platform.fire(fires, payload={"n": n}) for n in range(3)]

    async def refused() -> bool:
        states = [one for event_id in fired for one in await deliveries(platform, event_id)]
        return len(states) == 3 and all(one["attempts"] for one in states)

    await eventually(refused, within=20, what="each was tried")
    health = (await platform.rest.get(f"/targets/{away['id']}")).json()["health"]
    assert (health["status"] in ("failing", "open"), health["pending"]) == (True, 3)

    async with example(away["secret"], port) as printed:
        for _ in fired:
            event_id, body = (await asyncio.wait_for(printed.readline(), 40)).decode().split(" ", 1)
            assert event_id in fired
            assert json.loads(body)["id"] == event_id
        for event_id in fired:
            (delivery,) = await until(platform, event_id, "delivered")
            first, *_, last = delivery["attempts"]
            assert (first["outcome"], first["code"]) == ("failed", "refused")
            assert (last["outcome"], last["status"]) == ("delivered", 204)
            assert delivery["attempt_count"] == len(delivery["attempts"])
    row = await platform.rest.get(
        "/events/", params={"target_id": away["id"], "delivery": "delivered"}
    )
    assert {one["id"] for one in row.json()} == set(fired)


async def test_what_waits_goes_on_when_its_trigger_is_edited_completed_or_deleted(
    platform: Platform,
) -> None:
    port = ports.choose_free(set())
    away = await target(
        platform, type="webhook", url=f"http://{RECEIVERS}:{port}/hook", retry=[1] * 15
    )
    edited, deleted = [await trigger(platform, away) for _ in range(2)]
    fired = [await platform.fire(one, payload={"n": 1}) for one in (edited, deleted)]
    once = await platform.create(
        name="once", type="scheduled", schedule_time=ahead(1), targets=[away["id"]]
    )
    (its_event,) = await platform.until_events(1, trigger_id=once["id"])
    fired.append(its_event["id"])
    for event_id in fired:
        await until(platform, event_id, "pending")
    edit = await platform.rest.patch(f"/triggers/{edited}", json={"targets": []})
    assert edit.status_code == 200
    assert (await platform.rest.delete(f"/triggers/{deleted}")).status_code == 204
    later = await platform.fire(edited, payload={"n": 2})

    async with example(away["secret"], port) as printed:
        arrived = {
            (await asyncio.wait_for(printed.readline(), 40)).decode().split(" ", 1)[0]
            for _ in fired
        }
    assert arrived == set(fired)
    assert await deliveries(platform, later) == []


async def test_the_first_delivery_of_the_readme_arrives(platform: Platform, tmp_path: Path) -> None:
    """As it stands, but for the receiver's place, and that it is awaited and ended."""
    (block,) = pages.requests("README.md", "First delivery")
    place = f"{RECEIVERS}:{ports.choose_free(set())}"
    started = f"LISTEN={place} {sys.executable} {EXAMPLE} > received &"
    there = block.replace("127.0.0.1:9000", place).replace(
        "python3 examples/receiver.py &", started
    )
    assert there.count(place) == 2
    ended = "until [ -s received ]; do sleep 0.1; done; kill $!"
    await pages.paste(
        [f"{there}\n{ended}"],
        tmp_path,
        URL=platform.status["url"],
        KEY=platform.status["api_key"],
    )
    event_id, event = (tmp_path / "received").read_text().split(" ", 1)
    assert json.loads(event)["id"] == event_id
    assert json.loads(event)["data"]["trigger_name"] == "hello"


async def test_webhooks_and_subjects_get_the_very_bytes_of_the_stream(
    platform: Platform, client: Client
) -> None:
    heard: asyncio.Queue[Msg] = asyncio.Queue()
    async with receiving(RECEIVERS) as receiver:
        hook = await target(platform, type="webhook", url=receiver.url("/T0/B0"))
        subject = await target(platform, type="nats", subject="out.e2e.deliveries")
        subscription = await client.subscribe("out.e2e.deliveries", cb=heard.put)
        await client.flush()
        event_id = await platform.fire(await trigger(platform, hook, subject), payload={"x": 1})
        by_hook = await receiver.next()
        by_nats = await asyncio.wait_for(heard.get(), 20)
        found = await until(platform, event_id, "delivered", 2)
        await subscription.unsubscribe()
    Webhook(hook["secret"]).verify(by_hook.body, by_hook.headers)
    assert (by_hook.path, by_hook.headers["webhook-id"]) == ("/T0/B0", event_id)
    stored = [one.payload for one in await platform.stored("TRIGGER_EVENTS", "trigger.fired.>")]
    assert by_hook.body in stored
    assert by_nats.data == by_hook.body
    assert by_nats.headers is not None
    assert by_nats.headers["Nats-Msg-Id"] == event_id
    assert {one["target_id"] for one in found} == {hook["id"], subject["id"]}
    origins = {one["attempts"][0]["origin"] for one in found}
    assert origins == {receiver.url(""), "out.e2e.deliveries"}


async def test_a_receiver_that_wants_no_more_is_told_to_the_alert_target(
    platform: Platform, client: Client
) -> None:
    heard: asyncio.Queue[Msg] = asyncio.Queue()
    async with receiving(RECEIVERS) as operator, receiving(RECEIVERS, no_more) as till:
        ops = await target(platform, type="webhook", url=operator.url("/alerts"))
        gone = await target(
            platform, type="webhook", url=till.url("/"), name="Till", alert_target=ops["id"]
        )
        subscription = await client.subscribe(f"trigger.health.{gone['id']}", cb=heard.put)
        await client.flush()
        event_id = await platform.fire(await trigger(platform, gone))
        alerts = [await operator.next() for _ in range(2)]
        facts = [await asyncio.wait_for(heard.get(), 20) for _ in range(2)]
        await subscription.unsubscribe()

        async def delivered() -> list[Json] | None:
            asked = {"trigger_id": "_alerts", "target_id": ops["id"]}
            found: list[Json] = (await platform.rest.get("/deliveries/", params=asked)).json()
            return found if [one["state"] for one in found] == ["delivered"] * 2 else None

        shown = await eventually(delivered, within=20, what="both alerts are delivered")
    told = {json.loads(alert.body)["type"]: alert for alert in alerts}
    assert told.keys() == {"trigger.health.gone.v1", "trigger.health.dead.v1"}
    assert {alert.body for alert in alerts} == {fact.data for fact in facts}
    for alert in alerts:
        Webhook(ops["secret"]).verify(alert.body, alert.headers)
        body = json.loads(alert.body)
        assert alert.headers["webhook-id"] == body["id"]
        assert (body["data"]["target_id"], body["data"]["target_name"]) == (gone["id"], "Till")
        assert body["data"]["cause"]["event_id"] == event_id
    assert {one["event_id"] for one in shown} == {alert.headers["webhook-id"] for alert in alerts}


async def test_what_is_not_allowed_is_refused_when_written_and_blocked_when_met(
    platform: Platform,
) -> None:
    async with receiving("127.0.0.1") as receiver:
        refused = await platform.rest.post(
            "/targets/", json={"type": "webhook", "url": receiver.url("/hook")}
        )
        assert refused.status_code == 422
        (error,) = refused.json()["errors"]
        assert error["pointer"] == "/url"
        assert "ETP_WEBHOOK_ALLOW" in json.dumps(refused.json())
        assert receiver.connections == 0


async def test_kills_of_both_roles_lose_nothing(platform: Platform) -> None:
    async with receiving(RECEIVERS) as receiver:
        hook = await target(platform, type="webhook", url=receiver.url("/hook"), retry=[1] * 20)
        fires = await trigger(platform, hook)
        fired: list[str] = []
        for killed in (("deliver",), ("executor",), ("executor", "deliver")):
            # What the round before killed is there again.
            await platform.until_ready()
            fired += [await platform.fire(fires, payload={"n": n}) for n in range(8)]
            await platform.kill(*killed)
            fired += [await platform.fire(fires, payload={"n": n}) for n in range(4)]
        await platform.until_ready()
        for event_id in fired:
            await until(platform, event_id, "delivered")
        received = Counter(request.headers["webhook-id"] for request in receiver.requests)
    assert received.keys() == set(fired)
    # Only what was in flight at a kill may have come twice: a lane has at most ten places.
    assert sum(received.values()) <= len(fired) + 2 * 10
    attempts = Counter[str]()
    for event_id in fired:
        (delivery,) = await deliveries(platform, event_id)
        attempts[event_id] = len(delivery["attempts"])
        assert [one["final"] for one in delivery["attempts"]][-1] == "delivered"
    assert all(received[event_id] >= 1 for event_id in attempts)
