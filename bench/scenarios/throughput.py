"""B. Fires a second, from due row to row of the log."""

import asyncio

from bench.bare import firing as bare_firing
from bench.sizes import Sizes
from bench.support.checks import expect_equal
from bench.support.creating import once
from bench.support.figures import Figure, Result, spread, spread_figures
from bench.support.firing import ROWS_TIMEOUT_S, Plan, Window, fire_on_platform, micros
from bench.support.servers import bare_servers
from bench.support.usage import Cost, Meter, total_cpu
from bench.support.workers import Worker


async def at_once(sizes: Sizes) -> Result:
    """Everything due at one instant; the platform ends with the last row."""
    count = sizes.at_once
    ours = await fire_on_platform(
        count,
        lambda begin: Plan(
            [once(number, begin) for number in range(count)],
            {(f"bench-{number:06}", micros(begin)) for number in range(count)},
            Window(begin),
        ),
    )
    bare_s, bare_costs = await _bare(count)
    return Result(
        title="fires a second",
        did=f"{count:,} one-time triggers due at the same instant, until the last is in the log",
        figures=[
            Figure(
                "fires a second, due row to log row",
                "/s",
                count / ours.last_row_after_s,
                count / bare_s,
                "publish + insert, nothing due",
                "≥ 8,000",
            ),
            Figure("from the instant to the last row", "s", ours.last_row_after_s, bare_s),
            *spread_figures("late at the broker's ack", "ms", spread(ours.acked), None),
            Figure(
                "CPU per 1,000 fires, all processes",
                "s",
                total_cpu(ours.costs) * 1000 / count,
                total_cpu(bare_costs) * 1000 / count,
            ),
        ],
        costs=ours.costs,
        bare_costs=bare_costs,
    )


async def _bare(count: int) -> tuple[float, dict[str, Cost]]:
    async with (
        bare_servers() as servers,
        Worker("inserter", bare_firing.insert, servers, count) as inserting,
        Worker("publisher", bare_firing.publish, servers, count) as publishing,
    ):
        await inserting.ready()
        meter = Meter(servers.pids)
        await publishing.ready()
        began, inserted = await asyncio.gather(
            publishing.report(within=ROWS_TIMEOUT_S), inserting.report(within=ROWS_TIMEOUT_S)
        )
        costs = {"publisher": publishing.cost, "inserter": inserting.cost, **meter.read()}
    expect_equal(len(inserted), count, "bare rows")
    return max(committed_at for _, committed_at in inserted) - began, costs
