"""Which hourly partition an event belongs to: by the time inside its UUIDv7, nothing else."""

from datetime import UTC, datetime, timedelta

HOUR = timedelta(hours=1)

_PARTITION = "event_%Y%m%d%H"
_MILLISECONDS = 3_600_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def hour_number(event_id: str) -> int:
    """The hour of an event id (canonical form), counted from 1970.

    A number, since this is asked for every row; ``hour_at`` gives the instant.
    """
    return int(event_id[:8] + event_id[9:13], 16) // _MILLISECONDS


def hour_at(number: int) -> datetime:
    """The instant at which hour ``number`` begins; OverflowError beyond the year 9999."""
    return _EPOCH + number * HOUR


def number_of(instant: datetime) -> int:
    """The hour that ``instant`` is in."""
    return (instant - _EPOCH) // HOUR


def partition_name(instant: datetime) -> str:
    """The name of the partition whose hour ``instant`` (UTC) is in; names sort as hours do."""
    return instant.strftime(_PARTITION)


def partition_hour(name: str) -> datetime:
    """The hour of the partition called ``name``."""
    return datetime.strptime(name, _PARTITION).replace(tzinfo=UTC)
