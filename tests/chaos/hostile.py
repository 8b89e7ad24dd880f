"""Users who mean harm: what they send, and what of it may be left behind.

Each is one object whose ``act`` does one thing, as the dice say. They keep to what a stranger, or
whoever holds a key or the NATS user ``client``, can do; everything that they make has a name
that begins with ``hostile``, so that it can be told from what good users asked for. What they are
answered is noted: a 500, or no answer at all, is a defect of the platform. Used by
``test_hostile``.
"""

import asyncio
import contextlib
import gzip
import json
import random
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import httpx
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error as NatsError

from tests.chaos.checker import Evidence
from tests.chaos.hostile_values import commands, definitions, garbage, mutated, paths
from tests.support import raw_http, raw_nats
from tests.support.whole_platform import Platform
from trigger_contracts.subjects import REPLY_TO_HEADER
from trigger_runtime.process.ids import new_id

NAME = "hostile"
"""What the names and ids of all that they make begin with."""

TIMEOUT_S = 60.0
"""Within which whatever can be answered is."""

MOST_BYTES = 4 * 1024 * 1024
"""Of one flood: enough to be cut, and soon over."""


class User(Protocol):
    """Does one thing after another until it is stopped."""

    async def act(self) -> None: ...


@dataclass
class Notes:
    """What hostile users were told."""

    statuses: Counter[int] = field(default_factory=Counter)
    failed: list[str] = field(default_factory=list)
    """Requests that were answered with a failure of the platform's."""
    awaited: dict[str, str] = field(default_factory=dict)
    """Commands whose result has not come, by its subject."""
    results: int = 0
    acts: Counter[str] = field(default_factory=Counter)

    def answered(self, status: int, asked: str, body: bytes = b"") -> None:
        self.statuses[status] += 1
        if status >= 500 and status != 503:
            self.failed.append(f"{status} for {asked[:300]}: {body[:300]!r}")


@dataclass
class Stranger:
    """Speaks to the gateway in bytes, without a key."""

    platform: Platform
    dice: random.Random
    notes: Notes

    async def act(self) -> None:
        url = self.platform.status["url"]
        attack: Callable[[], Any] = self.dice.choice(
            [self._garbage, self._endless_head, self._slow_head, self._costly, self._silent]
        )
        self.notes.acts[attack.__name__] += 1
        with contextlib.suppress(OSError, TimeoutError, AssertionError, IndexError, ValueError):
            await attack(url)

    async def _garbage(self, url: str) -> None:
        begin = self.dice.choice([b"", b"GET / HTTP/1.1\r\n", b"POST /triggers/ HTTP/1.1\r\n"])
        await raw_http.sent(url, begin + garbage(self.dice, 2000) + b"\r\n\r\n")

    async def _endless_head(self, url: str) -> None:
        line = self.dice.choice([b"a:b\r\n", b"x" * 99, b"\r\n", b"\x00", b" folded\r\n"])
        await raw_http.flood(url, b"GET / HTTP/1.1\r\n", line * 1000, MOST_BYTES)

    async def _slow_head(self, url: str) -> None:
        _, writer = await raw_http.connected(url)
        for byte in b"GET /health HTTP/1.1\r\nHost: x":
            writer.write(bytes([byte]))
            await asyncio.sleep(0.02)
        writer.transport.abort()

    async def _costly(self, url: str) -> None:
        async with httpx.AsyncClient(base_url=url, timeout=TIMEOUT_S) as client:
            path = self.dice.choice(["/openapi.json", "/docs", "/asyncapi", "/health", "/ready"])
            response = await client.get(path)
            self.notes.answered(response.status_code, path)

    async def _silent(self, url: str) -> None:
        connections = [await raw_http.connected(url) for _ in range(self.dice.randint(1, 60))]
        await asyncio.sleep(self.dice.uniform(0, 0.5))
        for _, writer in connections:
            writer.transport.abort()


