"""A download over a socket of its own, that is read as slowly as a test likes."""

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

SMALL = 16 * 1024
"""A receive buffer that is soon full: then the sender waits."""
WITHIN = 20.0
"""Seconds that something may take to come before a test gives up."""


class Incomplete(Exception):  # noqa: N818
    """The body did not end as it should."""


@dataclass
class Download:
    """An answer whose head has been read."""

    status: int
    headers: dict[str, str]
    _reader: asyncio.StreamReader
    _writer: asyncio.StreamWriter

    async def chunk(self) -> bytes:
        """What comes next; nothing at the end. Raises ``Incomplete``."""
        try:
            async with asyncio.timeout(WITHIN):
                size = int(await self._reader.readuntil(b"\r\n"), 16)
                return (await self._reader.readexactly(size + 2))[:-2]
        except (asyncio.IncompleteReadError, ConnectionError) as error:
            raise Incomplete from error

    async def rest(self) -> bytes:
        found = bytearray()
        while chunk := await self.chunk():
            found += chunk
        return bytes(found)

    async def count(self) -> int:
        """How many lines still come; none of them is kept."""
        lines = 0
        while chunk := await self.chunk():
            lines += chunk.count(b"\n")
        return lines

    async def until_cut(self) -> bytes:
        """What still comes before the body ends too early; fails where it is whole."""
        found = bytearray()
        with contextlib.suppress(Incomplete):
            while chunk := await self.chunk():
                found += chunk
            raise AssertionError("the body ended as if it were whole")
        return bytes(found)

    def abort(self) -> None:
        self._writer.transport.abort()


@contextlib.asynccontextmanager
async def opened(
    url: str, path: str, key: str, *, receive_buffer: int = SMALL, **params: str
) -> AsyncIterator[Download]:
    """Ask for ``path``, and cut the connection at the end."""
    parts = urlsplit(url)
    sock = socket.socket()
    sock.setblocking(False)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    await asyncio.get_running_loop().sock_connect(sock, (parts.hostname, parts.port))
    reader, writer = await asyncio.open_connection(sock=sock, limit=receive_buffer)
    query = f"?{urlencode(params)}" if params else ""
    head = f"GET {path}{query} HTTP/1.1\r\nHost: x\r\nX-API-KEY: {key}\r\n\r\n"
    writer.write(head.encode())
    try:
        async with asyncio.timeout(WITHIN):
            status = int((await reader.readline()).split()[1])
            headers = {}
            while line := (await reader.readline()).decode().strip():
                name, _, value = line.partition(":")
                headers[name.lower()] = value.strip()
        yield Download(status, headers, reader, writer)
    finally:
        writer.transport.abort()


def parsed(body: bytes) -> list[dict[str, Any]]:
    """The rows of a whole NDJSON body."""
    *lines, end = body.split(b"\n")
    assert end == b"", "the last line has no end"
    return [json.loads(line) for line in lines]
