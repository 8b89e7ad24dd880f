"""Deliveries while everything is killed and stopped, the database is lost, and clocks disagree.

Two replicas of each role; webhooks and NATS subjects, ordered and not; endpoints that are well,
slow, dead, hostile, or where nobody may connect. Then all is healed, and the checker decides from
receipts, records, views and the index whether every promise was kept. Each fault once with every
run of the tests; ``ETP_CHAOS_ROUNDS=10`` for ten times.
"""

import asyncio
import os
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial

import pytest

from tests.chaos.checker import Violation
from tests.chaos.delivery_checker import (
    DeliveryEvidence,
    DeliveryHistory,
    Fault,
    Pair,
    repeated,
    states,
    violations,
)
from tests.chaos.delivery_evidence import gather, seen
from tests.chaos.delivery_faults import TURNS, in_pairs, strike
from tests.chaos.delivery_load import Deliveries, delivering
from tests.chaos.endpoints import ALLOWED, FORBIDDEN
from tests.chaos.verdict import throw
from tests.support.eventually import eventually
from tests.support.fake_clock import FakeClock, fake_clocks, running_on
from tests.support.whole_platform import Platform
from trigger_runtime.process.ids import new_id

ROUNDS = int(os.environ.get("ETP_CHAOS_ROUNDS", "1"))
ROLES = ("scheduler", "executor", "deliver", "retention")
REPLICAS = tuple(argument for role in ROLES for argument in (f"--{role}-replicas", "2"))
CLOCKS_ARE_OFF_BY = timedelta(seconds=90)
OFF = "this machine's clock is off"
ALLOWED_TO_ALL = {"ETP_WEBHOOK_ALLOW": f"{ALLOWED}/32,{FORBIDDEN[1]}/32"}
OF_DELIVERERS = {"ETP_WEBHOOK_ALLOW": f"{ALLOWED}/32"}
"""As after an operator has narrowed it, or a name has moved: a target that the gateway took is not
connected to."""
AT_FIRST, BETWEEN = 12, 4
"""Requests at the endpoint that is well: before the first fault, and between two."""
AGAIN = 5
"""Events that are delivered once more."""
AT_LEAST = 300
"""Deliveries; with fewer nothing is proven."""
PAID_WITHIN = 60.0
"""Seconds after the last recovery in which everything owed must be there."""


@pytest.mark.timeout(300 + 120 * ROUNDS)
async def test_every_promise_of_a_delivery_is_kept_through_every_fault() -> None:
    dice = throw()
    async with (
        off_clocks() as (platform, clocks),
        delivering(platform, dice) as deliveries,
    ):
        await deliveries.start()
        await progress(deliveries, AT_FIRST)
        for name, ahead in zip(clocks, (1, -1), strict=True):
            clocks[name].jump(CLOCKS_ARE_OFF_BY * ahead)
        faults: list[Fault] = []
        for _ in range(ROUNDS):
            for pair in in_pairs(dice):
                slow = deliveries.endpoints["slow"]
                both = (strike(platform, dice, slow, role, kind) for role, kind in pair)
                faults += await asyncio.gather(*both)
                print(*faults[-len(pair) :], sep="\n")
                await progress(deliveries, BETWEEN)
        await platform.until_ready()
        await until_seen_to_be_off(platform)
        for clock in clocks.values():
            clock.jump_to_offset(timedelta())
        await deliveries.heal()
        await progress(deliveries, BETWEEN)
        await deliveries.stop()
        await until_drained(deliveries)
        redelivered = await deliver_again(deliveries)
        await until_drained(deliveries)
        await decide(platform, deliveries, tuple(faults), redelivered)


@asynccontextmanager
async def off_clocks() -> AsyncIterator[tuple[Platform, dict[str, FakeClock]]]:
    """The platform; of each role the first replica is on one clock, and the second on another."""
    with fake_clocks("first", "second") as clocks:
        on = dict.fromkeys(ROLES, clocks["first"])
        on |= {f"{role}-2": clocks["second"] for role in ROLES}
        own = dict.fromkeys(("deliver", "deliver-2"), OF_DELIVERERS)
        async with running_on(on, *REPLICAS, environment=ALLOWED_TO_ALL, own=own) as platform:
            yield platform, clocks


