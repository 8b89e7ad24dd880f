"""The age of the oldest command is a number while it is looked at, and none where a look failed."""

import asyncio
import math
from datetime import timedelta

import pytest

from trigger_runtime.process.errors import BrokerUnavailable
from trigger_scheduler.adapters.waiting import WaitingCommands


class Queue:
    """A broker that answers when it is told to."""

    def __init__(self) -> None:
        self.age: timedelta | None = None
        self.answers = asyncio.Event()
        self.answers.set()
        self.asked = asyncio.Event()
        self.away = False

    async def oldest(self) -> timedelta | None:
        self.asked.set()
        await self.answers.wait()
        if self.away:
            raise BrokerUnavailable("away")
        return self.age


async def test_what_was_found_last_is_told_during_a_look() -> None:
    queue = Queue()
    waiting = WaitingCommands(queue.oldest, lambda: 0.0, limit=timedelta(seconds=60))
    assert math.isnan(waiting.measured_s()), "nobody has looked"
    await waiting._look()
    assert waiting.measured_s() == 0
    queue.answers.clear()
    queue.asked.clear()
    looking = asyncio.create_task(waiting._look())
    await queue.asked.wait()
    assert waiting.measured_s() == 0
    queue.age = timedelta(seconds=7)
    queue.answers.set()
    await looking
    assert waiting.measured_s() == 7


@pytest.mark.parametrize("how", ["refused", "given up"])
async def test_nothing_is_told_after_a_look_that_failed(how: str) -> None:
    queue = Queue()
    waiting = WaitingCommands(queue.oldest, lambda: 0.0, limit=timedelta(seconds=60))
    await waiting._look()
    if how == "refused":
        queue.away = True
        with pytest.raises(BrokerUnavailable):
            await waiting._look()
    else:
        queue.answers.clear()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0):
                await waiting._look()
    assert math.isnan(waiting.measured_s())
