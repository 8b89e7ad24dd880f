"""H. What it costs to deliver, and how fast: beside bare loops of the same clients."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from statistics import median
from typing import Any

from bench.delivery.attempting import AT_ONCE, BYTES, Turn, attempt, publish
from bench.delivery.crowding import HEALTHY_TARGETS, beside_a_crowd
from bench.delivery.draining import DELIVERER, TARGETS, WARM_UP, Drained, backlog_of
from bench.delivery.preparing import ALLOWED
from bench.delivery.receiving import listen, note, receive
from bench.delivery.recording import (
    DELIVERED,
    EVERY_S,
    NOWHERE,
    STILL,
    Trial,
    in_turns,
)
from bench.delivery.returning import ANSWERS_AFTER_S, CONCURRENCY, PER_SECOND, returned
from bench.sizes import Sizes
from bench.support.figures import Figure, Result, spread_figures
from bench.support.servers import platform
from bench.support.workers import Worker

WITHIN_S = 600
BARE = "aiohttp alone"
BARE_NATS = "publish + flush alone"
BROKER_SUBJECT = "out.bench"
MOST_AT_ONCE = 100
"""Attempts at one target: the most that it may have."""


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


async def sustained(sizes: Sizes) -> Result:
    """What waited is delivered, by webhooks and by NATS; and one target's deliveries again."""
    async with platform(ALLOWED) as servers:
        async with Worker("receiver", note) as receiver:
            port = await receiver.ready()
            backlog = await backlog_of(servers, receiver, partial(_hook, port))
            webhooks = await backlog.drain(sizes.delivered)
            again = await backlog.again(0)
        subjects = f"{BROKER_SUBJECT}.>"
        async with Worker("listener", listen, servers, subjects) as listener:
            await listener.ready()
            backlog = await backlog_of(servers, listener, _subject)
            nats = await backlog.drain(sizes.delivered)
        await servers.check_alive()
        subject = f"{BROKER_SUBJECT}.alone"
        async with Worker("publisher", publish, servers, subject, sizes.attempts, 1) as publisher:
            await publisher.ready()
            published: list[Turn] = await publisher.report(within=WITHIN_S)
    async with (
        Worker("receiver", receive) as plain,
        Worker("sender", attempt, await plain.ready(), sizes.attempts, 1) as sender,
    ):
        await sender.ready()
        told: dict[str, list[Turn]] = await sender.report(within=WITHIN_S)
    count, again_count = sizes.delivered * TARGETS, sizes.delivered + WARM_UP
    return Result(
        title="deliveries by one deliverer",
        did=f"{count:,} events wait for {TARGETS} targets, which are then delivered to: webhooks, "
        f"and the same again by NATS; {again_count:,} of the first, all of one target, redelivered "
        "by one request",
        figures=[
            *_drained("webhooks", webhooks, told["bare"], BARE),
            *_drained("NATS", nats, published, BARE_NATS),
            Figure(
                f"{again_count:,} redelivered, from the request to the last",
                "s",
                again.whole_s,
                target="≤ 30",
            ),
            Figure("CPU of the deliverer, a redelivery", "µs", again.cpu_us),
        ],
        costs=webhooks.costs,
        notes=[
            (
                "What waits was fired, and is in the log, while the deliverer stood still: a "
                "delivery is its projection, its reading and fetching, the attempt and its record. "
                "The log projects these records meanwhile, on the cores of receiver and servers."
            ),
            "Each event reached each target once. CPU and memory are those of the webhooks.",
        ],
    )


async def latency(sizes: Sizes) -> Result:
    """From the row's ack to the first byte, alone and beside endpoints that hang."""
    found = await beside_a_crowd(sizes)
    return Result(
        title="from the fired event to the receiver",
        did=f"{sizes.healthy}/s to {HEALTHY_TARGETS} endpoints that answer at once, for "
        f"{sizes.healthy_s:g} s: alone, and while {sizes.hanging:,} endpoints hang (time-out "
        f"{sizes.hang_s:g} s), for which {found.waiting:,} deliveries wait",
        figures=[
            *spread_figures(
                "row's ack to first byte, alone", "ms", found.alone, None, "", ("≤ 15", "≤ 60")
            ),
            *spread_figures(
                "the same, all that hangs known to hang",
                "ms",
                found.known,
                found.alone,
                "alone",
                ("", "≤ twice alone"),
            ),
            *spread_figures(
                "the same, from all of it fired until each breaker opened",
                "ms",
                found.met,
                found.alone,
                "alone",
            ),
            Figure("from all of it fired until each breaker opened", "s", found.met_s),
            Figure(
                "memory of the deliverer, beside the crowd",
                "MiB",
                found.costs[DELIVERER].memory_mib,
                target="≤ 200",
            ),
            Figure(
                "CPU of the deliverer while nothing fires and the crowd waits",
                "% of a core",
                found.idle_percent,
                target="≤ 3",
            ),
        ],
        costs=found.costs,
        notes=[
            (
                "The acknowledgement is heard on the executor's own inbox, the first byte at the "
                "receiver. CPU is that of the window beside the crowd."
            ),
            (
                "Endpoints that are all met at once hold every place until the first time-out: the "
                "last window but one says what that costs, once."
            ),
        ],
    )


