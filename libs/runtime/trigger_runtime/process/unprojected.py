"""``etp_unprojected_oldest_seconds``: told by retention, and by the gateway, which sees it grow
while no retention is there to tell it.
"""

from .metrics import LOOKED_AT_FOR
from .sampled import SampledGauge

_OLDEST = SampledGauge(
    "etp_unprojected_oldest_seconds",
    "Since when the oldest event is stored that is not in PostgreSQL; 0 without one.",
    good_for=LOOKED_AT_FOR,
)


def unprojected(oldest_s: float | None) -> None:
    """Since when the oldest waits that is not in the log; None where that is not known."""
    if oldest_s is None:
        _OLDEST.forget()
    else:
        _OLDEST.see(oldest_s)
