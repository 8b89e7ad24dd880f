"""The executor's metrics: ``ports.Meter``. Labels are fixed names, never user text."""

from collections import Counter as Tally
from collections.abc import Callable, Sequence
from uuid import UUID

from prometheus_client import Counter, Gauge, Histogram

from trigger_contracts.deliveries.health import HealthChange
from trigger_contracts.deliveries.records import DeliveryAttempted, DeliveryEnded
from trigger_contracts.events import LogEntry
from trigger_contracts.ids import instant_of
from trigger_executor.domain.delivery.attempt import Cause
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
_PENDING = SampledGauge(
    "etp_executor_pending_deliveries",
    "Deliveries that are neither delivered nor given up, of all replicas together.",
    good_for=LOOKED_AT_FOR,
)
_OLDEST_PENDING = SampledGauge(
    "etp_executor_oldest_pending_seconds",
    "Since when the oldest delivery is planned that is pending; 0 without one.",
    good_for=LOOKED_AT_FOR,
)
_LATENESS = Histogram(
    "etp_executor_lateness_seconds",
    "How late occurrences fired: from scheduled_for to fired_at.",
    buckets=(0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 30, 300),
)
_ATTEMPTS = Counter(
    "etp_executor_attempts_total",
    "Attempts to deliver, recorded, by the target's type and what they came to: `delivered`, or "
    "the code of the failure.",
    ["type", "outcome"],
)
_DURATION = Histogram(
    "etp_executor_attempt_seconds",
    "How long an attempt took, from its start to its outcome.",
    ["type"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15, 30),
)
_FIRST_ATTEMPT = Histogram(
    "etp_executor_first_attempt_lag_seconds",
    "From an event's own time to the start of its first attempt at a target.",
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 30, 300, 3600),
)
_HINDERED = Counter(
    "etp_executor_hindered_attempts_total",
    "Attempts that came to nothing for a reason of ours, and count as none.",
    ["cause"],
)
_DEAD = Counter(
    "etp_executor_dead_deliveries_total",
    "Deliveries that ended dead, by the reason.",
    ["reason"],
)
_HEALTH_CHANGES = Counter(
    "etp_executor_health_changes_total",
    "Changes of targets' health that were recorded, and told where somebody is to be.",
    ["change"],
)
_UNTOLD = Counter(
    "etp_executor_untold_health_changes_total",
    "Changes of targets' health, or plans to tell of them, that the broker refused for good.",
)
_IN_FLIGHT = Gauge("etp_executor_attempts_in_flight", "Attempts in flight.")
_LANES = Gauge("etp_executor_lanes", "Targets that this replica serves at present.")
_OPEN_BREAKERS = Gauge(
    "etp_executor_open_breakers", "Targets that this replica serves, and whose breaker is open."
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


def pending(deliveries: int, oldest_s: float) -> None:
    """So many wait, the oldest of them for so long."""
    _PENDING.see(deliveries)
    _OLDEST_PENDING.see(oldest_s)


def pending_unknown() -> None:
    """PostgreSQL is away."""
    _PENDING.forget()
    _OLDEST_PENDING.forget()


def expired(count: int) -> None:
    """So many were left out, since their life is over."""
    _EXPIRED.inc(count)
    log.warning("rows came too late to be recorded", rows=count)


def attempted(record: DeliveryAttempted, target_type: str) -> None:
    """An attempt to deliver is recorded."""
    outcome = record.outcome.value if record.code is None else record.code.value
    _ATTEMPTS.labels(target_type, outcome).inc()
    _DURATION.labels(target_type).observe(record.duration_ms / 1000)
    if record.attempt == 1 and record.round == 1:
        lag = record.started_at - instant_of(UUID(record.event_id))
        _FIRST_ATTEMPT.observe(max(0.0, lag.total_seconds()))
    if record.reason is not None:
        _DEAD.labels(record.reason.value).inc()


def told(change: HealthChange) -> None:
    """A change of a target's health is recorded."""
    _HEALTH_CHANGES.labels(change.value).inc()


def untold() -> None:
    """One was refused for good."""
    _UNTOLD.inc()


def hindered(cause: Cause) -> None:
    """An attempt came to nothing for a reason of ours."""
    _HINDERED.labels(cause.value).inc()


def ended(record: DeliveryEnded) -> None:
    """A delivery ended without another attempt."""
    _DEAD.labels(record.reason.value).inc()


def watch_lanes(
    in_flight: Callable[[], int], lanes: Callable[[], int], open_breakers: Callable[[], int]
) -> None:
    """Show what a replica has in hand whenever metrics are asked for."""
    _IN_FLIGHT.set_function(in_flight)
    _LANES.set_function(lanes)
    _OPEN_BREAKERS.set_function(open_breakers)
