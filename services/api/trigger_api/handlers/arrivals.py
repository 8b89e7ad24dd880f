"""Waiting for events that are on their way into the log: all who wait share one read.

An event that was accepted is in the log some hundredths of a second later, and much later where
its executor or retention is away. Whoever waits asks PostgreSQL nothing by himself.
"""

import asyncio
from collections.abc import Iterable
from datetime import timedelta
from uuid import UUID

from trigger_api.ports.log import LogViews
from trigger_contracts.errors import Code, Refused, problem
from trigger_runtime.process.errors import DatabaseUnavailable

MOST_WAITING = 1000
LOOK_EVERY_S = 0.1


class Arrivals:
    """Who waits for which event."""

    def __init__(self, views: LogViews) -> None:
        self._views = views
        self._waiting: dict[UUID, set[asyncio.Future[None]]] = {}
        self._looking: asyncio.Task[None] | None = None
        self._is_stopping = False

    async def arrived(self, event_id: UUID, within: timedelta) -> None:
        """Until the event is in the log, for so long at the most, or the gateway stops.

        Raises ``Refused`` where too many wait, ``DatabaseUnavailable``.
        """
        if self._is_stopping:
            return
        if sum(map(len, self._waiting.values())) >= MOST_WAITING:
            detail = f"{MOST_WAITING} requests wait for events: come again"
            raise Refused(problem(Code.UNAVAILABLE, detail))
        mine: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(event_id, set()).add(mine)
        if self._looking is None:
            self._looking = asyncio.create_task(self._look(), name="arrivals")
        try:
            async with asyncio.timeout(within.total_seconds()):
                await mine
        except TimeoutError:
            return
        finally:
            others = self._waiting[event_id]
            others.discard(mine)
            if not others:
                del self._waiting[event_id]

    def stop(self) -> None:
        """Nobody waits any longer: the gateway stops."""
        self._is_stopping = True
        self._tell(self._waiting, None)

    async def _look(self) -> None:
        try:
            while self._waiting:
                await asyncio.sleep(LOOK_EVERY_S)
                wanted = list(self._waiting)
                try:
                    self._tell(await self._views.present(wanted), None)
                except DatabaseUnavailable as error:
                    self._tell(wanted, error)
        finally:
            self._looking = None

    def _tell(self, events: Iterable[UUID], error: Exception | None) -> None:
        for event_id in events:
            for one in self._waiting.get(event_id, ()):
                if one.done():
                    continue
                if error is None:
                    one.set_result(None)
                else:
                    one.set_exception(error)
