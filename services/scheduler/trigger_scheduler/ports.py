"""What the scheduler's use cases need from outside, as protocols.

Adapters implement them on PostgreSQL (the due index) and JetStream (the logs). They raise
only the runtime's typed errors: ``StaleExpectation`` where somebody else appended first,
``DependencyUnavailable`` where a server is away.
"""

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NewType, Protocol

from trigger_contracts.errors import Problem
from trigger_contracts.events import AnyDueRecord, TriggerChanged
from trigger_contracts.targets.changes import TargetChanged
from trigger_contracts.targets.target import Target
from trigger_contracts.trigger import Trigger

from .domain.planning import DueRow


@dataclass(frozen=True, slots=True)
class LockedTrigger:
    """A trigger's row, locked, with the newest change the index knows."""

    row: DueRow
    trigger: Trigger


@dataclass(frozen=True, slots=True)
class Claimed:
    """Rows taken under lock, with the index's clock when they were taken; None without rows."""

    rows: tuple[DueRow, ...]
    taken_at: datetime | None


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    """How a command was answered before: by a change, by a refusal, or that nothing changed.

    ``unchanged_at`` is when it was answered that nothing changes, None for the others.
    """

    trigger: Trigger | None
    problem: Problem | None
    unchanged_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class StoredTargetAnswer:
    """How a command about a target was answered before: by a change, or by a refusal."""

    target: Target | None
    problem: Problem | None


@dataclass(frozen=True, slots=True)
class NamedBy:
    """How many triggers and targets name a target, and the names of the first of them."""

    count: int
    names: tuple[str, ...]


class TargetTransaction(Protocol):
    """The targets, in a transaction on the due index."""

    async def lock(self, target_ids: Sequence[str]) -> dict[str, Target]:
        """Lock these targets, waiting for whoever has them; absent ones are absent."""
        ...

    async def lock_named(self, target_ids: Sequence[str]) -> set[str]:
        """Those of these that exist, which nobody deletes meanwhile."""
        ...

    async def count(self) -> int:
        """How many targets there are."""
        ...

    async def named_by(self, target_ids: Sequence[str]) -> dict[str, NamedBy]:
        """Who names each of these; absent are those that nobody does."""
        ...

    async def project(self, targets: Sequence[Target]) -> None:
        """Store changes, those of each target in their order; an older one replaces no newer."""
        ...

    async def answers(self, command_ids: Sequence[str]) -> dict[str, StoredTargetAnswer]:
        """The answers already given to these commands."""
        ...

    async def remember(
        self, answers: Mapping[str, tuple[int | None, Problem | None]], at: datetime
    ) -> None:
        """Keep the answers of commands that changed nothing."""
        ...

    async def change_seqs(self, target_ids: Sequence[str]) -> dict[str, int]:
        """The newest change that is known of each target."""
        ...

    async def position(self) -> int:
        """The sequence up to which the log of targets is surely projected."""
        ...

    async def move_position(self, change_seq: int) -> None: ...

    async def erasable(self, before: datetime, limit: int) -> list[tuple[str, int]]:
        """Targets deleted before an instant, with their newest change."""
        ...

    async def erasable_versions(
        self, versions: int, superseded_before: datetime, limit: int
    ) -> dict[str, int]:
        """Up to which change the history of a target is too long; never its newest one."""
        ...

    async def erase_versions(
        self, up_to: Mapping[str, int], answer: Problem, *, answered_after: datetime
    ) -> None:
        """As ``IndexTransaction.erase_versions``."""
        ...

    async def delete(self, target_ids: Sequence[str]) -> None:
        """Remove targets and their history."""
        ...


class IndexTransaction(Protocol):
    """One transaction on the due index; committed when its block ends."""

    @property
    def targets(self) -> TargetTransaction:
        """The targets, in the same transaction."""
        ...

    async def now(self) -> datetime:
        """The clock of record."""
        ...

    async def claim(self, ahead: timedelta, limit: int) -> Claimed:
        """Lock and return rows due within ``ahead``, earliest first, skipping locked ones."""
        ...

    async def claim_completions(self, limit: int) -> list[LockedTrigger]:
        """Lock and return triggers that have no further occurrence."""
        ...

    async def claim_checkpoints(self, before: datetime, limit: int) -> list[LockedTrigger]:
        """Lock and return triggers whose count has grown since it was written before an instant."""
        ...

    async def advance(self, rows: Sequence[DueRow]) -> None:
        """Store what was decided: next occurrence, cursor, due sequence."""
        ...

    async def lock(self, trigger_ids: Sequence[str]) -> dict[str, LockedTrigger]:
        """Lock these triggers' rows, waiting for whoever has them; absent ones are absent."""
        ...

    async def project(self, changes: Sequence[tuple[Trigger, DueRow]]) -> None:
        """Store changes and the rows they lead to; an older change never replaces a newer."""
        ...

    async def usage(self) -> tuple[dict[str, int], int]:
        """How many active triggers each creator has, and how often a day all of them fire."""
        ...

    async def delete(self, trigger_ids: Sequence[str]) -> None:
        """Remove triggers and their history from the index."""
        ...

    async def answers(self, command_ids: Sequence[str]) -> dict[str, StoredAnswer]:
        """The answers already given to these commands."""
        ...

    async def remember(
        self, answers: Mapping[str, tuple[int | None, Problem | None]], at: datetime
    ) -> None:
        """Keep the answers of commands that changed nothing."""
        ...

    async def previous(self, trigger_id: str, change_seq: int) -> Trigger | None:
        """The change before ``change_seq`` of a trigger."""
        ...

    async def try_lead(self, name: str) -> bool:
        """Whether this transaction is the only one doing ``name`` now."""
        ...

    async def position(self) -> int:
        """The sequence up to which the log of changes is surely projected."""
        ...

    async def projected_up_to(self, change_seq: int, before: datetime) -> int:
        """How far the changes after ``change_seq``, older than ``before``, are here without a gap.

        ``change_seq`` itself where there is a gap: then only the log can tell.
        """
        ...

    async def move_position(self, change_seq: int) -> None: ...

    async def change_seqs(self, trigger_ids: Sequence[str]) -> dict[str, int]:
        """The newest change the index knows of each trigger."""
        ...

    async def erasable(self, before: datetime, limit: int) -> list[tuple[str, int]]:
        """Triggers completed or deleted before an instant, with their newest change."""
        ...

    async def claim_versions(
        self, versions: int, superseded_before: datetime, unused_before: datetime, limit: int
    ) -> dict[str, int]:
        """Lock triggers whose history is too long, and say up to which change each is.

        Of more than ``versions``, or with one superseded before ``superseded_before``. Never the
        newest change, and none that was superseded at or after ``unused_before``.
        """
        ...

    async def erase_versions(
        self, up_to: Mapping[str, int], answer: Problem, *, answered_after: datetime
    ) -> None:
        """Remove changes up to and including a sequence from the index.

        Their commands, if younger than ``answered_after``, are answered so from now on.
        """
        ...

    async def forget_answers(self, before: datetime) -> None: ...


