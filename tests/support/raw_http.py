"""HTTP as no client library would send it, and the answer as it came."""

import asyncio
import contextlib
import json
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


async def connected(url: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    parts = urlsplit(url)
    return await asyncio.open_connection(parts.hostname, parts.port)


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
