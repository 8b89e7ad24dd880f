"""What anybody can send without a key: it fails alone, and others are answered meanwhile."""

import asyncio
import contextlib
import gzip
import re
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta

import httpx
import psutil
import pytest

from tests.integration.api.conftest import Running, ready, serving
from tests.integration.api.gateway_process import gateway_process
from tests.integration.api.stand_in import StandInScheduler
from tests.support import raw_http
from tests.support.eventually import eventually
from tests.support.servers import Broker, Database
from trigger_local.secrets import Secrets
from trigger_runtime.http.server import MAX_FIELDS, MAX_HEAD_BYTES, MAX_WAITING, GuardedHttp
from trigger_runtime.process.metrics import HTTP_REFUSED

API = {"name": "a", "type": "api"}
BEGIN = raw_http.GET
SMALL = 24 * 1024 * 1024
"""What the gateway may grow by, whatever it is sent."""
PROMPT_S = 5.0
"""What a good request may take meanwhile, on a busy machine; alone it takes milliseconds."""
FILES = 1024


@dataclass
class Good:
    """Somebody who has a key and asks for ordinary things, one after another."""

    http: httpx.AsyncClient
    slowest_s: float = 0.0
    asked: int = 0

    async def ask(self) -> None:
        for method, path, body, status in (
            ("GET", "/health", None, 200),
            ("GET", "/triggers/", None, 200),
            ("POST", "/triggers/", API, 201),
            ("POST", "/test/api/", {"payload": 1}, 201),
        ):
            began = time.monotonic()
            response = await self.http.request(method, path, json=body)
            self.slowest_s = max(self.slowest_s, time.monotonic() - began)
            assert response.status_code in (status, 202), (path, response.text)
            self.asked += 1

    async def keep_asking(self) -> None:
        while True:
            await self.ask()


@contextlib.asynccontextmanager
async def beside(good: Good) -> AsyncIterator[None]:
    """Good requests go on meanwhile, and are answered."""
    asking = asyncio.create_task(good.keep_asking())
    try:
        yield
        before = good.asked
        await eventually(lambda: asking.done() or good.asked > before, within=20)
    finally:
        asking.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await asking
    assert good.asked > 0
    assert good.slowest_s < PROMPT_S


@pytest.fixture
async def good(
    platform_streams: Broker,
    empty_database: Database,
    secrets: Secrets,
    scheduler: StandInScheduler,
) -> AsyncIterator[tuple[str, Good, psutil.Process]]:
    """A gateway in a process that may open few files, and somebody who uses it."""
    async with (
        gateway_process(platform_streams, empty_database, secrets, files=FILES) as started,
        httpx.AsyncClient(
            base_url=started.url, headers={"X-API-KEY": secrets.api_key}, timeout=20
        ) as http,
    ):

        async def is_ready() -> bool:
            return (await http.get("/ready")).status_code == 200

        await eventually(is_ready, within=60)
        one = Good(http)
        await one.ask()
        one.slowest_s = 0.0
        yield started.url, one, psutil.Process(started.process.pid)


async def test_endless_heads_fields_bodies_and_requests_take_no_memory(
    good: tuple[str, Good, psutil.Process],
) -> None:
    url, user, process = good
    before = process.memory_info().rss
    async with beside(user):
        await raw_http.flood_endlessly(url, 16 << 20)
    assert process.memory_info().rss - before < SMALL


async def test_silent_connections_keep_nobody_out(
    good: tuple[str, Good, psutil.Process],
) -> None:
    """More than the process has files for; some stop in the middle of a head."""
    url, user, process = good
    before = process.memory_info().rss
    writers = []
    async with beside(user):
        for number in range(1300):
            _, writer = await raw_http.connected(url)
            if number % 3 == 0:
                writer.write(BEGIN)
            writers.append(writer)
        async with httpx.AsyncClient(base_url=url, timeout=20) as anybody:
            for _ in range(5):
                assert (await anybody.get("/health")).status_code == 200
                assert (await anybody.get("/ready")).status_code == 200
    assert process.num_fds() < FILES
    assert process.memory_info().rss - before < SMALL
    for writer in writers:
        writer.transport.abort()


