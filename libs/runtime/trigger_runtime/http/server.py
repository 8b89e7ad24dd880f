"""uvicorn's HTTP/1.1, guarded: what anybody may send before, beside and after a request is bounded.

Of each connection: the bytes, the fields and the time of a head, the requests that wait in it,
and how slowly it may take an answer (see ``unread``). What breaks a rule is answered by a
problem, and the connection ends. Who is answered before its body was read is heard for a while
longer, so that it comes to read the answer: a socket closed with bytes unread resets what was
sent on it.
The gateway and each worker serve with it. It knows nothing of any route.
"""

import asyncio
import contextlib
import socket
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import httptools
import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from trigger_contracts.errors import Code
from trigger_runtime.process.metrics import HTTP_REFUSED
from trigger_runtime.process.settings import HttpSettings

from . import framing
from .connections import Connections, address_of, room
from .refusals import refusal
from .unread import Unread, too_many

MAX_HEAD_BYTES = 32 * 1024
"""Of a request line with its header fields, and of the fields behind a body."""
MAX_FIELDS = 100
"""Of a head. Each costs a hundred times its bytes where it is two letters."""
MAX_WAITING = 16
"""Requests of one connection that wait for their turn; no client of ours sends a second."""
SWEEP_S = 0.25
"""Between two looks at all connections: so much later than said may a limit of time hold."""
LINGER_S = 10.0
"""How long whoever was answered early may go on sending."""
LINGER_IDLE_S = 2.0
"""Without a byte for so long, it has stopped."""
LINGER_BYTES = 64 * 1024 * 1024
"""Of a body: twice the largest that is accepted anywhere. They are dropped as they come."""
LINGER_HEAD_BYTES = 1024 * 1024
"""Of what is no request: nobody sends that for long by mistake."""
UNSENT_BYTES = 128 * 1024
"""Of an answer in the kernel that its reader has no room for: two pieces of an export."""
MAY_STALL = "etp.may_stall"
"""In the ASGI scope of an answer that watches its reader by itself."""

_BETWEEN, _HEAD, _BODY = range(3)
"""What of a request the parser waits for."""


@dataclass(frozen=True, slots=True)
class HttpLimits:
    """What the settings say about connections."""

    connections: int = 4096
    connections_of_one: int = 2048
    head_timeout_s: float = 10.0
    keep_alive_s: float = 75.0
    """Of an idle connection. Who sends a request in the moment of its close gets no answer, and may
    not send a POST again unasked: so clients and proxies, which keep 5 to 60 s, should be first."""

    @classmethod
    def of(cls, settings: HttpSettings) -> "HttpLimits":
        return cls(
            settings.http_connections,
            settings.http_connections_of_one,
            settings.head_timeout.total_seconds(),
            settings.keep_alive.total_seconds(),
        )


class Guard:
    """What the connections of one server share: who they are, and a look at each now and then."""

    def __init__(self, limits: HttpLimits) -> None:
        self._limits = limits
        self.connections: Connections[GuardedHttp] = Connections(*self._room())
        self.head_timeout_s = limits.head_timeout_s
        self.keep_alive_s = limits.keep_alive_s
        self._is_watching = False

    def admit(self, connection: "GuardedHttp") -> bool:
        # Asked each time: an operator may lower the limit of files while we run.
        self.connections.resize(*self._room())
        return self.connections.admit(connection)

    def _room(self) -> tuple[int, int]:
        return room(self._limits.connections, self._limits.connections_of_one)

    def watch(self, loop: asyncio.AbstractEventLoop) -> None:
        """Look at them for as long as there are any."""
        if not self._is_watching:
            self._is_watching = True
            loop.call_later(SWEEP_S, self._sweep, loop)

    def _sweep(self, loop: asyncio.AbstractEventLoop) -> None:
        self._is_watching = False
        now = loop.time()
        for connection in self.connections:
            connection.look(now)
        for connection in too_many((one for one in self.connections if one.is_watched()), now):
            connection.cut_unread()
        if len(self.connections):
            self.watch(loop)


def server_config(
    app: Any,
    limits: HttpLimits,
    *,
    host: str,
    port: int,
    connection: "type[GuardedHttp] | None" = None,
    **options: Any,
) -> uvicorn.Config:
    """What uvicorn is told for a guarded server; ``connection`` may add to a ``GuardedHttp``."""
    made: Any = partial(connection or GuardedHttp, Guard(limits))
    return uvicorn.Config(
        app,
        host=host,
        port=port,
        http=made,
        # Nothing here speaks it: what asks for an upgrade is answered as if it did not.
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        # Nothing here depends on the client's address: no proxy needs to be believed.
        proxy_headers=False,
        # It is given to the loop's clock as it is: a part of a second counts, too.
        timeout_keep_alive=limits.keep_alive_s,  # type: ignore[arg-type]
        **options,
    )


