"""What retention needs from outside, and what it may be told there."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from trigger_contracts.events import Swept
from trigger_retention.domain.lifetime import Lifetime

from .domain.deliveries import RecordRows
from .domain.rows import LogRow


class RowsRefused(Exception):  # noqa: N818 - an outcome, named as one
    """The database will never take at least one of the rows. None of them is stored."""


@dataclass(frozen=True, slots=True)
class Inserted:
    """What became of rows handed to the log; the numbers add up to the rows."""

    stored: int
    repeated: int = 0
    """There already, or twice among the rows."""
    expired: int = 0
    """Their life was over."""

    def __add__(self, other: "Inserted") -> "Inserted":
        return Inserted(
            self.stored + other.stored,
            self.repeated + other.repeated,
            self.expired + other.expired,
        )


@dataclass(frozen=True, slots=True)
class Erased:
    """What one pass of a sweep erased. ``more`` means that another pass has work at once."""

    swept_at: datetime
    erased_before: datetime
    rows: int
    partitions: tuple[str, ...]
    more: bool


@dataclass(frozen=True, slots=True)
class LogMeasures:
    """What there is in the log."""

    overdue: timedelta
    """Since when the oldest row, delivery or attempt should have been erased."""
    rows: int
    partitions_ahead: int
    """Hours to come that have a partition already."""


class EventLog(Protocol):
    """The table of the log. Raises when it is away: then nothing happened."""

    async def insert(self, rows: Sequence[LogRow]) -> Inserted:
        """Store all rows in one transaction, whatever is stored already; RowsRefused for none."""
        ...

    async def insert_records(self, records: Sequence[RecordRows]) -> Inserted:
        """Merge what records of deliveries say, as ``insert`` stores rows."""
        ...

    async def erase(self) -> Erased | None:
        """Erase some of what is past its life, deliveries with their events; None while another
        replica is at it.
        """
        ...

    async def close_hour(self) -> bool:
        """Make an hour that is over quick to search; False where there is none."""
        ...

    async def index_words(self) -> int:
        """Make some new rows of the other hours quick to search; 0 where too few have come."""
        ...

    async def measures(self) -> LogMeasures:
        """Looked at without waiting for anybody, at the cost of a short read."""
        ...

    async def set_lifetime(self, lifetime: Lifetime) -> None:
        """From now on rows live this long."""
        ...


class Clock(Protocol):
    """For how far the log is behind; never for what a row says."""

    def now(self) -> datetime: ...


class Notices(Protocol):
    """Tells whoever listens."""

    async def swept(self, notice: Swept) -> None: ...
