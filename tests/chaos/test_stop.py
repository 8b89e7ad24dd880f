"""SIGSTOP in mid-load, with two replicas of each worker: who resumes does nothing old.

A replica that hangs while it holds rows or messages loses them to the other one; when it goes
on, it goes on with what it had in hand. The checker decides as after kills.
"""

import signal
from datetime import timedelta
from functools import partial

import psutil

from tests.chaos.load import Load
from tests.chaos.verdict import decide, progress, strike_in_the_midst, throw
from tests.support.eventually import eventually
from tests.support.whole_platform import Platform, now, running

REPLICAS = ("--scheduler-replicas", "2", "--executor-replicas", "2", "--retention-replicas", "2")
PAIRS = tuple((name, f"{name}-2") for name in ("scheduler", "executor", "retention"))
LONGEST_S = 6.0
"""Longer than a replica may hold rows (3 s) or messages (0.8 s)."""


async def test_a_replica_that_was_stopped_and_resumes_does_nothing_old() -> None:
    dice = throw()
    async with running(*REPLICAS) as platform:
        load = Load(platform, dice)
        await load.start()
        # Each replica alone, then whole services and servers.
        alone = [(name,) for pair in PAIRS for name in pair]
        together = [*PAIRS, ("nats",), ("postgres",)]
        pids = platform.pids()
        for names in (*dice.sample(alone, len(alone)), *dice.sample(together, len(together))):
            stop = partial(_signal, platform, names, signal.SIGSTOP)
            await strike_in_the_midst(load, dice, names[0], stop)
            stopped = [psutil.Process(pids[name]) for name in names]
            await eventually(
                lambda those=stopped: {p.status() for p in those} == {psutil.STATUS_STOPPED},
                what=f"{names} are hit",
            )
            until = now() + timedelta(seconds=dice.uniform(0.5, LONGEST_S))
            await eventually(lambda until=until: now() > until, within=30)
            _signal(platform, names, signal.SIGCONT)
            print(f"hung {names} until {until}")
            await platform.until_ready()
            assert platform.pids() == pids
        await progress(load, dice)
        await load.stop()
        await decide(platform, load.history)


def _signal(platform: Platform, names: tuple[str, ...], number: signal.Signals) -> None:
    for name in names:
        platform.signal(name, number)