class Index(Protocol):
    """The due index: which triggers there are and when each fires next."""

    def transaction(self, *, durable: bool = True) -> AbstractAsyncContextManager[IndexTransaction]:
        """A transaction; a commit that is not ``durable`` may be lost with the database."""
        ...

    async def earliest(self, after: timedelta) -> tuple[datetime, datetime | None]:
        """The clock of record, and the earliest occurrence later than ``after`` from now."""
        ...


class Measures(Protocol):
    """What there is in the index, looked at without a lock and at little cost."""

    async def due(self, most: int) -> tuple[datetime, int]:
        """The clock of record, and how many occurrences are due by it, counted up to ``most``."""
        ...

    async def oldest_due(self, limit: int) -> list[tuple[datetime, DueRow | None]]:
        """When the oldest of these were due, in their order; None is a row that cannot be read."""
        ...

    async def triggers(self) -> dict[str, int] | None:
        """Active triggers by type. Exact for few; of many the types' shares are estimated, and
        None is told until PostgreSQL has looked at them.
        """
        ...

    async def erasure_overdue(self, erase_after: timedelta) -> timedelta:
        """Since when the oldest trigger should be erased, if that is so long after its end."""
        ...


class ChangeLog(Protocol):
    """The log of definitions: TRIGGER_CHANGES."""

    async def append(self, changes: Sequence[tuple[TriggerChanged, int]]) -> list[int]:
        """Append each after the given last sequence of its trigger; returns their sequences.

        A batch at a time, all of it or none, a thousand or 4 MiB of them: when it raises, those of
        a batch before may be stored, and are found again when the commands are.
        """
        ...

    async def last(self, trigger_id: str) -> Trigger | None:
        """A trigger's newest change that can be read, as the log's leader knows it."""
        ...

    async def after(self, change_seq: int, limit: int) -> list[tuple[Trigger, datetime]]:
        """Changes after a sequence, in order, with their storing instants.

        Here and in ``of``, what cannot be read is left out: it changes nothing.
        """
        ...

    async def of(self, trigger_id: str, after_seq: int) -> list[Trigger]:
        """One trigger's changes after a sequence, in order."""
        ...

    async def erase(self, trigger_id: str, up_to_seq: int) -> None:
        """Remove a trigger's changes up to and including a sequence."""
        ...


Staged = NewType("Staged", object)
"""Records made ready to append, as only the log that did it can read them."""


class DueLog(Protocol):
    """The fenced log of schedule decisions: TRIGGER_DUE."""

    async def stage(self, records: Sequence[tuple[AnyDueRecord, int]]) -> Staged:
        """Do ahead of ``append`` whatever can be done; nothing is appended, and it may be left."""
        ...

    async def append(
        self, records: Sequence[tuple[AnyDueRecord, int]], staged: Staged | None = None
    ) -> list[int | None]:
        """Append each after the given last sequence of its trigger; no trigger twice.

        ``staged``: what ``stage`` made of the same records. None where somebody else appended
        first.
        """
        ...

    async def last(
        self, trigger_ids: Sequence[str], now: datetime
    ) -> dict[str, tuple[AnyDueRecord | None, int]]:
        """Each trigger's last record that can be read, None if none can, with the last sequence.

        Absent is a trigger without a record. ``now`` by the clock of record: what was decided far
        ahead of it is not believed.
        """
        ...


class DueBacklog(Protocol):
    """What of the due log the executor has not recorded yet."""

    async def oldest(self) -> timedelta:
        """The age of the oldest record that may not be recorded; zero where there is none."""
        ...


class Backlog(Protocol):
    """What of the commands may not be settled yet, here or at another replica."""

    async def unsettled_creates(self, before: Mapping[str, int]) -> set[str]:
        """Those of the triggers whose create, older than the sequence given, may be unsettled."""
        ...

    async def unsettled_targets(self, before: Mapping[str, int]) -> set[str]:
        """The same of targets."""
        ...


class TargetLog(Protocol):
    """The log of targets: TRIGGER_TARGETS. As ``ChangeLog`` of triggers."""

    async def append(self, changes: Sequence[tuple[TargetChanged, int]]) -> list[int]: ...
    async def last(self, target_id: str) -> Target | None: ...
    async def after(self, change_seq: int, limit: int) -> list[tuple[Target, datetime]]: ...
    async def of(self, target_id: str, after_seq: int) -> list[Target]: ...
    async def erase(self, target_id: str, up_to_seq: int) -> None: ...
