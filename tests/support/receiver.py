"""A receiver of webhooks on loopback, well-behaved but for what it answers."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Received:
    path: str
    headers: dict[str, str]
    body: bytes


Answer = Callable[[Received], bytes]
"""What is sent back, with its head."""


def no_content(_: Received) -> bytes:
    return b"HTTP/1.1 204 No Content\r\n\r\n"


def no_more(_: Received) -> bytes:
    return b"HTTP/1.1 410 Gone\r\nContent-Length: 0\r\n\r\n"


@dataclass
class Receiver:
    """Answers every request, and keeps it. ``connections`` counts who ever connected."""

    host: str
    answer: Answer = no_content
    port: int = 0
    connections: int = 0
    requests: list[Received] = field(default_factory=list)
    _fresh: asyncio.Queue[Received] = field(default_factory=asyncio.Queue)

    def url(self, path: str) -> str:
        return f"http://{self.host}:{self.port}{path}"

    async def next(self, within: float = 20) -> Received:
        """The next one that nobody has asked for."""
        return await asyncio.wait_for(self._fresh.get(), within)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
                pairs = (line.partition(": ") for line in head[1:] if line)
                headers = {name.lower(): value for name, _, value in pairs}
                body = await reader.readexactly(int(headers["content-length"]))
                received = Received(head[0].split(" ")[1], headers, body)
                self.requests.append(received)
                self._fresh.put_nowait(received)
                writer.write(self.answer(received))
                await writer.drain()
        writer.close()


@contextlib.asynccontextmanager
async def receiving(host: str, answer: Answer = no_content) -> AsyncIterator[Receiver]:
    """One that listens on a free port of ``host``."""
    receiver = Receiver(host, answer)
    server = await asyncio.start_server(receiver.serve, host, 0)
    receiver.port = server.sockets[0].getsockname()[1]
    try:
        yield receiver
    finally:
        server.close()
