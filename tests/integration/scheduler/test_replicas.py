"""Two scheduler processes: they wake each other, and share what is due."""

import asyncio
import contextlib
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.integration.scheduler.conftest import Platform, now, once, once_at, until_ready
from tests.integration.scheduler.test_crashes import died, faulty_at_work
from tests.support.eventually import eventually
from trigger_contracts import topology
from trigger_contracts.subjects import Verb
from trigger_local import ports

FIRED = "etp_due_published_total"
ANSWERED = "etp_commands_total"
ROUNDS = 60
"""Which of two fires is chance: each within a few rounds."""
AT_ONCE = 1200
"""More than one claim takes."""


class Replica:
    """A scheduler process and the port of its metrics."""

    def __init__(self, process: asyncio.subprocess.Process, port: int) -> None:
        self.port = port
        self._process = process

    async def counted(self, metric: str) -> int:
        async with httpx.AsyncClient(timeout=10) as client:
            response = await client.get(f"http://{ports.LOOPBACK}:{self.port}/metrics")
        families = text_string_to_metric_families(response.text)
        return sum(int(s.value) for f in families for s in f.samples if s.name == metric)

    def kill(self) -> None:
        self._process.kill()

    async def stop(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            self._process.terminate()
        await asyncio.wait_for(self._process.wait(), 20)


@contextlib.asynccontextmanager
async def replica(platform: Platform, **settings: str) -> AsyncIterator[Replica]:
    port = ports.choose_free(set())
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "trigger_scheduler"),
        env=platform.environment(port, **settings),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    started = Replica(process, port)
    try:
        await until_ready(port)
        yield started
    finally:
        await started.stop()


async def changed(replicas: Sequence[Replica], metric: str, before: Sequence[int]) -> int:
    """Which of them has counted something; fails unless it is exactly one."""

    async def counted() -> list[int]:
        after = [await one.counted(metric) for one in replicas]
        return [n for n, (b, a) in enumerate(zip(before, after, strict=True)) if a > b]

    (who,) = await eventually(counted)
    return who


async def test_both_sleeping_replicas_wake_for_a_nearer_trigger(platform: Platform) -> None:
    """Whichever answers the create, both look; either fires it, on time."""
    sleepy = {"ETP_CLAIM_POLL": "60s"}
    async with replica(platform, **sleepy) as first, replica(platform, **sleepy) as second:
        await platform.ask(Verb.CREATE, **once(timedelta(hours=1)))
        answerer = await until_both_have_fired(platform, (first, second))
        await answerer.stop()
        other = second if answerer is first else first
        # Alone, so that it answers: of two that wait, the broker may choose either.
        await platform.ask(Verb.CREATE, **once(timedelta(hours=1)))
        async with replica(platform, **sleepy) as third:
            await until_both_have_fired(platform, (other, third))


async def until_both_have_fired(platform: Platform, replicas: tuple[Replica, Replica]) -> Replica:
    """Create nearer triggers, each on time; returns which of two replicas answered."""
    seen: Counter[bool] = Counter()
    for _ in range(ROUNDS):
        answered = [await one.counted(ANSWERED) for one in replicas]
        fired = [await one.counted(FIRED) for one in replicas]
        done = await platform.ask(Verb.CREATE, **once(timedelta(seconds=0.4)))
        (due,) = await platform.fires(done["trigger_id"], 1)
        assert due.published_at - due.scheduled_for < timedelta(seconds=0.5)
        answerer = await changed(replicas, ANSWERED, answered)
        seen[answerer == await changed(replicas, FIRED, fired)] += 1
        if seen[True] and seen[False]:
            return replicas[answerer]
    msg = f"one of two never fired: {seen[True]} by the answerer, {seen[False]} by the other"
    raise AssertionError(msg)


async def test_commands_go_to_the_other_replica_when_the_one_that_answers_dies(
    platform: Platform,
) -> None:
    async with replica(platform) as first, replica(platform) as second:
        before = [await first.counted(ANSWERED), await second.counted(ANSWERED)]
        await platform.ask(Verb.CREATE, **once(timedelta(hours=1)))
        answerer = (first, second)[await changed((first, second), ANSWERED, before)]
        killed_at = time.monotonic()
        answerer.kill()
        await platform.ask(Verb.CREATE, **once(timedelta(hours=1)))
        assert time.monotonic() - killed_at < topology.PIN_LIFE.total_seconds() + 1


async def test_what_a_killed_replica_had_claimed_is_taken_over_within_a_second(
    platform: Platform,
) -> None:
    """It dies in the instant at which its rows become due; the other one had found them locked."""
    async with faulty_at_work(platform, "claimed") as process:
        async with platform.scheduler(claim_ahead=timedelta(milliseconds=1)):
            # Over two seconds: it is the first to look at one of them, whatever keeps it waiting.
            start = now() + timedelta(seconds=4)
            for n in range(20):
                body = once_at(start + n * timedelta(milliseconds=100))
                await platform.ask(Verb.CREATE, trigger_id=f"t{n}", **body)
            await died(process)
            for n in range(20):
                (due,) = await platform.fires(f"t{n}", 1)
                assert due.published_at - due.scheduled_for < timedelta(seconds=1)


@pytest.mark.parametrize("spread", [timedelta(), timedelta(seconds=2)])
async def test_two_replicas_share_what_is_due(platform: Platform, spread: timedelta) -> None:
    """As close as they are created, or further apart: each does part, and nothing is done twice."""
    # Both are at work before anything is due, however slowly they start.
    small = {"ETP_CLAIM_BATCH": "5"}  # or a few claims take it all, whoever makes them
    async with replica(platform, **small) as first, replica(platform, **small) as second:
        start = timedelta(seconds=8)
        for n in range(AT_ONCE):
            body = once(start + spread * n / AT_ONCE)
            await platform.send(Verb.CREATE, {"trigger_id": f"t{n}", **body})

        async def shares() -> list[int]:
            counted = [await one.counted(FIRED) for one in (first, second)]
            return counted if sum(counted) >= AT_ONCE else []

        done = await eventually(shares, within=60, poll=0.1)
    assert sum(done) == AT_ONCE
    assert min(done) > AT_ONCE / 20
