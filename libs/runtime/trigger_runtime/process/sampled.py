"""A gauge of what somebody looks at now and then. What was not seen lately is not told.

A plain gauge keeps the last good value while the dependency that it tells of is away, or while
whoever looks hangs: an alert on it would never rise. This one has no sample then, which
Prometheus knows from zero.
"""

import time
from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta

from prometheus_client import REGISTRY, CollectorRegistry
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector


class SampledGauge(Collector):
    """One value for each set of labels; each is told for ``good_for`` after it was seen."""

    def __init__(
        self,
        name: str,
        meaning: str,
        labels: Sequence[str] = (),
        *,
        good_for: timedelta,
        registry: CollectorRegistry = REGISTRY,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """``good_for``: a few times what lies between two looks, so that a slow one is no gap."""
        self._name = name
        self._meaning = meaning
        self._labelnames = tuple(labels)
        self._good_for_s = good_for.total_seconds()
        self._monotonic = monotonic
        self._seen: dict[tuple[str, ...], tuple[float, float]] = {}
        registry.register(self)

    def see(self, value: float, *labels: str) -> None:
        """It is so now. Labels are names fixed in code, in the order in which they were given."""
        if len(labels) != len(self._labelnames):
            raise ValueError(f"{self._name} has the labels {self._labelnames}")
        self._seen[labels] = (value, self._monotonic())

    def forget(self, *labels: str) -> None:
        """It is not known any more; without labels, nothing of it is."""
        if labels:
            self._seen.pop(labels, None)
        else:
            self._seen.clear()

    def describe(self) -> Iterable[Metric]:
        return [GaugeMetricFamily(self._name, self._meaning, labels=self._labelnames)]

    def collect(self) -> Iterable[Metric]:
        told = GaugeMetricFamily(self._name, self._meaning, labels=self._labelnames)
        now = self._monotonic()
        for labels, (value, seen_at) in self._seen.items():
            if now - seen_at <= self._good_for_s:
                told.add_metric(labels, value)
        return [told]
