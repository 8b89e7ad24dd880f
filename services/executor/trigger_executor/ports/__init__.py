"""What the executor's use cases need from outside, as protocols.

Adapters implement them on JetStream. They raise ``DependencyUnavailable`` where the broker
is away, and nothing else that a use case is to handle.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from trigger_contracts.dead_letters import Delivered
from trigger_contracts.deliveries.records import RecordMessage
from trigger_contracts.events import LogEntry
from trigger_contracts.idempotency import Claim
from trigger_contracts.trigger import Trigger
from trigger_executor.domain.fire import RecordedFire
from trigger_executor.domain.row import EventMessage
from trigger_executor.domain.version import TriggerVersion


class Incoming(Delivered, Protocol):
    """A message in hand."""

    @property
    def delivered_count(self) -> int: ...


class Clock(Protocol):
    """For how late a row is recorded; never for what it says."""

    def now(self) -> datetime: ...


class TriggerVersions(Protocol):
    """Versions of triggers by the sequence of the change that made them: they never change."""

    async def versions(self, wanted: Mapping[int, str]) -> Mapping[int, TriggerVersion]:
        """The version at each change sequence of a trigger id; what is erased is absent."""
        ...


class Triggers(Protocol):
    """Triggers as they stand, and as they stood."""

    async def current(self, trigger_ids: Collection[str]) -> Mapping[str, Trigger]:
        """The newest change of each trigger, as the log's leader knows it."""
        ...

    async def at(self, trigger_id: str, change_seq: int) -> Trigger | None:
        """The trigger since the change at ``change_seq``; None where that is erased."""
        ...


class Targets(Protocol):
    """Targets as they stand."""

    async def unknown(self, target_ids: Collection[str]) -> Collection[str]:
        """Those that there are not, as the log's leader knows it."""
        ...


class RecordedFires(Protocol):
    """What was recorded of fires before: for those that are delivered again."""

    async def find(
        self, trigger_id: str, event_ids: Collection[str], since: datetime
    ) -> Mapping[str, RecordedFire]:
        """By event ids; ``since`` is when the first of the fires was stored.

        What was not recorded is absent, and so is what is of a version that is erased, or was
        recorded so late that too much was before it.
        """
        ...

    async def row_at(self, trigger_id: str, event_seq: int) -> RecordedFire | None:
        """What the row at that place of the log says; None where its version is erased."""
        ...


class KeyReservations(Protocol):
    """Idempotency keys in use, kept for 48 h.

    Both raise ``Refused`` where what a key holds cannot be read.
    """

    async def find(self, trigger_id: str, key: str) -> Claim | None: ...

    async def reserve(self, trigger_id: str, key: str, claim: Claim) -> Claim:
        """The claim that holds from now on: this one, or that of whoever was first."""
        ...


@dataclass(frozen=True, slots=True)
class Appended:
    """Where a row stands in the log. ``is_repetition``: there was one of its id, which stays."""

    seq: int
    is_repetition: bool = False


class EventWriter(Protocol):
    """The log of record."""

    async def append(self, rows: Sequence[EventMessage]) -> Sequence[Appended]:
        """Durable once it returns. What is stored already is not again."""
        ...

    async def plan(self, records: Sequence[RecordMessage]) -> None:
        """The same for records of deliveries."""
        ...


class Meter(Protocol):
    """Counts what happened."""

    def recorded(self, entries: Sequence[LogEntry]) -> None: ...
    def expired(self, count: int) -> None: ...
    def planned(self, count: int) -> None: ...
