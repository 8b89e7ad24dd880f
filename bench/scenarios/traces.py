"""What traces cost a fire: off, on without samples, 1 % and 10 % sampled, each in its turn.

1 % is less than what two runs of the same differ by. So it is also said from its parts: what is
asked of each event, measured alone, and a tenth of what 10 % add to 0 %.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from bench.sizes import Sizes
from bench.support.checks import expect
from bench.support.collector import collect
from bench.support.creating import once
from bench.support.figures import Cell, Figure, Result, Table, quantile
from bench.support.firing import Fired, Plan, Window, fire_on_platform, micros
from bench.support.http_load import send
from bench.support.servers import platform
from bench.support.usage import OURS, Cost, Meter
from bench.support.workers import Worker
from bench.traces.asking import asked_us
from trigger_local import ports

from .gateway import check, create, load_of, warm_up

OFF, NOTHING, ONE_PERCENT, TEN_PERCENT = "off", "on, 0 %", "on, 1 %", "on, 10 %"
RATIOS = {NOTHING: "0", ONE_PERCENT: "0.01", TEN_PERCENT: "0.1"}
WITHIN_S = 10


@dataclass(frozen=True, slots=True)
class Trial:
    """One variant, once."""

    per_second: float
    """Fires by REST."""
    p99_ms: float
    rest_us: float
    """CPU of our services for a fire by REST, from the request to the row."""
    due_us: float
    """The same for a due one."""
    late_ms: float
    """Of those due at one instant, p99 at the broker's ack."""
    costs: Mapping[str, Cost]


async def side_by_side(sizes: Sizes) -> Result:
    """Each variant in turn, and all of them again: what the machine does meanwhile meets all."""
    port = ports.choose_free(set())
    trials: dict[str, list[Trial]] = {name: [] for name in (OFF, *RATIOS)}
    async with Worker("collector", collect, port) as collector:
        await collector.ready()
        for number in range(sizes.trials):
            names = list(trials)
            begin = number % len(names)
            for name in names[begin:] + names[:begin]:
                trials[name].append(await _trial(name, port, sizes))
        collector.tell("enough")
        requests = await collector.report(within=WITHIN_S)
    expect(requests > 0, "no trace reached the collector")
    return _result(trials, requests, sizes)


async def _trial(name: str, port: int, sizes: Sizes) -> Trial:
    environment = {}
    if name in RATIOS:
        environment = {
            "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://{ports.LOOPBACK}:{port}",
            "ETP_TRACE_RATIO": RATIOS[name],
        }
    async with platform(environment) as servers:
        trigger_id = await create(servers)
        load = load_of(servers, trigger_id, sizes)
        warm, _ = await send(warm_up(load))
        await check(servers, trigger_id, [warm])
        meter = Meter(servers.pids)
        answers, _ = await send(load)
        await check(servers, trigger_id, [warm, answers])
        costs = meter.read()
        await servers.check_alive()
    due = await _due(sizes.same_instant, environment)
    return Trial(
        answers.per_second,
        quantile(answers.latencies_s, 0.99) * 1000,
        _cpu_us(costs, len(answers.latencies_s)),
        _cpu_us(due.costs, sizes.same_instant),
        quantile(due.acked, 0.99),
        costs,
    )


async def _due(count: int, environment: Mapping[str, str]) -> Fired:
    return await fire_on_platform(
        count,
        lambda begin: Plan(
            [once(number, begin) for number in range(count)],
            {(f"bench-{number:06}", micros(begin)) for number in range(count)},
            Window(begin),
        ),
        environment,
    )


def _from_parts(trials: Mapping[str, Sequence[Trial]]) -> Iterator[Figure]:
    kinds: tuple[tuple[str, Callable[[Trial], float]], ...] = (
        ("by REST", lambda one: one.rest_us),
        ("of a due fire", lambda one: one.due_us),
    )
    for (kind, of), asked in zip(kinds, asked_us(), strict=True):
        off, nothing, ten = (
            median(of(one) for one in trials[name]) for name in (OFF, NOTHING, TEN_PERCENT)
        )
        one_percent = (ten - nothing) / 10
        yield Figure(f"CPU {kind}, asked of each event", "µs", asked, off, OFF)
        yield Figure(f"CPU {kind}, of 1 % made and sent", "µs", one_percent, off, OFF)
        both = off + asked + one_percent
        yield Figure(f"CPU {kind}, 1 % from its parts", "µs", both, off, OFF, "ratio ≤ 1.02")


def _cpu_us(costs: Mapping[str, Cost], fires: int) -> float:
    return sum(cost.cpu_s for name, cost in costs.items() if name in OURS) * 1e6 / fires


def _result(trials: Mapping[str, Sequence[Trial]], requests: int, sizes: Sizes) -> Result:
    measured: dict[str, tuple[str, Callable[[Trial], float]]] = {
        "fires a second by REST": ("/s", lambda one: one.per_second),
        "latency by REST, p99": ("ms", lambda one: one.p99_ms),
        "CPU of our services a fire by REST": ("µs", lambda one: one.rest_us),
        "CPU of our services a due fire": ("µs", lambda one: one.due_us),
        "late at the broker's ack, p99": ("ms", lambda one: one.late_ms),
    }
    figures = []
    rows: list[tuple[Cell, ...]] = []
    for what, (unit, of) in measured.items():
        values = {name: [of(one) for one in ones] for name, ones in trials.items()}
        rows += [(f"{what}, {unit}, {name}", sorted(found)) for name, found in values.items()]
        figures += [
            Figure(f"{what}, {name}", unit, median(values[name]), median(values[OFF]), OFF)
            for name in RATIOS
        ]
    figures += _from_parts(trials)
    return Result(
        title="what traces cost",
        did=f"{sizes.connections} connections fire for {sizes.load_s:g} s, then "
        f"{sizes.same_instant:,} triggers are due at one instant, {sizes.trials} times each with "
        "traces off, on and nothing sampled, and 1 % and 10 % sampled and sent",
        figures=figures,
        costs=trials[ONE_PERCENT][-1].costs,
        bare_costs=trials[OFF][-1].costs,
        tables=[Table(("measured", "each trial, sorted"), rows)],
        notes=(
            "The figures are medians; how far trials of one variant lie apart is the noise.",
            f"The collector is a process of the bench's own, and took {requests} requests.",
        ),
    )
