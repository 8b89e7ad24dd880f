"""E. What it costs to hold triggers that are not due."""

import time

from bench.sizes import Sizes
from bench.support.creating import create_ahead, every
from bench.support.figures import Figure, Result
from bench.support.idle import idle, memory, percent
from bench.support.servers import platform
from bench.support.usage import OURS

TOMORROW_S = 24 * 3600
CREATING_S = 600


async def held(sizes: Sizes) -> Result:
    """The bare minimum is the same platform, idle and empty."""
    async with platform() as servers:
        empty = await idle(servers.pids, sizes.idle_s)
        at = float(int(time.time())) + TOMORROW_S
        await create_ahead(
            servers,
            [every(number, 3600, at + number % 3600) for number in range(sizes.held)],
            time.time() + CREATING_S,
        )
        full = await idle(servers.pids, sizes.idle_s)
        await servers.check_alive()
    grown = {name: cost.memory_mib - empty[name].memory_mib for name, cost in full.items()}
    return Result(
        title="holding triggers",
        did=f"{sizes.held:,} interval triggers, first due tomorrow; idle for {sizes.idle_s:g} s",
        figures=[
            Figure(
                "memory of our four processes",
                "MiB",
                memory(full, OURS),
                memory(empty, OURS),
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
                percent(full, sizes.idle_s),
                percent(empty, sizes.idle_s),
                "the same, empty",
            ),
        ],
        costs=full,
        bare_costs=empty,
        notes=("The columns of the bare run are the same platform before the creation.",),
    )
