"""A sampled gauge tells what was seen lately, and nothing else."""

from datetime import timedelta

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import generate_latest

from trigger_runtime.process.sampled import SampledGauge

GOOD_FOR = timedelta(seconds=15)


class Watch:
    """A monotonic clock that goes on when it is told to."""

    seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


def made(*labels: str) -> tuple[SampledGauge, CollectorRegistry, Watch]:
    registry, watch = CollectorRegistry(), Watch()
    gauge = SampledGauge(
        "etp_waiting", "What waits.", labels, good_for=GOOD_FOR, registry=registry, monotonic=watch
    )
    return gauge, registry, watch


def test_what_was_never_seen_has_its_meaning_and_no_sample() -> None:
    _, registry, _ = made()
    assert (
        generate_latest(registry) == b"# HELP etp_waiting What waits.\n# TYPE etp_waiting gauge\n"
    )


def test_a_value_is_told_until_it_is_too_old() -> None:
    gauge, registry, watch = made()
    gauge.see(0.0)
    watch.seconds += GOOD_FOR.total_seconds()
    assert registry.get_sample_value("etp_waiting") == 0.0
    watch.seconds += 0.001
    assert registry.get_sample_value("etp_waiting") is None
    gauge.see(7.5)
    assert registry.get_sample_value("etp_waiting") == 7.5


def test_each_set_of_labels_ages_by_itself() -> None:
    gauge, registry, watch = made("stream")
    gauge.see(1, "DUE")
    watch.seconds += 10
    gauge.see(2, "EVENTS")
    watch.seconds += 10
    assert registry.get_sample_value("etp_waiting", {"stream": "DUE"}) is None
    assert registry.get_sample_value("etp_waiting", {"stream": "EVENTS"}) == 2


def test_what_could_not_be_looked_at_is_forgotten_at_once() -> None:
    gauge, registry, _ = made("stream")
    for stream in ("DUE", "EVENTS", "DEAD"):
        gauge.see(1, stream)
    gauge.forget("DUE")
    gauge.forget("never seen")
    assert registry.get_sample_value("etp_waiting", {"stream": "DUE"}) is None
    assert registry.get_sample_value("etp_waiting", {"stream": "DEAD"}) == 1
    gauge.forget()
    assert b"etp_waiting{" not in generate_latest(registry)


def test_labels_that_it_does_not_have_are_a_fault_of_the_code() -> None:
    gauge, _, _ = made("stream")
    with pytest.raises(ValueError, match="labels"):
        gauge.see(1)


def test_a_name_stands_once() -> None:
    _, registry, _ = made()
    with pytest.raises(ValueError, match="Duplicated"):
        SampledGauge("etp_waiting", "Again.", good_for=GOOD_FOR, registry=registry)