@dataclass
class KeyHolder:
    """Has an API key, and sends what no client of good will would."""

    platform: Platform
    dice: random.Random
    notes: Notes
    _made: list[str] = field(default_factory=list)

    async def act(self) -> None:
        attack: Callable[[], Any] = self.dice.choice(
            [self._create] * 6
            + [self._edit] * 3
            + [self._fire] * 3
            + [self._bulk, self._body, self._ask, self._unread, self._preview, self._tests]
        )
        self.notes.acts[attack.__name__] += 1
        with contextlib.suppress(httpx.HTTPError, OSError, TimeoutError, ValueError):
            await attack()

    async def _create(self) -> None:
        response = await self._send("POST", "/triggers/", definitions(self.dice, NAME))
        if response.status_code == 201:
            self._made.append(response.json()["id"])
            if len(self._made) > 30:
                # Others must find room, too: a quota is not what this run is about.
                await self._send("DELETE", f"/triggers/{self._made.pop(0)}", None)

    async def _edit(self) -> None:
        method = self.dice.choice(["PATCH", "PUT"])
        await self._send(method, f"/triggers/{self._one()}", definitions(self.dice, NAME))

    async def _fire(self) -> None:
        way = self.dice.choice(["fire", "test"])
        body = mutated(self.dice, {"payload": {"n": 1}})
        await self._send("POST", f"/triggers/{self._one()}/{way}", body)

    async def _bulk(self) -> None:
        lines = [definitions(self.dice, NAME) for _ in range(self.dice.randint(1, 20))]
        path = self.dice.choice(["/triggers/bulk", "/triggers/bulk?partial=true"])
        content = b"\n".join(lines)
        await self._send("POST", path, content, {"Content-Type": "application/x-ndjson"})

    async def _body(self) -> None:
        """What is no definition at all, or is sent in an odd way."""
        packed = gzip.compress(b"[" * self.dice.choice([10, 1000, 1_000_000]))
        headers, body = self.dice.choice(
            [
                ({}, garbage(self.dice, 5000)),
                ({}, b"x" * 600_000),
                ({"Content-Encoding": "gzip"}, packed),
                ({"Content-Encoding": "gzip"}, packed[:-4]),
                ({"Content-Encoding": "br"}, b"{}"),
                ({"Content-Type": "text/plain"}, b"{}"),
                ({"If-Match": '"x", *'}, b"{}"),
            ]
        )
        await self._send("POST", self.dice.choice(paths(self.dice)), body, headers)

    async def _ask(self) -> None:
        await self._send("GET", self.dice.choice(paths(self.dice)), None)

    async def _preview(self) -> None:
        await self._send("POST", "/schedules/preview", definitions(self.dice, NAME))

    async def _tests(self) -> None:
        path = self.dice.choice(["/test/api/", "/test/scheduled/"])
        await self._send("POST", path, definitions(self.dice, NAME))

    async def _unread(self) -> None:
        """Asks for much, and takes nothing of it."""
        url, key = self.platform.status["url"], self.platform.status["api_key"]
        path = self.dice.choice(["/events/stream", "/events/export?format=csv"])
        _, writer = await raw_http.connected(url)
        writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\nX-API-KEY: {key}\r\n\r\n".encode())
        await asyncio.sleep(self.dice.uniform(0, 1))
        writer.transport.abort()

    def _one(self) -> str:
        return self.dice.choice([*self._made[-5:], "hostile-none", "x" * 200, "%00", "..%2f"])

    async def _send(
        self, method: str, path: str, body: bytes | None, headers: dict[str, str] | None = None
    ) -> httpx.Response:
        given = {"Content-Type": "application/json", **(headers or {})}
        async with self.platform.new_rest(timeout=TIMEOUT_S) as client:
            response = await client.request(method, path, content=body, headers=given)
        asked = f"{method} {path} {given} {(body or b'')[:2000]!r}"
        self.notes.answered(response.status_code, asked, response.content)
        return response


