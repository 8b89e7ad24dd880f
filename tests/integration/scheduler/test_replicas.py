"""Two scheduler processes: they wake each other, and share what is due."""

import asyncio
import contextlib
import os
import sys
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.integration.scheduler.conftest import Platform, once
from tests.support.eventually import eventually
from trigger_contracts.subjects import Verb
from trigger_local import ports, programs

FIRED = "etp_due_published_total"
ANSWERED = "etp_commands_total"
ROUNDS = 60
"""Which of two answers, and which fires, is chance: each way within a few rounds."""
AT_ONCE = 1200
"""More than one claim takes."""


class Replica:
    """A scheduler process, known by the port of its metrics."""

    def __init__(self, port: int) -> None:
        self.port = port

    async def counted(self, metric: str) -> int:
        async with httpx.AsyncClient(timeout=10) as client:
            response = await client.get(f"http://{ports.LOOPBACK}:{self.port}/metrics")
        families = text_string_to_metric_families(response.text)
        return sum(int(s.value) for f in families for s in f.samples if s.name == metric)


@contextlib.asynccontextmanager
async def replica(platform: Platform, **settings: str) -> AsyncIterator[Replica]:
    port = ports.choose_free(set())
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "trigger_scheduler"),
        env={
            **os.environ,
            "ETP_NATS_URL": platform.broker.url,
            "ETP_NATS_USER": "scheduler",
            "ETP_NATS_PASSWORD": platform.broker.passwords["scheduler"],
            "ETP_DATABASE_URL": platform.database.url("etp_scheduler"),
            "ETP_HTTP_PORT": str(port),
            **settings,
        },
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        await eventually(
            lambda: programs.answers_ready(ports.LOOPBACK, port), within=30, what="it is ready"
        )
        yield Replica(port)
    finally:
        process.terminate()
        await asyncio.wait_for(process.wait(), 20)


async def changed(replicas: Sequence[Replica], metric: str, before: Sequence[int]) -> int:
    """Which of them has counted something; fails unless it is exactly one."""

    async def counted() -> list[int]:
        after = [await one.counted(metric) for one in replicas]
        return [n for n, (b, a) in enumerate(zip(before, after, strict=True)) if a > b]

    (who,) = await eventually(counted)
    return who


async def test_both_sleeping_replicas_wake_for_a_nearer_trigger(platform: Platform) -> None:
    """Whoever answers the create, both look; either fires it, on time."""
    sleepy = {"ETP_CLAIM_POLL": "60s"}
    seen: Counter[tuple[int, int]] = Counter()
    async with replica(platform, **sleepy) as first, replica(platform, **sleepy) as second:
        replicas = (first, second)
        await platform.ask(Verb.CREATE, **once(timedelta(hours=1)))
        for _ in range(ROUNDS):
            answered = [await one.counted(ANSWERED) for one in replicas]
            fired = [await one.counted(FIRED) for one in replicas]
            done = await platform.ask(Verb.CREATE, **once(timedelta(seconds=0.4)))
            (due,) = await platform.fires(done["trigger_id"], 1, within=10)
            assert due.published_at - due.scheduled_for < timedelta(seconds=0.5)
            answerer = await changed(replicas, ANSWERED, answered)
            seen[answerer, await changed(replicas, FIRED, fired)] += 1
            if seen[0, 1] and seen[1, 0]:
                break
    assert seen[0, 1], f"the second fired nothing that the first answered: {seen}"
    assert seen[1, 0], f"the first fired nothing that the second answered: {seen}"


@pytest.mark.parametrize("spread", [timedelta(), timedelta(seconds=2)])
async def test_two_replicas_share_what_is_due(platform: Platform, spread: timedelta) -> None:
    """At one instant, or one after the other: each does part of it, and nothing is done twice."""
    async with platform.scheduler(loops=False):
        start = timedelta(seconds=6)
        for n in range(AT_ONCE):
            body = once(start + spread * n / AT_ONCE)
            await platform.send(Verb.CREATE, {"trigger_id": f"t{n}", **body})

        async def all_there() -> bool:
            async with platform.database.connected() as owner:
                count = await owner.fetchval("SELECT count(*) FROM scheduler.trigger")
            return bool(count == AT_ONCE)

        await eventually(all_there, within=30)
    async with replica(platform) as first, replica(platform) as second:

        async def shares() -> list[int]:
            counted = [await one.counted(FIRED) for one in (first, second)]
            return counted if sum(counted) >= AT_ONCE else []

        done = await eventually(shares, within=60, poll=0.1)
    assert sum(done) == AT_ONCE
    assert min(done) > AT_ONCE / 20
