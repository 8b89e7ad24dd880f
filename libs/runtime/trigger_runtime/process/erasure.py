"""``etp_erasure_overdue_seconds``: of rows told by retention, of triggers by the scheduler."""

from datetime import timedelta

from .sampled import SampledGauge

_OVERDUE = SampledGauge(
    "etp_erasure_overdue_seconds",
    "Since when the oldest should have been erased, and was not: of retention a row of the log, of "
    "the scheduler a trigger that is over.",
    good_for=timedelta(minutes=1),
)


def erasure_overdue(overdue: timedelta) -> None:
    """The oldest that is still there should have been erased so long ago."""
    _OVERDUE.see(overdue.total_seconds())
