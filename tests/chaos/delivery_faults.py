"""Kills and stops one program of a platform that delivers, at an instant at which it has work.

Whoever delivers is hit while an endpoint has a request of its very own in hand; all others while
what they make or read is on the wire. The database is lost, too, with all that it had. What was
seen to be dead, stopped or made anew is a ``Fault`` that hit.
"""

import asyncio
import random
import shutil
import signal
from collections.abc import Callable
from datetime import datetime, timedelta

import psutil
from nats.aio.msg import Msg

from tests.chaos.delivery_checker import Fault, FaultKind
from tests.chaos.endpoints import Endpoint
from tests.support.eventually import eventually
from tests.support.whole_platform import SERVERS, Platform, now
from trigger_contracts.subjects import ALL_DELIVERY, ALL_DUE, ALL_FIRED

DATABASE = "postgres"

TURNS: tuple[tuple[str, FaultKind], ...] = (
    *(
        (role, kind)
        for role in ("api", "scheduler", "executor", "deliver", "retention", "nats", DATABASE)
        for kind in ("kill", "stop")
    ),
    (DATABASE, "lose"),
)
"""Each program by each fault; of all but gateway and servers there are two, of which one is hit."""
ON_THE_WIRE = {
    "api": (ALL_FIRED, 20),
    "scheduler": (ALL_DUE, 1),
    "executor": (ALL_FIRED, 20),
    "retention": (ALL_DELIVERY, 20),
    "nats": (ALL_DELIVERY, 20),
    DATABASE: (ALL_DELIVERY, 20),
}
"""Messages that show that there is work, and at which one it strikes at the latest: dice say."""
STRIKES_WITHIN_S = 30.0
STOPPED_S: dict[str, tuple[float, float]] = {
    # A lane passes on within 6 s.
    "deliver": (6.0, 6.8),
    # Messages are another replica's after 0.8 s, rows after 3 s.
    "scheduler": (3.2, 3.6),
}
SHORTLY_S = (1.2, 2.0)
"""All others are stopped for so long: messages are another replica's after 0.8 s."""


def in_pairs(dice: random.Random) -> list[tuple[tuple[str, FaultKind], ...]]:
    """All turns in some order, two at a time: of two programs, of which both are in trouble."""
    while True:
        turns = dice.sample(TURNS, len(TURNS))
        pairs = [tuple(turns[at : at + 2]) for at in range(0, len(turns), 2)]
        if all(len({role for role, _ in pair}) == len(pair) for pair in pairs):
            return pairs


async def strike(
    platform: Platform, dice: random.Random, slow: Endpoint, role: str, kind: FaultKind
) -> Fault:
    """Hit one of a role, and wait until it goes on again, or others in its place."""
    if kind == "lose":
        return await _lose(platform, dice)
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
        begun_at = await _amid(platform, dice, role, hit)
    if kind == "kill":
        await eventually(lambda: _is_dead(struck), what=f"{name} is dead")
        if name in SERVERS:
            # While it is away everybody has something in hand.
            await platform.until_ready(without={name: pid})
        return Fault(name, kind, begun_at, now())
    await eventually(lambda: struck.status() == psutil.STATUS_STOPPED, what=f"{name} is stopped")
    until = now() + timedelta(seconds=dice.uniform(*STOPPED_S.get(role, SHORTLY_S)))
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


async def _amid(
    platform: Platform, dice: random.Random, role: str, hit: Callable[[], None]
) -> datetime:
    """Call ``hit`` while messages of this role's are on the wire; returns when that was."""
    subject, most = ON_THE_WIRE[role]
    left = dice.randint(1, most)
    async with platform.connected("admin") as tap:
        struck: asyncio.Future[datetime] = asyncio.get_running_loop().create_future()

        async def see(_message: Msg) -> None:
            nonlocal left
            left -= 1
            if left == 0:
                struck.set_result(now())
                hit()

        await tap.subscribe(subject, cb=see)
        return await asyncio.wait_for(struck, STRIKES_WITHIN_S)


async def _lose(platform: Platform, dice: random.Random) -> Fault:
    """Delete the database under the running server: ``etp up`` makes all tables anew."""
    files = platform.root / DATABASE
    before = platform.pids()[DATABASE]

    def delete() -> None:
        # At once, whatever the server still writes in it: the rest may take its time.
        files.rename(files.with_name("lost"))

    begun_at = await _amid(platform, dice, DATABASE, delete)
    await platform.until_ready(without={DATABASE: before})
    await asyncio.to_thread(shutil.rmtree, files.with_name("lost"), ignore_errors=True)
    return Fault(DATABASE, "lose", begun_at, now())


def _is_dead(process: psutil.Process) -> bool:
    try:
        return bool(process.status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True
