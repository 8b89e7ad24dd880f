"""Deliveries that waited, all at once, by one deliverer; and what was delivered, again."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from bench.support.checks import expect_equal
from bench.support.servers import Platform
from bench.support.usage import Cost, Meter
from bench.support.workers import Worker

from .counting import per_second, repeated
from .preparing import (
    all_delivered,
    asking,
    create_targets,
    create_triggers,
    fire_each,
    logged,
    planned,
)
from .receiving import Received, Wanted

TARGETS = 4
WARM_UP = 50
"""Deliveries to each target, before anything counts."""
WITHIN_S = 300
DELIVERER = "deliver"


@dataclass(frozen=True, slots=True)
class Drained:
    """So many deliveries that had waited."""

    per_second: float
    """From the first to the last, at the receiver."""
    whole_s: float
    """From the instant at which they might begin, or were asked for."""
    cpu_us: float
    """Of the deliverer, for each."""
    costs: Mapping[str, Cost]


@dataclass(frozen=True, slots=True)
class Backlog:
    """Targets of one kind, a trigger for each, and who receives."""

    servers: Platform
    receiver: Worker
    target_ids: list[str]
    trigger_ids: list[str]

    async def drain(self, each: int) -> Drained:
        """Let so many wait for each target while the deliverer stands still, then let it go on."""
        total = each * len(self.trigger_ids)
        with self.servers.stopped(DELIVERER):
            before = await logged(self.servers)
            await fire_each(self.servers, self.trigger_ids * each)
            await planned(self.servers, before + total, within=WITHIN_S)
            begun = self._begin()
        return await self._drained(total, *begun)

    async def again(self, target: int) -> Drained:
        """Ask for all that one target has had once more."""
        target_id = self.target_ids[target]
        async with asking(self.servers) as client:
            filtered: dict[str, Any] = {"filter": {"target_id": target_id}}
            begun = self._begin()
            answer = await client.post("/deliveries/redeliver", json=filtered)
            expect_equal(answer.status_code, 202, f"redeliver: {answer.text}")
        return await self._drained(int(answer.json()["accepted"]), *begun)

    def _begin(self) -> tuple[Meter, float]:
        return Meter(self.servers.pids), time.time()

    async def _drained(self, count: int, meter: Meter, began: float) -> Drained:
        self.receiver.tell(Wanted(count, WITHIN_S))
        received: Received = await self.receiver.report(within=WITHIN_S + 10)
        costs = meter.read()
        receipts = received.receipts
        expect_equal(len(receipts), count, "deliveries")
        expect_equal(repeated(receipts), 0, "deliveries that came twice")
        await all_delivered(self.servers, within=WITHIN_S)
        return Drained(
            per_second(receipts),
            max(one.began for one in receipts) - began,
            costs[DELIVERER].cpu_s / count * 1e6,
            costs,
        )


async def backlog_of(
    servers: Platform, receiver: Worker, target: Callable[[int], dict[str, Any]]
) -> Backlog:
    """Targets as ``target`` says of each number; warmed up."""
    async with asking(servers) as client:
        target_ids = await create_targets(client, [target(number) for number in range(TARGETS)])
        trigger_ids = await create_triggers(client, [[one] for one in target_ids])
    await fire_each(servers, trigger_ids * WARM_UP)
    receiver.tell(Wanted(WARM_UP * TARGETS, WITHIN_S))
    received: Received = await receiver.report(within=WITHIN_S + 10)
    expect_equal(len(received.receipts), WARM_UP * TARGETS, "deliveries")
    await all_delivered(servers, within=WITHIN_S)
    return Backlog(servers, receiver, target_ids, trigger_ids)
