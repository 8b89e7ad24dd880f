"""H. What it costs to deliver: an attempt beside the same request by a bare loop of its client."""

from statistics import median

from bench.delivery.attempting import AT_ONCE, BYTES, Turn, attempt
from bench.delivery.receiving import receive
from bench.sizes import Sizes
from bench.support.figures import Figure, Result
from bench.support.workers import Worker

WITHIN_S = 600
BARE = "aiohttp alone"


async def attempts(sizes: Sizes) -> Result:
    """Each in turn: what the machine does meanwhile meets both."""
    async with (
        Worker("receiver", receive) as receiver,
        Worker("sender", attempt, await receiver.ready(), sizes.attempts, sizes.trials) as sender,
    ):
        await sender.ready()
        told: dict[str, list[Turn]] = await sender.report(within=WITHIN_S)
        cost = sender.cost
    ours, bare = told["ours"], told["bare"]
    return Result(
        title="an attempt to deliver",
        did=f"{sizes.attempts:,} POSTs of {BYTES} bytes, {AT_ONCE} at once on kept connections to "
        f"a receiver on loopback, {sizes.trials} times; medians",
        figures=[
            Figure(
                "CPU of an attempt",
                "µs",
                median(turn.cpu_us for turn in ours),
                median(turn.cpu_us for turn in bare),
                BARE,
                "≤ 600, with all else that a delivery takes",
            ),
            Figure(
                "attempts",
                "/s",
                median(turn.per_second for turn in ours),
                median(turn.per_second for turn in bare),
                BARE,
                "≥ 1,000",
            ),
        ],
        costs={"sender": cost},
        notes=[
            "An attempt also signs, judges addresses, measures its phases and keeps an excerpt.",
        ],
    )
