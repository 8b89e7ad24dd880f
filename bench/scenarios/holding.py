"""E. What it costs to hold triggers that are not due."""

import asyncio
import time
from collections.abc import Mapping

from bench.sizes import Sizes
from bench.support.creating import create_ahead, every
from bench.support.figures import Figure, Result
from bench.support.servers import platform
from bench.support.usage import OURS, Cost, Meter

TOMORROW_S = 24 * 3600
SETTLING_S = 5.0
CREATING_S = 600


async def held(sizes: Sizes) -> Result:
    """The bare minimum is the same platform, idle and empty."""
    async with platform() as servers:
        await asyncio.sleep(SETTLING_S)
        empty = await _idle(servers.pids, sizes.idle_s)
        at = float(int(time.time())) + TOMORROW_S
        await create_ahead(
            servers,
            [every(number, 3600, at + number % 3600) for number in range(sizes.held)],
            time.time() + CREATING_S,
        )
        await asyncio.sleep(SETTLING_S)
        full = await _idle(servers.pids, sizes.idle_s)
        await servers.check_alive()
    grown = {name: cost.memory_mib - empty[name].memory_mib for name, cost in full.items()}
    return Result(
        title="holding triggers",
        did=f"{sizes.held:,} interval triggers, first due tomorrow; idle for {sizes.idle_s:g} s",
        figures=[
            Figure(
                "memory of our four processes",
                "MiB",
                _memory(full, OURS),
                _memory(empty, OURS),
                "the same, empty",
            ),
            Figure(
                "grown by",
                "MiB",
                sum(grown[name] for name in OURS),
                target="≤ 100",
            ),
            *(Figure(f"{name} grown by", "MiB", grown[name]) for name in grown),
            Figure(
                "idle CPU of all processes",
                "% of a core",
                _idle_percent(full, sizes),
                _idle_percent(empty, sizes),
                "the same, empty",
            ),
        ],
        costs=full,
        bare_costs=empty,
        notes=("The columns of the bare run are the same platform before the creation.",),
    )


async def _idle(pids: Mapping[str, int], seconds: float) -> dict[str, Cost]:
    meter = Meter(pids)
    await asyncio.sleep(seconds)
    return meter.read()


def _memory(costs: Mapping[str, Cost], names: frozenset[str]) -> float:
    return sum(cost.memory_mib for name, cost in costs.items() if name in names)


def _idle_percent(costs: Mapping[str, Cost], sizes: Sizes) -> float:
    return sum(cost.cpu_s for cost in costs.values()) / sizes.idle_s * 100
