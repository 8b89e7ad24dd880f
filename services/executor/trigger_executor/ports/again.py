"""What redeliveries and cancellations need: where deliveries stand, and what they are made of.

Adapters raise ``DependencyUnavailable`` where a server is away, and nothing else that a use case
is to handle.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from trigger_executor.domain.delivery.again import FiredEvent
from trigger_executor.domain.delivery.due import PendingDelivery


class WaitingDeliveries(Protocol):
    """Deliveries that have not ended, as far as they are projected."""

    async def waiting(
        self, delivery_ids: Collection[str]
    ) -> tuple[int, Mapping[str, PendingDelivery]]:
        """Up to which record that is so, and those that wait, by their ids."""
        ...

    async def make_due(self, rounds: Sequence[tuple[str, int]]) -> None:
        """Have deliveries tried now that wait in these rounds, and their lanes be taken."""
        ...

    async def wake(self, target_ids: Collection[str]) -> None:
        """Have lanes taken in which something waits: what waits is not what it was."""
        ...


class FiredEvents(Protocol):
    """Fired events of the log."""

    async def find(self, trigger_id: str, event_ids: Collection[str]) -> Mapping[str, FiredEvent]:
        """Those of a trigger that there are, by their ids."""
        ...


class TargetsOfTests(Protocol):
    """Targets that are written out in the changes of tests."""

    async def change_of(self, trigger_id: str, target_id: str) -> int | None:
        """The sequence of the change that has it; None where none of the trigger's has."""
        ...


class LaneHints(Protocol):
    """What replicas are told: a lost hint costs a look."""

    def appended(self) -> None:
        """Records were appended."""
        ...

    def waiting(self, target_ids: Collection[str]) -> None:
        """Something waits in the lanes of these targets."""
        ...
