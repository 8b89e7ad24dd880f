"""What could not be handled, as administrators see it."""

from typing import Protocol

from trigger_api.domain.dead_letters import DeadLetterQuery, DeadLetterShown, FoundLetter
from trigger_contracts.redrives import Redriven

from .paging import Listed


class DeadLetterStore(Protocol):
    """What no service could handle; every method raises ``BrokerUnavailable``."""

    async def page(self, query: DeadLetterQuery) -> Listed[DeadLetterShown]:
        """Those whose life is not over, the newest first."""
        ...

    async def find(self, letter_id: str) -> FoundLetter | None:
        """The letter, or the word that it was handled."""
        ...

    async def redrive(self, found: FoundLetter) -> Redriven | None:
        """Have its service handle it again; None where that has not answered in time.

        Raises ``DependencyUnavailable`` where the service is not there.
        """
        ...


class LetterCount(Protocol):
    """How many dead letters there are."""

    async def number(self) -> int:
        """Raises ``BrokerUnavailable``."""
        ...
