"""Exports: the log written down from the newest row to the oldest, a page at a time.

Between pages nothing is held but a position in the log, so an export of any length, and of any
slowness, takes the memory of one page. A row is given out only while it is what it was read as:
where its life may have ended since, what is left of the page is read again. Rows that are
logged after the beginning are newer than the first page, and so never come.
"""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator
from datetime import datetime, timedelta

from trigger_api.domain.log.export_paging import PageSize, RowKey, below
from trigger_api.domain.log.exports import File
from trigger_api.domain.queries import ExportQuery
from trigger_api.ports.log import LogPage, LogPages
from trigger_contracts.errors import Code, Refused, problem
from trigger_runtime.process.clock import Clock

from .places import Place, Places

WAIT = timedelta(seconds=3)
"""For a place: twice what a client may stand still that has one."""


class Exports:
    """Those of one process. Some may be open at once, fewer read at once."""

    def __init__(
        self,
        *,
        log: LogPages,
        clock: Clock,
        kept_for: timedelta,
        limit: int,
        reading: int,
    ) -> None:
        """``limit`` are open at once; ``reading`` of them read: others want to search, too."""
        self._log = log
        self._clock = clock
        self._kept_for = kept_for
        self._limit = limit
        self._places = Places(limit, clock)
        self._turns = asyncio.Semaphore(reading)

    @contextlib.asynccontextmanager
    async def open(
        self, query: ExportQuery, file: File
    ) -> AsyncIterator[AsyncGenerator[bytes, None]]:
        """What ``query`` asks for, some rows at a time; the first page has been read.

        Raises ``Refused`` where there is no room, and ``DatabaseUnavailable``, which also may come
        out of what is given; ``PlaceLost`` where the client stood still and another one waited.
        """
        async with self._places.place(WAIT) as place:
            if place is None:
                detail = f"{self._limit} exports are being written here already: try again later"
                raise Refused(problem(Code.UNAVAILABLE, detail))
            export = _Export(self._log, self._clock, self._turns, query, file, self._kept_for)
            first = await export.read()
            async with contextlib.aclosing(self._taken(place, export.bodies(first))) as bodies:
                yield bodies

    async def _taken(
        self, place: Place, bodies: AsyncGenerator[bytes, None]
    ) -> AsyncGenerator[bytes, None]:
        """The same, and between two of them it is the client's turn."""
        async with contextlib.aclosing(bodies):
            async for body in bodies:
                place.waits_since = self._clock.monotonic()
                yield body
                place.waits_since = None


class _Export:
    """One of them, and how far it is."""

    def __init__(
        self,
        log: LogPages,
        clock: Clock,
        turns: asyncio.Semaphore,
        query: ExportQuery,
        file: File,
        kept_for: timedelta,
    ) -> None:
        self._log = log
        self._clock = clock
        self._turns = turns
        self._query = query
        self._file = file
        now = clock.now()
        self._now = now if query.to is None else min(query.to, now)
        oldest = now - kept_for
        self._floor = max(query.from_ or oldest, oldest)
        self._position: RowKey | None = None
        self._pace = PageSize()
        self._since: datetime | None = None
        """Where the stretch that was read last ends; None where nothing can follow."""

    async def read(self) -> LogPage:
        """The page that follows the position."""
        stretch = self._pace.stretch(self._position, self._now, self._floor)
        async with self._turns:
            began = self._clock.monotonic()
            page = await self._log.page(self._query, self._file.format, stretch)
            took_s = self._clock.monotonic() - began
        self._since = stretch.since
        rows = sum(piece.rows for piece in page.pieces)
        self._pace = self._pace.next(rows, took_s, is_whole=page.is_whole)
        return page

    async def bodies(self, page: LogPage) -> AsyncGenerator[bytes, None]:
        """Whole lines, of ``page`` and all that follow it."""
        if self._file.opening:
            yield self._file.opening
        just_read = True
        while True:
            for piece in page.pieces:
                if not just_read and self._clock.monotonic() >= piece.until:
                    break
                just_read = False
                self._position = piece.last
                yield piece.body
            else:
                if page.is_whole:
                    if self._since is None:
                        return
                    self._position = below(self._since)
            page = await self.read()
            just_read = True
