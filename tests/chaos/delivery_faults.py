"""Kills and stops one program of a platform that delivers, at an instant at which it has work.

Whoever delivers is hit while an endpoint has a request of its very own in hand; whoever records,
the broker and the database while events or records of deliveries are on the wire. What was seen to
be dead or stopped is a ``Fault`` that hit.
"""

import asyncio
import random
import signal
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Literal

import psutil
from nats.aio.msg import Msg

from tests.chaos.delivery_checker import Fault
from tests.chaos.endpoints import Endpoint
from tests.support.eventually import eventually
from tests.support.whole_platform import SERVERS, Platform, now
from trigger_contracts.subjects import ALL_DELIVERY, ALL_FIRED

Kind = Literal["kill", "stop"]

TURNS: tuple[tuple[str, Kind], ...] = tuple(
    (role, kind)
    for role in ("executor", "deliver", "nats", "postgres")
    for kind in ("kill", "stop")
)
"""Each program by each fault; of the first two there are two replicas, of which one is hit."""
ON_THE_WIRE = {"executor": ALL_FIRED, "nats": ALL_DELIVERY, "postgres": ALL_DELIVERY}
MOST_MESSAGES = 20
"""The dice say at which one it strikes."""
STRIKES_WITHIN_S = 30.0
STOPPED_S: dict[str, tuple[float, float]] = {
    # A lane passes on within 6 s.
    "deliver": (6.0, 6.8),
    # Messages are another replica's after 0.8 s.
    "executor": (1.5, 2.5),
    "nats": (2.0, 3.0),
    "postgres": (2.0, 3.0),
}


async def strike(
    platform: Platform, dice: random.Random, slow: Endpoint, role: str, kind: Kind
) -> Fault:
    """Hit one of a role, and wait until it goes on again, or others in its place."""
    if role == "deliver":
        name = await _in_mid_attempt(platform, slow)
    else:
        living = platform.pids()
        name = dice.choice(sorted(one for one in living if one.partition("-")[0] == role))
    pid = platform.pids()[name]
    struck = psutil.Process(pid)
    number = signal.SIGKILL if kind == "kill" else signal.SIGSTOP

    def hit() -> None:
        platform.signal(name, number)

    begun_at = now()
    if role == "deliver":
        hit()
    else:
        begun_at = await _amid(platform, ON_THE_WIRE[role], dice.randint(1, MOST_MESSAGES), hit)
    if kind == "kill":
        await eventually(lambda: _is_dead(struck), what=f"{name} is dead")
        if name in SERVERS:
            # While it is away everybody has something in hand.
            await platform.until_ready(without={name: pid})
        return Fault(name, kind, begun_at, now())
    await eventually(lambda: struck.status() == psutil.STATUS_STOPPED, what=f"{name} is stopped")
    until = now() + timedelta(seconds=dice.uniform(*STOPPED_S[role]))
    await eventually(lambda: now() > until, within=30)
    is_stopped = struck.status() == psutil.STATUS_STOPPED
    platform.signal(name, signal.SIGCONT)
    over_at = now()
    await platform.until_ready()
    is_same = platform.pids().get(name) == pid
    return Fault(name, kind, begun_at, over_at, hit=is_stopped and is_same)


async def _in_mid_attempt(platform: Platform, slow: Endpoint) -> str:
    """Which deliverer waits for an answer of the slow endpoint now, and will for a while."""

    def owner() -> str | None:
        waiting = set(slow.in_hand)
        for name, pid in platform.pids().items():
            if name.partition("-")[0] != "deliver" or not waiting:
                continue
            sockets = psutil.Process(pid).net_connections("tcp")
            if waiting & {one.laddr.port for one in sockets if one.laddr}:
                return name
        return None

    found = await eventually(owner, within=STRIKES_WITHIN_S, what="somebody is in mid-attempt")
    assert found is not None
    return found


async def _amid(platform: Platform, subject: str, nth: int, hit: Callable[[], None]) -> datetime:
    """Call ``hit`` when the nth message of a subject is on the wire; returns when that was."""
    async with platform.connected("admin") as tap:
        struck: asyncio.Future[datetime] = asyncio.get_running_loop().create_future()
        left = nth

        async def see(_message: Msg) -> None:
            nonlocal left
            left -= 1
            if left == 0:
                struck.set_result(now())
                hit()

        await tap.subscribe(subject, cb=see)
        return await asyncio.wait_for(struck, STRIKES_WITHIN_S)


def _is_dead(process: psutil.Process) -> bool:
    try:
        return bool(process.status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True
