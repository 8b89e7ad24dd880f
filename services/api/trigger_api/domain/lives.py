"""What an id tells of a row that is not there: that its life is over, or that it never was."""

from datetime import datetime, timedelta
from uuid import UUID

from trigger_contracts.ids import instant_of

UUID7 = 7
"""The version of the ids that hold an instant."""


def is_over(wanted: UUID, now: datetime, kept_for: timedelta) -> bool:
    """Whether what has this id began so long ago that it would have been erased."""
    try:
        return wanted.version == UUID7 and instant_of(wanted) < now - kept_for
    except OverflowError:
        return False  # a time after the year 9999
