"""What a scenario says: figures beside their bare counterparts, and what was used."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from .usage import Cost


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured value, and the same of the bare minimum."""

    what: str
    unit: str
    ours: float
    bare: float | None = None
    bare_is: str = ""
    target: str = ""

    @property
    def ratio(self) -> float | None:
        """Ours as a multiple of the bare minimum's."""
        return self.ours / self.bare if self.bare else None


Cell = str | float | Sequence[float] | None
"""A text as it is, a number, or several of them."""


@dataclass(frozen=True, slots=True)
class Table:
    """Where one line a figure would be too many."""

    heads: Sequence[str]
    rows: Sequence[Sequence[Cell]]


@dataclass(frozen=True, slots=True)
class Result:
    """One scenario."""

    title: str
    did: str
    figures: Sequence[Figure]
    costs: Mapping[str, Cost]
    bare_costs: Mapping[str, Cost] = field(default_factory=dict)
    tables: Sequence[Table] = ()
    """Before the figures."""
    notes: Sequence[str] = ()
    details: Mapping[str, str] = field(default_factory=dict)
    """Texts to be unfolded, as they are, each under its title."""
    files: Mapping[str, str] = field(default_factory=dict)
    """Texts too long for that: kept beside the results, under these names."""


@dataclass(frozen=True, slots=True)
class Spread:
    """Median, 99th percentile and maximum."""

    p50: float
    p99: float
    max: float


def quantile(values: Sequence[float], share: float) -> float:
    """By nearest rank."""
    return sorted(values)[round((len(values) - 1) * share)]


def spread(values: Sequence[float]) -> Spread:
    return Spread(quantile(values, 0.50), quantile(values, 0.99), max(values))


def spread_figures(
    what: str,
    unit: str,
    ours: Spread,
    bare: Spread | None,
    bare_is: str = "",
    targets: tuple[str, str] = ("", ""),
) -> list[Figure]:
    return [
        Figure(
            f"{what}, p50", unit, ours.p50, None if bare is None else bare.p50, bare_is, targets[0]
        ),
        Figure(
            f"{what}, p99", unit, ours.p99, None if bare is None else bare.p99, bare_is, targets[1]
        ),
        Figure(f"{what}, max", unit, ours.max, None if bare is None else bare.max, bare_is),
    ]
