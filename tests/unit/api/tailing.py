"""Live tails on a log in memory, with clients that read as slowly as a test likes."""

import asyncio
import contextlib
import json
import re
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from tests.support.log_entries import body_of, make_entry
from tests.unit.api.fake_log import FakeEventLog, FakeTailMeter
from tests.unit.api.fakes import NOW
from trigger_api.domain.live_tail.tail_position import last_seen
from trigger_api.domain.log.lifetimes import Lifetimes
from trigger_api.domain.queries import StateFilter
from trigger_api.handlers.live_reader import TailReader, TailReaders
from trigger_api.handlers.live_tail import Tail
from trigger_contracts.events import LogEntry

ACTIVE = timedelta(hours=2)
KEPT = timedelta(hours=48)
ALL = StateFilter()


class Clock:
    def __init__(self) -> None:
        self.at = NOW
        self.seconds = 0.0

    def now(self) -> Any:
        return self.at

    def monotonic(self) -> float:
        return self.seconds

    def advance(self, by: timedelta) -> None:
        self.at += by
        self.seconds += by.total_seconds()


@dataclass
class Client:
    """Somebody who reads: takes what is written as ``may_take`` allows, and keeps its place."""

    world: "World"
    wanted: StateFilter = ALL
    last_id: str | None = None
    may_take: int | None = None
    late_return: bool = False
    """A write takes a moment, in which the reader may be ended."""
    seen: list[tuple[str, str, Any]] = field(default_factory=list)
    raw: bytes = b""
    taken: asyncio.Event = field(default_factory=asyncio.Event)
    reader: TailReader | None = None
    reading: "asyncio.Task[bool] | None" = None

    async def open(self) -> None:
        self.reader = await self.world.readers.open(self.wanted, last_seen(self.last_id, None))
        self.reading = asyncio.create_task(self.reader.deliver(self))
        await asyncio.sleep(0)

    def allow(self, writes: int) -> None:
        self.may_take = (self.may_take or 0) + writes
        self.taken.set()

    async def room(self) -> None:
        while self.may_take is not None and self.may_take <= 0:
            self.taken.clear()
            await self.taken.wait()

    async def write(self, words: bytes) -> None:
        if self.may_take is not None:
            self.may_take -= 1
        self.raw += words
        for block in words.decode().split("\n\n")[:-1]:
            fields = dict(re.findall(r"^(\w+): (.*)$", block, re.MULTILINE))
            self.last_id = fields.get("id", self.last_id)
            if "data" in fields:
                data = json.loads(fields["data"])
                self.seen.append((fields["event"], self.last_id or "", data))
        if self.late_return:
            await asyncio.sleep(0)

    @property
    def payloads(self) -> list[Any]:
        return [data["data"]["payload"] for kind, _, data in self.seen if "data" in data]

    @property
    def notices(self) -> list[str]:
        return [kind for kind, _, data in self.seen if "data" not in data]


class World:
    def __init__(
        self,
        log: FakeEventLog | None = None,
        *,
        backlog: int = 1000,
        limit: int = 10,
        active_for: timedelta = ACTIVE,
        kept_for: timedelta = KEPT,
        write_timeout: timedelta = timedelta(seconds=20),
        heartbeat: timedelta = timedelta(seconds=15),
        farewell: timedelta = timedelta(seconds=5),
    ) -> None:
        self.log = log or FakeEventLog()
        self.clock = Clock()
        self.meter = FakeTailMeter()
        self.entries: dict[int, LogEntry] = {}
        self.tail = Tail(
            log=self.log,
            clock=self.clock,
            meter=self.meter,
            lifetimes=Lifetimes(active_for, kept_for),
            backlog=backlog,
            limit=limit,
        )
        self.readers = TailReaders(
            self.tail, heartbeat=heartbeat, write_timeout=write_timeout, farewell=farewell
        )
        self.clients: list[Client] = []

    def store(self, *names: str, **fields: Any) -> None:
        for name in names:
            entry = make_entry(name, now=self.clock.at, **fields)
            (seq,) = self.log.store(body_of(entry))
            self.entries[seq] = entry

    async def client(self, **options: Any) -> Client:
        made = Client(self, **options)
        self.clients.append(made)
        await made.open()
        return made

    async def until(self, condition: Callable[[], bool]) -> None:
        """Follow the log until it holds; nothing here waits for a real clock."""
        for _ in range(10_000):
            if condition():
                return
            await self.tail.follow()
            await asyncio.sleep(0)
        raise AssertionError([(c.payloads, c.notices) for c in self.clients])

    async def close(self) -> None:
        for client in self.clients:
            if client.reader is not None and client.reading is not None:
                client.reader.leave()
                await client.reading


@contextlib.asynccontextmanager
async def world(**options: Any) -> AsyncIterator[World]:
    made = World(**options)
    try:
        yield made
    finally:
        await made.close()
