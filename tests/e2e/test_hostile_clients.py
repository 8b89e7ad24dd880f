"""One user does its worst; everybody else's triggers are made, fired and on time.

A user of the broker, or one who asks for more than anybody may have. Each test runs beside good
traffic of another user.
"""

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator, Iterable
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from nats.aio.client import Client

from tests.integration.local.test_accounts import HEADERS, OTHERS, STORED
from tests.support import raw_nats
from tests.support.another_key import another_key
from tests.support.etp_with_faults import COMMAND
from tests.support.eventually import eventually
from tests.support.good_traffic import GoodTraffic
from tests.support.raw_nats import RawNats
from tests.support.whole_platform import Json, Platform, running, text
from trigger_contracts import subjects
from trigger_contracts.topology import EXTERNALS
from trigger_runtime.jetstream.atomic_batch import BATCH_FROM
from trigger_runtime.process.ids import new_id

pytestmark = pytest.mark.usefixtures("beside_good_traffic")

LIMITS = EXTERNALS["client"]
FIRE = subjects.command(subjects.Verb.FIRE)
TOGETHER = 2 * BATCH_FROM
"""Fires at once by REST: enough to be published as a batch where there is a place for one."""
LATE_S = 1.0
TRIGGERS, FIRES_A_SECOND, VERSIONS = 24, 8, 5
"""What this platform allows a creator, all schedules together, and a trigger's history."""


@pytest.fixture(scope="module")
async def platform() -> AsyncIterator[Platform]:
    environment = {
        "ETP_MAX_TRIGGERS": str(TRIGGERS),
        "ETP_MAX_FIRES_PER_SECOND": str(FIRES_A_SECOND),
        "ETP_HISTORY_KEPT": str(VERSIONS),
    }
    async with running(environment=environment, etp=COMMAND) as started:
        yield started


async def test_a_reply_that_names_anothers_subject_stops_no_trigger(
    platform: Platform, client: Client
) -> None:
    """Nor any subject of the platform's, with headers or without. The victim fires on, can be
    edited, and everything can be rebuilt."""
    victim = await platform.create(name="victim", type="scheduled", interval=1)
    asked = await platform.create(name="asked", type="api")
    await platform.until_events(1, trigger_id=victim["id"])
    async with _hostile(platform) as hostile:
        victims = [
            place
            for one in (victim["id"], asked["id"])
            for place in (
                subjects.due(one),
                subjects.changed(one),
                subjects.fired(one),
                f"$KV.IDEMPOTENCY.{one}",
            )
        ]
        for reply, headers in itertools.product((*victims, *STORED, *OTHERS), HEADERS.values()):
            hostile.publish(FIRE, b'{"trigger_id": "nobody"}', reply=reply, headers=headers)
        await hostile.settled()
    edit = {"name": "edited"}
    assert (await platform.rest.patch(f"/triggers/{victim['id']}", json=edit)).status_code == 200
    rows = await platform.events(trigger_id=victim["id"])
    await platform.until_events(len(rows) + 2, trigger_id=victim["id"])
    await platform.fire(asked["id"])
    answer = await platform.ask(client, "fire", {"trigger_id": asked["id"]})
    assert "event_id" in answer, answer
    code, said = await platform.call("rebuild")
    assert code == 0, said
    await platform.until_events(2, trigger_id=asked["id"], status="fired")
    assert (await platform.rest.delete(f"/triggers/{victim['id']}")).status_code in {200, 204}


async def test_a_message_that_is_too_large_cuts_its_sender_alone(
    platform: Platform, client: Client
) -> None:
    asked = await platform.create(name="asked", type="api")
    for size in (LIMITS.payload + 1, 2**31, 2**63):
        async with _hostile(platform) as hostile:
            hostile.send(f"PUB {FIRE} {size}\r\n".encode() + b"x" * 100_000)
            await hostile.settled()
            assert hostile.errors or hostile.was_reset
        answer = await platform.ask(client, "fire", {"trigger_id": asked["id"]})
        assert "event_id" in answer, answer


