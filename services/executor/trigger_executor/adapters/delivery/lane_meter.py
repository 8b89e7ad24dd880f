"""What the deliver role counts: ``handlers.delivery.attempting.DeliveryMeter``, and gauges.

Labels are fixed names, never a target's: there may be ten thousand.
"""

from datetime import timedelta
from uuid import UUID

from prometheus_client import Counter, Gauge, Histogram

from trigger_contracts.deliveries.records import DeliveryAttempted, DeliveryEnded
from trigger_contracts.ids import instant_of
from trigger_executor.domain.delivery.attempt import Cause
from trigger_executor.handlers.delivery.lanes_in_hand import LanesInHand

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
_FIRST_BYTE = Histogram(
    "etp_executor_first_attempt_lag_seconds",
    "From an event's own time to the start of its first attempt at a target.",
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 30, 300, 3600),
)
_HINDERED = Counter(
    "etp_executor_hindered_attempts_total",
    "Attempts that came to nothing for a reason of ours, and count as none.",
    ["cause"],
)
_ENDED = Counter(
    "etp_executor_ended_deliveries_total",
    "Deliveries that ended without another attempt, or after their last one, by the reason.",
    ["reason"],
)
_IN_FLIGHT = Gauge("etp_executor_attempts_in_flight", "Attempts in flight.")
_LANES = Gauge("etp_executor_lanes", "Targets that this replica serves at present.")
_BREAKERS = Gauge(
    "etp_executor_open_breakers", "Targets that this replica serves, and whose breaker is open."
)


class PrometheusDeliveries:
    """Counts outcomes."""

    def attempted(self, record: DeliveryAttempted, target_type: str) -> None:
        outcome = record.outcome.value if record.code is None else record.code.value
        _ATTEMPTS.labels(target_type, outcome).inc()
        _DURATION.labels(target_type).observe(record.duration_ms / 1000)
        if record.attempt == 1 and record.round == 1:
            lag: timedelta = record.started_at - instant_of(UUID(record.event_id))
            _FIRST_BYTE.observe(max(0.0, lag.total_seconds()))
        if record.reason is not None:
            _ENDED.labels(record.reason.value).inc()

    def hindered(self, cause: Cause) -> None:
        _HINDERED.labels(cause.value).inc()

    def ended(self, record: DeliveryEnded) -> None:
        _ENDED.labels(record.reason.value).inc()


def watch(hands: LanesInHand) -> None:
    """Show what is in hand whenever metrics are asked for."""
    _IN_FLIGHT.set_function(lambda: hands.places.in_flight)
    _LANES.set_function(lambda: len(hands.lanes))
    _BREAKERS.set_function(
        lambda: sum(held.lane.breaker.open_until is not None for held in hands.lanes.values())
    )
