"""What a platform costs while nothing is due."""

import asyncio
from collections.abc import Mapping

from .usage import Cost, Meter

SETTLING_S = 5.0
"""After work, until what follows from it is over."""


async def idle(pids: Mapping[str, int], seconds: float) -> dict[str, Cost]:
    await asyncio.sleep(SETTLING_S)
    meter = Meter(pids)
    await asyncio.sleep(seconds)
    return meter.read()


def memory(costs: Mapping[str, Cost], names: frozenset[str]) -> float:
    return sum(cost.memory_mib for name, cost in costs.items() if name in names)


def percent(costs: Mapping[str, Cost], seconds: float) -> float:
    """Of one core, over a window of so many seconds."""
    return sum(cost.cpu_s for cost in costs.values()) / seconds * 100
