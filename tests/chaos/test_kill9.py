"""SIGKILL in mid-load, one after the other and all at once: nothing lost, twice or old.

The kills hit while clients create, edit, delete and fire. Afterwards the checker decides from
what the clients noted and from the logs and tables. ``ETP_CHAOS_SEED`` repeats a run's dice.
"""

import os
import random
import signal
from collections import Counter
from datetime import timedelta

from tests.chaos.checker import Evidence, Operation, Outcome, Violation, violations
from tests.chaos.evidence import gather
from tests.chaos.load import Load
from tests.support.eventually import eventually
from tests.support.platform import NAMES, Platform, now, running

GRACE = timedelta(seconds=30)
PAID_WITHIN = 60.0
"""Seconds after the last recovery in which everything owed must be there."""


async def test_kill_9_loses_nothing_doubles_nothing_and_brings_nothing_old_back() -> None:
    seed = int(os.environ.get("ETP_CHAOS_SEED") or random.SystemRandom().randrange(1_000_000))
    print(f"ETP_CHAOS_SEED={seed}")
    dice = random.Random(seed)
    async with running() as platform:
        load = Load(platform, dice)
        await load.start()
        hits = 0
        for name in (*dice.sample(NAMES, len(NAMES)), *dice.sample(NAMES, len(NAMES))):
            await _progress(load, dice)
            killed = await platform.kill(name)
            seen = await platform.until_ready(without=killed)
            print(f"killed {name} ({killed[name]}), now {seen['pids'][name]}")
            hits += seen["pids"][name] != killed[name]
        await _progress(load, dice)
        hits += await _kill_all(platform)
        await _progress(load, dice)
        await load.stop()
        assert hits == 2 * len(NAMES) + 1, "a kill never hit"
        await _decide(platform, load.history)


async def _progress(load: Load, dice: random.Random) -> None:
    """Wait until some more has succeeded: every kill comes in mid-load, and load goes on after."""
    wanted = load.succeeded + dice.randint(40, 80)
    await eventually(lambda: load.succeeded >= wanted, within=60, what="the load goes on")


async def _kill_all(platform: Platform) -> bool:
    """Everything and its supervisor at once, then ``etp up`` again on what they left."""
    before = platform.pids()
    platform.signal("supervisor", signal.SIGSTOP)  # it must not start one again meanwhile
    await platform.kill(*NAMES)
    await platform.down(signal.SIGKILL)
    await platform.up()
    print(f"killed {before} and etp up, now {platform.pids()}")
    return not set(before.values()) & set(platform.pids().values())


async def _decide(platform: Platform, history: list[Operation]) -> None:
    print("history:", Counter(f"{o.kind} {o.outcome}" for o in history))
    over_at = max(list(o.times)[-1] for o in history if o.times)
    await eventually(lambda: now() > over_at, within=30, what="the last occurrence is due")
    found: list[Violation] = []
    evidence = Evidence()

    async def right() -> bool:
        nonlocal found, evidence
        evidence = await gather(platform)
        found = violations(history, evidence, grace=GRACE)
        return not found

    try:
        await eventually(right, within=PAID_WITHIN, poll=1)
    except AssertionError:
        about = "\n".join(f"{one.rule}: {one.about}" for one in found[:20])
        msg = f"{Counter(one.rule for one in found)}\n{about}"
        raise AssertionError(msg) from None
    await platform.until_quiet()
    assert not violations(history, await gather(platform), grace=GRACE)
    rows = Counter(row.status for row in evidence.rows)
    print("rows:", rows, "records:", Counter(r.kind for r in evidence.records))
    assert rows["fired"] > 500, "too little happened to prove anything"
    for kind in ("create", "update", "delete", "fire"):
        told = {o.outcome for o in history if o.kind == kind}
        assert Outcome.OK in told
