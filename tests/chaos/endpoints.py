"""Endpoints of webhooks that behave as endpoints do: well, slowly, badly, or not at all.

Each notes whatever comes in whole, with its time, and whether any byte went back. They listen on
an address that deliverers may reach; a ``Forbidden`` one counts who connects where nobody may.
"""

import asyncio
import contextlib
import random
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from tests.support.whole_platform import now

ALLOWED = "127.0.0.2"
"""Deliverers may connect here."""
FORBIDDEN = ("127.0.0.1", "127.0.0.3")
"""And not here: the platform's own machine, and what its gateway alone is told to allow."""
SLOWEST_S = 1.0
CHUNK = b"x" * 4096


@dataclass(frozen=True, slots=True)
class Request:
    headers: dict[str, str]
    body: bytes
    at: datetime
    is_answered: bool


@dataclass(eq=False)
class Exchange:
    """A request that came in, on its way to an answer."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    headers: dict[str, str]
    is_answered: bool = False
    """Whether any byte was sent back."""

    async def send(self, data: bytes) -> None:
        self.is_answered = True
        self.writer.write(data)
        await self.writer.drain()

    async def answer(self, status: int, *headers: str) -> None:
        length = () if status == 204 else ("Content-Length: 0",)
        lines = (f"HTTP/1.1 {status} X", *length, *headers, "", "")
        await self.send("\r\n".join(lines).encode())


Behaviour = Callable[[Exchange], Awaitable[None]]


@dataclass(eq=False)
class Endpoint:
    """One that listens; ``behave`` says what it does with a request, and may be exchanged."""

    behave: Behaviour
    port: int = 0
    requests: list[Request] = field(default_factory=list)
    in_hand: dict[int, Exchange] = field(default_factory=dict)
    """By the port of whoever waits for an answer."""

    @property
    def url(self) -> str:
        return f"http://{ALLOWED}:{self.port}/hook"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, until either side ends it."""
        port = writer.get_extra_info("peername")[1]
        try:
            while True:
                await self._one(reader, writer, port)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def _one(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, port: int
    ) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        pairs = (line.partition(": ") for line in head[1:] if line)
        headers = {name.lower(): value for name, _, value in pairs}
        body = await reader.readexactly(int(headers["content-length"]))
        at, exchange = now(), Exchange(reader, writer, headers)
        self.in_hand[port] = exchange
        try:
            await self.behave(exchange)
        finally:
            del self.in_hand[port]
            self.requests.append(Request(headers, body, at, exchange.is_answered))


async def well(exchange: Exchange) -> None:
    await exchange.answer(204)


async def fussy(exchange: Exchange) -> None:
    """It wants a third of the events, and says so for good of the others."""
    wanted = int(exchange.headers["webhook-id"][-4:], 16) % 3 == 0
    await exchange.answer(204 if wanted else 422)


def slow(dice: random.Random) -> Behaviour:
    async def behave(exchange: Exchange) -> None:
        await asyncio.sleep(dice.uniform(SLOWEST_S / 4, SLOWEST_S))
        await exchange.answer(200)

    return behave


def hostile(dice: random.Random, forbidden: "Forbidden", *, share: float) -> Behaviour:
    """As bad as can be in a share of requests; it tempts to where nobody may connect.

    With a small one it is seldom bad five times in a row: its breaker were all one would see.
    """
    location = f"Location: http://{forbidden.host}:{forbidden.port}/latest/meta-data/"
    bad: list[Behaviour] = [
        _reset,
        _hang,
        _garbage,
        _endless_head,
        _endless_body,
        lambda exchange: exchange.answer(302, location),
        lambda exchange: exchange.answer(503, "Retry-After: 1"),
        lambda exchange: exchange.answer(500),
    ]

    async def behave(exchange: Exchange) -> None:
        await (dice.choice(bad) if dice.random() < share else well)(exchange)

    return behave


async def _reset(exchange: Exchange) -> None:
    now_and_hard = struct.pack("ii", 1, 0)
    exchange.writer.get_extra_info("socket").setsockopt(
        socket.SOL_SOCKET, socket.SO_LINGER, now_and_hard
    )
    exchange.writer.transport.abort()
    raise ConnectionAbortedError


async def _hang(exchange: Exchange) -> None:
    """Until the other side has had enough."""
    await exchange.reader.read()
    raise ConnectionAbortedError


async def _garbage(exchange: Exchange) -> None:
    await exchange.send(b"SSH-2.0-OpenSSH_9.7\r\n\r\n")
    raise ConnectionAbortedError


async def _endless_head(exchange: Exchange) -> None:
    await _flood(exchange, b"HTTP/1.1 200 OK\r\n", b"X-More: " + CHUNK + b"\r\n")


async def _endless_body(exchange: Exchange) -> None:
    await _flood(exchange, b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n", CHUNK)


async def _flood(exchange: Exchange, head: bytes, chunk: bytes) -> None:
    await exchange.send(head)
    while not exchange.writer.is_closing():
        await exchange.send(chunk)
        await asyncio.sleep(0.001)  # others want to be served, too
    raise ConnectionAbortedError


@dataclass
class Forbidden:
    """Listens where nobody may connect, and counts who does."""

    host: str
    port: int = 0
    connections: int = 0

    async def serve(self, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        writer.close()


@contextlib.asynccontextmanager
async def listening(one: Endpoint | Forbidden) -> AsyncIterator[None]:
    """It listens on a free port, until the end; whatever it has in hand then is dropped."""
    host = one.host if isinstance(one, Forbidden) else ALLOWED
    hands: set[asyncio.Task[None]] = set()
    server = await asyncio.start_server(partial(_serve, one, hands), host, 0)
    one.port = server.sockets[0].getsockname()[1]
    try:
        yield
    finally:
        server.close()
        for hand in hands:
            hand.cancel()
        await asyncio.gather(*hands, return_exceptions=True)


async def _serve(
    one: Endpoint | Forbidden,
    hands: set[asyncio.Task[None]],
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
) -> None:
    hand = asyncio.current_task()
    assert hand is not None
    hands.add(hand)
    hand.add_done_callback(hands.discard)
    with contextlib.suppress(asyncio.CancelledError):
        await one.serve(reader, writer)
