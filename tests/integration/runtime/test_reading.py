"""Nothing that the broker delivers ends the reading: raw bytes, and what follows them is heard."""

import asyncio
import json
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from nats.aio.msg import Msg

from tests.integration.runtime.conftest import Connect
from tests.support.eventually import eventually
from tests.support.servers import Broker
from trigger_contracts import subjects
from trigger_runtime.jetstream.acknowledgement import parse
from trigger_runtime.jetstream.client import FastClient
from trigger_runtime.jetstream.connection import Connection
from trigger_runtime.jetstream.reader import StreamReader
from trigger_runtime.process.errors import PublishRefused

SEED = 20_261_129
MESSAGES = 3_000
MALFORMED = [
    b"",
    b"N",
    b"NATS/1.0",
    b"NATS/1.0\r\n",
    b"NATS/1.0\r\n\r\n",
    b"NATS/1.0 \xff\xff\r\n\r\n",
    b"NATS/1.0 503\r\n\r\n",
    b"NATS/1.0 100 \xff\r\n\r\n",
    b"NATS/1.0\r\n\xff\xfe: \x00\r\n\r\n",
    b"NATS/1.0\r\nStatus: 503\r\n\r\n",
    b"NATS/1.0\r\nNats-Sequence: x\r\nNats-Time-Stamp: never\r\n\r\n",
    b"HTTP/1.1 200 OK\r\n\r\n",
    b"NATS/1.0\r\na: " + b"x" * 60_000 + b"\r\n\r\n",
]
KEPT = [
    b"N",
    b"NATS/1.0",
    b"NATS/1.0\r\n",
    b"NATS/1.0\r\na: \xff\r\n\r\n",
    b"NATS/1.0\r\n\xff\xfe: \x00\r\n\r\n",
    b"HTTP/1.1 200 OK\r\n\r\n",
]
"""Malformed, and stored as they are: of others the broker takes the first line away."""


def hpub(subject: bytes, block: bytes, body: bytes, reply: bytes = b"") -> bytes:
    return b"HPUB %s %s %d %d\r\n%s%s\r\n" % (
        subject,
        reply,
        len(block),
        len(block) + len(body),
        block,
        body,
    )


