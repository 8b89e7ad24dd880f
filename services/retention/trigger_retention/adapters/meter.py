"""Retention's metrics. Labels are fixed names, never user text."""

from collections.abc import Sequence
from datetime import timedelta

from prometheus_client import Counter, Histogram

from trigger_retention.ports import Inserted, LogMeasures
from trigger_runtime.process.erasure import erasure_overdue
from trigger_runtime.process.metrics import LOOKED_AT_FOR
from trigger_runtime.process.sampled import SampledGauge
from trigger_runtime.process.unprojected import unprojected as tell_unprojected

_PROJECTED = Counter("etp_retention_projected_rows_total", "Rows written to the log.")
_REPEATED = Counter(
    "etp_retention_repeated_rows_total", "Redelivered or duplicate rows that were there already."
)
_EXPIRED = Counter(
    "etp_retention_expired_rows_total",
    "Rows and records of deliveries not written because their life was over.",
)
_RECORDS = Counter(
    "etp_retention_projected_records_total",
    "Records of deliveries that are in the tables, those that came again counted again.",
)
_DEAD = Counter("etp_retention_dead_letters_total", "Messages that could not be projected.")
_SWEPT = Counter("etp_retention_swept_rows_total", "Rows erased at the end of their life.")
_LAG = SampledGauge(
    "etp_retention_lag_seconds",
    "How far the log is behind: age of the newest message of a batch when it was committed, and "
    "each second that of the oldest that waits.",
    good_for=LOOKED_AT_FOR,
)
_ACCEPT_TO_LOG = Histogram(
    "etp_accept_to_log_seconds",
    "From accepting a fire, or publishing an occurrence as due, until its row is in PostgreSQL.",
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300),
)
_ROWS = SampledGauge(
    "etp_log_rows", "Rows of the log, as they are summed up.", good_for=LOOKED_AT_FOR
)
_PARTITIONS_AHEAD = SampledGauge(
    "etp_partitions_ahead", "Hours to come that have a partition.", good_for=LOOKED_AT_FOR
)


def projected(inserted: Inserted, dead: int, lag: timedelta) -> None:
    """A batch of the log is settled."""
    _PROJECTED.inc(inserted.stored)
    _REPEATED.inc(inserted.repeated)
    _EXPIRED.inc(inserted.expired)
    _DEAD.inc(dead)
    _LAG.see(lag.total_seconds())


def records_projected(inserted: Inserted, dead: int) -> None:
    """A batch of deliveries' records is settled."""
    _RECORDS.inc(inserted.stored)
    _EXPIRED.inc(inserted.expired)
    _DEAD.inc(dead)


def logged(latencies: Sequence[timedelta]) -> None:
    """Rows are in the log so long after they were accepted; by clocks that may differ."""
    for latency in latencies:
        _ACCEPT_TO_LOG.observe(max(0.0, latency.total_seconds()))


def unprojected(oldest_s: float | None) -> None:
    """Since when the oldest waits that is not in the log; None where that is not known."""
    tell_unprojected(oldest_s)
    if oldest_s is None:
        _LAG.forget()
    else:
        _LAG.see(oldest_s)


def measured(found: LogMeasures) -> None:
    """The log was looked at."""
    erasure_overdue(found.overdue)
    _ROWS.see(found.rows)
    _PARTITIONS_AHEAD.see(found.partitions_ahead)


def swept(rows: int) -> None:
    """A pass of the sweep erased so many."""
    _SWEPT.inc(rows)