MALFORMED = {
    "no HTTP": b"EHLO example.com\r\n\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(50),
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "no version": b"GET / HTTP/x\r\n\r\n",
    "a name with a blank": b"GET /health HTTP/1.1\r\nHost : x\r\n\r\n",
    "a path with a raw byte": b"GET /\xff\xfe HTTP/1.1\r\nHost: x\r\n\r\n",
    "no length": b"POST /triggers/ HTTP/1.1\r\nHost: x\r\nContent-Length: many\r\n\r\n",
    "two lengths": b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
    "no chunk": b"POST /triggers/ HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    "no host": b"GET /health HTTP/1.1\r\n\r\n",
    "two hosts": b"GET /health HTTP/1.1\r\nHost: x\r\nX: y\r\nhost: x\r\n\r\n",
    "two hosts of HTTP/1.0": b"GET /health HTTP/1.0\r\nHost: x\r\nHost: y\r\n\r\n",
    "a host that is none": b"GET /health HTTP/1.1\r\nHost: a b/\r\n\r\n",
    "chunks in chunks": b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "no codings": b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: ,\r\n\r\n",
    "a version that is none": b"GET /health HTTP/2.0\r\nHost: x\r\n\r\n",
    "HTTP/0.9": b"GET /health\r\n\r\n",
    "chunks of HTTP/1.0": b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
}


async def test_what_is_no_request_is_a_problem_and_400(gateway: Running) -> None:
    key = f"X-API-KEY: {gateway.secrets.api_key}\r\nTransfer".encode()
    for name, request in MALFORMED.items():
        response = await raw_http.sent(gateway.url, request.replace(b"Transfer", key))
        assert (response.status, response.json["code"]) == (400, "malformed-request"), name
        assert response.headers["content-type"] == "application/problem+json"
        assert response.headers["x-request-id"] == response.json["request_id"]
        assert response.headers["x-content-type-options"] == "nosniff"


async def test_a_transfer_coding_that_is_not_understood_is_501(
    gateway: Running, scheduler: StandInScheduler
) -> None:
    """What was done to a body for its way is undone by the server, or the body is not read."""
    key = f"X-API-KEY: {gateway.secrets.api_key}\r\n".encode()
    begin = b"POST /triggers/ HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n" + key
    body = gzip.compress(b'{"name": "a", "type": "api"}')
    chunks = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
    async with beside(Good(gateway.http)):
        for line in (b"gzip, chunked", b"GZIP ,chunked", b"a;b=c, , chunked", b"gzip", b"identity"):
            asked = begin + b"Transfer-Encoding: " + line + b"\r\n\r\n" + chunks
            response = await raw_http.sent(gateway.url, asked)
            assert (response.status, response.json["code"]) == (501, "unsupported-transfer-coding")
            assert "chunked" in response.json["detail"]
    lines = b"Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n"
    assert (await raw_http.sent(gateway.url, begin + lines + chunks)).status == 501
    plain = b"2\r\n{}\r\n0\r\n\r\n"
    for line in (b"chunked", b"Chunked", b", chunked"):
        asked = begin + b"Connection: close\r\nTransfer-Encoding: " + line + b"\r\n\r\n" + plain
        assert (await raw_http.sent(gateway.url, asked)).status == 422


async def test_any_host_and_none_of_http_1_0_is_served(gateway: Running) -> None:
    for host in (b"", b"x", b"X_y.example:80", b"127.0.0.1:", b"[::1]:8000", b"%C3%A9.example"):
        asked = b"GET /health HTTP/1.1\r\nConnection: close\r\nHost: " + host + b"\r\n\r\n"
        assert (await raw_http.sent(gateway.url, asked)).status == 200, host
    assert (await raw_http.sent(gateway.url, b"GET /health HTTP/1.0\r\n\r\n")).status == 200


async def test_a_large_head_is_431_whether_it_ends_or_not(gateway: Running) -> None:
    for fields in (
        b"a:b\r\n" * (MAX_FIELDS + 1),
        b"X: " + b"x" * MAX_HEAD_BYTES + b"\r\n",
        (b"X: " + b"x" * 1000 + b"\r\n") * 50,
    ):
        for end in (b"", b"\r\n"):
            response = await raw_http.sent(gateway.url, BEGIN, fields, end)
            assert (response.status, response.json["code"]) == (431, "head-too-large")
            assert str(MAX_FIELDS) in response.json["detail"]
    # As much as that is said to be accepted is.
    fields = b"".join(b"X-%d: %s\r\n" % (n, b"x" * 300) for n in range(MAX_FIELDS - 2))
    response = await raw_http.sent(gateway.url, BEGIN, b"Connection: close\r\n", fields, b"\r\n")
    assert response.status == 200


