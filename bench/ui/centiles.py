"""Figures of what a person notices: the middle, the 95th percentile, the worst. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from bench.support.figures import quantile

LONG_MS = 50
"""From there on a frame is seen to hang."""


@dataclass(frozen=True, slots=True)
class Centiles:
    p50: float
    p95: float
    max: float


def centiles(values: Sequence[float]) -> Centiles:
    return Centiles(quantile(values, 0.50), quantile(values, 0.95), max(values))


@dataclass(frozen=True, slots=True)
class Frames:
    per_second: float
    p95: float
    longest: float
    long: int
    """How many took more than ``LONG_MS``."""
    count: int


def frames_of(deltas: Sequence[float]) -> Frames:
    """From the milliseconds between each frame and the next."""
    return Frames(
        per_second=len(deltas) / sum(deltas) * 1000,
        p95=quantile(deltas, 0.95),
        longest=max(deltas),
        long=sum(delta > LONG_MS for delta in deltas),
        count=len(deltas),
    )
