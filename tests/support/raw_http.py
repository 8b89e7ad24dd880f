"""HTTP as no client library would send it, and the answer as it came."""

import asyncio
import contextlib
import json
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

WITHIN = 30.0
"""Seconds that an answer may take on a busy machine."""


@dataclass(frozen=True)
class RawAnswer:
    """``headers`` have lower-case names; of two of one name the last is here."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


async def connected(
    url: str, *, buffer: int | None = None
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """With a ``buffer`` of so many bytes in the kernel for what is not read yet."""
    parts = urlsplit(url)
    one = socket.socket()
    one.setblocking(False)
    if buffer is not None:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
    await asyncio.get_running_loop().sock_connect(one, (parts.hostname, parts.port))
    return await asyncio.open_connection(sock=one)


async def answer(reader: asyncio.StreamReader) -> RawAnswer:
    """What comes until the other side ends; fails where the connection breaks instead."""
    async with asyncio.timeout(WITHIN):
        whole = await reader.read()
    head, _, body = whole.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    assert first, "the connection ended without an answer"
    headers = {name.lower(): value.strip() for name, _, value in (f.partition(":") for f in lines)}
    return RawAnswer(int(first.split()[1]), headers, body)


async def ask(
    url: str, method: str, target: str, lines: Sequence[str] = (), body: bytes = b""
) -> RawAnswer:
    """Send the header lines as they are, and read until the server has closed the connection."""
    head = [f"{method} {target} HTTP/1.1", f"Host: {urlsplit(url).netloc}", "Connection: close"]
    head += lines
    if body:
        head.append(f"Content-Length: {len(body)}")
    return await sent(url, "\r\n".join([*head, "", ""]).encode("latin-1") + body)


async def sent(url: str, *parts: bytes) -> RawAnswer:
    """Send these, as far as they are taken, and read the answer."""
    reader, writer = await connected(url)
    try:
        with contextlib.suppress(ConnectionError):
            for part in parts:
                writer.write(part)
                await writer.drain()
        return await answer(reader)
    finally:
        writer.transport.abort()


async def flood(url: str, begin: bytes, junk: bytes, size: int) -> None:
    """Send ``begin``, then ``junk`` again and again, until ``size`` bytes are sent or it is cut."""
    _, writer = await connected(url)
    try:
        with contextlib.suppress(ConnectionError):
            writer.write(begin)
            for _ in range(size // len(junk)):
                writer.write(junk)
                await writer.drain()
    finally:
        writer.transport.abort()


GET = b"GET /health HTTP/1.1\r\nHost: x\r\n"
_POST = b"POST /health HTTP/1.1\r\nHost: x\r\n"
_CHUNKED = _POST + b"Transfer-Encoding: chunked\r\n\r\n"
ENDLESS: dict[str, tuple[bytes, bytes]] = {
    "fields": (GET, b"a:b\r\n" * 10_000),
    "a field": (GET + b"X: ", b"x" * 50_000),
    "a target": (b"GET /", b"x" * 50_000),
    "empty lines": (b"", b"\r\n" * 20_000),
    "trailers": (_CHUNKED + b"0\r\n", b"a:b\r\n" * 10_000),
    "small chunks": (_CHUNKED, b"1;x\r\na\r\n" * 10_000),
    "requests": (b"", (GET + b"\r\n") * 1000),
    "a body": (
        b"POST /triggers/ HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n\r\n",
        b"x" * 50_000,
    ),
}
"""How each begins, and what follows again and again: for ``flood``."""


async def flood_endlessly(url: str, size: int) -> None:
    """All of them at once, so many bytes of each unless it is cut."""
    await asyncio.gather(*(flood(url, begin, junk, size) for begin, junk in ENDLESS.values()))


async def stopped_body(
    stack: contextlib.AsyncExitStack, url: str, key: str, declared: int, sent: bytes
) -> asyncio.StreamReader:
    """A bulk create whose body stops in the middle; the stack cuts it."""
    reader, writer = await connected(url)
    # A writer that nobody holds closes its connection.
    stack.callback(lambda held: held.transport.abort(), writer)
    head = (
        "POST /triggers/bulk HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-ndjson\r\n"
        f"X-API-KEY: {key}\r\nContent-Length: {declared}\r\n\r\n"
    )
    writer.write(head.encode() + sent)
    await writer.drain()
    return reader