async def test_a_slow_head_is_408_also_one_that_trickles(
    platform_streams: Broker, empty_database: Database, secrets: Secrets
) -> None:
    async with serving(
        platform_streams, empty_database, secrets, head_timeout=timedelta(seconds=0.5)
    ) as running:
        await ready(running)
        response = await raw_http.sent(running.url, BEGIN)
        assert (response.status, response.json["code"]) == (408, "head-too-slow")
        reader, writer = await raw_http.connected(running.url)
        writer.write(BEGIN)
        answering = asyncio.create_task(raw_http.answer(reader))

        async def has_answered() -> bool:
            writer.write(b"a")  # a name that never ends
            return answering.done()

        await eventually(has_answered, poll=0.05)
        writer.transport.abort()
        assert (await answering).json["code"] == "head-too-slow"
        # Who never said anything hears nothing.
        reader, writer = await raw_http.connected(running.url)
        assert await asyncio.wait_for(reader.read(), 10) == b""
        writer.close()


async def test_requests_in_one_go_are_answered_in_order_up_to_a_number(gateway: Running) -> None:
    one = BEGIN + b"\r\n"
    reader, writer = await raw_http.connected(gateway.url)
    writer.write(one * 1000)
    async with asyncio.timeout(20):
        answers = await reader.read()
    assert answers.count(b"HTTP/1.1 200 OK") == MAX_WAITING + 1
    writer.close()


