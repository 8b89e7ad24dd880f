"""Endpoints that answer, alone and beside a crowd of others that never do."""

import asyncio
import json
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from bench.sizes import Sizes
from bench.support.checks import expect, expect_equal
from bench.support.creating import create_ahead, every, lead
from bench.support.figures import Spread, spread
from bench.support.idle import idle
from bench.support.servers import Platform, platform
from bench.support.streams import Stored, read_all
from bench.support.taps import AckTap
from bench.support.usage import Cost, Meter
from bench.support.workers import Worker
from trigger_contracts import subjects
from trigger_contracts.subjects import Service
from trigger_contracts.topology import EVENTS

from .counting import Receipt, repeated, waits_ms
from .draining import DELIVERER
from .preparing import ALLOWED, asking, create_targets, create_triggers, fire_each, opened, waiting
from .receiving import HANGING, Received, Wanted, note

EVERY_S = 10
"""Each trigger of a healthy endpoint fires so often."""
HEALTHY_TARGETS = 20
OF_AN_EVENT = 8
"""Targets of an event of the crowd: the most that a trigger may name."""
CROWDED_WITHIN_S = 300
SETTLING_S = 3.0
"""Before the first window, and after a window before its receipts are asked for."""
WARM_UP_S = 2.0
_FIRED = subjects.ALL_FIRED.removesuffix("*")


@dataclass(frozen=True, slots=True)
class Beside:
    """How long healthy endpoints waited, in ms from the ack of the row to the first byte."""

    alone: Spread
    met: Spread
    """From the instant at which the crowd is fired until all of its breakers have opened."""
    known: Spread
    """After that, while nearly all of it waits."""
    met_s: float
    waiting: int
    """Deliveries that waited at the end."""
    costs: Mapping[str, Cost]
    """While the crowd was known."""
    idle_percent: float
    """Of a core, by the deliverer, while nothing fires and the crowd waits."""


async def beside_a_crowd(sizes: Sizes) -> Beside:
    """The same load on healthy endpoints all along: first alone, then with a crowd beside it."""
    async with platform(ALLOWED) as servers, Worker("receiver", note) as receiver:
        root = f"http://127.0.0.1:{await receiver.ready()}"
        crowd, trigger_ids = await _crowd(servers, root, sizes)
        begin = await _healthy(servers, root, sizes)
        tap = AckTap(EVENTS.name)
        async with servers.connected() as admin:
            await tap.open(admin, Service.EXECUTOR)
            await _sleep_until(begin + WARM_UP_S)
            alone = await _window(sizes.healthy_s)
            fired_at = time.time()
            rounds = max(1, sizes.waiting // (len(trigger_ids) * OF_AN_EVENT))
            await fire_each(servers, trigger_ids * rounds)
            await waiting(servers, sizes.waiting * 9 // 10, within=CROWDED_WITHIN_S)
            await opened(servers, crowd, within=CROWDED_WITHIN_S)
            met = (fired_at, time.time())
            meter = Meter(servers.pids)
            known = await _window(sizes.healthy_s)
            costs = meter.read()
            await asyncio.sleep(SETTLING_S)
            with servers.stopped(Service.SCHEDULER):
                used = await idle({DELIVERER: servers.pids[DELIVERER]}, sizes.idle_s)
                left = await _waiting(servers)
            receiver.tell(Wanted())
            received: Received = await receiver.report(within=60)
            await servers.check_alive()
            acked = {
                event_id: tap.acked_at(seq)
                for event_id, seq in _rows(await read_all(admin, EVENTS.name))
            }
    receipts = received.receipts
    expect_equal(repeated(receipts), 0, "healthy deliveries that came twice")
    expect(received.hanging > 0, "nothing met an endpoint that hangs")
    return Beside(
        alone=_spread(receipts, acked, alone),
        met=_spread(receipts, acked, met),
        known=_spread(receipts, acked, known),
        met_s=met[1] - met[0],
        waiting=left,
        costs=costs,
        idle_percent=used[DELIVERER].cpu_s / sizes.idle_s * 100,
    )


async def _crowd(servers: Platform, root: str, sizes: Sizes) -> tuple[list[str], list[str]]:
    """Targets that hang, and triggers that name all of them, so many each as may be."""
    definitions = [
        {
            "name": f"hangs {number}",
            "type": "webhook",
            "url": f"{root}{HANGING}{number}",
            "timeout": sizes.hang_s,
        }
        for number in range(sizes.hanging)
    ]
    async with asking(servers) as client:
        crowd = await create_targets(client, definitions)
        named = [crowd[start : start + OF_AN_EVENT] for start in range(0, len(crowd), OF_AN_EVENT)]
        return crowd, await create_triggers(client, named)


async def _healthy(servers: Platform, root: str, sizes: Sizes) -> float:
    """Recurring triggers, evenly spread; the epoch second of their first occurrence."""
    definitions = [
        {"name": f"healthy {number}", "type": "webhook", "url": f"{root}/healthy/{number}"}
        for number in range(HEALTHY_TARGETS)
    ]
    async with asking(servers) as client:
        target_ids = await create_targets(client, definitions)
    count = sizes.healthy * EVERY_S
    before = await _triggers(servers)
    begin = float(int(time.time() + lead(count)))
    triggers = [
        {
            **every(number, EVERY_S, begin + number / sizes.healthy),
            "targets": [target_ids[number % len(target_ids)]],
        }
        for number in range(count)
    ]
    await create_ahead(servers, triggers, begin, others=before)
    return begin


async def _triggers(servers: Platform) -> int:
    async with servers.database() as database:
        return int(await database.fetchval("SELECT count(*) FROM scheduler.trigger"))


async def _waiting(servers: Platform) -> int:
    async with servers.database() as database:
        return int(await database.fetchval("SELECT count(*) FROM executor.delivery"))


async def _window(seconds: float) -> tuple[float, float]:
    begin = time.time()
    await asyncio.sleep(seconds)
    return begin, time.time()


async def _sleep_until(epoch_s: float) -> None:
    await asyncio.sleep(max(0.0, epoch_s - time.time()))


def _rows(messages: Iterable[Stored]) -> Iterator[tuple[str, int]]:
    """Which event is stored where."""
    for message in messages:
        if message.subject.startswith(_FIRED):
            yield json.loads(message.payload)["id"], message.seq


def _spread(
    receipts: Sequence[Receipt], acked: Mapping[str, float], window: tuple[float, float]
) -> Spread:
    waits = waits_ms(receipts, acked, *window)
    expect(bool(waits), "no healthy endpoint got anything")
    return spread(waits)
