"""The log of record for live tails: read by sequence without a consumer, hinted by core NATS.

Hints are heard by subscriptions that only live while somebody reads; a reconnect is a hint, too.
"""

from collections.abc import Callable, Sequence
from datetime import timedelta

from nats.aio.msg import Msg
from nats.aio.subscription import Subscription
from nats.errors import Error as NatsError

from trigger_api.domain.live_tail.tail_position import LogState
from trigger_api.ports.live_tail import Logged
from trigger_contracts import subjects
from trigger_contracts.message_headers import why_unreadable
from trigger_contracts.topology import EVENTS
from trigger_runtime.jetstream.connection import Connection
from trigger_runtime.jetstream.reader import StoredMessage, StreamReader
from trigger_runtime.process.errors import BrokerUnavailable, ReadRefused
from trigger_runtime.process.logging_setup import get_logger

log = get_logger(__name__)

PAGE = 250
"""Messages of one read: decoding them takes some 5 ms, which everything else waits for."""
PAGE_BYTES = 256 * 1024
"""Of one read; the message that exceeds it is the last."""
_ALL = ">"
_BESIDE = (subjects.ALL_DELIVERY, subjects.ALL_HEALTH)


class JetStreamEventStream:
    """``ports.live_tail.EventStream``: TRIGGER_EVENTS by its sequence, by direct gets."""

    def __init__(
        self, connection: Connection, *, timeout: timedelta, has_deliveries: bool = False
    ) -> None:
        """``has_deliveries``: the records of deliveries are shown beside the events, and changes of
        targets' health.
        """
        self._subjects = (*subjects.LOG_ROWS, *_BESIDE) if has_deliveries else subjects.LOG_ROWS
        self._connection = connection
        self._timeout_s = timeout.total_seconds()
        self._reader = StreamReader(connection, EVENTS.name, timeout=timeout)
        self._subscriptions: list[Subscription] = []
        self._hint: Callable[[], None] | None = None
        connection.on_reconnect(self._hinted)

    async def state(self) -> LogState:
        try:
            found = await self._reader.state()
        except ReadRefused as error:
            raise BrokerUnavailable(str(error)) from error
        microseconds = int(found.created_at.timestamp()) * 1_000_000 + found.created_at.microsecond
        return LogState(microseconds, found.first_seq, found.last_seq)

    async def after(self, seq: int) -> Sequence[Logged]:
        try:
            found = await self._reader.page_after(seq, _ALL, PAGE, PAGE_BYTES)
        except ReadRefused as error:
            raise BrokerUnavailable(str(error)) from error
        return [self._logged(one) for one in found]

    async def listen(self, hint: Callable[[], None]) -> None:
        self._hint = hint
        if self._subscriptions:
            return
        await self._connection.wait_connected(self._timeout_s)
        try:
            for subject in self._subjects:
                heard = await self._connection.client.subscribe(subject, cb=self._heard)
                self._subscriptions.append(heard)
        except (NatsError, OSError) as error:
            await self.unlisten()
            raise BrokerUnavailable(str(error)) from error

    async def unlisten(self) -> None:
        self._hint = None
        while self._subscriptions:
            try:
                await self._subscriptions.pop().unsubscribe()
            except (NatsError, OSError) as error:
                log.debug("not unsubscribed", error=repr(error))

    async def _heard(self, _: Msg) -> None:
        self._hinted()

    def _hinted(self) -> None:
        if self._hint is not None:
            self._hint()

    def _logged(self, message: StoredMessage) -> Logged:
        # Read by sequence the stream is given as a whole.
        if not subjects.matches(message.subject, self._subjects):
            return Logged(message.seq, None)
        # A malformed header block makes it no event, as it does for the log of rows.
        body = b"" if why_unreadable(message.headers) else message.payload
        is_record = subjects.matches(message.subject, _BESIDE)
        return Logged(message.seq, body, message.subject if is_record else None)
