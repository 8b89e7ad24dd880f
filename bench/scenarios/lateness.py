"""A. How late a due event and its row are, and what a recurring fire costs."""

import random
from collections.abc import Sequence

from bench.sizes import Sizes
from bench.support.creating import every, once
from bench.support.figures import Figure, Result, spread, spread_figures
from bench.support.firing import (
    Fired,
    Plan,
    Window,
    fire_bare_claim,
    fire_bare_heap,
    fire_on_platform,
    micros,
)
from bench.support.usage import total_cpu

CLAIM = "claim + batch + insert"
HEAP = "heap + publish + insert"
NOTES = (
    (
        "Row times are upper bounds: the table is polled every 5 ms, and a row counts as there "
        "when a poll first sees it. The bare minimum notes its own commit."
    ),
    (
        "The acknowledgement is heard on the scheduler's own inbox; 'published' and 'stored' are "
        "the instants that the due event and the broker state."
    ),
    "CPU begins shortly before the first occurrence and ends with the last row.",
)

Targets = tuple[str, str]


async def spread_out(sizes: Sizes) -> Result:
    """One-time triggers at random instants."""
    numbers = random.Random(1)
    offsets = sorted(round(numbers.uniform(0, sizes.spread_over_s), 6) for _ in range(sizes.spread))
    return await _one_time(
        offsets,
        title="one-time triggers, spread",
        did=f"{sizes.spread:,} one-time triggers at random instants over {sizes.spread_over_s:g} s",
        acked=("≤ 1.0", "≤ 1.9"),
    )


async def same_instant(sizes: Sizes) -> Result:
    """One-time triggers that are all due at once."""
    return await _one_time(
        [0.0] * sizes.same_instant,
        title="one-time triggers, all at once",
        did=f"{sizes.same_instant:,} one-time triggers at the same instant",
        acked=("≤ 90", "≤ 145"),
        last_row="≤ 600",
    )


async def recurring(sizes: Sizes) -> Result:
    """Interval triggers, evenly spread, for a few rounds."""
    count, seconds, rounds = (
        sizes.recurring,
        sizes.recurring_every_s,
        sizes.recurring_for_s // sizes.recurring_every_s,
    )
    offsets = [round(number * seconds / count, 6) for number in range(count)]

    def due(begin: float) -> list[tuple[float, str]]:
        return [(begin + offset, f"bench-{n:06}") for n, offset in enumerate(offsets)]

    def planned(begin: float) -> Plan:
        return Plan(
            [every(n, seconds, at) for n, (at, _) in enumerate(due(begin))],
            {
                (trigger_id, micros(at) + round_ * seconds * 1_000_000)
                for at, trigger_id in due(begin)
                for round_ in range(rounds)
            },
            Window(begin, begin + rounds * seconds),
        )

    ours = await fire_on_platform(count, planned)
    total = count * rounds
    claim = await fire_bare_claim(due, seconds, total)
    heap = await fire_bare_heap(due, seconds, total)
    per_1000 = 1000 / total
    return Result(
        title="recurring triggers",
        did=f"{count:,} triggers every {seconds} s ({count / seconds:,.0f}/s) for "
        f"{rounds * seconds} s",
        figures=[
            *_figures(ours, claim, heap, ("≤ 4", "≤ 10"), ("", "≤ 30")),
            Figure(
                "CPU per 1,000 fires, all processes",
                "s",
                total_cpu(ours.costs) * per_1000,
                total_cpu(claim.costs) * per_1000,
                CLAIM,
                "≤ 0.5 to the ack, ≤ 0.8 to the row",
            ),
        ],
        costs=ours.costs,
        bare_costs=claim.costs,
        notes=NOTES,
    )


async def _one_time(
    offsets: Sequence[float], *, title: str, did: str, acked: Targets, last_row: str = ""
) -> Result:
    def due(begin: float) -> list[tuple[float, str]]:
        return [(begin + offset, f"bench-{n:06}") for n, offset in enumerate(offsets)]

    def planned(begin: float) -> Plan:
        return Plan(
            [once(n, at) for n, (at, _) in enumerate(due(begin))],
            {(trigger_id, micros(at)) for at, trigger_id in due(begin)},
            Window(begin),
        )

    ours = await fire_on_platform(len(offsets), planned)
    claim = await fire_bare_claim(due, None, len(offsets))
    heap = await fire_bare_heap(due, None, len(offsets))
    return Result(
        title=title,
        did=did,
        figures=[
            *_figures(ours, claim, heap, acked, ("", "")),
            Figure(
                "last row after the first instant",
                "ms",
                ours.last_row_after_s * 1000,
                claim.last_row_after_s * 1000,
                CLAIM,
                last_row,
            ),
        ],
        costs=ours.costs,
        bare_costs=claim.costs,
        notes=NOTES,
    )


def _figures(ours: Fired, claim: Fired, heap: Fired, acked: Targets, rows: Targets) -> list[Figure]:
    at_ack, at_row = spread(ours.acked), spread(ours.rows)
    return [
        *spread_figures("late when published", "ms", spread(ours.published), None),
        *spread_figures("late when stored by the broker", "ms", spread(ours.stored), None),
        *spread_figures(
            "late at the broker's ack", "ms", at_ack, spread(claim.acked), CLAIM, acked
        ),
        *spread_figures("late at the broker's ack", "ms", at_ack, spread(heap.acked), HEAP),
        *spread_figures("late at the row", "ms", at_row, spread(claim.rows), CLAIM, rows),
        *spread_figures("late at the row", "ms", at_row, spread(heap.rows), HEAP),
    ]
