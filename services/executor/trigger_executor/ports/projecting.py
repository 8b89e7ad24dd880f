"""What the projector of deliveries needs: the log of records, the index, and who is to be told.

Adapters raise ``DependencyUnavailable`` where a server is away, and nothing else that a use case
is to handle.
"""

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime, timedelta
from typing import Protocol

from trigger_contracts.deliveries.fold import DeliveryProgress
from trigger_executor.domain.delivery.health import ObservedHealth
from trigger_executor.domain.delivery.projecting import Projection, StoredRecord


class DeliveryRecords(Protocol):
    """The records of deliveries in TRIGGER_EVENTS, in the order of their sequences."""

    async def after(self, seq: int) -> tuple[int, Sequence[StoredRecord]]:
        """A page of those after a sequence, and up to which one these are: the same for no more.

        What cannot be read is passed over.
        """
        ...

    async def planned_before(
        self, trigger_id: str, since: datetime, seq: int, wanted: Mapping[str, int]
    ) -> Mapping[str, int]:
        """The round that began last of deliveries of a trigger's events, of those that were
        planned since an instant and below a sequence.

        ``wanted`` are the deliveries that are asked for, each with the round that it is about to
        begin. Of a trigger with very many records not all are looked at.
        """
        ...

    def note(self, records: Sequence[StoredRecord], after: int, upto: int) -> None:
        """All between two sequences are projected, these: what is remembered of their triggers
        goes on from here.
        """
        ...


class ProjectionTransaction(Protocol):
    """The index in the hands of the one that projects: all of it, or nothing, is written."""

    position: int
    """Up to which sequence all records are projected."""

    async def load(self, delivery_ids: Collection[str]) -> Mapping[str, DeliveryProgress]:
        """Those of these that are pending."""
        ...

    async def begun(self, delivery_ids: Collection[str]) -> dict[str, int]:
        """The rounds of these that are remembered to have begun, the newest of each."""
        ...

    async def health(self, target_ids: Collection[str]) -> Mapping[str, ObservedHealth]:
        """What was observed of these targets, where there was anything."""
        ...

    async def write(self, projection: Projection, position: int) -> None: ...


class DeliveryIndex(Protocol):
    """Schema ``executor``, as the projector writes it."""

    async def position(self) -> int: ...

    async def sweep(self, after: timedelta) -> int:
        """Forget what is left of events whose lives ended so long ago; how many that were."""
        ...

    def projecting(self) -> "AbstractAsyncContextManager[ProjectionTransaction | None]":
        """A transaction of the only one that projects; None where another replica is at it."""
        ...


class LaneWakes(Protocol):
    """Tells whoever serves lanes, here and in other replicas. Waits for nobody."""

    def waiting(self, target_ids: Collection[str]) -> None: ...


class ProjectionMeter(Protocol):
    """Measures how far the index is."""

    def projected(self, records: int, lag_s: float) -> None:
        """So many were written; the oldest of what was not has waited so long."""
        ...

    def followed(self) -> None:
        """Another replica projects."""
        ...
