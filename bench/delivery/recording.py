"""Whether rows are recorded as fast, and as soon, where their events are delivered somewhere."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from statistics import median

from bench.sizes import Sizes
from bench.support.creating import every, once
from bench.support.figures import quantile
from bench.support.firing import Fired, Plan, Window, fire_on_platform, micros
from bench.support.servers import Platform
from bench.support.usage import Cost
from bench.support.workers import Worker

from .draining import DELIVERER
from .preparing import ALLOWED, asking, create_targets
from .receiving import receive

NOWHERE = "without targets"
DELIVERED = "with one target"
STILL = "with one target, nothing delivered"
"""The deliverer stands still: what its own work takes of the cores is left out."""
VARIANTS = (NOWHERE, DELIVERED, STILL)
TARGETS = 4
EVERY_S = 10


@dataclass(frozen=True, slots=True)
class Trial:
    """One variant, once."""

    recorded_per_second: float
    """Rows of what is due at one instant, to the last that the broker has stored."""
    logged_per_second: float
    """The same, to the last in PostgreSQL."""
    recorded_ms: tuple[float, float]
    """How late recurring rows are stored by the broker, p50 and p99."""
    logged_ms: tuple[float, float]
    """The same in PostgreSQL."""
    executor_us: float
    """CPU of the record role for each of what is due at one instant."""
    costs: Mapping[str, Cost]


async def in_turns(sizes: Sizes) -> dict[str, list[Trial]]:
    """Each variant, and all of them again, each time another one first."""
    found: dict[str, list[Trial]] = {name: [] for name in VARIANTS}
    async with Worker("receiver", receive) as receiver:
        port = await receiver.ready()
        for number in range(sizes.pairs):
            begin = number % len(VARIANTS)
            for name in VARIANTS[begin:] + VARIANTS[:begin]:
                found[name].append(await _trial(name, port, sizes))
    return found


async def _trial(name: str, port: int, sizes: Sizes) -> Trial:
    prepare = None if name == NOWHERE else partial(_targets, port)
    still = (DELIVERER,) if name == STILL else ()
    burst = await _fire(sizes.at_once, None, prepare, still)
    steady = await _fire(sizes.recurring, EVERY_S, prepare, still)
    count = sizes.at_once
    return Trial(
        recorded_per_second=count / max(burst.recorded) * 1000,
        logged_per_second=count / burst.last_row_after_s,
        recorded_ms=(median(steady.recorded), quantile(steady.recorded, 0.99)),
        logged_ms=(median(steady.rows), quantile(steady.rows, 0.99)),
        executor_us=burst.costs["executor"].cpu_s / count * 1e6,
        costs=burst.costs,
    )


async def _fire(
    count: int,
    for_s: int | None,
    targets: Callable[[Platform], Awaitable[Sequence[str]]] | None,
    still: Sequence[str],
) -> Fired:
    """At one instant, or each every ``EVERY_S`` for so long."""
    rounds = 1 if for_s is None else max(1, for_s // EVERY_S)

    def planned(begin: float) -> Plan:
        due = [begin if for_s is None else begin + n * EVERY_S / count for n in range(count)]
        due = [round(at, 6) for at in due]
        definitions = [
            once(n, at) if for_s is None else every(n, EVERY_S, at) for n, at in enumerate(due)
        ]
        expected = {
            (f"bench-{n:06}", micros(at) + round_ * EVERY_S * 1_000_000)
            for n, at in enumerate(due)
            for round_ in range(rounds)
        }
        end = None if for_s is None else begin + rounds * EVERY_S
        return Plan(definitions, expected, Window(begin, end))

    return await fire_on_platform(count, planned, ALLOWED, targets=targets, still=still)


async def _targets(port: int, servers: Platform) -> Sequence[str]:
    async with asking(servers) as client:
        return await create_targets(
            client,
            [
                {
                    "name": f"bench {number}",
                    "type": "webhook",
                    "url": f"http://127.0.0.1:{port}/target/{number}",
                    "concurrency": 100,
                }
                for number in range(TARGETS)
            ],
        )
