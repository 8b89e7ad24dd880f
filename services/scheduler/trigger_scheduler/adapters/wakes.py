"""Wakes: a trigger that became due earlier than a sleeping replica may know.

Told to this process's own loops at once and to the other replicas by core NATS. A lost
wake costs at most one poll.
"""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from nats.errors import Error as NatsError

from trigger_contracts import subjects
from trigger_runtime.jetstream.connection import Connection
from trigger_runtime.process.logging_setup import get_logger

log = get_logger(__name__)


class NatsWakes:
    """Wakes ``loops`` here, and every replica, when something is due within ``horizon``."""

    def __init__(
        self, connection: Connection, wake_here: Sequence[Callable[[], None]], horizon: timedelta
    ) -> None:
        self._connection = connection
        self._wake_here = wake_here
        self._horizon = horizon
        self._telling: asyncio.Task[None] | None = None

    def armed(self, next_fire_at: datetime, now: datetime) -> None:
        """A trigger was armed for ``next_fire_at``."""
        if next_fire_at - now > self._horizon:
            return
        self.here()
        if self._telling is None or self._telling.done():
            self._telling = asyncio.create_task(self._tell())

    def here(self) -> None:
        for wake in self._wake_here:
            wake()

    async def _tell(self) -> None:
        try:
            await self._connection.client.publish(subjects.WAKE, b"{}")
        except (NatsError, OSError) as error:
            log.warning("replicas not woken", error=repr(error))
