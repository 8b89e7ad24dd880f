"""A loop survives its passes, can be woken, and stops after the pass in hand."""

import asyncio
from datetime import timedelta

from tests.support.eventually import eventually
from trigger_runtime.process.errors import BrokerUnavailable
from trigger_runtime.process.loops import HeldBack, Loop
from trigger_runtime.process.metrics import LOOP_FAILURES


async def test_a_wake_starts_the_next_pass() -> None:
    passes = 0

    async def one_pass() -> None:
        nonlocal passes
        passes += 1

    loop = Loop("wake", one_pass)
    loop.start()
    for expected in (1, 2, 3):
        await eventually(lambda n=expected: passes == n, poll=0)
        loop.wake()
    await loop.stop()


async def test_a_wake_during_a_pass_is_not_lost() -> None:
    passes = 0
    loop: Loop

    async def one_pass() -> timedelta:
        nonlocal passes
        passes += 1
        if passes == 1:
            loop.wake()
        return timedelta(hours=1)

    loop = Loop("wake within", one_pass)
    loop.start()
    assert await eventually(lambda: passes == 2)
    await loop.stop()


async def test_failed_passes_are_counted_and_repeated() -> None:
    passes = 0

    async def one_pass() -> None:
        nonlocal passes
        passes += 1
        if passes == 1:
            raise BrokerUnavailable("away")
        if passes == 2:
            raise ValueError("a bug")

    failed = LOOP_FAILURES.labels("failing")
    before = failed._value.get()
    loop = Loop("failing", one_pass)
    loop.start()
    await eventually(lambda: passes == 3)
    await loop.stop()
    assert failed._value.get() - before == 2


async def test_stop_lets_the_pass_in_hand_finish() -> None:
    entered, release, finished = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def one_pass() -> None:
        entered.set()
        await release.wait()
        finished.set()

    loop = Loop("stopping", one_pass)
    loop.start()
    await entered.wait()
    stopping = asyncio.create_task(loop.stop())
    await asyncio.sleep(0)
    assert not stopping.done()
    release.set()
    await stopping
    assert finished.is_set()


async def test_parts_begin_once_what_they_need_is_there() -> None:
    there, begun = asyncio.Event(), asyncio.Event()

    async def one_pass() -> None:
        begun.set()

    held = HeldBack("held", (there.wait,), (Loop("of held", one_pass),))
    held.start()
    await asyncio.sleep(0)
    assert not begun.is_set()

    there.set()
    await asyncio.wait_for(begun.wait(), 5)
    await held.stop()


async def test_parts_that_never_began_stop_at_once() -> None:
    begun: list[int] = []

    async def one_pass() -> None:
        begun.append(1)

    held = HeldBack("never", (asyncio.Event().wait,), (Loop("of never", one_pass),))
    held.start()
    await asyncio.sleep(0)
    async with asyncio.timeout(1):
        await held.stop()
    assert begun == []
