"""An endpoint that was away while deliveries waited for it: when it is found, and how it drains."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bench.sizes import Sizes
from bench.support.checks import expect, expect_equal
from bench.support.servers import Platform, platform
from bench.support.usage import Cost, Meter
from bench.support.workers import Worker

from .counting import Receipt, most_at_once, most_within, per_second, repeated
from .preparing import ALLOWED, asking, create_targets, create_triggers, fire_each, waiting
from .receiving import Received, Wanted, note

CONCURRENCY = 50
PER_SECOND = 1_000
ANSWERS_AFTER_S = 0.02
"""Or no two requests would ever be under way at once."""
WITHIN_S = 600
LIMITED: Mapping[str, Mapping[str, Any]] = {
    "/concurrency": {"concurrency": CONCURRENCY},
    "/rate": {"concurrency": 100, "rate": {"count": PER_SECOND, "per": "1s"}},
}
"""By path of its endpoint, what a target is limited by."""


@dataclass(frozen=True, slots=True)
class Returned:
    """One endpoint."""

    found_after_s: float
    """From its return to the first request that it answered."""
    count: int
    per_second: float
    """From that to the last."""
    most_at_once: int
    most_in_a_second: int


@dataclass(frozen=True, slots=True)
class Return:
    """All endpoints, by their paths; and what their draining took."""

    endpoints: Mapping[str, Returned]
    refused: int
    """Requests that they answered with 503."""
    latest_s: float
    """After which the last of them was to be asked, as its breaker had it at the return."""
    costs: Mapping[str, Cost]
    """From the first request that was answered until all were."""


async def returned(sizes: Sizes) -> Return:
    """All of them are away, get their share of what waits, and return at one instant."""
    each = sizes.waiting // len(LIMITED)
    total = each * len(LIMITED)
    async with (
        platform(ALLOWED) as servers,
        Worker("receiver", note, ANSWERS_AFTER_S) as receiver,
    ):
        root = f"http://127.0.0.1:{await receiver.ready()}"
        receiver.tell(Wanted(is_away=True))
        await receiver.report(within=10)
        definitions = [
            {"name": path, "type": "webhook", "url": f"{root}{path}", **limits}
            for path, limits in LIMITED.items()
        ]
        async with asking(servers) as client:
            target_ids = await create_targets(client, definitions)
            trigger_ids = await create_triggers(client, [[one] for one in target_ids])
        await fire_each(servers, trigger_ids * each)
        await waiting(servers, total, within=WITHIN_S)
        await asyncio.sleep(sizes.away_s)
        latest_s = await _open_for(servers, target_ids)
        receiver.tell(Wanted(count=1, within_s=WITHIN_S, is_away=False))
        at = time.time()
        first: Received = await receiver.report(within=WITHIN_S + 10)
        meter = Meter(servers.pids)
        receiver.tell(Wanted(total - len(first.receipts), WITHIN_S))
        rest: Received = await receiver.report(within=WITHIN_S + 10)
        costs = meter.read()
        await servers.check_alive()
    receipts = first.receipts + rest.receipts
    expect_equal(len(receipts), total, "deliveries")
    expect_equal(repeated(receipts), 0, "deliveries that came twice")
    expect(first.refused > 0, "nothing was sent while the endpoints were away")
    endpoints = {
        path: _returned([one for one in receipts if one.path == path], at) for path in LIMITED
    }
    return Return(endpoints, first.refused, latest_s, costs)


def _returned(receipts: Sequence[Receipt], at: float) -> Returned:
    return Returned(
        found_after_s=min(one.began for one in receipts) - at,
        count=len(receipts),
        per_second=per_second(receipts),
        most_at_once=most_at_once(receipts),
        most_in_a_second=most_within((one.began for one in receipts), 1.0),
    )


async def _open_for(servers: Platform, target_ids: Sequence[str]) -> float:
    """Seconds until the last of their breakers lets an attempt through."""
    async with servers.database() as database:
        found = await database.fetchval(
            "SELECT extract(epoch FROM max(open_until) - now())::float8 FROM executor.lanes "
            "WHERE target_id = ANY ($1)",
            target_ids,
        )
    return max(0.0, float(found or 0.0))
