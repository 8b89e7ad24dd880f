"""So many attempts at once to one scheme, host and port, whoever's targets they are."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class OriginPlaces:
    """Places are given in the order in which they were asked for."""

    def __init__(self, of_each: int) -> None:
        self._of_each = of_each
        self._places: dict[str, tuple[asyncio.Semaphore, int]] = {}

    @asynccontextmanager
    async def taken(self, origin: str, within_s: float) -> AsyncIterator[None]:
        """Holds a place at ``origin``; raises TimeoutError where none is free ``within_s``."""
        places, users = self._places.get(origin) or (asyncio.Semaphore(self._of_each), 0)
        self._places[origin] = (places, users + 1)
        try:
            if places.locked():
                async with asyncio.timeout(within_s):
                    await places.acquire()
            else:
                await places.acquire()
            try:
                yield
            finally:
                places.release()
        finally:
            places, users = self._places.pop(origin)
            if users > 1:
                self._places[origin] = (places, users - 1)
