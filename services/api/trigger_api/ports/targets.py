"""What is read of targets, and of the names in their URLs."""

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from trigger_api.domain.targets.health import TargetHealth
from trigger_api.domain.targets.queries import TargetQuery
from trigger_contracts.deliveries.probes import Probed
from trigger_contracts.errors import Problem
from trigger_contracts.targets.addresses import Address
from trigger_contracts.targets.changes import TargetChanged

from .paging import Listed


class KnownTargets(Protocol):
    """What is asked before a trigger comes to name targets."""

    async def existing(self, target_ids: Collection[str]) -> set[str]:
        """Those of them that there are; raises ``DatabaseUnavailable``."""
        ...


class TargetViews(KnownTargets, Protocol):
    """The scheduler's views, and of health the executor's. Every method raises
    ``DatabaseUnavailable``.
    """

    async def targets(self, query: TargetQuery) -> Listed[TargetChanged]:
        """The newest first; fewer than ``limit`` where they are large."""
        ...

    async def number_of(self, query: TargetQuery) -> int:
        """How many targets there are on all of its pages."""
        ...

    async def target(self, target_id: str) -> TargetChanged | None: ...

    async def health(self, target_ids: Collection[str]) -> Mapping[str, TargetHealth]:
        """How each of these is, by the executor's views."""
        ...

    async def history(
        self, target_id: str, limit: int, cursor: str | None
    ) -> Listed[TargetChanged] | None:
        """Newest change first, fewer than ``limit`` where they are large; None where the target
        never existed.
        """
        ...


class TargetProbes(Protocol):
    """Tests of targets, made by whoever delivers."""

    async def probe(self, target_id: str) -> Probed | Problem:
        """What came of one attempt now; raises ``DependencyUnavailable``."""
        ...


class HostNames(Protocol):
    """Looks names up."""

    async def addresses(self, name: str) -> Sequence[Address]:
        """What the name has now, none where that cannot be found out. May take long: whoever asks
        limits the time, and gives it up by a cancellation.
        """
        ...
