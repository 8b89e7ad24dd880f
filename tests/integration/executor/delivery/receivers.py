"""Receivers of webhooks on loopback, well-behaved and hostile, and a sender that may reach them."""

import asyncio
import contextlib
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from ipaddress import ip_address

from tests.unit.executor.delivery.attempts import make_attempt, sealed_secret
from trigger_contracts.targets.addresses import Address, allowance
from trigger_contracts.targets.sealing import (
    SECRET_FIELD,
    OpeningKeys,
    header_field,
    new_key,
    opening_keys,
)
from trigger_contracts.targets.secrets import new_secret
from trigger_executor.adapters.delivery.name_resolver import NameResolver, UnknownName
from trigger_executor.adapters.delivery.opened_secrets import SecretOpener
from trigger_executor.adapters.delivery.trust import Trust
from trigger_executor.adapters.delivery.webhook_sender import SendingRules, WebhookSender
from trigger_executor.domain.delivery.attempt import Attempt, Attempted, SendResult
from trigger_runtime.process.clock import SystemClock

KEYS: OpeningKeys = opening_keys([new_key()])
SECRET = new_secret()
TARGET = "shop"

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Type: text/plain\r\n\r\nok"

Answer = Callable[["Request", asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Request:
    """What came, and on which connection."""

    line: str
    headers: dict[str, str]
    body: bytes
    connection: int


@dataclass
class Receiver:
    """A server that counts who connects; what it does with a request is ``answer``."""

    answer: Answer
    port: int = 0
    scheme: str = "http"
    connections: int = 0
    sent: int = 0
    requests: list[Request] = field(default_factory=list)

    def url(self, path: str = "/hook", host: str = "127.0.0.1") -> str:
        return f"{self.scheme}://{host}:{self.port}{path}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        connection = self.connections
        try:
            while (request := await _read(reader, connection)) is not None:
                self.requests.append(request)
                await self.answer(request, writer)
        except (ConnectionError, asyncio.IncompleteReadError, ssl.SSLError):
            pass
        finally:
            writer.close()

    async def flood(self, writer: asyncio.StreamWriter, chunk: bytes) -> None:
        """Send ``chunk`` for ever, and count it."""
        while not writer.is_closing():
            writer.write(chunk)
            self.sent += len(chunk)
            await writer.drain()


async def _read(reader: asyncio.StreamReader, connection: int) -> Request | None:
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return None
    line, *lines = head.decode().strip().split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (x.partition(":") for x in lines)}
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    return Request(line, headers, body, connection)


def answering(*parts: bytes) -> Answer:
    """Answers so, and keeps the connection."""

    async def answer(_: Request, writer: asyncio.StreamWriter) -> None:
        for part in parts:
            writer.write(part)
        await writer.drain()

    return answer


@asynccontextmanager
async def receiving(
    answer: Answer, *, context: ssl.SSLContext | None = None, host: str = "127.0.0.1"
) -> AsyncIterator[Receiver]:
    receiver = Receiver(answer, scheme="http" if context is None else "https")
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        with contextlib.suppress(asyncio.CancelledError):
            await receiver.serve(reader, writer)

    server = await asyncio.start_server(serve, host, 0, ssl=context)
    receiver.port = server.sockets[0].getsockname()[1]
    try:
        yield receiver
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class FakeLookup:
    """A name server of dictionaries; each look-up takes the next list, and keeps the last."""

    def __init__(self, **names: Sequence[Sequence[str]]) -> None:
        self.names = {name.replace("_", "."): list(lists) for name, lists in names.items()}
        self.silent: set[str] = set()
        self.is_there = True
        self.asked: list[str] = []

    async def addresses(self, name: str) -> list[Address]:
        self.asked.append(name)
        if name in self.silent or not self.is_there:
            await asyncio.Event().wait()
        lists = self.names.get(name)
        if not lists:
            raise UnknownName(name)
        return [ip_address(text) for text in (lists.pop(0) if len(lists) > 1 else lists[0])]

    async def is_answered(self) -> bool:
        return self.is_there

    async def close(self) -> None:
        self.is_there = False


@dataclass
class Sending:
    """A sender of attempts to ``TARGET``, and its name server."""

    sender: WebhookSender
    lookup: FakeLookup
    secrets: tuple[str, ...] = (SECRET,)

    async def __call__(self, url: str, **fields) -> Attempted:
        result = await self.result(url, **fields)
        assert isinstance(result, Attempted), result
        return result

    async def result(self, url: str, **fields) -> SendResult:
        return await self.sender.send(self.attempt(url, **fields))

    def attempt(self, url: str, **fields) -> Attempt:
        headers = {
            name: KEYS.current.seal(value, target_id=TARGET, field=header_field(name))
            for name, value in fields.pop("secret_headers", {}).items()
        }
        sealed = tuple(
            sealed_secret(KEYS.current.seal(one, target_id=TARGET, field=SECRET_FIELD))
            for one in fields.pop("opened", self.secrets)
        )
        return make_attempt(
            url=url,
            secret_headers=headers,
            **{"secrets": sealed, "target_id": TARGET, "timeout": 1, **fields},
        )

    async def timed(self, url: str, **fields) -> tuple[Attempted, float]:
        """The result, and how long it took in seconds."""
        started = time.monotonic()
        result = await self(url, **fields)
        return result, time.monotonic() - started


@asynccontextmanager
async def sending(
    *allowed: str,
    lookup: FakeLookup | None = None,
    keys: OpeningKeys | None = KEYS,
    http: bool = True,
    **rules,
) -> AsyncIterator[Sending]:
    """By default to what listens on 127.0.0.1; by ``allowed``, what the setting would have."""
    fake = lookup or FakeLookup()
    monotonic = SystemClock().monotonic
    sender = WebhookSender(
        replace(
            SendingRules(allowance(allowed or ("127.0.0.1",)), http, "event-trigger-platform/0"),
            **rules,
        ),
        NameResolver(fake, monotonic, timeout_s=0.6),
        SecretOpener(keys),
        Trust(),
        SystemClock(),
    )
    try:
        yield Sending(sender, fake)
    finally:
        await sender.close()