async def return_(sizes: Sizes) -> Result:
    """Endpoints that come back to what has waited for them."""
    found = await returned(sizes)
    concurrency, rate = found.endpoints["/concurrency"], found.endpoints["/rate"]
    return Result(
        title="an endpoint returns",
        did=f"{concurrency.count + rate.count:,} deliveries wait for two endpoints that answered "
        f"503 for {sizes.away_s:g} s since then, and answer within "
        f"{ANSWERS_AFTER_S * 1000:g} ms from then on",
        figures=[
            Figure(
                "found after",
                "s",
                max(concurrency.found_after_s, rate.found_after_s),
                found.latest_s,
                "its breaker, at the return",
                "≤ 360",
            ),
            Figure(
                f"attempts at once, at most {CONCURRENCY} allowed",
                "",
                concurrency.most_at_once,
                target=f"≤ {CONCURRENCY}",
            ),
            Figure("deliveries to it", "/s", concurrency.per_second),
            Figure(
                f"attempts within a second, at most {PER_SECOND:,} allowed",
                "",
                rate.most_in_a_second,
                target=f"≤ {PER_SECOND:,}",
            ),
            Figure("deliveries to it", "/s", rate.per_second),
            Figure("requests while they were away", "", found.refused),
        ],
        costs=found.costs,
        notes=[
            (
                "Each event reached its endpoint once. Limits are judged by the receiver, over "
                "every span of a second."
            ),
            "CPU begins with the first request that was answered and ends with the last.",
        ],
    )


async def recording(sizes: Sizes) -> Result:
    """Rows of what is due, with and without targets."""
    trials = await in_turns(sizes)
    return Result(
        title="rows with and without targets",
        did=f"{sizes.at_once:,} one-time triggers due at the same instant, and "
        f"{sizes.recurring:,} every {EVERY_S} s, for as long; turns of each variant: "
        f"{sizes.pairs}, medians",
        figures=list(_recorded(trials)),
        costs=trials[DELIVERED][-1].costs,
        bare_costs=trials[NOWHERE][-1].costs,
        notes=[
            (
                "The roles run apart. What is delivered competes for the same cores, as does the "
                "receiver; what is left out where nothing is delivered is that, and no more."
            ),
            "CPU is that of what is due at one instant, from shortly before to the last row.",
        ],
    )


def _recorded(trials: Mapping[str, Sequence[Trial]]) -> Iterator[Figure]:
    kinds: tuple[tuple[str, str, Callable[[Trial], float], str], ...] = (
        ("rows a second, at the broker", "/s", lambda one: one.recorded_per_second, "≥ 0.95"),
        ("rows a second, in PostgreSQL", "/s", lambda one: one.logged_per_second, "≥ 0.95"),
        ("late at the broker, p50", "ms", lambda one: one.recorded_ms[0], "≤ 1.05"),
        ("late at the broker, p99", "ms", lambda one: one.recorded_ms[1], "≤ 1.05"),
        ("late at the row, p50", "ms", lambda one: one.logged_ms[0], "≤ 1.05"),
        ("late at the row, p99", "ms", lambda one: one.logged_ms[1], "≤ 1.05"),
        ("CPU of the record role, a row", "µs", lambda one: one.executor_us, ""),
    )
    for variant in (DELIVERED, STILL):
        for what, unit, of, ratio in kinds:
            ours, bare = (median(map(of, trials[name])) for name in (variant, NOWHERE))
            target = ratio and f"{ratio} of {NOWHERE}"
            yield Figure(f"{variant}: {what}", unit, ours, bare, NOWHERE, target)


def _hook(port: int, number: int) -> dict[str, Any]:
    url = f"http://127.0.0.1:{port}/target/{number}"
    return _target(number, type="webhook", url=url)


def _subject(number: int) -> dict[str, Any]:
    return _target(number, type="nats", subject=f"{BROKER_SUBJECT}.{number}")


def _target(number: int, **fields: Any) -> dict[str, Any]:
    return {"name": f"bench {number}", "concurrency": MOST_AT_ONCE, **fields}


def _drained(kind: str, ours: Drained, bare: Sequence[Turn], bare_is: str) -> Iterator[Figure]:
    yield Figure(
        f"{kind}: deliveries",
        "/s",
        ours.per_second,
        median(turn.per_second for turn in bare),
        bare_is,
        "≥ 1,000",
    )
    yield Figure(
        f"{kind}: CPU of the deliverer, each",
        "µs",
        ours.cpu_us,
        median(turn.cpu_us for turn in bare),
        bare_is,
        "≤ 600",
    )
    yield Figure(f"{kind}: memory of the deliverer", "MiB", ours.costs[DELIVERER].memory_mib)
