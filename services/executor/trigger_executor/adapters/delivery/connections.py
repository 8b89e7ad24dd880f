"""aiohttp's connections, each of which counts what it is sent and goes only where it may.

aiohttp bounds a head, and neither how many of them a receiver sends before the last one (early
hints) nor for how long; nor does it say whether a connection was reused, or when the first byte of
an answer came. What it keeps to itself is touched here alone.
"""

import asyncio
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.client_proto import ResponseHandler
from aiohttp.connector import Connection as HttpConnection
from aiohttp.http import RawResponseMessage
from aiohttp.http_exceptions import BadHttpMessage
from aiohttp.streams import StreamReader

from trigger_contracts.targets.addresses import Address

MAX_OF_ORIGIN = 100
IDLE_S = 15
MAX_HEADS = 64 * 1024
"""Bytes of all heads of an answer together, those of hints included."""
MAX_ANSWER = 256 * 1024
"""Bytes of an answer that reach the parser. A body is left long before, but what frames it (the
extensions of its chunks) may be longer than what it holds."""
_SWITCHING = 101


@dataclass(slots=True)
class Exchange:
    """One attempt's request and what is measured of it; instants are the event loop's."""

    addresses: tuple[Address, ...]
    port: int
    is_allowed: Callable[[Address], bool]
    is_fresh: bool = False
    """A new connection is to be made, whatever is open."""
    is_refused: bool = False
    """A connection was to be made to an address that is not allowed."""
    is_reused: bool = False
    connect_s: float | None = None
    first_byte_at: float | None = None
    address: str | None = None


_EXCHANGE: ContextVar[Exchange] = ContextVar("exchange")
"""Whose connection aiohttp is making: it hands nothing of a caller's through."""


class CountingHandler(ResponseHandler):
    """The client's side of one connection."""

    def __init__(self, loop: asyncio.AbstractEventLoop, opened: Callable[[int], None]) -> None:
        """``opened`` is called with 1 once it is connected, and with -1 once it is no more."""
        super().__init__(loop)
        self._opened = opened
        self._exchange: Exchange | None = None
        self._received = 0
        self._has_head = True

    def begin(self, exchange: Exchange) -> None:
        """A request is about to be sent."""
        exchange.is_reused = self._exchange is not None
        peer = None if self.transport is None else self.transport.get_extra_info("peername")
        exchange.address = None if not peer else str(peer[0])
        self._exchange = exchange
        self._received = 0
        self._has_head = False

    def data_received(self, data: bytes) -> None:
        exchange = self._exchange
        if exchange is not None and exchange.first_byte_at is None:
            exchange.first_byte_at = self._loop.time()
        left = MAX_HEADS - self._received
        self._received += len(data)
        if self._has_head:
            is_asked_for = self._payload is not None and not self._payload.is_eof()
            if data and (not is_asked_for or self._received > MAX_ANSWER):
                # The next request would take an answer that nobody asked for for its own.
                self._give_up()
            else:
                super().data_received(data)
        elif left >= len(data):
            super().data_received(data)
        else:
            super().data_received(data[:left])
            self._go_on(data[left:])

    def _go_on(self, rest: bytes) -> None:
        """With what is beyond all that heads may be, if the last one was within that."""
        if self._has_head and self.transport is not None:
            super().data_received(rest)
        else:
            self._give_up()

    def feed_data(self, data: tuple[RawResponseMessage, StreamReader], size: int = 0) -> None:
        code = data[0].code
        if self._has_head:
            self.force_close()
            return
        self._has_head = code >= 200 or code == _SWITCHING
        super().feed_data(data, size)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._opened(1)
        super().connection_made(transport)

    def connection_lost(self, exc: BaseException | None) -> None:
        self._opened(-1)
        super().connection_lost(exc)

    def _give_up(self) -> None:
        self.force_close()
        if self.transport is not None:
            self.transport.abort()
        self.set_exception(BadHttpMessage("more than an answer may be"))


class _ResolvedBefore(AbstractResolver):
    """What the attempt may connect to: looked up and judged before aiohttp was asked."""

    async def resolve(
        self,
        host: str,
        port: int = 0,
        family: socket.AddressFamily = socket.AF_UNSPEC,  # noqa: ARG002
    ) -> list[ResolveResult]:
        return [
            ResolveResult(
                hostname=host,
                host=str(address),
                port=port,
                family=socket.AF_INET if address.version == 4 else socket.AF_INET6,
                proto=socket.IPPROTO_TCP,
                flags=socket.AI_NUMERICHOST,
            )
            for address in _EXCHANGE.get().addresses
        ]

    async def close(self) -> None:
        """Nothing is open."""


def _open_socket(addr_info: tuple[Any, ...]) -> socket.socket:
    """A socket for the very address that is to be connected, if it may be.

    The last look, whatever came between: raises PermissionError, and no packet is sent.
    """
    family, kind, proto, _, place = addr_info
    exchange = _EXCHANGE.get()
    if not exchange.is_allowed(ip_address(place[0])):
        exchange.is_refused = True
        raise PermissionError(f"{place[0]} is not allowed")
    return socket.socket(family, kind, proto)


class GuardedConnector(aiohttp.TCPConnector):
    """Connections to allowed addresses, measured; of idle ones no more than ``max_open``."""

    def __init__(self, *, connect_timeout_s: float, max_open: int) -> None:
        """Within the event loop that uses it."""
        super().__init__(
            resolver=_ResolvedBefore(),
            use_dns_cache=False,
            socket_factory=_open_socket,
            keepalive_timeout=IDLE_S,
            limit=0,
            limit_per_host=MAX_OF_ORIGIN,
        )
        self._connect_timeout_s = connect_timeout_s
        self._max_open = max_open
        self._open = 0
        self._factory = self._new_handler  # type: ignore[assignment]

    async def connect(
        self,
        req: aiohttp.ClientRequest,
        traces: list[Any],
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109
    ) -> HttpConnection:
        connection = await super().connect(req, traces, timeout)
        handler = connection.protocol
        if isinstance(handler, CountingHandler):
            handler.begin(_EXCHANGE.get())
        return connection

    async def _create_connection(
        self,
        req: aiohttp.ClientRequest,
        traces: list[Any],
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109
    ) -> ResponseHandler:
        started = self._loop.time()
        async with asyncio.timeout(self._connect_timeout_s):
            handler = await super()._create_connection(req, traces, timeout)
        _EXCHANGE.get().connect_s = self._loop.time() - started
        return handler

    async def _get(self, key: Any, traces: list[Any]) -> HttpConnection | None:
        return None if _EXCHANGE.get().is_fresh else await super()._get(key, traces)

    def _release(self, key: Any, protocol: Any, *, should_close: bool = False) -> None:
        is_full = self._open > self._max_open
        super()._release(key, protocol, should_close=should_close or is_full)

    def _new_handler(self) -> CountingHandler:
        return CountingHandler(self._loop, self._count)

    def _count(self, opened: int) -> None:
        self._open += opened


@contextmanager
def exchanging(exchange: Exchange) -> Iterator[None]:
    """Within it, aiohttp's connections are this exchange's."""
    token = _EXCHANGE.set(exchange)
    try:
        yield
    finally:
        _EXCHANGE.reset(token)