class _Transport:
    """A transport that does not close on those who still send, and counts what is written."""

    def __init__(self, inner: asyncio.Transport, close: Callable[[], None], unread: Unread) -> None:
        self._inner = inner
        self._unread = unread
        self.close = close
        self.is_lingering = False

    def write(self, data: bytes) -> None:
        self._unread.wrote(len(data))
        self._inner.write(data)

    def is_closing(self) -> bool:
        return self.is_lingering or self._inner.is_closing()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


class GuardedHttp(HttpToolsProtocol):
    """One connection: what it may send, and how slowly it may take an answer, is bounded."""

    address = ""

    def __init__(self, guard: Guard, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        self._guard = guard
        self._part = _BETWEEN
        self._has_asked = False
        self._head_since: float | None = None
        self._settled = 0
        """Grows with each head, piece of a body, and end of a request."""
        self._unsettled = 0
        """Bytes that came since it last grew: of an unfinished head, or of no use."""
        self._fault: bytes | None = None
        self._body_head: bytes | None = None
        """Between a head that asks for an upgrade and its body: what frames that for the parser."""
        self._keeps_alive = False
        self._is_deaf = False
        """What else comes is dropped: the connection ends with the answers that it waits for."""
        self._is_stopping = False
        self._may_send = 0
        self._sends_until = self._sent_at = 0.0
        self.unread = Unread()
        self._answered: Any = {}
        """The scope of the newest request whose turn has come; ``scope`` may be of a later one."""

    # What asyncio calls.

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self._inner = transport
        self._outer = _Transport(transport, self._close, self.unread)
        super().connection_made(self._outer)  # type: ignore[arg-type]
        self.address = address_of(self.client[0]) if self.client else ""
        if not self._guard.admit(self):
            HTTP_REFUSED.labels("full").inc()
            self._is_deaf = True
            transport.write(refusal(Code.UNAVAILABLE, "too many connections are open here"))
            transport.close()
            return
        self._head_since = self.loop.time()
        self._guard.watch(self.loop)
        _bound_kernel_buffer(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self._guard.connections.leave(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._is_deaf or self._outer.is_lingering:
            self._drop(len(data))
            return
        self._unset_keepalive_if_required()
        settled = self._settled
        try:
            self._feed(data)
        except httptools.HttpParserError as error:
            self._refuse("malformed", self._fault or _malformed(error))
            return
        if self._settled != settled:
            self._unsettled = 0
            if self._part is not _HEAD:
                return
        else:
            self._unsettled += len(data)
            if self._unsettled > MAX_HEAD_BYTES or len(self.headers or ()) > MAX_FIELDS:
                self._refuse("head-too-large", _too_large())
                return
        if self._head_since is None and self._part is not _BODY:
            self._head_since = self.loop.time()

    def _feed(self, data: bytes) -> None:
        """Have all of it parsed, also what follows the head of a request that asks for an upgrade.

        The parser takes that for another protocol's. Nobody here speaks one, so it is what it
        would be otherwise (RFC 9110, 7.8): the request's body, and further requests.
        """
        while True:
            try:
                return self.parser.feed_data(data)
            except httptools.HttpParserUpgrade as upgrade:
                data = data[upgrade.args[0] :]
            if self._body_head is not None:
                self.parser = httptools.HttpRequestParser(self)
                data = self._body_head + data

    # What the parser calls.

    def on_message_begin(self) -> None:
        if self._body_head is not None:
            return
        self._part = _HEAD
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        if self._body_head is not None:
            self._body_head = None
            self.headers = []
            return
        if len(self.headers) > MAX_FIELDS or _size(self.url, self.headers) > MAX_HEAD_BYTES:
            self._fault = _too_large()
            raise ValueError("head too large")
        if len(self.pipeline) >= MAX_WAITING:
            raise ValueError("too many requests wait in this connection")
        self._fault = framing.fault(self.headers, self.parser.get_http_version())
        if self._fault is not None:
            raise ValueError("the head is not to be served")
        if self.parser.should_upgrade():
            self._body_head = framing.head_of_body(self.headers)
        self._settled += 1
        self._part = _BODY
        self._head_since = None
        if not self._has_asked:
            self._has_asked = True
            self._guard.connections.has_asked(self)
        self.url = framing.with_path(self.url)
        super().on_headers_complete()
        # Fields behind a body are counted, and nobody's business.
        self.headers = []
        # An answer that begins before the body is there ends the connection, and says so.
        self._keeps_alive = self.cycle.keep_alive
        self.cycle.keep_alive = False

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._answered = cycle.scope
        super()._start_asgi_task(cycle, app)

    def on_body(self, body: bytes) -> None:
        self._settled += 1
        super().on_body(body)

    def on_message_complete(self) -> None:
        if self._body_head is not None:
            return  # of a request that asks for an upgrade: its body is still to come
        self._settled += 1
        self._part = _BETWEEN
        if not self.cycle.response_started and not self._is_stopping:
            self.cycle.keep_alive = self._keeps_alive
        super().on_message_complete()

    # What ``Connections`` and the guard call.

    def idle_since(self) -> float | None:
        if self._outer.is_lingering:
            return self._sends_until - LINGER_S
        if self._is_answering():
            return None
        timer = self.timeout_keep_alive_task
        # The timer tells when it will end: without what it may last, since when it is idle.
        return self._head_since or (
            0.0 if timer is None else timer.when() - self._guard.keep_alive_s
        )

    def evict(self) -> None:
        HTTP_REFUSED.labels("evicted").inc()
        self._inner.abort()

    def look(self, now: float) -> None:
        """End what has taken too long."""
        self.unread.look(self._inner.get_write_buffer_size(), now)
        if self._outer.is_lingering:
            if now > self._sends_until or now - self._sent_at > LINGER_IDLE_S:
                self._inner.abort()
            return
        if self._head_since is not None and now - self._head_since > self._guard.head_timeout_s:
            self._head_since = None
            if self._part is _BETWEEN and not self._is_answering():
                self._inner.close()  # nothing was begun that an answer could belong to
            else:
                detail = f"the head did not arrive within {self._guard.head_timeout_s:g} s"
                self._refuse("head-too-slow", refusal(Code.HEAD_TOO_SLOW, detail))
        if self.unread.is_overdue(now) and self.is_watched():
            self.cut_unread()

    def is_watched(self) -> bool:
        """Whether its reader is ours to watch: an answer may do so by itself."""
        return not (self._outer.is_lingering or MAY_STALL in self._answered)

    def cut_unread(self) -> None:
        HTTP_REFUSED.labels("unread").inc()
        self._inner.abort()

    def shutdown(self) -> None:
        self._is_stopping = True
        if self._outer.is_lingering:
            self._inner.close()
        else:
            super().shutdown()

    def _is_answering(self) -> bool:
        cycle: RequestResponseCycle | None = self.cycle
        return cycle is not None and not cycle.response_complete

    def _refuse(self, reason: str, answer: bytes) -> None:
        """Say why nothing more is heard, unless that would fall into another answer."""
        HTTP_REFUSED.labels(reason).inc()
        self._head_since = None
        if self._is_answering():
            if self._part is not _BODY:
                self.cycle.keep_alive = False
                self._is_deaf, self._may_send = True, LINGER_HEAD_BYTES
                return
            if self.pipeline or self.cycle.response_started:
                self._inner.abort()
                return
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        self._inner.write(answer)
        self._linger(LINGER_HEAD_BYTES)

    def _close(self) -> None:
        """What uvicorn calls to close a connection."""
        still_sends = self._part is _BODY or self._is_deaf
        if still_sends and not (self._outer.is_closing() or self._is_stopping):
            self._linger(LINGER_HEAD_BYTES if self._is_deaf else LINGER_BYTES)
        else:
            self._inner.close()

    def _linger(self, most: int) -> None:
        self._unset_keepalive_if_required()
        self._outer.is_lingering = True
        self._may_send = most
        self._sent_at = self.loop.time()
        self._sends_until = self._sent_at + LINGER_S
        # The other side may have gone in this very moment.
        with contextlib.suppress(OSError, RuntimeError):
            self.flow.resume_reading()
            self._inner.write_eof()

    def _drop(self, count: int) -> None:
        self._sent_at = self.loop.time()
        self._may_send -= count
        if self._may_send < 0:
            self._inner.abort()


def _bound_kernel_buffer(transport: asyncio.Transport) -> None:
    """Without it, a reader that takes a megabyte a second seems to stand still for seconds."""
    accepted = transport.get_extra_info("socket")
    option = getattr(socket, "TCP_NOTSENT_LOWAT", None)
    if accepted is not None and option is not None:
        with contextlib.suppress(OSError):
            accepted.setsockopt(socket.IPPROTO_TCP, option, UNSENT_BYTES)


def _size(url: bytes, headers: list[tuple[bytes, bytes]]) -> int:
    return len(url) + sum(len(name) + len(value) + 4 for name, value in headers)


def _too_large() -> bytes:
    detail = f"at most {MAX_FIELDS} header fields and {MAX_HEAD_BYTES} bytes are accepted"
    return refusal(Code.HEAD_TOO_LARGE, detail)


def _malformed(error: Exception) -> bytes:
    """The parser's own words are few and fixed; what a callback of ours raised is none of them."""
    is_ours = isinstance(error, httptools.HttpParserCallbackError)
    detail = "this is no request of HTTP/1.1" if is_ours else f"no HTTP/1.1: {error}"
    return refusal(Code.MALFORMED_REQUEST, detail)
