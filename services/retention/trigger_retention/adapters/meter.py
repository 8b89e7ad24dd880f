"""Retention's metrics, in Prometheus' default registry."""

from datetime import timedelta

from prometheus_client import Counter, Gauge

from trigger_retention.ports import Inserted

PROJECTED = Counter("etp_retention_projected_rows_total", "Rows written to the log.")
REPEATED = Counter(
    "etp_retention_repeated_rows_total", "Redelivered or duplicate rows that were there already."
)
EXPIRED = Counter(
    "etp_retention_expired_rows_total", "Rows not written because their life was over."
)
DEAD = Counter("etp_retention_dead_letters_total", "Messages that could not be projected.")
SWEPT = Counter("etp_retention_swept_rows_total", "Rows erased at the end of their life.")
LAG = Gauge(
    "etp_retention_lag_seconds",
    "Age of the newest message of the last batch when it was committed.",
)


def projected(inserted: Inserted, dead: int, lag: timedelta) -> None:
    """A batch of the log is settled."""
    PROJECTED.inc(inserted.stored)
    REPEATED.inc(inserted.repeated)
    EXPIRED.inc(inserted.expired)
    DEAD.inc(dead)
    LAG.set(lag.total_seconds())
