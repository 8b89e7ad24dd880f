"""The platform at a glance: one statement, and a count that is kept."""

import asyncio

from trigger_api.domain.overview import Lives, Overview
from trigger_api.ports.dead_letters import LetterCount
from trigger_api.ports.triggers import TriggerViews
from trigger_runtime.process.errors import DependencyUnavailable

PATIENCE_S = 0.3
"""For the dead letters: the rest is worth showing without them."""


class Overviews:
    """Reads overviews; ``lives`` is what the platform was told."""

    def __init__(self, views: TriggerViews, letters: LetterCount, lives: Lives) -> None:
        self._views = views
        self._letters = letters
        self._lives = lives

    async def read(self) -> Overview:
        """Raises ``DatabaseUnavailable``."""
        counted, letters = await asyncio.gather(self._views.counted(), self._number_of_letters())
        return Overview(**dict(counted), dead_letters=letters, lives=self._lives)

    async def _number_of_letters(self) -> int | None:
        try:
            async with asyncio.timeout(PATIENCE_S):
                return await self._letters.number()
        except (DependencyUnavailable, TimeoutError):
            return None