@dataclass
class Breaker:
    """Speaks to the broker in bytes, as the user ``client``."""

    platform: Platform
    dice: random.Random
    notes: Notes

    async def act(self) -> None:
        attack: Callable[[raw_nats.RawNats], None] = self.dice.choice(
            [
                *(self._headers, self._headers, self._replies, self._batches),
                *(self._subscriptions, self._nonsense, self._forbidden),
            ]
        )
        self.notes.acts[attack.__name__] += 1
        login = self.platform.status["nats_users"]["client"]
        port = self.platform.status["processes"]["nats"]["port"]
        with contextlib.suppress(OSError, TimeoutError, ValueError, asyncio.IncompleteReadError):
            async with raw_nats.logged_in(port, login["user"], login["password"]) as raw:
                attack(raw)
                await raw.settled()

    def _headers(self, raw: raw_nats.RawNats) -> None:
        """Blocks that no library would write."""
        for _ in range(20):
            block = self.dice.choice(
                [
                    *(b"", b"\r\n", b"NATS/1.0", b"NATS/1.0 503\r\n\r\n"),
                    b"NATS/1.0\r\n\xff\xfe: \r\n\r\n",
                    b"NATS/1.0\r\n" + garbage(self.dice, 300) + b"\r\n\r\n",
                ]
            )
            subject, body = commands(self.dice, NAME)
            size = len(block)
            line = f"HPUB {subject} {size} {size + len(body)}\r\n"
            raw.send(line.encode() + block + body + b"\r\n")

    def _replies(self, raw: raw_nats.RawNats) -> None:
        for subject in ("trigger.due.x", "trigger.changed.x", "trigger.fired.x", "$JS.API.INFO"):
            raw.publish("trigger.command.fire", b"{}", reply=subject)
            raw.publish("trigger.command.create", b"junk", reply=f"_INBOX_api.{new_id()}")

    def _batches(self, raw: raw_nats.RawNats) -> None:
        for _ in range(60):
            headers = {"Nats-Batch-Id": new_id(), "Nats-Batch-Sequence": "1"}
            raw.publish("trigger.command.fire", b"{}", reply="_INBOX_client.b", headers=headers)

    def _subscriptions(self, raw: raw_nats.RawNats) -> None:
        for number in range(2, 400):
            raw.subscribe("trigger.fired.*", number)

    def _nonsense(self, raw: raw_nats.RawNats) -> None:
        raw.send(self.dice.choice([garbage(self.dice, 500), b"PUB x 9999999999\r\n", b"\r\n" * 99]))

    def _forbidden(self, raw: raw_nats.RawNats) -> None:
        for subject in ("trigger.due.x", "trigger.changed.x", "$KV.IDEMPOTENCY.x", "$SYS.x", ">"):
            raw.publish(subject, b"{}")


@dataclass
class Commander:
    """Publishes commands as the user ``client``; each that can be answered must be."""

    platform: Platform
    dice: random.Random
    notes: Notes
    client: Client

    async def act(self) -> None:
        self.notes.acts["_command"] += 1
        subject, body = commands(self.dice, NAME)
        reply_to = f"_INBOX_client.hostile.{new_id()}"
        self.notes.awaited[reply_to] = f"{subject} {body[:300]!r}"
        headers = {REPLY_TO_HEADER: reply_to}
        try:
            await self.client.jetstream(timeout=TIMEOUT_S).publish(subject, body, headers=headers)
        except (NatsError, TimeoutError, OSError) as error:
            # Not stored, as far as is known: nobody owes an answer.
            self.notes.awaited.pop(reply_to)
            self.notes.acts[f"_command {type(error).__name__}"] += 1


@contextlib.asynccontextmanager
async def commanding(
    platform: Platform, dice: random.Random, notes: Notes, count: int
) -> AsyncIterator[list[Commander]]:
    """So many of them on one connection, which hears all results."""

    async def hear(message: Msg) -> None:
        if notes.awaited.pop(message.subject, None) is not None:
            notes.results += 1

    async with platform.connected("client") as client:
        await client.subscribe("_INBOX_client.hostile.*", cb=hear)
        yield [Commander(platform, dice, notes, client) for _ in range(count)]


def without_hostile(evidence: Evidence, letters: int) -> Evidence:
    """What good users' promises are judged by. ``letters`` are the dead letters of theirs."""
    theirs = {
        change.trigger_id
        for change in evidence.changes
        if change.name.casefold().startswith(NAME) or change.trigger_id.startswith(NAME)
    }

    def is_good(trigger_id: str) -> bool:
        return trigger_id not in theirs and not trigger_id.startswith(NAME)

    rows = tuple(row for row in evidence.rows if is_good(row.trigger_id))
    dropped = {row.event_id for row in evidence.rows} - {row.event_id for row in rows}
    return replace(
        evidence,
        changes=tuple(one for one in evidence.changes if is_good(one.trigger_id)),
        records=tuple(one for one in evidence.records if is_good(one.trigger_id)),
        rows=rows,
        event_ids=evidence.event_ids - dropped,
        standings=tuple(one for one in evidence.standings if is_good(one.trigger_id)),
        dead_letters=letters,
    )


async def letters_of_good_users(platform: Platform) -> int:
    """Dead letters whose original carries a mark of the load's."""
    return sum(
        '"m": "' in json.dumps(letter.get("body", "")).replace("\\", "")
        for letter in await platform.dead_letters()
    )
