"""G. The next occurrence of a cron schedule, beside the libraries that others use for it."""

import asyncio

from bench.next_fire.turns import PEERS, Walked, walked
from bench.next_fire.walks import ZONE
from bench.schedules import environment
from bench.sizes import Sizes
from bench.support.figures import Figure, Result


async def next_fire(sizes: Sizes) -> Result:
    python = await asyncio.to_thread(environment.python_of_peers)
    versions = environment.versions_there(python, PEERS)
    walks = await asyncio.to_thread(walked, sizes.turns, python)
    return Result(
        title="the next occurrence of a cron schedule",
        did=f"Walks from one occurrence to the next in {ZONE}, everybody in turns; "
        f"CPU time, medians of {sizes.turns} turns",
        figures=[figure for one in walks for figure in _figures(one)],
        costs={},
        notes=[
            "From the scheduler's row: each occurrence is asked of the text that stands there.",
            "The peers are parsed once and iterate as their own pages show.",
            *(_wrong(one) for one in walks if any(one.different.values())),
            ", ".join(f"{name} {version}" for name, version in versions.items()) + ".",
        ],
    )


def _figures(one: Walked) -> list[Figure]:
    name, micros = one.walk.name, one.micros
    targets = {"cronsim": f"≤ {one.walk.target_us}, and half of cronsim's"}
    return [
        *(
            Figure(name, "µs", micros["engine"], micros[peer], peer, targets.get(peer, ""))
            for peer in PEERS
        ),
        Figure(f"{name}, from the scheduler's row", "µs", micros["scheduler"]),
    ]


def _wrong(one: Walked) -> str:
    others = ", ".join(f"{name} {count}" for name, count in one.different.items() if count)
    return f"Of {one.walk.occurrences} occurrences ({one.walk.name}) differ from ours: {others}."
