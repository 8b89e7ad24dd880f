"""What is read of triggers."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from trigger_api.domain.overview import TriggersCounted
from trigger_api.domain.schemas import LabelCount, Version
from trigger_api.domain.triggers.queries import TriggerQuery, UpcomingQuery
from trigger_contracts.definition import Definition
from trigger_contracts.schedule import AnySchedule
from trigger_contracts.trigger import Trigger

from .paging import Listed


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
class ScheduledTrigger:
    """A trigger that has an occurrence to come, without what its events carry."""

    id: str
    name: str
    known: Scheduled


class Describe(Protocol):
    """Says a schedule in words."""

    def __call__(self, schedule: AnySchedule, definition: Definition) -> str: ...


class TriggerViews(Protocol):
    """The scheduler's views. Every method raises ``DatabaseUnavailable``."""

    async def triggers(self, query: TriggerQuery) -> Listed[dict[str, Any]]:
        """Representations in the order asked for; fewer than ``limit`` where they are large."""
        ...

    async def number_of(self, query: TriggerQuery) -> int:
        """How many triggers there are on all of its pages."""
        ...

    async def counted(self) -> TriggersCounted:
        """How many triggers there are, and how many of them need attention."""
        ...

    async def labels(self) -> list[LabelCount]:
        """The most frequent first."""
        ...

    async def trigger(self, trigger_id: str) -> dict[str, Any] | None: ...

    async def scheduled(self, trigger_id: str) -> Scheduled | None: ...

    async def scheduled_by(
        self, until: datetime, query: UpcomingQuery
    ) -> tuple[Sequence[ScheduledTrigger], bool]:
        """Triggers whose next occurrence is not later than ``until``, the nearest first, and
        whether there are more of them than ``query.limit``.
        """
        ...

    async def history(
        self, trigger_id: str, limit: int, cursor: str | None
    ) -> Listed[Version] | None:
        """Newest change first, fewer than ``limit`` where they are large; None where the trigger
        never existed.
        """
        ...
