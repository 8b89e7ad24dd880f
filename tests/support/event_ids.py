"""Ids of events as bounds of time."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def lowest_uuid7(instant: datetime) -> UUID:
    """The lower bound of all ids at or after ``instant``: where a partition begins."""
    return UUID(int=((instant - _EPOCH) // timedelta(milliseconds=1)) << 80)
