"""The executor's metrics: ``ports.Meter``. Labels are fixed names, never user text."""

from collections import Counter as Tally
from collections.abc import Sequence

from prometheus_client import Counter, Histogram

from trigger_contracts.events import LogEntry
from trigger_runtime.process.logging_setup import get_logger
from trigger_runtime.process.metrics import LOOKED_AT_FOR
from trigger_runtime.process.sampled import SampledGauge

log = get_logger(__name__)

_ROWS = Counter("etp_executor_rows_total", "Rows of the log, published durably.", ["status"])
_EXPIRED = Counter(
    "etp_executor_expired_rows_total", "Rows not published because their 48 h were over."
)
_PLANNED = Counter(
    "etp_executor_planned_deliveries_total", "Deliveries of fired events, planned durably."
)
_PROJECTED = Counter(
    "etp_executor_projected_records_total", "Records of deliveries that are in the index."
)
_PROJECTION_LAG = SampledGauge(
    "etp_executor_projection_lag_seconds",
    "How far the index of deliveries is behind the records, where this replica projects them: "
    "age of the newest of a page when it was committed, 0 once there is no other.",
    good_for=LOOKED_AT_FOR,
)
_LATENESS = Histogram(
    "etp_executor_lateness_seconds",
    "How late occurrences fired: from scheduled_for to fired_at.",
    buckets=(0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 30, 300),
)


def recorded(entries: Sequence[LogEntry]) -> None:
    """These are in the log now."""
    for status, count in Tally(entry.status for entry in entries).items():
        _ROWS.labels(status.value).inc(count)
    for entry in entries:
        if entry.fired_at is not None and entry.scheduled_for is not None:
            _LATENESS.observe((entry.fired_at - entry.scheduled_for).total_seconds())


def planned(count: int) -> None:
    """So many deliveries are to be made."""
    _PLANNED.inc(count)


def projected(records: int, lag_s: float) -> None:
    """So many records are in the index; the newest of them had waited so long."""
    _PROJECTED.inc(records)
    _PROJECTION_LAG.see(lag_s)


def followed() -> None:
    """Another replica projects."""
    _PROJECTION_LAG.forget()


def expired(count: int) -> None:
    """So many were left out, since their life is over."""
    _EXPIRED.inc(count)
    log.warning("rows came too late to be recorded", rows=count)
