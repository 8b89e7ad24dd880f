"""A deliverer that is stopped in mid-attempt, while another one lives: two real processes."""

import asyncio
import signal
from collections import Counter
from collections.abc import AsyncIterator

import psutil
import pytest

from tests.chaos.endpoints import ALLOWED, Endpoint, Exchange, listening
from tests.support.eventually import eventually
from tests.support.replicas import Replicas
from tests.support.whole_platform import Json, Platform, now
from trigger_contracts.subjects import Service

PLACES = 2
"""Attempts at once: so many are in flight when it is stopped."""
PASSED_ON_WITHIN_S = 6.0
SLACK_S = 4.0
"""For a machine that is busy with other tests."""
OTHER = "deliver-2"


@pytest.fixture
async def replicas(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Replicas]:
    monkeypatch.setenv("ETP_WEBHOOK_ALLOW", f"{ALLOWED}/32")
    joined = Replicas(platform)
    try:
        await joined.join(Service.EXECUTOR, OTHER)
        yield joined
    finally:
        await joined.stop()


async def test_lanes_of_a_stopped_deliverer_pass_on_and_its_late_outcome_counts(
    platform: Platform, replicas: Replicas
) -> None:
    """Only what was in flight is sent again. The successor fails at it, and tries it in an hour."""
    answered = asyncio.Event()
    in_flight: set[str] = set()

    async def hang(exchange: Exchange) -> None:
        in_flight.add(exchange.headers["webhook-id"])
        await answered.wait()
        await exchange.answer(200)

    async def refuse_those(exchange: Exchange) -> None:
        is_one = exchange.headers["webhook-id"] in in_flight
        await exchange.answer(503 if is_one else 200)

    endpoint = Endpoint(hang)
    async with listening(endpoint):
        made = await platform.rest.post(
            "/targets/",
            json={
                "type": "webhook",
                "url": endpoint.url,
                "retry": [3600],
                "concurrency": PLACES,
                "timeout": 30,
            },
        )
        assert made.status_code == 201, made.text
        target_id = made.json()["id"]
        trigger = await platform.create(name="stopped", type="api", targets=[target_id])
        fired = {await platform.fire(trigger["id"], payload=n) for n in range(8)}
        await eventually(lambda: len(in_flight) == PLACES, within=20)
        pid = owner(platform, replicas, endpoint)

        endpoint.behave = refuse_those
        psutil.Process(pid).send_signal(signal.SIGSTOP)
        stopped_at = now()
        try:
            # Everything else arrives; of what was in flight an attempt is made, and fails.
            await eventually(lambda: len(endpoint.requests) == len(fired), within=30)
            passed_on_s = (endpoint.requests[0].at - stopped_at).total_seconds()
            assert passed_on_s < PASSED_ON_WITHIN_S + SLACK_S
            await until_recorded(platform, target_id, len(fired))
            assert await pending(platform, target_id) == in_flight
        finally:
            answered.set()
            psutil.Process(pid).send_signal(signal.SIGCONT)

        records = await until_recorded(platform, target_id, len(fired) + PLACES)
        for event_id in in_flight:
            first, second = (one for one in records if one["event_id"] == event_id)
            assert (first["attempt"], first["final"]) == (1, "delivered")
            assert (second["attempt"], second["final"]) == (1, None)
            assert first["epoch"] < second["epoch"]
        await eventually(lambda: none_waits(platform, target_id), within=20)

        # It goes on with what it had, and starts nothing: each lane has one owner.
        fired.add(await platform.fire(trigger["id"], payload="after"))
        await until_recorded(platform, target_id, len(fired) + PLACES)
    came = Counter(request.headers["webhook-id"] for request in endpoint.requests)
    assert came == Counter([*fired, *in_flight])


def owner(platform: Platform, replicas: Replicas, endpoint: Endpoint) -> int:
    """Whose requests the endpoint has in hand."""
    for pid in (platform.pids()["deliver"], replicas.pids()[OTHER]):
        sockets = psutil.Process(pid).net_connections("tcp")
        if endpoint.in_hand.keys() & {one.laddr.port for one in sockets if one.laddr}:
            return pid
    raise AssertionError("nobody waits for an answer")


async def until_recorded(platform: Platform, target_id: str, count: int) -> list[Json]:
    """Wait for so many attempts; they come by their epochs."""

    async def recorded() -> list[Json] | None:
        found = await platform.query(
            "SELECT event_id::text, attempt, epoch, final FROM retention.attempts"
            " WHERE target_id = $1 ORDER BY epoch",
            target_id,
        )
        return found if len(found) == count else None

    found = await eventually(recorded, within=30, what=f"{count} attempts are recorded")
    assert found is not None
    return found


async def pending(platform: Platform, target_id: str) -> set[str]:
    rows = await platform.query(
        "SELECT event_id::text FROM retention.deliveries"
        " WHERE target_id = $1 AND state = 'pending'",
        target_id,
    )
    return {row["event_id"] for row in rows}


async def none_waits(platform: Platform, target_id: str) -> bool:
    waiting = await platform.query("SELECT FROM executor.pending WHERE target_id = $1", target_id)
    return not waiting and not await pending(platform, target_id)
