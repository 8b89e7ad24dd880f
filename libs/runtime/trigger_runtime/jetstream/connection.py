"""The process's one connection to the broker, for ever reconnecting.

Never gives up while the broker is away: ``start`` returns at once and keeps trying, and
readiness tells. Every error the client reports is logged, permission violations included,
because a forbidden publish otherwise looks like a timeout. Others subscribe to reconnects,
since what was asked of the server before (a pull request) is lost with the connection.
"""

import asyncio
import contextlib
import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from nats.aio.client import DEFAULT_FLUSH_TIMEOUT, Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription
from nats.errors import ConnectionClosedError
from nats.errors import Error as NatsError

from trigger_contracts import message_headers, subjects
from trigger_runtime.process.errors import BrokerUnavailable
from trigger_runtime.process.logging_setup import get_logger
from trigger_runtime.process.metrics import BROKER_CONNECTED, UNHEARD
from trigger_runtime.process.settings import NatsSettings

log = get_logger(__name__)

PING_INTERVAL_S = 5
"""With two unanswered pings a dead connection is noticed in 10-15 s (the default: 4-6 min)."""
PONG_TIMEOUT_S = 1
"""A broker that takes longer for a pong does not count as there."""
RECONNECT_WAIT_S = 0.2
"""Short, because a restarted broker is back within a second and fires wait for it."""
DRAIN_TIMEOUT_S = 3
"""What a stop waits for messages in flight before it closes anyway."""
REPEAT_LOG_S = 10.0
"""The same connection error again is logged at most this often."""


def connect_options(settings: NatsSettings, service: str) -> dict[str, Any]:
    """nats-py's keyword arguments, without callbacks. ``service`` is also the inbox prefix."""
    options: dict[str, Any] = {
        "servers": [url.strip() for url in settings.nats_url.split(",")],
        "name": service,
        "inbox_prefix": subjects.inbox_prefix(service),
        "allow_reconnect": True,
        # -1: for ever, the first connect included. The default stops after 60 tries.
        "max_reconnect_attempts": -1,
        # nats-py has no jitter: replicas spread by a random wait of their own.
        "reconnect_time_wait": RECONNECT_WAIT_S * random.uniform(0.75, 1.5),  # noqa: S311
        "connect_timeout": 2,
        "ping_interval": PING_INTERVAL_S,
        "max_outstanding_pings": 2,
        "drain_timeout": DRAIN_TIMEOUT_S,
    }
    if settings.nats_user is not None:
        options["user"] = settings.nats_user
    if settings.nats_password is not None:
        options["password"] = settings.nats_password.get_secret_value()
    return options


class OrderlyClient(Client):
    """nats-py's client with a ``flush``, and so a drain, that keeps its promise."""

    async def flush(self, timeout: int = DEFAULT_FLUSH_TIMEOUT) -> None:  # noqa: ASYNC109 - nats-py's
        """Return when the server has all that was sent so far.

        nats-py's ping overtakes what still waits to be written. That is written by the time of the
        first answer, and so is ahead of the second ping. Raises as nats-py's does.
        """
        await super().flush(timeout)
        await super().flush(timeout)


class ReadingEnded(NatsError):  # noqa: N818
    """Of the client: it stopped reading although the connection stands."""


