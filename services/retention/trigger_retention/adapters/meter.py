"""Retention's metrics. Labels are fixed names, never user text."""

from datetime import timedelta

from prometheus_client import Counter, Gauge

from trigger_retention.ports import Inserted

_PROJECTED = Counter("etp_retention_projected_rows_total", "Rows written to the log.")
_REPEATED = Counter(
    "etp_retention_repeated_rows_total", "Redelivered or duplicate rows that were there already."
)
_EXPIRED = Counter(
    "etp_retention_expired_rows_total", "Rows not written because their life was over."
)
_DEAD = Counter("etp_retention_dead_letters_total", "Messages that could not be projected.")
_SWEPT = Counter("etp_retention_swept_rows_total", "Rows erased at the end of their life.")
_LAG = Gauge(
    "etp_retention_lag_seconds",
    "Age of the newest message of the last batch when it was committed.",
)


def projected(inserted: Inserted, dead: int, lag: timedelta) -> None:
    """A batch of the log is settled."""
    _PROJECTED.inc(inserted.stored)
    _REPEATED.inc(inserted.repeated)
    _EXPIRED.inc(inserted.expired)
    _DEAD.inc(dead)
    _LAG.set(lag.total_seconds())


def swept(rows: int) -> None:
    """A pass of the sweep erased so many."""
    _SWEPT.inc(rows)
