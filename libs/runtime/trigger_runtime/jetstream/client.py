"""nats-py's client, mended and made quicker: what it gets wrong, and what it does too much of.

Beside it only ``consuming.delivery`` touches what nats-py keeps to itself.
"""

import asyncio
import ssl
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from nats.aio.client import DEFAULT_BUFFER_SIZE, DEFAULT_FLUSH_TIMEOUT, Client, Srv
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription
from nats.errors import ConnectionClosedError
from nats.errors import Error as NatsError

from trigger_contracts import message_headers
from trigger_runtime.process.metrics import UNHEARD
from trigger_runtime.process.settings import BrokerSettings

from .transport import EndingTransport


class OrderlyClient(Client):
    """nats-py's client with a ``flush``, and so a drain, that keeps its promise."""

    async def flush(self, timeout: int = DEFAULT_FLUSH_TIMEOUT) -> None:  # noqa: ASYNC109 - nats-py's
        """Return when the server has all that was sent so far.

        nats-py's ping overtakes what still waits to be written. That is written by the time of the
        first answer, and so is ahead of the second ping. Raises as nats-py's does.
        """
        await super().flush(timeout)
        await super().flush(timeout)


_OVER = ("authentication expired", "authentication revoked")
"""Of the broker, which then ends the connection: what let a user or an account in holds no more."""


class NoAccess(NatsError):  # noqa: N818
    """Nothing was said to the broker: it cannot be trusted, or what proves who we are is gone."""


class ReadingEnded(NatsError):  # noqa: N818
    """Of the client: it stopped reading although the connection stands."""


class FastClient(OrderlyClient):
    """nats-py's client, with less to do for a message, and with a reading that nothing ends.

    Headers are read in a quarter of the time and written in a third. Many messages can be sent in
    one write. Who need not wait for anything can hear messages as they are read (``listen``).
    Whatever a message is, and whatever hearing it raises, the next one is read.
    """

    def __init__(self, settings: BrokerSettings | None = None) -> None:
        """``settings``: how the broker is entered, apart from user and password."""
        super().__init__()
        self._settings = settings
        self._hearing: dict[int, Callable[[Msg], None]] = {}
        """By the number of their subscription."""

    async def _connect_to_server(self, s: Srv) -> None:
        s.last_attempt = time.monotonic()
        self._transport = EndingTransport()
        await self._transport.connect(
            s.uri,
            buffer_size=DEFAULT_BUFFER_SIZE,
            connect_timeout=self.options["connect_timeout"],
        )

    @property
    def ssl_context(self) -> ssl.SSLContext:
        """Made for each connection: the files may have been renewed."""
        return super().ssl_context if self._settings is None else self._settings.tls_context()

    def _connect_command(self) -> bytes:
        """The first that the broker hears from us, over TLS if there is any."""
        if self._settings is None:
            return super()._connect_command()
        if self._settings.asks_for_tls and not self._server_info.get("tls_required"):
            # nats-py goes on in plain text, whatever the address says.
            raise NoAccess("TLS is asked for, and the broker does not require it")
        try:
            identity = self._settings.identity()
        except ValueError as error:
            raise NoAccess(f"what proves who we are is gone: it {error}") from error
        if identity is not None:
            self._signature_cb = identity.sign
            self._public_nkey = identity.public
            jwt = identity.jwt
            self._user_jwt_cb = None if jwt is None else jwt.encode
        return super()._connect_command()

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

    async def _process_err(self, err_msg: str) -> None:
        if not any(over in err_msg for over in _OVER):
            await super()._process_err(err_msg)
            return
        # nats-py would close for good. The file may hold the next credentials already, and is read
        # for each connection.
        error = NatsError(f"nats: {err_msg}")
        await self._error_cb(error)
        await self._process_op_err(error)

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
