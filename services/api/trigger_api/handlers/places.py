"""A number of places for answers that take long, and none of them for a client that stands still.

A place whose client takes nothing is given to somebody who waits for one. Without anybody who
waits, a slow client keeps its place for as long as the answer's own timeout lasts.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import timedelta

from trigger_runtime.process.clock import Clock

STILL = timedelta(seconds=1.5)
"""A client that took not even one piece (64 KiB) for so long stands still."""
LOOK = timedelta(milliseconds=50)
"""Between two looks of somebody who waits for a place."""


class PlaceLost(Exception):  # noqa: N818  # an outcome: somebody else has the place
    """The client stood still, and another one waited."""


class Place:
    """One of them."""

    def __init__(self, limit: asyncio.Timeout) -> None:
        self.limit = limit
        self.waits_since: float | None = None
        """Since when it is the client's turn, by the monotonic clock; None while it is ours."""


class Places:
    """So many places; who waits gets that of a client that stands still."""

    def __init__(self, limit: int, clock: Clock) -> None:
        self._limit = limit
        self._clock = clock
        self._taken: dict[Place, None] = {}

    @contextlib.asynccontextmanager
    async def place(self, within: timedelta) -> AsyncIterator[Place | None]:
        """A place, or None where none was to be had ``within`` that time.

        Whoever loses it meanwhile is interrupted, and ``PlaceLost`` comes out of this.
        """
        ends_at = self._clock.monotonic() + within.total_seconds()
        while len(self._taken) >= self._limit and not self._take_over():
            if self._clock.monotonic() >= ends_at:
                yield None
                return
            await asyncio.sleep(LOOK.total_seconds())
        try:
            async with asyncio.timeout(None) as limit:
                place = Place(limit)
                self._taken[place] = None
                try:
                    yield place
                finally:
                    self._taken.pop(place, None)
        except TimeoutError:
            if limit.expired():
                raise PlaceLost from None
            raise

    def _take_over(self) -> bool:
        """Whether somebody stood still long enough to lose a place just now."""
        still_since = self._clock.monotonic() - STILL.total_seconds()
        still = [
            (place.waits_since, number, place)
            for number, place in enumerate(self._taken)
            if place.waits_since is not None and place.waits_since <= still_since
        ]
        if not still:
            return False
        lost = min(still)[2]
        del self._taken[lost]
        lost.limit.reschedule(asyncio.get_running_loop().time())
        return True