async def test_one_who_takes_all_that_a_client_may_stops_nobody(
    platform: Platform, client: Client
) -> None:
    """It asks for batches, holds all subscriptions and connections, and reads nothing."""
    asked = await platform.create(name="asked", type="api")
    async with contextlib.AsyncExitStack() as stack:
        greedy = [
            await stack.enter_async_context(_hostile(platform))
            for _ in range(LIMITS.connections - 2)  # ours, and good traffic's, are there already
        ]
        greedy[0].subscribe("_INBOX_client.batches")
        for one in greedy:
            for number in range(2, 2 * LIMITS.subscriptions):
                one.subscribe("trigger.fired.*", number)
            await one.settled()
        begun = asyncio.Event()
        holding = asyncio.create_task(_hold_batches(greedy[0], begun))
        stack.callback(holding.cancel)
        await begun.wait()
        at = datetime.now(UTC) + timedelta(seconds=3)
        planned = await platform.create(name="planned", type="scheduled", schedule_time=text(at))
        for _ in range(3):
            await asyncio.gather(*(platform.fire(asked["id"]) for _ in range(TOGETHER)))
            answer = await platform.ask(client, "fire", {"trigger_id": asked["id"]})
            assert "event_id" in answer, answer
        (row,) = await platform.until_events(1, trigger_id=planned["id"])
        late = datetime.fromisoformat(row["fired_at"]) - at
        assert late.total_seconds() < LATE_S
        await platform.until_events(3 * (TOGETHER + 1), trigger_id=asked["id"], status="fired")
        assert not holding.done()


LARGE = "x" * 240_000
EDITS = 20
"""By each door, of one trigger."""


async def test_a_history_of_large_edits_is_bounded_whichever_door_they_came_by(
    platform: Platform, client: Client, traffic: GoodTraffic
) -> None:
    trigger_id = (await platform.create(name="edited", type="api"))["id"]
    address = f"/triggers/{trigger_id}"

    async def by_rest() -> None:
        for n in range(EDITS):
            edit = {"payload": {"rest": n, "large": LARGE}}
            done = await platform.rest.patch(address, json=edit)
            assert done.status_code == 200, done.text

    async def by_nats() -> None:
        for n in range(EDITS):
            edit = {"payload": {"nats": n, "large": LARGE}}
            done = await platform.ask(client, "update", {"trigger_id": trigger_id, "patch": edit})
            assert "code" not in done, done["code"]

    await asyncio.gather(by_rest(), by_nats(), traffic.go_round())

    newest = 1 + 2 * EDITS
    left = list(range(newest, newest - VERSIONS, -1))

    async def bounded() -> bool:
        shown = (await platform.rest.get(f"{address}/history")).json()
        stored = await platform.stored("TRIGGER_CHANGES", subjects.changed(trigger_id))
        return [one["version"] for one in shown] == left and len(stored) == VERSIONS

    await eventually(bounded, within=30, poll=0.2, what=f"{left} are left")
    # The newest is whole, and is what fires by either door.
    kept = (await platform.rest.get(address)).json()
    assert (kept["version"], kept["payload"]["large"]) == (newest, LARGE)
    fire: Json = {"trigger_id": trigger_id, "payload": {"n": -1}}
    by_client = await platform.ask(client, "fire", fire)
    fired = {by_client["event_id"], await platform.fire(trigger_id, payload={"n": -1})}
    rows = await platform.until_events(2, trigger_id=trigger_id)
    assert {row["id"] for row in rows} == fired
    for event_id in fired:
        row = (await platform.rest.get(f"/events/{event_id}")).json()
        assert (row["trigger_version"], row["payload"]) == (newest, {**kept["payload"], "n": -1})


API: Json = {"name": "greedy", "type": "api"}
EVERY_SECOND: Json = {"name": "greedy", "type": "scheduled", "interval": 1}


