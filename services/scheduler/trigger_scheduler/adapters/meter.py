"""The scheduler's metrics. Labels are fixed names, never user text."""

import functools
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import get_args

from prometheus_client import Counter, Gauge, Histogram

from trigger_contracts.definition import Definition
from trigger_runtime.process.logging_setup import get_logger
from trigger_runtime.process.metrics import LOOKED_AT_FOR
from trigger_runtime.process.sampled import SampledGauge
from trigger_scheduler.domain.planning import DueRow, FireStep, Step

log = get_logger(__name__)

_DUE = Counter("etp_due_published_total", "Occurrences published as due.", ["misfire"])
_IN_TIME, _LATE = (_DUE.labels(misfire) for misfire in ("false", "true"))
_MISSED = Counter("etp_occurrences_missed_total", "Occurrences decided as missed.")
_UNPLANNED = Counter(
    "etp_schedules_unplanned_total", "Claims of a row whose schedule cannot be computed with."
)
_COMMANDS = Counter("etp_commands_total", "Commands answered, by outcome.", ["outcome"])
_WAITING = Gauge(
    "etp_oldest_command_age_seconds",
    "Since when the oldest unanswered command is stored; 0 without one, NaN where unknown.",
)
_SLOW = Gauge(
    "etp_slow_commands_waiting", "Commands that wait for their turn to have a schema compiled."
)
_LATENESS = Histogram(
    "etp_due_lateness_seconds",
    "From an occurrence's nominal instant to its publishing.",
    buckets=(0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 30),
)
_DUE_OLDEST = SampledGauge(
    "etp_due_oldest_seconds",
    "Since when the oldest occurrence is due that can be claimed; 0 without one.",
    good_for=LOOKED_AT_FOR,
)
_DUE_BACKLOG = SampledGauge(
    "etp_due_backlog",
    "Occurrences that are due and not published, counted up to 100,000.",
    good_for=LOOKED_AT_FOR,
)
_TRIGGERS = SampledGauge(
    "etp_triggers",
    "Active triggers by type; of many, the types' shares are estimated.",
    ["type"],
    good_for=timedelta(minutes=1),
)
_TYPES: tuple[str, ...] = get_args(Definition.model_fields["type"].annotation)


def published(steps: Sequence[tuple[DueRow, Step]], at: datetime) -> None:
    """Records were acknowledged by the broker."""
    late = fires = missed = 0
    for _, step in steps:
        if isinstance(step, FireStep):
            fires += 1
            late += step.misfire
            _LATENESS.observe((at - step.scheduled_for).total_seconds())
        else:
            missed += step.count
    _IN_TIME.inc(fires - late)
    _LATE.inc(late)
    _MISSED.inc(missed)


def unplanned(row: DueRow, error: Exception) -> None:
    """A row's schedule cannot be computed with."""
    _UNPLANNED.inc()
    log.error("a schedule cannot be computed with", trigger_id=row.trigger_id, exc_info=error)


def unready(stream_seq: int, error: Exception) -> None:
    """A command's payload schema could not be made ready; deciding on it tells its sender why."""
    log.error("schema not made ready", stream_seq=stream_seq, exc_info=error)


def waiting(age_s: Callable[[], float]) -> None:
    """``age_s`` is asked at each scrape."""
    _WAITING.set_function(age_s)


def slow(count: Callable[[], int]) -> None:
    """``count`` is asked at each scrape."""
    _SLOW.set_function(count)


def due(oldest_s: float, backlog: int) -> None:
    """The index was looked at: since when the oldest is due, and how many are."""
    _DUE_OLDEST.see(oldest_s)
    _DUE_BACKLOG.see(backlog)


def triggers(by_type: Mapping[str, int]) -> None:
    """So many are active."""
    for kind in _TYPES:
        _TRIGGERS.see(by_type.get(kind, 0), kind)


def answered(outcome: str) -> None:
    _answered(outcome).inc()


@functools.cache
def _answered(outcome: str) -> Counter:
    """Looked up by its label once: that takes five times as long as counting."""
    return _COMMANDS.labels(outcome)