@pytest.mark.parametrize("pieces", [1, 2, 1000])
async def test_a_request_that_asks_for_an_upgrade_is_read_as_any_other(
    gateway: Running, scheduler: StandInScheduler, pieces: int
) -> None:
    """As Java's HttpClient does, which offers HTTP/2 with its first request, whatever it is."""
    key = f"X-API-KEY: {gateway.secrets.api_key}\r\n".encode()
    upgrade = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n"
    create = b"POST /triggers/ HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n" + key
    # Whoever takes a body for the next request answers more than was asked.
    name = b"GET /health HTTP/1.1"
    body = b'{"name": "%s", "type": "api"}' % name
    chunks = b"5\r\n%s\r\n%x;a=b\r\n%s\r\n0\r\nX: y\r\n\r\n" % (body[:5], len(body) - 5, body[5:])
    whole = b"".join(
        (
            BEGIN + upgrade + b"\r\n",
            create + upgrade + b"Content-Length: %d\r\n\r\n" % len(body) + body,
            create + upgrade + b"Transfer-Encoding: chunked\r\n\r\n" + chunks,
            BEGIN + upgrade + b"Content-Length: 0\r\n\r\n",
            BEGIN + b"Connection: close\r\n\r\n",
        )
    )
    reader, writer = await raw_http.connected(gateway.url)
    size = -(-len(whole) // pieces)
    for start in range(0, len(whole), size):
        writer.write(whole[start : start + size])
        await asyncio.sleep(0)
    async with asyncio.timeout(20):
        answers = await reader.read()
    writer.close()
    assert re.findall(rb"HTTP/1\.1 (\d+) ", answers) == [b"200", b"201", b"201", b"200", b"200"]
    assert answers.count(b'"name":"GET /health HTTP/1.1"') == 2


async def test_an_address_with_a_host_and_no_path_is_the_root(gateway: Running) -> None:
    for target in (b"http://x", b"HTTP://x:1?a=b"):
        asked = b"GET " + target + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        assert (await raw_http.sent(gateway.url, asked)).status in (307, 422), target


async def test_the_documents_are_made_once_and_only_handed_out(
    gateway: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    def again(*_: object) -> None:
        raise AssertionError("made again")

    gateway.built.documents.make()  # as a process does at its start

    monkeypatch.setattr(type(gateway.built.faststream.schema), "to_specification", again)
    monkeypatch.setattr("trigger_api.entrypoints.docs.page", again)
    async with gateway.without_key() as http:
        for path in ("/asyncapi", "/asyncapi.json", "/openapi.json", "/docs"):
            response = await http.get(path)
            assert response.status_code == 200
            assert len(response.content) > 1000


async def test_whoever_does_not_read_an_answer_is_cut(
    gateway: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    gateway.built.documents.make()
    monkeypatch.setattr("trigger_runtime.http.unread.UNREAD_S", 0.3)
    _, writer = await raw_http.connected(gateway.url)
    writer.transport.pause_reading()  # type: ignore[attr-defined]
    ours = writer.get_extra_info("sockname")
    writer.write((b"GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n") * 16)
    connections = gateway.server.server_state.connections
    await eventually(lambda: any(one.client == ours for one in connections))
    await eventually(lambda: all(one.client != ours for one in connections))
    writer.transport.abort()


DOCUMENTS = b"GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n" * MAX_WAITING


async def taken(reader: asyncio.StreamReader, at_once: int) -> int:
    """All that a reader is given that takes so many bytes twenty times a second."""
    pieces: list[int] = []

    async def has_ended() -> bool:
        try:
            piece = await reader.read(at_once)
        except ConnectionError:
            return True
        pieces.append(len(piece))
        return not piece

    await eventually(has_ended, within=30, poll=0.05)
    return sum(pieces)


async def test_whoever_takes_an_answer_too_slowly_is_cut_and_whoever_is_quick_is_not(
    gateway: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The slow one takes more than the trickle that is next to nothing, again and again."""
    gateway.built.documents.make()
    monkeypatch.setattr("trigger_runtime.http.unread.UNREAD_S", 0.5)
    monkeypatch.setattr("trigger_runtime.http.unread.LEAST_RATE", 2 * 1024 * 1024)
    async with gateway.without_key() as http:
        size = len((await http.get("/openapi.json")).content)
    cut = HTTP_REFUSED.labels("unread")
    before = cut._value.get()
    quick, one = await raw_http.connected(gateway.url)
    slow, other = await raw_http.connected(gateway.url, buffer=16 * 1024)
    for writer in (one, other):
        writer.write(DOCUMENTS[: -len(b"\r\n")] + b"Connection: close\r\n\r\n")
    all_of_it, some_of_it = await asyncio.gather(quick.read(), taken(slow, 12 * 1024))
    assert len(all_of_it) > MAX_WAITING * size
    assert some_of_it < MAX_WAITING * size
    assert cut._value.get() == before + 1
    for writer in (one, other):
        writer.transport.abort()


async def test_a_stream_is_not_watched_for_what_is_asked_behind_it_and_a_page_is(
    gateway: Running,
) -> None:
    """What a connection sends next, be it the beginning of a head, is not what is answered now."""
    gateway.built.documents.make()
    reader, writer = await raw_http.connected(gateway.url)
    ours = writer.get_extra_info("sockname")
    connections = gateway.server.server_state.connections
    await eventually(lambda: any(one.client == ours for one in connections))
    (connection,) = [one for one in connections if one.client == ours]
    assert isinstance(connection, GuardedHttp)
    writer.write(DOCUMENTS[: len(DOCUMENTS) // MAX_WAITING])
    await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 20)
    assert connection.is_watched()

    key = b"X-API-KEY: " + gateway.secrets.api_key.encode()
    writer.write(b"GET /events/stream HTTP/1.1\r\nHost: x\r\n" + key + b"\r\n\r\n")
    await eventually(lambda: not connection.is_watched(), what="the stream is answered")
    scope = connection.scope
    writer.write(b"GET /openapi.js")
    await eventually(lambda: connection.scope is not scope)
    assert not connection.is_watched()
    writer.write(b"on HTTP/1.1\r\nHost: x\r\n\r\n")
    await eventually(lambda: connection.pipeline)
    assert not connection.is_watched()
    writer.transport.abort()


async def test_what_many_slow_readers_leave_is_bounded_together(
    gateway: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    gateway.built.documents.make()
    most = 512 * 1024
    monkeypatch.setattr("trigger_runtime.http.unread.MAX_UNREAD_BYTES", most)
    connections = gateway.server.server_state.connections
    writers = []
    for _ in range(24):
        _, writer = await raw_http.connected(gateway.url)
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        writer.write(DOCUMENTS)
        writers.append(writer)
    sizes = lambda: [one.unread.size for one in connections]  # noqa: E731
    cut = HTTP_REFUSED.labels("unread")
    before = cut._value.get()
    await eventually(lambda: cut._value.get() > before and 0 < sum(sizes()) <= most)
    # Well before the time of any of them is over; and others are answered.
    async with gateway.without_key() as http:
        assert (await http.get("/openapi.json")).status_code == 200
    assert (await gateway.http.get("/triggers/")).status_code == 200
    for writer in writers:
        writer.transport.abort()
