"""What becomes of changes of targets' health: they are recorded, and told.

Adapters raise ``DependencyUnavailable`` where a server is away, and nothing else that a use case
is to handle.
"""

from collections.abc import Mapping, Sequence
from typing import Protocol

from trigger_contracts.deliveries.health import HealthChange
from trigger_executor.domain.delivery.health import ObservedChange


class HealthTeller(Protocol):
    """Told what changed, in the order of the records that it follows from."""

    async def tell(self, changes: Sequence[ObservedChange]) -> None:
        """Returns once all of it is in the log, and planned where somebody is to be told."""
        ...


class HealthMeter(Protocol):
    """Counts what was told."""

    def told(self, change: HealthChange) -> None:
        """A change is in the log, and planned where somebody is to be told of it."""
        ...

    def untold(self) -> None:
        """A change, or its plan, was refused for good."""
        ...


class StoredFacts(Protocol):
    """Facts that are in the log already."""

    async def after(self, target_id: str, seq: int) -> Mapping[str, int]:
        """The sequences of a target's facts that were stored after one, by their event ids."""
        ...
