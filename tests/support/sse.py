"""A reader of server-sent events over a socket of its own, as strict as a browser."""

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode, urlsplit

NEXT = 10.0
"""Seconds that an event may take to come before a test gives up."""


class Ended(Exception):  # noqa: N818 - an outcome
    """The stream ended as it should: by its last chunk."""


@dataclass
class Event:
    id: str
    type: str
    data: str

    @property
    def json(self) -> Any:
        return json.loads(self.data)


@dataclass
class EventSource:
    """An open stream: what ``EventSource`` has, and the head of the answer."""

    status: int
    headers: dict[str, str]
    _lines: AsyncIterator[str]
    writer: asyncio.StreamWriter
    last_event_id: str = ""
    retry: int = 0
    blocks: int = 0
    """Blocks seen, those without data included."""
    seen: list[Event] = field(default_factory=list)

    async def next(self, within: float = NEXT) -> Event:
        """The next event with data; raises ``Ended``."""
        async with asyncio.timeout(within):
            while True:
                event = await self.block()
                if event.data:
                    return event

    async def take(self, count: int) -> list[Event]:
        return [await self.next() for _ in range(count)]

    async def rest(self) -> list[Event]:
        """All that still comes until the end."""
        found: list[Event] = []
        with contextlib.suppress(Ended):
            while True:
                found.append(await self.next())
        return found

    async def block(self) -> Event:
        """What stands before the next empty line, whether or not it has data."""
        kind, data, number = "message", "", self.last_event_id
        async for line in self._lines:
            if line == "":
                self.blocks += 1
                self.last_event_id = number
                event = Event(number, kind, data)
                if data:
                    self.seen.append(event)
                return event
            name, _, value = line.partition(":")
            value = value.removeprefix(" ")
            match name:
                case "id":
                    number = value
                case "event":
                    kind = value
                case "data":
                    data = f"{data}\n{value}" if data else value
                case "retry":
                    self.retry = int(value)
                case "":
                    pass
                case _:
                    raise AssertionError(f"not a field: {line}")
        raise Ended

    def close(self) -> None:
        self.writer.transport.abort()


async def request(
    url: str,
    key: str,
    last_event_id: str | None = None,
    *,
    params: dict[str, Any] | None = None,
    receive_buffer: int | None = None,
) -> EventSource:
    """Ask for a stream; whatever the answer is, its head has been read."""
    parts = urlsplit(url)
    sock = socket.socket()
    sock.setblocking(False)
    if receive_buffer is not None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    await asyncio.get_running_loop().sock_connect(sock, (parts.hostname, parts.port))
    limit = {} if receive_buffer is None else {"limit": receive_buffer}
    reader, writer = await asyncio.open_connection(sock=sock, **limit)
    query = f"?{urlencode(params, doseq=True)}" if params else ""
    lines = [f"GET /events/stream{query} HTTP/1.1", "Host: x", f"X-API-KEY: {key}"]
    if last_event_id is not None:
        lines.append(f"Last-Event-ID: {last_event_id}")
    writer.write("\r\n".join([*lines, "", ""]).encode())
    async with asyncio.timeout(NEXT):
        status = int((await reader.readline()).split()[1])
        headers = {}
        while line := (await reader.readline()).decode().strip():
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
    return EventSource(status, headers, _lines(reader), writer)


@contextlib.asynccontextmanager
async def opened(
    url: str, key: str, last_event_id: str | None = None, **options: Any
) -> AsyncIterator[EventSource]:
    """A stream that was not refused, closed at the end."""
    source = await request(url, key, last_event_id, **options)
    try:
        assert source.status == 200, source.headers
        yield source
    finally:
        source.close()


async def _lines(reader: asyncio.StreamReader) -> AsyncIterator[str]:
    """The lines of a chunked body."""
    held = b""
    while size := int(await reader.readuntil(b"\r\n"), 16):
        held += (await reader.readexactly(size + 2))[:-2]
        *lines, held = held.split(b"\n")
        for line in lines:
            yield line.decode()
    assert held == b"", "the stream ended within a line"
