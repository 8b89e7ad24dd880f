"""What is read of the log."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

from trigger_api.domain.live_tail.tail_position import StreamPosition
from trigger_api.domain.log.activity import ActivityQuery
from trigger_api.domain.log.export_paging import ReadRange, RowKey
from trigger_api.domain.log.exports import Format
from trigger_api.domain.log.replays import Origin
from trigger_api.domain.log.stats import Counted
from trigger_api.domain.queries import EventQuery, ExportQuery, StateFilter
from trigger_api.domain.schemas import EventDetail
from trigger_runtime.process.errors import DatabaseUnavailable


class ReadTooSlow(DatabaseUnavailable):
    """The database is there, and looked for too long: something narrower may be found."""


class Cache(Protocol):
    """Keeps bytes for a moment, or does not: it never raises, and nothing depends on it."""

    async def get(self, key: str) -> bytes | None: ...

    async def set(self, key: str, value: bytes, expires_in: timedelta) -> None: ...


class LogPosition(Protocol):
    """How far retention's views surely are."""

    async def certain(self) -> StreamPosition | None:
        """Up to where every event has its row in the views by now; None where that was never
        known. It may be behind, and never raises.
        """
        ...


@dataclass(frozen=True, slots=True)
class Total:
    """How many rows pass a filter; ``exact``, or an estimate where there are many."""

    rows: int
    exact: bool


@dataclass(frozen=True, slots=True)
class ListedEvents:
    """A page of the log: a JSON array of ``EventShown``.

    By the database's clock: ``true_until`` is when the first of its rows reaches the end of one
    of its lives. ``read_at`` and it are None for no rows.
    """

    body: bytes
    next_cursor: str | None
    read_at: datetime | None
    true_until: datetime | None


class LogViews(Protocol):
    """Retention's views. Every method raises ``DatabaseUnavailable``."""

    async def events(self, query: EventQuery) -> ListedEvents:
        """Without payloads, newest first."""
        ...

    async def count(self, wanted: StateFilter, *, exactly: int | None = None) -> Total:
        """How many rows pass; ``exactly`` up to there, or up to where it costs little."""
        ...

    async def counted(self, wanted: StateFilter, width: timedelta) -> list[Counted]:
        """Rows that pass, by bucket of so much time, status and lateness."""
        ...

    async def has_cut(self, wanted: StateFilter) -> bool:
        """Whether payloads longer than what is searched of them are among the rows that pass, or
        would with other words.
        """
        ...

    async def origins(self, wanted: StateFilter, after: Origin | None, limit: int) -> list[Origin]:
        """Some of the rows that pass, with payloads, the oldest first, of those after ``after``.

        As many as are read at once, at most ``limit``; none only where no further one passes.
        """
        ...

    async def activity(self, query: ActivityQuery) -> bytes:
        """A JSON array of ``Activity``, in the order of the ids asked for."""
        ...

    async def present(self, event_ids: Sequence[UUID]) -> Sequence[UUID]:
        """Those of them that are in the log."""
        ...

    async def event(self, event_id: UUID) -> EventDetail | None: ...


@dataclass(frozen=True, slots=True)
class ExportChunk:
    """Some rows of the log, written down: whole lines.

    ``last`` is where the last of them stands. ``until`` is when, by the monotonic clock, the
    first of them reaches the end of one of its lives: what was read is not true any more then.
    """

    body: bytes
    rows: int
    last: RowKey
    until: float


@dataclass(frozen=True, slots=True)
class LogPage:
    """What was found in a stretch of the log, the newest first; ``is_whole``: nothing else is."""

    pieces: Sequence[ExportChunk]
    is_whole: bool


class LogPages(Protocol):
    """The log, to be written down; raises ``DatabaseUnavailable``."""

    async def page(self, wanted: ExportQuery, written_as: Format, stretch: ReadRange) -> LogPage:
        """In one statement. The memory that a page takes is bounded, whatever its rows are."""
        ...
