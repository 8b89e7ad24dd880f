"""Hints between replicas of the executor, over core NATS: see ``deliveries.hints``. Never waits."""

import asyncio
from collections.abc import Callable, Collection

from nats.aio.msg import Msg
from nats.errors import Error as NatsError

from trigger_contracts import subjects
from trigger_contracts.deliveries.hints import APPENDED, lanes_of, waiting_in
from trigger_runtime.jetstream.connection import Connection
from trigger_runtime.process.logging_setup import get_logger

log = get_logger(__name__)


class NatsHints:
    """Tells every replica, this one among them. A hint that is not told costs a poll."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._telling: set[asyncio.Task[None]] = set()

    def appended(self) -> None:
        """Records were appended."""
        self._tell(APPENDED)

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


class HeardHints:
    """What to do on a hint: handed to the subscriber of the deliver role."""

    def __init__(
        self,
        *,
        on_appended: Callable[[], None],
        on_waiting: Callable[[frozenset[str] | None], None],
    ) -> None:
        """``on_waiting`` is told the targets; None for any."""
        self._on_appended = on_appended
        self._on_waiting = on_waiting

    async def __call__(self, message: Msg) -> None:
        if message.data == APPENDED:
            self._on_appended()
        else:
            self._on_waiting(lanes_of(message.data))
