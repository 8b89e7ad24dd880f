"""Receivers on loopback that answer 200, and one that also notes what came. Workers."""

import asyncio
import time
from dataclasses import dataclass, field
from typing import Any

from nats.aio.msg import Msg

from bench.support.servers import Servers
from bench.support.workers import Link

from .counting import Receipt

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nok"
AWAY = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n"
HANGING = "/hangs/"
"""What is sent below it is never answered."""
LOOK_EVERY_S = 0.02
_END = b"\r\n\r\n"
_LENGTH = b"content-length:"
_ID = b"webhook-id:"


class _Answering(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._received = b""

    def data_received(self, data: bytes) -> None:
        self._received += data
        while (end := self._received.find(_END)) >= 0:
            head = self._received[:end].lower()
            length = int(_value(head, _LENGTH))
            whole = end + len(_END) + length
            if len(self._received) < whole:
                return
            self._received = self._received[whole:]
            self.request(head)

    def request(self, head: bytes) -> None:  # noqa: ARG002 - what notes looks at it
        """A whole one has come."""
        self.write(ANSWER)

    def write(self, answer: bytes) -> None:
        self._transport.write(answer)  # type: ignore[attr-defined]


@dataclass(slots=True)
class _Notes:
    """What a receiver is to do, and what came."""

    answers_after_s: float
    is_away: bool = False
    hanging: int = 0
    refused: int = 0
    receipts: list[Receipt] = field(default_factory=list)


class _Noting(_Answering):
    def __init__(self, notes: _Notes) -> None:
        self._notes = notes
        self._began: float | None = None

    def data_received(self, data: bytes) -> None:
        if self._began is None:
            self._began = time.time()
        super().data_received(data)

    def request(self, head: bytes) -> None:
        notes, began = self._notes, self._began or time.time()
        self._began = None
        path = head.split(b" ", 2)[1].decode()
        if path.startswith(HANGING):
            notes.hanging += 1
            return
        if notes.is_away:
            notes.refused += 1
            self.write(AWAY)
            return
        event_id = _value(head, _ID).strip().decode()
        if notes.answers_after_s:
            asyncio.get_running_loop().call_later(
                notes.answers_after_s, self._answer, path, event_id, began
            )
        else:
            self._answer(path, event_id, began)

    def _answer(self, path: str, event_id: str, began: float) -> None:
        # Before the answer is on its way: the next request cannot have begun by then.
        self._notes.receipts.append(Receipt(path, event_id, began, time.time()))
        self.write(ANSWER)


def _value(head: bytes, name: bytes) -> bytes:
    return head.partition(name)[2].partition(b"\r\n")[0]


async def receive(link: Link) -> None:
    """Says on which port it listens."""
    server = await asyncio.get_running_loop().create_server(_Answering, "127.0.0.1", 0)
    link.ready(server.sockets[0].getsockname()[1])
    await link.told()
    server.close()


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the bench says to a receiver that notes: report once so much has come.

    ``count`` None: what has come by now. Where it takes longer than ``within_s``, what has come
    until then.
    """

    count: int | None = None
    within_s: float = 0.0
    is_away: bool | None = None
    """Whether all requests get a 503 from now on; None: as before."""


@dataclass(frozen=True, slots=True)
class Received:
    """What has come since the last report."""

    receipts: list[Receipt]
    hanging: int
    refused: int


async def note(link: Link, answers_after_s: float = 0.0) -> None:
    """Says on which port it listens; reports ``Received`` for each ``Wanted``."""
    notes = _Notes(answers_after_s)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Noting(notes), "127.0.0.1", 0, backlog=4096)
    link.ready(server.sockets[0].getsockname()[1])
    await _report(link, notes)
    server.close()


async def listen(link: Link, servers: Servers, subject: str) -> None:
    """The same for what is published to subjects."""
    notes = _Notes(0.0)
    async with servers.connected() as connection:

        async def heard(message: Msg) -> None:
            at = time.time()
            event_id = (message.headers or {}).get("webhook-id", "")
            notes.receipts.append(Receipt(message.subject, event_id, at, at))

        await connection.client.subscribe(
            subject, cb=heard, pending_msgs_limit=0, pending_bytes_limit=0
        )
        await connection.client.flush()
        link.ready()
        await _report(link, notes)


async def _report(link: Link, notes: _Notes) -> None:
    while (wanted := await link.told()) is not None:
        await _until(notes, wanted)
        link.report(Received(notes.receipts, notes.hanging, notes.refused))
        notes.receipts, notes.hanging, notes.refused = [], 0, 0


async def _until(notes: _Notes, wanted: Any) -> None:
    if wanted.is_away is not None:
        notes.is_away = wanted.is_away
    deadline = time.monotonic() + wanted.within_s
    while wanted.count is not None and len(notes.receipts) < wanted.count:
        if time.monotonic() > deadline:
            return
        await asyncio.sleep(LOOK_EVERY_S)
