"""Load over HTTP/1.1: keep-alive connections, one request in flight on each.

A worker on raw uvloop protocols: about 15 µs a request, so that one process can ask for far
more than a gateway answers.
"""

import asyncio
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import cast

from .workers import Link, Worker

REQUEST_TIMEOUT_S = 30


@dataclass(frozen=True, slots=True)
class Load:
    """``bodies`` go out once each, or over and over for ``duration_s``."""

    host: str
    port: int
    path: str
    headers: tuple[tuple[str, str], ...]
    bodies: Sequence[bytes]
    connections: int
    duration_s: float | None = None

    def requests(self) -> list[bytes]:
        head = f"POST {self.path} {_head(self)}Content-Length: "
        return [f"{head}{len(body)}\r\n\r\n".encode() + body for body in self.bodies]


@dataclass(frozen=True, slots=True)
class Reads:
    """``paths`` are asked for one after the other, over and over; answers are only counted."""

    host: str
    port: int
    paths: Sequence[str]
    headers: tuple[tuple[str, str], ...]
    connections: int
    duration_s: float

    def requests(self) -> list[bytes]:
        return [f"GET {path} {_head(self)}\r\n".encode() for path in self.paths]


def _head(load: Load | Reads) -> str:
    fixed = "".join(f"{name}: {value}\r\n" for name, value in load.headers)
    return f"HTTP/1.1\r\nHost: {load.host}:{load.port}\r\n{fixed}"


@dataclass(frozen=True, slots=True)
class Answers:
    seconds: float
    """From the first request to the last answer."""
    latencies_s: list[float]
    statuses: dict[int, int]
    bodies: list[bytes]
    """None of reads, which may be large."""

    @property
    def per_second(self) -> float:
        return len(self.latencies_s) / self.seconds


async def send(load: Load | Reads) -> tuple[Answers, float]:
    """The answers, and the generator's own CPU seconds."""
    async with Worker("load", _generate, load) as worker:
        await worker.ready()
        bounded_s = len(load.bodies) / 50 if isinstance(load, Load) else 0
        within = (load.duration_s or bounded_s) + 2 * REQUEST_TIMEOUT_S
        answers: Answers = await worker.report(within=within)
        return answers, worker.cpu_s


class _Client(asyncio.Protocol):
    def __init__(self, requests: Iterator[bytes], *, keeps_bodies: bool) -> None:
        self._requests = requests
        self._keeps_bodies = keeps_bodies
        self._buffer = b""
        self._sent_at = 0.0
        self._transport: asyncio.Transport | None = None
        self.finished = asyncio.get_running_loop().create_future()
        self.latencies: list[float] = []
        self.statuses: dict[int, int] = {}
        self.bodies: list[bytes] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are no subclasses of asyncio's.
        self._transport = cast("asyncio.Transport", transport)

    def begin(self) -> None:
        request = next(self._requests, None)
        assert self._transport is not None
        if request is None:
            self._transport.close()
            if not self.finished.done():
                self.finished.set_result(None)
            return
        self._sent_at = time.perf_counter()
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        buffer = self._buffer = self._buffer + data if self._buffer else data
        end = buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        head = buffer[:end].lower()
        at = head.find(b"content-length:")
        stop = head.find(b"\r\n", at)
        length = int(head[at + 15 : stop if stop >= 0 else end]) if at >= 0 else 0
        if len(buffer) < end + 4 + length:
            return
        self.latencies.append(time.perf_counter() - self._sent_at)
        status = int(buffer[9:12])
        self.statuses[status] = self.statuses.get(status, 0) + 1
        if self._keeps_bodies:
            self.bodies.append(buffer[end + 4 :])
        self._buffer = b""
        self.begin()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.finished.done():
            self.finished.set_exception(exc or ConnectionResetError("the server hung up"))


def _paced(requests: Sequence[bytes], duration_s: float | None) -> Iterator[bytes]:
    if duration_s is None:
        yield from requests
        return
    until = time.perf_counter() + duration_s
    while True:
        for request in requests:
            if time.perf_counter() >= until:
                return
            yield request


async def _generate(link: Link, load: Load | Reads) -> None:
    loop = asyncio.get_running_loop()
    requests = load.requests()
    source: Iterator[bytes] = iter(())

    def following() -> Iterator[bytes]:
        while (request := next(source, None)) is not None:
            yield request

    shared = following()
    clients = []
    for _ in range(load.connections):
        _, client = await loop.create_connection(
            lambda: _Client(shared, keeps_bodies=isinstance(load, Load)), load.host, load.port
        )
        clients.append(client)
    link.ready()
    started = time.perf_counter()
    source = _paced(requests, load.duration_s)
    for client in clients:
        client.begin()
    await asyncio.gather(*(client.finished for client in clients))
    seconds = time.perf_counter() - started
    statuses: dict[int, int] = {}
    for client in clients:
        for status, count in client.statuses.items():
            statuses[status] = statuses.get(status, 0) + count
    link.report(
        Answers(
            seconds,
            [latency for client in clients for latency in client.latencies],
            statuses,
            [body for client in clients for body in client.bodies],
        )
    )
    await link.told()
