"""What the gateway's use cases need of the world. Adapters implement these, tests fake them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Generic, Protocol, TypeVar
from uuid import UUID

from trigger_api.domain.live_tail.tail_position import LogState
from trigger_api.domain.log.export_paging import ReadRange, RowKey
from trigger_api.domain.log.exports import Format
from trigger_api.domain.log.replays import Origin
from trigger_api.domain.log.stats import Counted
from trigger_api.domain.schemas import EventDetail, Version
from trigger_contracts.commands import AnyCommand, CommandDone
from trigger_contracts.definition import Definition
from trigger_contracts.errors import Problem
from trigger_contracts.redrives import Redriven
from trigger_contracts.schedule import AnySchedule
from trigger_contracts.subjects import Verb
from trigger_contracts.trigger import Trigger
from trigger_runtime.process.errors import BrokerUnavailable, DatabaseUnavailable

from .domain.dead_letters import DeadLetterQuery, DeadLetterShown, FoundLetter
from .domain.queries import EventQuery, StateFilter, TriggerQuery

Row = TypeVar("Row")


class Clock(Protocol):
    """The runtime's clock, as far as it is needed here."""

    def now(self) -> datetime: ...


class NewId(Protocol):
    """Makes random ids."""

    def __call__(self) -> str: ...


class PartlyStored(BrokerUnavailable):
    """The broker went away in the middle of many commands; ``count`` or more of them are stored."""

    def __init__(self, count: int) -> None:
        super().__init__(f"only {count} are certainly stored")
        self.count = count


class ReadTooSlow(DatabaseUnavailable):
    """The database is there, and looked for too long: something narrower may be found."""


class Commands(Protocol):
    """Where commands go. All raise ``BrokerUnavailable`` when the broker did not store it."""

    async def store(
        self, verb: Verb, command: AnyCommand, message_id: str, *, ttl: timedelta | None = None
    ) -> None:
        """Publish durably, to be kept for 48 h or ``ttl``; the result is not asked for."""
        ...

    async def ask(
        self, verb: Verb, command: AnyCommand, message_id: str
    ) -> CommandDone | Problem | None:
        """Publish durably and wait a moment for the result; None where none came in time."""
        ...

    async def ask_each(
        self, verb: Verb, commands: Sequence[bytes], attempt: str
    ) -> list[CommandDone | Problem | None]:
        """As ``ask``, for many at once, encoded, in their order. ``attempt`` is unique.

        Waits as long as results keep coming. Raises ``PartlyStored``.
        """
        ...

    async def store_each(
        self, verb: Verb, commands: Sequence[tuple[str, bytes]], *, ttl: timedelta | None = None
    ) -> None:
        """As ``store``, for many at once, in their order: message ids and encoded commands.

        Raises ``PartlyStored``.
        """
        ...


class IdempotencyKeys(Protocol):
    """The create-only store of idempotency keys; raises ``BrokerUnavailable``."""

    async def find(self, key: str) -> bytes | None: ...

    async def claim(self, key: str, value: bytes) -> bytes: ...


class Cache(Protocol):
    """Keeps bytes for a moment, or does not: it never raises, and nothing depends on it."""

    async def get(self, key: str) -> bytes | None: ...

    async def set(self, key: str, value: bytes, expires_in: timedelta) -> None: ...


class DefinitionCache(Protocol):
    """What triggers are, for the advisory check of fires."""

    def cached(self, trigger_id: str) -> Trigger | None:
        """What is known without asking, about a second old at most; None also if nothing is."""
        ...

    async def load(self, trigger_id: str) -> Trigger | None:
        """What the view says now; raises ``DatabaseUnavailable``."""
        ...

    def forget(self, trigger_id: str) -> None:
        """It has changed: ask again."""
        ...


@dataclass(frozen=True, slots=True)
class Listed(Generic[Row]):
    """A page of a list, and the cursor of the next one if there is one."""

    rows: list[Row]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class Scheduled:
    """A trigger's schedule and how far it is; ``schedule`` is None for an api trigger.

    ``next_fire_at`` is the first occurrence not decided yet, None when there is none;
    ``fires`` how often a limited schedule has fired.
    """

    definition: Definition
    schedule: AnySchedule | None
    next_fire_at: datetime | None
    fires: int


@dataclass(frozen=True, slots=True)
class Total:
    """How many rows pass a filter; ``exact``, or an estimate where there are many."""

    rows: int
    exact: bool


class DeadLetterStore(Protocol):
    """What no service could handle; every method raises ``BrokerUnavailable``."""

    async def page(self, query: DeadLetterQuery) -> Listed[DeadLetterShown]:
        """Those whose life is not over, the last buried first."""
        ...

    async def find(self, letter_id: str) -> FoundLetter | None:
        """The letter, or the word that it was handled."""
        ...

    async def redrive(self, found: FoundLetter) -> Redriven | None:
        """Have its service handle it again; None where that has not answered in time.

        Raises ``DependencyUnavailable`` where the service is not there.
        """
        ...


class Describe(Protocol):
    """Says a schedule in words."""

    def __call__(self, schedule: AnySchedule, definition: Definition) -> str: ...


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


class Views(Protocol):
    """The other services' views; every method raises ``DatabaseUnavailable``."""

    async def triggers(self, query: TriggerQuery) -> Listed[dict[str, Any]]:
        """Representations, newest trigger first."""
        ...

    async def trigger(self, trigger_id: str) -> dict[str, Any] | None: ...

    async def scheduled(self, trigger_id: str) -> Scheduled | None: ...

    async def history(
        self, trigger_id: str, limit: int, cursor: str | None
    ) -> Listed[Version] | None:
        """Newest change first; None where the trigger never existed."""
        ...

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

    async def page(self, wanted: StateFilter, written_as: Format, stretch: ReadRange) -> LogPage:
        """In one statement. The memory that a page takes is bounded, whatever its rows are."""
        ...


@dataclass(frozen=True, slots=True)
class Logged:
    """A message of the log of record, as it is stored."""

    seq: int
    body: bytes


class EventStream(Protocol):
    """The log of record as it grows. Every method raises ``BrokerUnavailable``."""

    async def state(self) -> LogState:
        """How far it is, as its leader knows it."""
        ...

    async def after(self, seq: int) -> Sequence[Logged]:
        """What was stored next after ``seq``, a page at most; empty only if there is nothing."""
        ...

    async def listen(self, hint: Callable[[], None]) -> None:
        """``hint`` whenever something may have been stored, until ``unlisten``."""
        ...

    async def unlisten(self) -> None: ...


class TailMeter(Protocol):
    """Counts what befalls live tails."""

    def reading(self, readers: int) -> None:
        """So many follow the log."""
        ...

    def dropped(self) -> None:
        """A reader was ended because it was too slow."""
        ...

    def unreadable(self, seq: int) -> None:
        """What is stored there is no event of the log."""
        ...
