"""What the deliver role needs to serve lanes: the index, the log of records, bodies and targets.

Adapters raise ``DependencyUnavailable`` where a server is away, and nothing else that a use case
is to handle.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from trigger_contracts.deliveries.records import RecordMessage
from trigger_contracts.targets.changes import TargetChanged
from trigger_executor.domain.delivery.due import PendingDelivery
from trigger_executor.domain.delivery.lane import LaneRecord


@dataclass(frozen=True, slots=True)
class TakenLane:
    """A lane that is ours until its lease ends.

    ``others_until``: whoever had it before started nothing after.
    """

    target_id: str
    epoch: int
    record: LaneRecord
    others_until: datetime
    is_asked: bool = False
    """The target was tested and found well since."""


@dataclass(frozen=True, slots=True)
class TakenLanes:
    """What was taken, when, and when there is something to take again (None: nothing waits)."""

    now: datetime
    lanes: Sequence[TakenLane]
    next_wake_at: datetime | None


@dataclass(frozen=True, slots=True)
class LaneLease:
    """A lane that is in hand, with what is to be stored of it."""

    target_id: str
    epoch: int
    record: LaneRecord


@dataclass(frozen=True, slots=True)
class RenewedLeases:
    """Which lanes are still ours, and which of them were tested and found well meanwhile."""

    now: datetime
    held: frozenset[str]
    asked: frozenset[str]


class DueChoice(StrEnum):
    """Which due deliveries of a lane come first."""

    DUE = "due"
    """Those that have been due for longest."""
    FEWEST = "fewest"
    """Those with the fewest attempts."""
    HEADS = "heads"
    """Of each trigger the earliest event alone, due or not; of these as DUE."""
    FEWEST_HEADS = "fewest heads"


@dataclass(frozen=True, slots=True)
class DueAsk:
    """How many due deliveries of a lane are wanted, at most."""

    target_id: str
    most: int
    choice: DueChoice


@dataclass(frozen=True, slots=True)
class DueDeliveries:
    """Deliveries that are due, in the order asked for, as of a position in the log.

    ``next_at`` says of each lane when its next one becomes due that is not yet.
    """

    now: datetime
    position: int
    deliveries: Sequence[PendingDelivery]
    next_at: dict[str, datetime]


class LaneIndex(Protocol):
    """Schema ``executor``: lanes, and pending deliveries as far as they are projected."""

    async def take(self, owner: str, most: int, lease: timedelta) -> TakenLanes:
        """Take lanes whose time has come and that nobody has."""
        ...

    async def take_lost(self, owner: str, most: int, lease: timedelta) -> TakenLanes:
        """Take lanes whose owners' leases are over."""
        ...

    async def renew(
        self, owner: str, leases: Sequence[LaneLease], lease: timedelta
    ) -> RenewedLeases:
        """Hold lanes for longer, and store what is to outlive us."""
        ...

    async def release(
        self, owner: str, leases: Sequence[LaneLease], opens_at: Sequence[datetime | None]
    ) -> None:
        """Give lanes back, until their next delivery is due and they open, or one expires."""
        ...

    async def due(self, asked: Sequence[DueAsk]) -> DueDeliveries: ...

    async def expiring(
        self, target_ids: Sequence[str], before: datetime, most: int
    ) -> tuple[int, Sequence[PendingDelivery]]:
        """Deliveries of these whose events' lives end before an instant, the first ones first,
        and the position.
        """
        ...

    async def pending(
        self, target_id: str, after: str, most: int
    ) -> tuple[int, Sequence[PendingDelivery]]:
        """Deliveries of a target beyond a delivery id, in order of it, and the position."""
        ...

    async def wake(self, target_ids: Sequence[str]) -> None:
        """Have lanes taken that have something waiting: their targets are others now."""
        ...

    async def wake_changed(self, versions: Sequence[tuple[str, int]]) -> None:
        """The same of those whose records know another version of their target than this."""
        ...


class RecordLog(Protocol):
    """Records of deliveries, appended to TRIGGER_EVENTS."""

    @property
    def is_connected(self) -> bool: ...

    async def append(self, record: RecordMessage) -> int:
        """Its sequence, once it is durable, or of the same one that was stored before.

        Raises PublishRefused for what is never taken.
        """
        ...

    async def newest(self) -> int:
        """The sequence of the newest record, as the stream's leader knows it; 0 for none."""
        ...


class EventBodies(Protocol):
    """Events by their place in TRIGGER_EVENTS, byte for byte."""

    def kept(self, seq: int, event_id: str) -> bytes | None:
        """The body, if it is in memory."""
        ...

    async def fetch(self, seq: int, event_id: str) -> bytes | None:
        """The body; None where the stream does not have that event there (any more)."""
        ...


class TargetChanges(Protocol):
    """TRIGGER_TARGETS."""

    async def after(self, seq: int) -> tuple[int, Sequence[TargetChanged]]:
        """Changes after a sequence and up to which one these are; the same for no more."""
        ...

    async def last(self, target_id: str) -> TargetChanged | None:
        """A target's newest change, as the stream's leader knows it."""
        ...

    async def in_test(self, trigger_id: str, change_seq: int) -> TargetChanged | None:
        """The target that is written out in a test's own change, as if it had been created."""
        ...


class PlanProgress(Protocol):
    """How far events are planned."""

    async def stored(self) -> int:
        """The newest sequence of TRIGGER_EVENTS."""
        ...

    async def in_hand(self) -> tuple[Sequence[int], Sequence[int]]:
        """Of each stream that events are made of: up to where it was handed out, and up to where
        all of that is acknowledged, which is after its events are planned.
        """
        ...

    async def newest(self) -> int:
        """As of ``RecordLog``."""
        ...