class FastClient(OrderlyClient):
    """nats-py's client, with less to do for a message, and with a reading that nothing ends.

    Headers are read in a quarter of the time and written in a third. Many messages can be sent in
    one write. Who need not wait for anything can hear messages as they are read (``listen``).
    Whatever a message is, and whatever hearing it raises, the next one is read.
    """

    def __init__(self) -> None:
        super().__init__()
        self._hearing: dict[int, Callable[[Msg], None]] = {}
        """By the number of their subscription."""

    async def listen(self, subject: str, hear: Callable[[Msg], None]) -> Subscription:
        """Have ``hear`` called with each message on a subject that nobody sends to before.

        For callers that are done in microseconds, since the next message is read only then. Others
        subscribe: that is a queue, a task and a turn of the event loop for each message.
        """
        subscription = await self.subscribe(subject)
        self._hearing[subscription._id] = hear  # noqa: SLF001 - what the server calls it
        return subscription

    async def _process_msg(
        self, sid: int, subject: bytes, reply: bytes, data: bytes, headers: bytes
    ) -> None:
        hear = self._hearing.get(sid)
        try:
            if hear is None:
                await super()._process_msg(sid, subject, reply, data, headers)
                return
            self.stats["in_msgs"] += 1
            self.stats["in_bytes"] += len(data)
            parsed = message_headers.read(headers) if headers else None
            hear(self._build_message(sid, subject, reply, data, parsed))
        except Exception as error:  # noqa: BLE001 - or nothing were read any more
            UNHEARD.inc()
            await self._error_cb(error)

    async def _process_headers(self, headers: bytes) -> dict[str, str] | None:
        return message_headers.read(headers) if headers else None

    def _build_message(
        self,
        sid: int,
        subject: bytes,
        reply: bytes,
        data: bytes,
        headers: dict[str, str] | None,
    ) -> Msg:
        # The broker lets any bytes through: such a subject is no one's, and is a message all the
        # same.
        return self.msg_class(
            subject=subject.decode("utf-8", "replace"),
            reply=reply.decode("utf-8", "replace"),
            data=data,
            headers=headers,
            _client=self,
            _sid=sid,
        )

    async def _process_pong(self) -> None:
        if self._pongs and self._pongs[0].done():
            # Whoever waited has given up. nats-py would set a result, which raises.
            self._pongs[0] = asyncio.get_running_loop().create_future()
        await super()._process_pong()

    async def _read_loop(self) -> None:
        await super()._read_loop()
        if self.is_connected:
            # nats-py leaves it at that for whatever it did not expect: connected, and deaf until
            # the connection counts as stale.
            UNHEARD.inc()
            await self._process_op_err(ReadingEnded("reading ended, the connection is made anew"))

    def _remove_sub(self, sid: int, max_msgs: int = 0) -> None:
        self._hearing.pop(sid, None)
        super()._remove_sub(sid, max_msgs)

    async def _send_publish(
        self,
        subject: str,
        reply: str,
        payload: bytes,
        payload_size: int,
        headers: dict[str, Any] | None,
    ) -> None:
        if headers is None:
            await super()._send_publish(subject, reply, payload, payload_size, headers)
            return
        self.stats["out_msgs"] += 1
        self.stats["out_bytes"] += payload_size
        await self._send_command(frame(subject, reply, payload, headers))
        if self._flush_queue is not None and self._flush_queue.empty():
            await self._flush_pending()

    async def send(self, frames: Sequence[bytes]) -> None:
        """Publish messages that are ready to be sent (``frame``, ``empty_frame``), in one write.

        Raises ``nats.errors.Error`` where the connection does not stand: nothing is kept for later.
        """
        if self.is_closed or not self.is_connected:
            raise ConnectionClosedError
        self.stats["out_msgs"] += len(frames)
        data = b"".join(frames)
        self.stats["out_bytes"] += len(data)
        if self._transport is not None and self._pending_data_size == 0:
            # At once: by way of the client's flusher it would wait for everybody whose turn it is,
            # and the broker for something to do. Not drained: what is on its way is bounded by
            # those who send, be it that they wait for answers or answer what they asked for.
            self._transport.writelines([data])
            return
        await self._send_command(data)
        if self._flush_queue is not None and self._flush_queue.empty():
            await self._flush_pending()


def frame(subject: str, reply: str, payload: bytes, headers: Mapping[str, Any]) -> bytes:
    """A message with headers as the protocol has it.

    A line break in a header would be another header: as nats-py does, it becomes a space.
    """
    lines = "".join([f"{name}: {value}\r\n" for name, value in headers.items()])
    if lines.count("\n") != len(headers) or lines.count("\r") != len(headers):
        lines = "".join([f"{_line(name)}: {_line(value)}\r\n" for name, value in headers.items()])
    block = f"NATS/1.0\r\n{lines}\r\n".encode()
    size = len(block)
    command = f"HPUB {subject} {reply} {size} {size + len(payload)}\r\n".encode()
    return b"".join((command, block, payload, b"\r\n"))


def empty_frame(subject: str) -> bytes:
    """A message without headers or payload."""
    return f"PUB {subject} 0\r\n\r\n".encode()


def _line(text: Any) -> str:
    return str(text).replace("\r", " ").replace("\n", " ").strip()


