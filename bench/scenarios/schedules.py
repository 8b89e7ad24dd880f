"""E. The platform beside its peers: lateness, cost, creation, and what survives."""

from bench.schedules.comparison import Comparison, side_by_side
from bench.sizes import Sizes


async def schedules(sizes: Sizes) -> Comparison:
    return await side_by_side(sizes)
