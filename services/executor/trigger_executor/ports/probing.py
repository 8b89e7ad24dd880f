"""What tests of targets need: the newest target, and what its lane is told."""

from datetime import datetime
from typing import Protocol

from trigger_contracts.targets.changes import TargetChanged


class NewestTargets(Protocol):
    """Raises ``DependencyUnavailable``."""

    async def last(self, target_id: str) -> TargetChanged | None:
        """A target's newest change, as the stream's leader knows it."""
        ...


class ProbedLanes(Protocol):
    """Lanes of targets that are tested. Every method raises ``DependencyUnavailable``."""

    async def begin(self, target_id: str) -> datetime | None:
        """The instant, by the clock of record, if the target may be tested now: once a second,
        whoever asks.
        """
        ...

    async def found_well(self, target_id: str) -> None:
        """A test delivered: whoever has the lane, or takes it next, half-opens its breaker."""
        ...
