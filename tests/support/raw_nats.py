"""A NATS client of bare protocol lines: it sends what no client library would."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass

from trigger_local import ports

from .servers import Broker

ANSWER = 20.0
"""Seconds until the server must have answered."""


@dataclass(frozen=True, slots=True)
class Heard:
    """One message as it came."""

    subject: str
    body: bytes


class RawNats:
    """One connection. Messages and errors are gathered by ``settled``."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self.heard: list[Heard] = []
        self.errors: list[str] = []
        self.was_reset = False
        """The server hung up before it had read all: its last words may be lost, too."""

    def send(self, data: bytes) -> None:
        """These bytes as they are."""
        self._writer.write(data)

    def publish(
        self, subject: str, body: bytes, *, reply: str = "", headers: dict[str, str] | None = None
    ) -> None:
        """PUB, or HPUB where there are headers, with any reply subject."""
        if headers is None:
            self.send(f"PUB {subject} {reply} {len(body)}\r\n".encode() + body + b"\r\n")
            return
        block = "NATS/1.0\r\n" + "".join(f"{k}: {v}\r\n" for k, v in headers.items()) + "\r\n"
        size = len(block.encode())
        line = f"HPUB {subject} {reply} {size} {size + len(body)}\r\n"
        self.send(line.encode() + block.encode() + body + b"\r\n")

    def subscribe(self, subject: str, number: int = 1) -> None:
        self.send(f"SUB {subject} {number}\r\n".encode())

    async def settled(self) -> None:
        """Wait until the server has read all that was sent, and read what it has sent."""
        self.send(b"PING\r\n")
        try:
            async with asyncio.timeout(ANSWER):
                await self._writer.drain()
                while await self._read() != "PONG":
                    pass
        except ConnectionError:
            self.was_reset = True

    async def _read(self) -> str:
        """The next protocol line's verb; ``PONG`` also where the server hung up."""
        line = (await self._reader.readline()).decode()
        verb = line.split(" ", 1)[0].strip()
        if verb == "PING":
            self.send(b"PONG\r\n")
        elif verb == "-ERR":
            self.errors.append(line.strip())
        elif verb in {"MSG", "HMSG"}:
            parts = line.split()
            body = await self._reader.readexactly(int(parts[-1]))
            await self._reader.readexactly(2)
            self.heard.append(Heard(parts[1], body))
        return verb if line else "PONG"

    async def close(self) -> None:
        self._writer.close()
        with contextlib.suppress(OSError):
            await self._writer.wait_closed()


@contextlib.asynccontextmanager
async def logged_in(port: int, user: str, password: str) -> AsyncIterator[RawNats]:
    """A connection; whether the server granted it is in ``errors``."""
    raw = RawNats(*await asyncio.open_connection(ports.LOOPBACK, port))
    options = {"verbose": False, "pedantic": False, "headers": True, "no_responders": True}
    login = {"user": user, "pass": password}
    raw.send(f"CONNECT {json.dumps({**options, **login})}\r\n".encode())
    try:
        await raw.settled()
        yield raw
    finally:
        await raw.close()


def connected(broker: Broker, user: str) -> contextlib.AbstractAsyncContextManager[RawNats]:
    return logged_in(broker.server.port, user, broker.passwords[user])
