"""Two, then five schedulers and executors share the load while they join, die, hang and resume.

Dice say in which order. The checker decides as after kills: nothing lost, nothing twice, nothing
old. Besides, what a dead replica had in hand is done by the others within a second, and every
replica that lives in the end has had its share.
"""

import asyncio
import random
import signal
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from itertools import count

from tests.chaos.load import Load
from tests.chaos.takeover import Kill, assert_taken_over, had_full_hands, kill
from tests.chaos.verdict import decide, progress, strike_in_the_midst, throw
from tests.support.eventually import eventually
from tests.support.replicas import Replicas
from tests.support.whole_platform import Platform, now, running
from trigger_contracts.subjects import Service

AT_FIRST = ("--scheduler-replicas", "2", "--executor-replicas", "2")
IN_THE_END = 5
SHARING = (Service.SCHEDULER, Service.EXECUTOR)
WORK = {
    Service.SCHEDULER: "etp_due_published_total",
    Service.EXECUTOR: "etp_executor_rows_total",
}
"""What a replica counts of its share."""
HANGS = 2
MOST_KILLS = 3
"""Until an executor dies with its hands full: one in thirty has nothing in them."""
HUNG_S = (3.5, 5.0)
"""Longer than a replica may hold rows (3 s) or messages (0.8 s)."""


async def test_replicas_share_the_load_and_take_over_from_each_other() -> None:
    dice = throw()
    async with running(*AT_FIRST) as platform:
        replicas, load = Replicas(platform), Load(platform, dice)
        try:
            await load.start()
            kills = await _live_through(dice, load, platform, replicas)
            for service in SHARING:
                await _until_each_has_worked(load, replicas, service)
            await load.stop()
            await decide(platform, load.history)
        finally:
            await replicas.stop()
        await assert_taken_over(platform, kills)


async def _live_through(
    dice: random.Random, load: Load, platform: Platform, replicas: Replicas
) -> list[Kill]:
    """Joins, kills and hangs in any order; ends when five of each are ready."""
    numbers = {service: count(3) for service in SHARING}
    joining: list[asyncio.Task[None]] = []
    kills: list[Kill] = []

    async def join(service: Service) -> None:
        name = f"{service}-{next(numbers[service])}"
        print(f"{name} joins")
        joining.append(asyncio.create_task(replicas.join(service, name)))

    async def die(service: Service, *, full_hands: bool) -> None:
        # Somebody must be there to take over: what dies alone is for another test.
        for _ in range(MOST_KILLS):
            await replicas.until_ready(service, at_least=2)
            kills.append(await kill(dice, load, platform, replicas, service, full_hands=full_hands))
            if replicas.has_joined(kills[-1].name):
                await join(service)
            # What a scheduler held may be published before it is frozen, on a slow machine.
            if not full_hands or service is not Service.EXECUTOR:
                return
            if await had_full_hands(platform, kills[-1]):
                return
        raise AssertionError(f"{kills[-1]} and others prove nothing: their hands were empty")

    acts: list[Callable[[], object]] = [partial(_hang, dice, load, replicas)] * HANGS
    for service in SHARING:
        acts += [partial(join, service)] * (IN_THE_END - 2)
        acts += [partial(die, service, full_hands=full) for full in (True, False)]
    for act in dice.sample(acts, len(acts)):
        await act()
    await asyncio.gather(*joining)
    for service in SHARING:
        await replicas.until_ready(service, at_least=IN_THE_END)
    return kills


async def _hang(dice: random.Random, load: Load, replicas: Replicas) -> None:
    """SIGSTOP one of each service amid a batch, for longer than its leases; then SIGCONT."""
    names = [dice.choice(replicas.of(service)) for service in SHARING]
    pids = replicas.pids()

    def send(number: signal.Signals) -> None:
        for name in names:
            replicas.signal(name, number)

    await strike_in_the_midst(load, dice, dice.choice(names), partial(send, signal.SIGSTOP))
    until = now() + timedelta(seconds=dice.uniform(*HUNG_S))
    await eventually(lambda: now() > until, within=30)
    send(signal.SIGCONT)
    print(f"hung {names} until {until}")
    await progress(load, dice)
    for name in names:
        assert replicas.pids()[name] == pids[name]


async def _until_each_has_worked(load: Load, replicas: Replicas, service: Service) -> None:
    async def shares() -> dict[str, float]:
        return {n: await replicas.counted(n, WORK[service]) for n in replicas.of(service)}

    async def all_work() -> bool:
        return min((await shares()).values()) > 0

    await eventually(all_work, within=30, poll=0.2, what=f"every {service} has its share")
    print(f"shares: {await shares()}")
