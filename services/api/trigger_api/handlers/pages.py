"""Lists of the log, with pages that are asked for again and again kept for a moment.

``domain.log.pages`` says what may be kept and for how long. A page that is being read is waited
for by all who ask for it meanwhile, unless it would be too old for them; a cache that does not
answer is as good as none.
"""

import asyncio
from dataclasses import dataclass
from datetime import datetime

from trigger_api.domain.log import pages
from trigger_api.domain.log.pages import EventPage
from trigger_api.domain.queries import EventQuery
from trigger_api.ports.log import Cache, LogPosition, LogViews
from trigger_api.ports.process import Clock


@dataclass(frozen=True, slots=True)
class _SharedRead:
    task: asyncio.Task[EventPage]
    begun_at: datetime

    def is_too_old(self, now: datetime) -> bool:
        return not self.begun_at <= now < self.begun_at + pages.FRESH_FOR


class EventPages:
    """Reads pages of the log; first pages are taken from the cache while they are new enough."""

    def __init__(
        self, *, views: LogViews, positions: LogPosition, cache: Cache, clock: Clock
    ) -> None:
        self._views = views
        self._positions = positions
        self._cache = cache
        self._clock = clock
        self._repeats = pages.Repeats()
        self._readings: dict[str, _SharedRead] = {}

    async def page(self, query: EventQuery) -> EventPage:
        """Raises ``DatabaseUnavailable``."""
        if not pages.may_be_kept(query):
            return await self._read(query)
        asked_at = self._clock.now()
        key = pages.key_of(query)
        again = self._repeats.again(key, asked_at)
        page = await self._shared(key, query, again=again)
        if page.fresh_until <= asked_at:
            # It was being read already, and a life in it had ended before anybody asked here.
            page = await self._shared(key, query, again=again)
        return page

    async def _shared(self, key: str, query: EventQuery, *, again: bool) -> EventPage:
        """The page that is being read, or else one that all who ask meanwhile are given too."""
        reading = self._readings.get(key)
        if reading is None or reading.is_too_old(self._clock.now()):
            finding = self._find(key, query) if again else self._read(query)
            task = asyncio.create_task(finding, name="page of the log")
            reading = self._readings[key] = _SharedRead(task, self._clock.now())
            task.add_done_callback(lambda _: self._forget(key, task))
        # Whoever goes away leaves the page to the others.
        return await asyncio.shield(reading.task)

    def _forget(self, key: str, task: asyncio.Task[EventPage]) -> None:
        if not task.cancelled():
            task.exception()  # it is told to whoever waits; if nobody does, nobody misses it
        reading = self._readings.get(key)
        if reading is not None and reading.task is task:
            del self._readings[key]

    async def _find(self, key: str, query: EventQuery) -> EventPage:
        kept = await self._cache.get(key)
        page = None if kept is None else pages.unpacked(kept)
        if page is not None and page.is_fresh(self._clock.now()):
            return page
        page = await self._read(query)
        left = page.fresh_until - self._clock.now()
        if left.total_seconds() > 0:
            await self._cache.set(key, pages.packed(page), left)
        return page

    async def _read(self, query: EventQuery) -> EventPage:
        # Before the read: what is projected meanwhile may be missing from it.
        position = await self._positions.certain()
        asked_at = self._clock.now()
        read = await self._views.events(query)
        until = pages.fresh_until(asked_at, read.read_at, read.true_until)
        return EventPage(read.body, read.next_cursor, asked_at, until, position)