async def spoken(broker: Broker, user: str, said: bytes) -> None:
    """Speak to the broker as it is, and wait until it has heard all of it."""
    host, port = broker.url.removeprefix("nats://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    greeting = {"verbose": False, "user": user, "pass": broker.passwords[user], "headers": True}
    writer.write(b"CONNECT %s\r\n%sPING\r\n" % (json.dumps(greeting).encode(), said))
    await writer.drain()
    heard = b""
    async with asyncio.timeout(20):
        while b"PONG\r\n" not in heard:
            part = await reader.read(65536)
            assert part, heard[-500:]
            heard += part
    writer.close()


async def hears_on(connection: Connection, broker: Broker) -> None:
    """What is sent now arrives, on the connection that was there."""
    heard = await connection.client.subscribe("fuzz.after")
    await connection.client.flush()
    await spoken(broker, "admin", b"PUB fuzz.after 2\r\nok\r\n")
    assert (await heard.next_msg(timeout=5)).data == b"ok"
    await heard.unsubscribe()


def noise(chance: random.Random) -> bytes:
    block = bytearray(chance.choice(MALFORMED[:-1]) + chance.randbytes(chance.randrange(40)))
    for _ in range(chance.randrange(4)):
        if block:
            block[chance.randrange(len(block))] = chance.randrange(256)
    return bytes(block)


@pytest.mark.parametrize("way", ["listen", "subscribe", "raise"])
async def test_raw_bytes_never_end_the_reading(
    platform_streams: Broker, connect: Connect, way: str
) -> None:
    chance = random.Random(SEED)
    connection = await connect("admin")
    reconnects = connection.client.stats["reconnects"]
    count = 0
    is_over = False

    def hear(message: Msg) -> None:
        nonlocal count, is_over
        count += 1
        is_over = is_over or message.subject == "fuzz.over"
        if way == "raise":
            raise RuntimeError("whoever hears it fails")

    async def heard(message: Msg) -> None:
        hear(message)

    if way in {"listen", "raise"}:
        await connection.client.listen("fuzz.*", hear)
    else:
        await connection.client.subscribe("fuzz.*", cb=heard)
    await connection.client.flush()
    said = [hpub(b"fuzz.a", one, b"{}") for one in MALFORMED]
    for _ in range(MESSAGES):
        subject = b"fuzz." + bytes(chance.choice(b"abc\xff\xc3\x00\x80") for _ in range(3))
        subject = subject.replace(b"\x00", b"z")
        reply = chance.choice([b"", b"_INBOX.\xff", b"$JS.ACK.a.b.c", b"\xc3"])
        said.append(hpub(subject, noise(chance), chance.randbytes(chance.randrange(20)), reply))
    said.append(b"PUB fuzz.over 0\r\n\r\n")
    await spoken(platform_streams, "admin", b"".join(said))
    await eventually(lambda: is_over, within=20, what="the last one is heard")
    assert count > MESSAGES // 2
    await hears_on(connection, platform_streams)
    assert connection.client.stats["reconnects"] == reconnects


async def test_stored_messages_with_any_headers_are_read_from_the_stream(
    platform_streams: Broker, connect: Connect, reader: StreamReader
) -> None:
    """By sequence, by subject, many at once and from the leader."""
    said = [hpub(b"trigger.due.t%d" % n, one, b"%d" % n) for n, one in enumerate(MALFORMED)]
    await spoken(platform_streams, "admin", b"".join(said))
    count = len(said)

    async def all_stored() -> bool:
        return await reader.last_seq() == count

    await eventually(all_stored, what="all is stored")
    found = await reader.after(0, subjects.ALL_DUE, 100)
    assert [one.seq for one in found] == list(range(1, count + 1))
    assert [one.payload for one in found] == [b"%d" % n for n in range(count)]
    for n in range(count):
        subject = subjects.due(f"t{n}")
        for one in (
            await reader.get(n + 1),
            await reader.last(subject),
            await reader.last_from_leader(subject),
            (await reader.last_many([subject]))[subject],
        ):
            assert one is not None
            assert (one.seq, one.payload, one.subject) == (n + 1, b"%d" % n, subject)
    assert await reader.count_from(1, subjects.ALL_DUE) == count


@asynccontextmanager
async def a_server(says: Callable[[], bytes]) -> AsyncIterator[tuple[str, list[int]]]:
    """Something that speaks the protocol as it likes; how often it was connected to."""
    connected: list[int] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connected.append(1)
        writer.write(
            b'INFO {"server_id":"x","version":"2.15.1","headers":true,"max_payload":1000000}\r\n'
        )
        while line := await reader.readline():
            if line.startswith(b"PING"):
                writer.write(b"PONG\r\n")
            if line.startswith(b"SUB"):
                writer.write(says())
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"nats://127.0.0.1:{server.sockets[0].getsockname()[1]}", connected
    finally:
        server.close()


@pytest.mark.parametrize(
    "said",
    [b"PONG\r\nPONG\r\nPONG\r\n", b"INFO {\r\n", b"INFO null\r\n", b"\xff\xff\r\n"],
)
async def test_where_reading_ends_all_the_same_the_connection_is_made_anew(said: bytes) -> None:
    client = FastClient()
    answers = [b"MSG word 1 2\r\nok\r\n", said]

    async with a_server(lambda: answers.pop() if answers else b"MSG word 1 2\r\nok\r\n") as (
        url,
        _,
    ):
        await client.connect(
            url, max_reconnect_attempts=-1, reconnect_time_wait=0.05, error_cb=_quiet
        )
        count = 0

        def hear(_: Msg) -> None:
            nonlocal count
            count += 1

        await client.listen("word", hear)

        async def heard() -> bool:
            if not client.is_closed and client.is_connected and not count:
                await client.subscribe("other")
            return count > 0 or client.is_closed

        await eventually(heard, within=10, what="it is heard again, or closed for good")
        await client.close()


async def _quiet(_: Exception) -> None:
    """Errors are the point."""


@pytest.mark.parametrize(
    "answer",
    [b"", b"{", b"null", b"[]", b'"x"', b"7", b"{}", b'{"seq":"x"}', b'{"error":1}', b"[" * 9999],
)
def test_what_is_no_acknowledgement_is_a_refusal(answer: bytes) -> None:
    with pytest.raises(PublishRefused):
        parse(answer, 1)
