"""Tells replicas of the executor, over core NATS, that there is something to do. Never waits."""

import asyncio
from collections.abc import Collection

from nats.errors import Error as NatsError

from trigger_contracts import subjects
from trigger_contracts.deliveries.hints import APPENDED, waiting_in
from trigger_runtime.jetstream.connection import Connection
from trigger_runtime.process.logging_setup import get_logger

log = get_logger(__name__)


AT_MOST_EVERY_S = 0.005
"""That records were appended is told so often: whoever projects reads all that there are."""


class NatsHints:
    """Tells every replica, this one among them. A hint that is not told costs a poll."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._telling: set[asyncio.Task[None]] = set()
        self._is_resting = self._is_owed = False

    def appended(self) -> None:
        """Records were appended."""
        if self._is_resting:
            self._is_owed = True
            return
        self._is_resting = True
        asyncio.get_running_loop().call_later(AT_MOST_EVERY_S, self._rested)
        self._tell(APPENDED)

    def _rested(self) -> None:
        self._is_resting = False
        if self._is_owed:
            self._is_owed = False
            self.appended()

    def waiting(self, target_ids: Collection[str]) -> None:
        """Something waits in the lanes of these targets."""
        self._tell(waiting_in(target_ids))

    def _tell(self, body: bytes) -> None:
        if not self._connection.is_connected:
            return
        task = asyncio.ensure_future(self._publish(body))
        self._telling.add(task)
        task.add_done_callback(self._telling.discard)

    async def _publish(self, body: bytes) -> None:
        try:
            await self._connection.client.publish(subjects.EXECUTOR_WAKE, body)
        except (NatsError, OSError) as error:
            log.warning("replicas not woken", error=repr(error))
