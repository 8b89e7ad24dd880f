"""What the executor's use cases need from outside, as protocols.

Adapters implement them on JetStream. They raise ``DependencyUnavailable`` where the broker
is away, and nothing else that a use case is to handle.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from trigger_contracts.dead_letters import Delivered
from trigger_contracts.events import LogEntry
from trigger_contracts.idempotency import Claim
from trigger_contracts.trigger import Trigger
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


class KeyReservations(Protocol):
    """Idempotency keys in use, kept for 48 h.

    Both raise ``Refused`` where what a key holds cannot be read.
    """

    async def find(self, trigger_id: str, key: str) -> Claim | None: ...

    async def reserve(self, trigger_id: str, key: str, claim: Claim) -> Claim:
        """The claim that holds from now on: this one, or that of whoever was first."""
        ...


class EventWriter(Protocol):
    """The log of record."""

    async def append(self, rows: Sequence[EventMessage]) -> None:
        """Durable once it returns. A row whose id is stored already is not stored again."""
        ...


class Meter(Protocol):
    """Counts what happened."""

    def recorded(self, entries: Sequence[LogEntry]) -> None: ...
    def expired(self, count: int) -> None: ...
