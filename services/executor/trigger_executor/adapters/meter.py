"""The executor's metrics, in Prometheus' default registry."""

from collections import Counter as Tally
from collections.abc import Sequence

from prometheus_client import Counter, Histogram

from trigger_contracts.events import LogEntry
from trigger_runtime.process.logging_setup import get_logger

log = get_logger(__name__)

ROWS = Counter("etp_executor_rows_total", "Rows of the log, published durably.", ["status"])
EXPIRED = Counter(
    "etp_executor_expired_rows_total", "Rows not published because their 48 h were over."
)
LATENESS = Histogram(
    "etp_executor_lateness_seconds",
    "How late occurrences fired: from scheduled_for to fired_at.",
    buckets=(0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 30, 300),
)


class PrometheusMeter:
    """Counts what happened; says in the log what was left out."""

    def recorded(self, entries: Sequence[LogEntry]) -> None:
        for status, count in Tally(entry.status for entry in entries).items():
            ROWS.labels(status.value).inc(count)
        for entry in entries:
            if entry.fired_at is not None and entry.scheduled_for is not None:
                LATENESS.observe((entry.fired_at - entry.scheduled_for).total_seconds())

    def expired(self, count: int) -> None:
        EXPIRED.inc(count)
        log.warning("rows came too late to be recorded", rows=count)