class Connection:
    """A nats-py client that outlives every failure of the broker.

    ``client`` is the same object for ever; ``lost`` is set if the client closed itself for
    good (the server refused us), after which the process must be started anew.
    """

    def __init__(self, settings: NatsSettings, service: str) -> None:
        self.service = service
        self.client: FastClient = FastClient()
        self.lost = asyncio.Event()
        self._options = connect_options(settings, service)
        self._connected = asyncio.Event()
        self._on_reconnect: list[Callable[[], None]] = []
        self._on_disconnect: list[Callable[[], None]] = []
        self._connecting: asyncio.Task[None] | None = None
        self._closing = False
        self._last_error: tuple[str, float] = ("", 0.0)

    @property
    def is_connected(self) -> bool:
        return self.client.is_connected

    def on_reconnect(self, call: Callable[[], None]) -> None:
        """``call`` after every reconnect; it must not block or raise."""
        self._on_reconnect.append(call)

    def on_disconnect(self, call: Callable[[], None]) -> None:
        """``call`` whenever the connection breaks; it must not block or raise."""
        self._on_disconnect.append(call)

    async def start(self) -> None:
        """Begin connecting in the background; returns at once, the broker may be away."""
        if self._connecting is None:
            self._connecting = asyncio.create_task(self._connect(), name="nats connect")

    async def connect(self) -> Client:
        """Connected, however long that takes."""
        await self.start()
        if self._connecting is not None:
            await asyncio.shield(self._connecting)
        return self.client

    async def wait_connected(self, timeout_s: float) -> None:
        """Raises BrokerUnavailable when the connection does not stand within ``timeout_s``."""
        if self.client.is_connected:
            return
        try:
            async with asyncio.timeout(timeout_s):
                await self._connected.wait()
        except TimeoutError as error:
            raise BrokerUnavailable("not connected to the broker") from error

    async def pause(self) -> None:
        """Wait for the connection, at least a moment: what a loop does after an error."""
        await asyncio.sleep(RECONNECT_WAIT_S)
        await self._connected.wait()

    async def ping(self) -> None:
        """A round trip to the broker; raises BrokerUnavailable. For readiness."""
        if not self.client.is_connected:
            raise BrokerUnavailable("not connected to the broker")
        # Not flush(): nats-py resolves pongs in order without looking whether somebody still
        # waits, and a late one for a cancelled waiter ends its read loop (InvalidStateError);
        # nothing is heard then until the connection counts as stale, 10-15 s later, while
        # flush() no longer asks the broker and succeeds. This pong is nobody's to cancel.
        pong: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(PONG_TIMEOUT_S):
                await self.client._send_ping(pong)  # noqa: SLF001 - nothing public sends one
                await asyncio.shield(pong)
        except (NatsError, OSError, TimeoutError) as error:
            raise BrokerUnavailable(str(error) or type(error).__name__) from error

    async def close(self) -> None:
        """Flush what was published, then close; never raises, never hangs."""
        self._closing = True
        if self._connecting is not None and not self._connecting.done():
            self._connecting.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._connecting
        if self.client.is_closed:
            return
        try:
            async with asyncio.timeout(2 * DRAIN_TIMEOUT_S):
                # Drain raises at once while reconnecting: then there is nothing to flush to.
                await (self.client.drain() if self.client.is_connected else self.client.close())
        except (NatsError, TimeoutError, OSError) as error:
            log.warning("broker connection not drained", error=repr(error))
            with contextlib.suppress(Exception):
                await self.client.close()

    async def _connect(self) -> None:
        await self.client.connect(
            **self._options,
            error_cb=self._report,
            disconnected_cb=self._disconnected,
            reconnected_cb=self._reconnected,
            closed_cb=self._closed,
        )
        self._set_connected()
        log.info("broker connected", server=self._server())

    def _server(self) -> str:
        url = self.client.connected_url
        return f"{url.hostname}:{url.port}" if url else "?"

    def _set_connected(self) -> None:
        self._connected.set()
        BROKER_CONNECTED.set(1)

    async def _report(self, error: Exception) -> None:
        # nats-py calls this for every failed attempt: five a second while the broker is away.
        text = str(error) or type(error).__name__
        now = asyncio.get_running_loop().time()
        if text == self._last_error[0] and now - self._last_error[1] < REPEAT_LOG_S:
            return
        self._last_error = (text, now)
        log.error("broker error", error=text, kind=type(error).__name__)

    async def _disconnected(self) -> None:
        self._connected.clear()
        BROKER_CONNECTED.set(0)
        if not self._closing:
            log.warning("broker disconnected")
        _call_all(self._on_disconnect)

    async def _reconnected(self) -> None:
        self._set_connected()
        log.info("broker reconnected", server=self._server())
        _call_all(self._on_reconnect)

    async def _closed(self) -> None:
        self._connected.clear()
        if not self._closing:
            log.critical("broker closed the connection", error=repr(self.client.last_error))
            self.lost.set()


def _call_all(calls: list[Callable[[], None]]) -> None:
    for call in calls:
        try:
            call()
        except Exception:
            log.exception("connection hook failed")