async def test_who_asks_for_more_than_a_quota_is_told_by_every_door_and_others_go_on(
    platform: Platform, client: Client, traffic: GoodTraffic
) -> None:
    """First for all fires of a second, then for all triggers of a key, and of NATS."""
    async with another_key(platform) as greedy:
        made, refused = await _in_bulk(greedy, [EVERY_SECOND] * (FIRES_A_SECOND + 5))
        # One of them is good traffic's.
        assert len(made) == FIRES_A_SECOND - 1
        _assert_refused(refused, "ETP_MAX_FIRES_PER_SECOND", "/interval")
        await _assert_one_refused(greedy, platform, client, EVERY_SECOND, "/interval")
        cron: Json = {"name": "greedy", "type": "scheduled", "cron": "* * * * * *"}
        await _assert_one_refused(greedy, platform, client, cron, "/cron")

        # Room is what another gives back; no edit takes more of it than there is.
        slower = await greedy.patch(f"/triggers/{made[0]}", json={"interval": 2})
        assert slower.status_code == 200, slower.text
        made.append(
            (await greedy.post("/triggers/", json={**EVERY_SECOND, "interval": 2})).json()["id"]
        )
        faster: Json = {"interval": 1}
        patched = await greedy.patch(f"/triggers/{made[0]}", json=faster)
        put = await greedy.put(f"/triggers/{made[0]}", json=EVERY_SECOND)
        edit = {"trigger_id": made[0], "patch": faster}
        by_nats = await platform.ask(client, "update", edit)
        edits = [patched.json(), put.json(), by_nats]
        _assert_refused(edits, "ETP_MAX_FIRES_PER_SECOND", "/interval")
        assert (await greedy.get(f"/triggers/{made[0]}")).json()["version"] == 2

        more, refused = await _in_bulk(greedy, [API] * TRIGGERS)
        made += more
        assert len(made) == TRIGGERS
        _assert_refused(refused, "ETP_MAX_TRIGGERS")
        one = await greedy.post("/triggers/", json=API)
        _assert_refused([one.json()], "ETP_MAX_TRIGGERS")
        going_round = asyncio.create_task(traffic.go_round())
        asked = [platform.ask(client, "create", API) for _ in range(TRIGGERS + 5)]
        answers = await asyncio.gather(*asked)
        of_nats = [answer["trigger_id"] for answer in answers if "trigger_id" in answer]
        assert len(of_nats) == TRIGGERS
        _assert_refused([a for a in answers if "trigger_id" not in a], "ETP_MAX_TRIGGERS")

        # What adds nothing goes through, and others notice none of it.
        for trigger_id in (more[0], of_nats[0]):
            named = await greedy.patch(f"/triggers/{trigger_id}", json={"name": "renamed"})
            assert named.status_code == 200, named.text
            fired = await platform.ask(client, "fire", {"trigger_id": trigger_id})
            assert "event_id" in fired, fired
        await going_round
        gone = (greedy.delete(f"/triggers/{one}") for one in (*made, *of_nats))
        assert {done.status_code for done in await asyncio.gather(*gone)} == {204}
        again = await greedy.post("/triggers/", json=EVERY_SECOND)
        assert again.status_code == 201, again.text
        assert (await greedy.delete(f"/triggers/{again.json()['id']}")).status_code == 204


async def _in_bulk(rest: httpx.AsyncClient, wanted: list[Json]) -> tuple[list[str], list[Json]]:
    """The ids of what was made, and the problems of the rest."""
    response = await rest.post("/triggers/bulk", json=wanted)
    assert response.status_code < 300, response.text
    lines = response.json()["lines"]
    assert len(lines) == len(wanted)
    made = [line["id"] for line in lines if line["status"] == "created"]
    return made, [line["problem"] for line in lines if line["status"] == "refused"]


async def _assert_one_refused(
    rest: httpx.AsyncClient, platform: Platform, client: Client, wanted: Json, pointer: str
) -> None:
    by_rest = await rest.post("/triggers/", json=wanted)
    assert by_rest.headers["content-type"] == "application/problem+json"
    by_nats = await platform.ask(client, "create", wanted)
    _assert_refused([by_rest.json(), by_nats], "ETP_MAX_FIRES_PER_SECOND", pointer)


def _assert_refused(problems: Iterable[Json], setting: str, pointer: str | None = None) -> None:
    problems = list(problems)
    assert problems
    for one in problems:
        # A line of a bulk answer has no status of its own.
        assert (one.get("status", 409), one["code"]) == (409, "quota-exceeded"), one
        assert setting in one["detail"]
        pointers = {error["pointer"] for error in one.get("errors", [])}
        assert pointers == ({pointer} if pointer else set()), one


@contextlib.asynccontextmanager
async def _hostile(platform: Platform) -> AsyncIterator[RawNats]:
    login = platform.status["nats_users"]["client"]
    port = platform.status["processes"]["nats"]["port"]
    async with raw_nats.logged_in(port, login["user"], login["password"]) as hostile:
        yield hostile


async def _hold_batches(greedy: RawNats, begun: asyncio.Event) -> None:
    """Begin batches and finish none: unfinished ones would take those places of the stream that
    services need. External users may begin none.
    """
    while True:
        for _ in range(100):
            headers = {"Nats-Batch-Id": new_id(), "Nats-Batch-Sequence": "1"}
            greedy.publish(FIRE, b"{}", reply="_INBOX_client.batches", headers=headers)
        await greedy.settled()
        if any(b"atomic publish is disabled" in heard.body for heard in greedy.heard):
            begun.set()
        await asyncio.sleep(0.1)
