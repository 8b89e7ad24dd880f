"""A count of dead letters that nobody waits for any more."""

import asyncio
import contextlib
import gc
from datetime import timedelta
from typing import Any

from trigger_api.adapters.letter_count import StreamLetterCount
from trigger_runtime.process.clock import SystemClock


class GoneBroker:
    """Fails when it is told to."""

    def __init__(self) -> None:
        self.fails = asyncio.Event()

    async def state(self) -> Any:
        await self.fails.wait()
        raise TimeoutError


async def test_one_that_fails_after_all_have_gone_complains_to_nobody() -> None:
    complaints: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, told: complaints.append(told))
    broker = GoneBroker()
    count = StreamLetterCount(broker, SystemClock(), kept_for=timedelta(hours=48))  # type: ignore[arg-type]
    waiting = asyncio.create_task(count.number())
    await asyncio.sleep(0)
    waiting.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await waiting
    [counting] = [one for one in asyncio.all_tasks() if one.get_name() == "count dead letters"]
    broker.fails.set()
    await asyncio.wait([counting])
    del count, counting, waiting
    gc.collect()
    assert complaints == []
