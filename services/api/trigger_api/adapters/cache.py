"""What is kept for a moment: in this process's memory, or in a Redis or Valkey that all share.

By cashews. Bytes go in and out as they are: nothing is unpickled that a shared cache returns.
A cache that is slow or away is left alone for a while, and everything is as without one.
"""

import asyncio
from datetime import timedelta

from cashews import Cache
from cashews.picklers import PicklerType

from trigger_runtime.http.health import Health
from trigger_runtime.process.clock import Clock
from trigger_runtime.process.errors import Noted
from trigger_runtime.process.logging_setup import get_logger

from . import meter

log = get_logger(__name__)

OFF = "off"

CACHE_TIMEOUT_S = 0.05
"""For one answer: as long as reading the page itself may take."""
LEFT_ALONE_S = 5.0
"""After it did not answer: a request does not wait for what just was away."""
CHECK_TIMEOUT_S = 0.5
"""Of ``/ready``'s look at it: longer than a page's, so that a moment's load is not told as away."""
PAGES_IN_MEMORY = 1000
_NAME = "etp:pages:"


class CashewsCache:
    """``ports.log.Cache`` in memory, or in a Redis or Valkey. Connects when it is first asked."""

    def __init__(self, url: str, clock: Clock) -> None:
        self._clock = clock
        self._cache = Cache()
        self._is_shared = not url.startswith("mem:")
        options = (
            {"suppress": False, "socket_timeout": CACHE_TIMEOUT_S, "max_connections": 20}
            if self._is_shared
            else {"size": PAGES_IN_MEMORY}
        )
        self._cache.setup(url, pickle_type=PicklerType.NULL, **options)
        self._away_until = 0.0

    async def get(self, key: str) -> bytes | None:
        if self._is_left_alone():
            meter.cache_away()
            return None
        try:
            async with asyncio.timeout(CACHE_TIMEOUT_S):
                found = await self._cache.get(_NAME + key)
        except Exception as error:  # noqa: BLE001 - whatever it is, a list is read without it
            self._leave_alone(error)
            return None
        (meter.cache_miss if found is None else meter.cache_hit)()
        return found if isinstance(found, bytes) else None

    async def set(self, key: str, value: bytes, expires_in: timedelta) -> None:
        if self._is_left_alone():
            return
        try:
            async with asyncio.timeout(CACHE_TIMEOUT_S):
                await self._cache.set(_NAME + key, value, expire=expires_in.total_seconds())
        except Exception as error:  # noqa: BLE001 - whatever it is, a list is read without it
            self._leave_alone(error)

    def tell(self, health: Health) -> None:
        """Have ``health`` say whether a shared one answers; one in memory always does."""
        if self._is_shared:
            health.add("cache", self.check)

    async def check(self) -> None:
        """Raises Noted where it does not answer: without it reads are slower, and nothing else."""
        try:
            async with asyncio.timeout(CHECK_TIMEOUT_S):
                await self._cache.ping()
        except Exception as error:
            # The kind only: messages may name hosts and users.
            msg = f"does not answer, and reads go on without it: {type(error).__name__}"
            raise Noted(msg) from error

    def _is_left_alone(self) -> bool:
        return self._clock.monotonic() < self._away_until

    def _leave_alone(self, error: Exception) -> None:
        meter.cache_away()
        self._away_until = self._clock.monotonic() + LEFT_ALONE_S
        log.warning("the cache does not answer: reads go on without it", error=type(error).__name__)

    async def close(self) -> None:
        await self._cache.close()


class NoCache:
    """Keeps nothing."""

    async def get(self, key: str) -> bytes | None:
        del key
        return None

    async def set(self, key: str, value: bytes, expires_in: timedelta) -> None:
        del key, value, expires_in

    def tell(self, health: Health) -> None:
        """Nothing is to be said of it."""
        del health

    async def close(self) -> None:
        pass


def cache_at(url: str, clock: Clock) -> CashewsCache | NoCache:
    return NoCache() if url == OFF else CashewsCache(url, clock)
