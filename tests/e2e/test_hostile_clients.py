"""One user of the broker does its worst; everybody else's triggers are made, fired and on time.

Each test runs beside good traffic of another user.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
from nats.aio.client import Client

from tests.support import raw_nats
from tests.support.raw_nats import RawNats
from tests.support.whole_platform import Platform, text
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


async def test_a_reply_that_names_anothers_subject_stops_no_trigger(
    platform: Platform, client: Client
) -> None:
    """The victim fires on, can be edited, and everything can be rebuilt."""
    victim = await platform.create(name="victim", type="scheduled", interval=1)
    asked = await platform.create(name="asked", type="api")
    await platform.until_events(1, trigger_id=victim["id"])
    async with _hostile(platform) as hostile:
        for one in (victim["id"], asked["id"]):
            for reply in (
                subjects.due(one),
                subjects.changed(one),
                subjects.fired(one),
                f"$KV.IDEMPOTENCY.{one}",
            ):
                hostile.publish(FIRE, b'{"trigger_id": "nobody"}', reply=reply)
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