async def until_seen_to_be_off(platform: Platform) -> None:
    """Both clocks were wrong: each replica that looked since has said so."""

    def said() -> bool:
        return platform.logs().count(OFF) >= len(ROLES)

    await eventually(said, within=30, what="clocks are seen to be off")


async def progress(deliveries: Deliveries, requests: int) -> None:
    """Wait until some more has arrived: every fault comes in mid-load, and load goes on after."""
    wanted = deliveries.well_served + requests
    await eventually(
        lambda: deliveries.well_served >= wanted, within=60, what="deliveries go on arriving"
    )


async def until_drained(deliveries: Deliveries) -> None:
    """Nothing waits any more, by itself; what waits for the dead endpoint is cancelled then."""
    platform = deliveries.platform
    await platform.until_quiet()
    dead = deliveries.targets["dead"].target_id
    names = {one.target_id: name for name, one in deliveries.targets.items()}

    async def drained() -> bool:
        waiting = await platform.query(
            "SELECT target_id, count(*) AS n FROM executor.pending GROUP BY target_id"
        )
        if {row["target_id"] for row in waiting} == {dead}:
            await deliveries.give_up()
        assert not waiting, {names[row["target_id"]]: row["n"] for row in waiting}
        return True

    await eventually(drained, within=PAID_WITHIN, poll=0.5, what="nothing waits")
    # The views follow by consumers of their own.
    await platform.until_quiet()


async def deliver_again(deliveries: Deliveries) -> frozenset[Pair]:
    """Redeliver some events, asked for twice under one key each; which deliveries are meant."""
    targets = [deliveries.targets[name].target_id for name in ("good", "durable")]
    events = [event_id for event_id, name in deliveries.accepted.items() if name == "many"]
    chosen = deliveries.dice.sample(events, AGAIN)
    for event_id in chosen:
        keyed = {"Idempotency-Key": new_id()}
        for _ in range(2):
            answer = await deliveries.platform.rest.post(
                f"/events/{event_id}/redeliver", json={"targets": targets}, headers=keyed
            )
            assert answer.status_code == 202, answer.text
    return frozenset((event_id, target) for event_id in chosen for target in targets)


async def decide(
    platform: Platform,
    deliveries: Deliveries,
    faults: tuple[Fault, ...],
    redelivered: frozenset[Pair],
) -> None:
    """Every promise kept; fails with what the checker found."""
    found: list[Violation] = []
    evidence = DeliveryEvidence()
    look = partial(seen, deliveries, faults, redelivered)
    history = DeliveryHistory(())

    async def right() -> bool:
        nonlocal found, evidence, history
        history, evidence = await look(), await gather(platform)
        found = violations(history, evidence)
        return not found

    try:
        await eventually(right, within=PAID_WITHIN / 2, poll=1)
    except AssertionError:
        about = "\n".join(f"{one.rule}: {one.about}" for one in found[:20])
        told = "\n".join(map(str, (*faults, Counter(one.rule for one in found))))
        raise AssertionError(f"{told}\n{about}") from None
    counted = states(evidence)
    print("answers:", deliveries.answers, "events:", len(evidence.fired), "deliveries:", counted)
    print("records:", Counter(type(one).__name__ for one in evidence.records))
    print("repeated:", repeated(history))
    assert sum(counted.values()) > AT_LEAST, "too little happened to prove anything"
    assert counted.keys() == {"delivered", "dead", "blocked"}
    assert {(one.name.partition("-")[0], one.kind) for one in faults} == set(TURNS)
    assert repeated(history), "whoever delivers was not hit in mid-attempt"
    received = {one.target_id for one in history.receipts}
    unreachable = {deliveries.targets[name].target_id for name in ("dead", "forbidden")}
    assert received == {one.target_id for one in history.targets} - unreachable
    assert await platform.events(delivery="pending") == []
    assert await platform.dead_letters() == []
