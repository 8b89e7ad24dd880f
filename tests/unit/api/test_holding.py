"""Memory for bodies: who stands still gives it to who would go on."""

import asyncio
import time

import pytest

from tests.support.eventually import eventually
from trigger_api.entrypoints import holding
from trigger_api.entrypoints.holding import LEAST_BYTES, STILL_S, BodyMemory, BodyShare
from trigger_contracts.errors import Refused

MOST = 10 * LEAST_BYTES


def stands_still(held: BodyShare) -> None:
    held.came_at = time.monotonic() - STILL_S - 1


async def test_whoever_stood_still_for_longest_gives_up_its_memory() -> None:
    memory = BodyMemory(MOST)
    with memory.body() as oldest, memory.body() as still, memory.body() as moving:
        await memory.add(oldest, LEAST_BYTES)
        await memory.add(still, MOST - LEAST_BYTES)
        stands_still(still)
        lost: list[str] = []
        still.on_lost = lambda: lost.append("still")
        await asyncio.wait_for(memory.add(moving, 2 * LEAST_BYTES), 1)
        assert lost == ["still"]
        assert not oldest.is_lost
        assert not moving.is_lost
        with pytest.raises(Refused, match="others needed the memory"):
            await memory.add(still, 1)


async def test_where_nobody_stands_still_one_waits_and_the_oldest_goes_on() -> None:
    memory = BodyMemory(MOST)
    with memory.body() as oldest:
        with memory.body() as second:
            await memory.add(second, MOST)
            await asyncio.wait_for(memory.add(oldest, LEAST_BYTES), 1)
            second.is_complete()
            with memory.body() as third:
                waiting = asyncio.create_task(memory.add(third, LEAST_BYTES))
                await asyncio.sleep(holding.LOOK_S * 2)
                assert not waiting.done()
                third.came_at = None
        await asyncio.wait_for(asyncio.gather(waiting, return_exceptions=True), 1)
    with memory.body() as last:
        await asyncio.wait_for(memory.add(last, MOST), 1)


async def test_a_trickle_stands_still() -> None:
    memory = BodyMemory(MOST)
    with memory.body() as trickle:
        stands_still(trickle)
        await memory.add(trickle, 1)
        assert trickle.came_at is not None
        assert trickle.came_at < time.monotonic() - STILL_S
        await memory.add(trickle, LEAST_BYTES)
        await eventually(lambda: (trickle.came_at or 0) > time.monotonic() - 1)
