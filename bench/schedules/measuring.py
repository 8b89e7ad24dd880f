"""Lets one peer create and fire on fresh servers, from outside its processes.

A worker runs throughout; a client of its own creates the triggers; each fire is a line in a file.
"""

import asyncio
import contextlib
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.support.checks import BenchFailed, expect
from bench.support.usage import Meter

from . import fires
from .candidates import Peer
from .environment import Environment
from .outcome import as_json, judge
from .programs import POLL_S, Bench, Started, bench_of
from .workload import Workload

CLIENT_START_S = 3.0
"""Until a client creates its first trigger, or the worker that creates its own is up."""
SLOWER = 1.6
"""How much slower than measured a creation may turn out, lest it be late for the first instant."""
MORE_PATIENT = 3
"""Where it was late all the same, the second and last attempt gets so many times as long."""
METER_BEFORE_S = 0.5
LAGGING_S = 60.0
"""How long one-time triggers may be late before the rest is given up."""
SETTLING_S = 5.0
"""The same for recurring ones: whoever keeps up needs less."""
FAR_MS = 30 * 24 * 3600 * 1000
SEEN_S = 1.0
"""So long a worker may take what was created before everything is killed."""
KILLED_FOR_S = 3.0
"""Until store and worker are there again."""
SURVIVAL_TIMEOUT_S = 15.0
"""How late what survived may fire."""

Found = dict[str, Any]


class TooLate(BenchFailed):
    """The triggers were not all created before the first of them was due."""


async def creating(peer: Peer, environment: Environment, count: int) -> dict[str, float]:
    """Seconds in which ``count`` triggers are created that are due in a month, a worker running."""
    firsts = [now_ms() + FAR_MS + number for number in range(count)]
    took: dict[str, float] = {}
    for how in ("singly", "bulk") if peer.bulk else ("singly",):
        async with bench_of(peer, environment) as bench, contextlib.AsyncExitStack() as stack:
            if peer.creates_itself:
                worker = await bench.work(bench.plan(None, firsts), stack)
                took[how] = float(await worker.says("created", within=1))
            else:
                await bench.work(bench.plan(None, ()), stack)
                took[how] = await bench.create(bench.plan(None, firsts, bulk=how == "bulk"))
            expect(fires.noted(bench.fires) == 0, "something fired that is due in a month")
    return took


async def firing(
    peer: Peer, environment: Environment, workload: Workload, created: Mapping[str, float]
) -> Found:
    """``created``: seconds for one trigger, singly and in bulk."""
    # Not every peer has its recurring ones created in bulk.
    how = "bulk" if peer.bulk and workload.every_ms is None else "singly"
    lead_s = CLIENT_START_S + SLOWER * workload.count * created[how]
    try:
        return await _firing(peer, environment, workload, lead_s)
    except TooLate:
        return await _firing(peer, environment, workload, lead_s * MORE_PATIENT)


async def _firing(peer: Peer, environment: Environment, workload: Workload, lead_s: float) -> Found:
    recurring = workload.every_ms is not None
    async with bench_of(peer, environment) as bench, contextlib.AsyncExitStack() as stack:
        worker, begin_ms = await _armed(bench, stack, workload.every_ms, workload.firsts, lead_s)
        end_ms = begin_ms + workload.window_ms
        await sleep_until_ms(begin_ms - METER_BEFORE_S * 1000)
        meter = Meter({"worker": worker.process.pid, **bench.store.pids})
        await sleep_until_ms(end_ms)
        if not recurring:
            await _noted(bench.fires, workload.fires, end_ms + LAGGING_S * 1000)
        metered = fires.noted(bench.fires)
        costs = meter.read()
        if recurring:
            await _due_noted(bench.fires, workload.fires, end_ms)
        if worker.process.returncode is not None:
            raise BenchFailed(f"{peer.name} ended in the middle")
        expected = workload.occurrences(begin_ms)
        outcome = judge(fires.read(bench.fires), expected, end_ms if recurring else None)
        return as_json(outcome, costs, metered)


async def _armed(
    bench: Bench,
    stack: contextlib.AsyncExitStack,
    every_ms: int | None,
    firsts: Callable[[int], Sequence[int]],
    lead_s: float,
) -> tuple[Started, int]:
    """The worker, and the first instant: everything was created before it."""
    if bench.peer.creates_itself:
        begin_ms = now_ms() + round(lead_s * 1000)
        worker = await bench.work(bench.plan(every_ms, firsts(begin_ms)), stack)
    else:
        worker = await bench.work(bench.plan(every_ms, ()), stack)
        begin_ms = now_ms() + round(lead_s * 1000)
        await bench.create(bench.plan(every_ms, firsts(begin_ms), bulk=bench.peer.bulk))
    if now_ms() > begin_ms - METER_BEFORE_S * 1000:
        raise TooLate("creating the triggers took longer than the bench allows for")
    return worker, begin_ms


async def surviving(
    peer: Peer, environment: Environment, count: int, created: Mapping[str, float]
) -> Found:
    """SIGKILL of worker and store between the creation and the instant; both come back at once."""
    lead_s = CLIENT_START_S + SLOWER * count * created["singly"] + SEEN_S + KILLED_FOR_S
    async with bench_of(peer, environment) as bench, contextlib.AsyncExitStack() as stack:
        async with contextlib.AsyncExitStack() as first_life:
            _, begin_ms = await _armed(bench, first_life, None, lambda at: [at] * count, lead_s)
            await asyncio.sleep(SEEN_S)
            await bench.store.kill()
        expect(fires.noted(bench.fires) == 0, "something fired before the crash")
        await bench.store.start()
        await bench.work(bench.plan(None, ()), stack)
        await _noted(bench.fires, count, begin_ms + SURVIVAL_TIMEOUT_S * 1000)
        expected = {(number, begin_ms) for number in range(count)}
        outcome = judge(fires.read(bench.fires), expected, None)
        return {"of": count, "fired": outcome.done, "twice": outcome.twice}


def now_ms() -> int:
    return time.time_ns() // 1_000_000


async def sleep_until_ms(at_ms: float) -> None:
    await asyncio.sleep(max(0.0, (at_ms - now_ms()) / 1000))


async def _noted(path: Path, count: int, until_ms: float) -> None:
    """Until so many fires were noted, or no longer than ``until_ms``."""
    while fires.noted(path) < count and now_ms() < until_ms:  # noqa: ASYNC110 (another process)
        await asyncio.sleep(POLL_S)


async def _due_noted(path: Path, count: int, end_ms: int) -> None:
    """Until so many fires due before ``end_ms`` were noted, or no longer than ``SETTLING_S``."""
    while now_ms() < end_ms + SETTLING_S * 1000:
        await asyncio.sleep(SETTLING_S / 5)
        if sum(one.nominal_ms < end_ms for one in fires.read(path)) >= count:
            return
