"""What every chaos run does: throw dice that can be thrown again, keep the load going, judge."""

import os
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import partial

from tests.chaos.checker import Evidence, Operation, Outcome, Violation, violations
from tests.chaos.evidence import gather
from tests.chaos.load import Load
from tests.support.eventually import eventually
from tests.support.whole_platform import Platform, now
from trigger_contracts.subjects import ALL_DUE, ALL_FIRED

GRACE = timedelta(seconds=30)
PAID_WITHIN = 60.0
"""Seconds after the last recovery in which everything owed must be there."""

BUSY_WITH = {
    "scheduler": (ALL_DUE,),
    "executor": (ALL_DUE, ALL_FIRED),
    "retention": (ALL_FIRED,),
}
"""What is on the wire while a service publishes, or has just got, a batch of it."""


def throw() -> random.Random:
    """Dice whose seed is printed; ``ETP_CHAOS_SEED`` throws the same again."""
    seed = int(os.environ.get("ETP_CHAOS_SEED") or random.SystemRandom().randrange(1_000_000))
    print(f"ETP_CHAOS_SEED={seed}")
    return random.Random(seed)


async def progress(load: Load, dice: random.Random) -> None:
    """Wait until some more has succeeded: every fault comes in mid-load, and load goes on after."""
    wanted = load.succeeded + dice.randint(20, 60)
    await eventually(lambda: load.succeeded >= wanted, within=60, what="the load goes on")


async def strike_in_the_midst(
    load: Load, dice: random.Random, name: str, strike: Callable[[], None]
) -> None:
    """Call ``strike`` at an instant at which this program has a batch in hand."""
    await progress(load, dice)
    subjects = BUSY_WITH.get(name.partition("-")[0], (ALL_DUE, ALL_FIRED))
    await load.volley(dice.choice(subjects), strike)


async def decide(
    platform: Platform,
    history: list[Operation],
    gathered: Callable[[], Awaitable[Evidence]] | None = None,
    *,
    at_least: int = 500,
) -> None:
    """Nothing lost, nothing twice, nothing old; fails with what the checker found.

    ``gathered`` is the evidence, if it is not all that there is. With less than so many rows
    nothing is proven.
    """
    gathered = gathered or partial(gather, platform)
    print("history:", Counter(f"{o.kind} {o.outcome}" for o in history))
    over_at = max(list(o.times)[-1] for o in history if o.times)
    await eventually(lambda: now() > over_at, within=30, what="the last occurrence is due")
    found: list[Violation] = []
    evidence = Evidence()

    async def right() -> bool:
        nonlocal found, evidence
        evidence = await gathered()
        found = violations(history, evidence, grace=GRACE)
        return not found

    try:
        await eventually(right, within=PAID_WITHIN, poll=1)
    except AssertionError:
        about = "\n".join(f"{one.rule}: {one.about}" for one in found[:20])
        msg = f"{Counter(one.rule for one in found)}\n{about}"
        raise AssertionError(msg) from None
    await platform.until_quiet()
    assert not violations(history, await gathered(), grace=GRACE)
    rows = Counter(row.status for row in evidence.rows)
    print("rows:", rows, "records:", Counter(r.kind for r in evidence.records))
    assert rows["fired"] > at_least, "too little happened to prove anything"
    for kind in ("create", "update", "delete", "fire"):
        assert Outcome.OK in {o.outcome for o in history if o.kind == kind}
