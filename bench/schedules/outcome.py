"""What came of a workload: pure judgement of noted fires, never of who noted them."""

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any

from bench.support.figures import spread
from bench.support.usage import Cost, total_cpu

from .fires import Fire
from .workload import Occurrence

GRAIN_MS = 1.0
"""A fire less than this before its instant is not early: some peers count whole milliseconds."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """``late_ms`` has the first fire of each occurrence that fired."""

    expected: int
    late_ms: list[float]
    twice: int
    """Fires of an occurrence beyond its first."""
    early: int
    strange: int
    """Fires of what was never asked for."""

    @property
    def done(self) -> int:
        return len(self.late_ms)


def judge(
    fires: Iterable[Fire], expected: AbstractSet[Occurrence], until_ms: int | None
) -> Outcome:
    """Occurrences at or after ``until_ms`` are beyond the window and do not count."""
    first: dict[Occurrence, float] = {}
    twice = strange = 0
    for fire in sorted(fires, key=lambda one: one.at_us):
        occurrence = (fire.number, fire.nominal_ms)
        if until_ms is not None and fire.nominal_ms >= until_ms:
            continue
        if occurrence not in expected:
            strange += 1
        elif occurrence in first:
            twice += 1
        else:
            first[occurrence] = fire.at_us / 1000 - fire.nominal_ms
    late = list(first.values())
    early = sum(one < -GRAIN_MS for one in late)
    return Outcome(len(expected), late, twice, early, strange)


def as_json(outcome: Outcome, costs: Mapping[str, Cost], metered: int) -> dict[str, Any]:
    """``metered``: fires in the window in which ``costs`` arose."""
    late = spread(outcome.late_ms) if outcome.late_ms else None
    return {
        "p50": None if late is None else round(late.p50, 3),
        "p99": None if late is None else round(late.p99, 3),
        "max": None if late is None else round(late.max, 3),
        "expected": outcome.expected,
        "done": outcome.done,
        "twice": outcome.twice,
        "early": outcome.early,
        "strange": outcome.strange,
        "cpu_s_per_1000": round(total_cpu(costs) / metered * 1000, 4) if metered else None,
        "costs": {name: round(cost.cpu_s, 3) for name, cost in costs.items()},
        "memory_mib": round(sum(cost.memory_mib for cost in costs.values()), 1),
    }
