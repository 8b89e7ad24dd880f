"""Names are looked up beside the event loop: one that nobody answers for holds nothing up."""

import asyncio
import socket
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest
import uvloop

from trigger_runtime.process.event_loop import EventLoop, StoppingError, hurry

Found = list[tuple[Any, ...]]


def run(main: Callable[[], Awaitable[None]]) -> None:
    async def started() -> None:
        await main()

    uvloop.run(started(), loop_factory=EventLoop)


class NameServer:
    """Answers for ``known`` names, and for others when it is ``released``."""

    def __init__(self) -> None:
        self.known: dict[str, Found | OSError] = {}
        self.asked: list[str] = []
        self.released = threading.Event()

    def getaddrinfo(self, host: str, *_: Any) -> Found:
        self.asked.append(host)
        if host not in self.known:
            self.released.wait(30)
        answer = self.known.get(host, socket.gaierror(socket.EAI_AGAIN, "nobody answers"))
        if isinstance(answer, OSError):
            raise answer
        return answer


def at(*addresses: tuple[str, int]) -> Found:
    return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", address) for address in addresses]


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Iterator[NameServer]:
    server = NameServer()
    monkeypatch.setattr(socket, "getaddrinfo", server.getaddrinfo)
    yield server
    server.released.set()


async def greeting() -> tuple[asyncio.Server, int]:
    async def greet(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"hello\n")
        writer.close()

    server = await asyncio.start_server(greet, "127.0.0.1", 0)
    return server, server.sockets[0].getsockname()[1]


async def hears(host: str, port: int) -> bytes:
    reader, writer = await asyncio.open_connection(host, port)
    said = await reader.readline()
    writer.close()
    return said


def test_a_name_is_looked_up_while_others_are_not_answered(names: NameServer) -> None:
    async def main() -> None:
        waiting = [asyncio.create_task(hears(f"nobody-{n}", 1)) for n in range(20)]
        server, port = await greeting()
        names.known["here"] = at(("127.0.0.1", port))
        assert await hears("here", port) == b"hello\n"
        for task in waiting:
            task.cancel()
        server.close()

    began = time.monotonic()
    run(main)
    assert time.monotonic() - began < 20, "nobody waited for the others"


def test_the_next_address_of_a_name_is_tried(names: NameServer) -> None:
    async def main() -> None:
        server, port = await greeting()
        gone, gone_port = await greeting()
        gone.close()
        await gone.wait_closed()
        names.known["several"] = at(("127.0.0.1", gone_port), ("127.0.0.1", port))
        assert await hears("several", port) == b"hello\n"
        names.known["gone"] = at(("127.0.0.1", gone_port))
        with pytest.raises(ConnectionRefusedError):
            await hears("gone", gone_port)
        names.known["both"] = at(("127.0.0.1", gone_port), ("127.0.0.1", gone_port))
        with pytest.raises(OSError, match=r"refused.*; .*refused"):
            await hears("both", gone_port)
        server.close()

    run(main)


def test_an_address_needs_nobody(names: NameServer) -> None:
    async def main() -> None:
        server, port = await greeting()
        assert await hears("127.0.0.1", port) == b"hello\n"
        server.close()

    run(main)
    assert names.asked == []


def test_what_the_name_server_says_is_raised(names: NameServer) -> None:
    names.known["unknown"] = socket.gaierror(socket.EAI_NONAME, "no such name")

    async def main() -> None:
        with pytest.raises(socket.gaierror, match="no such name"):
            await hears("unknown", 1)

    run(main)


def test_all_who_ask_the_same_wait_for_one_answer(names: NameServer) -> None:
    async def main() -> None:
        first, second = (asyncio.create_task(hears("slow", 1)) for _ in range(2))
        await asyncio.sleep(0)
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        names.released.set()
        with pytest.raises(socket.gaierror, match="nobody answers"):
            await second

    run(main)
    assert names.asked == ["slow"]


def test_a_process_that_stops_waits_for_no_name(
    names: NameServer, capfd: pytest.CaptureFixture[str]
) -> None:
    async def main() -> None:
        before = asyncio.create_task(hears("slow", 1))
        await asyncio.sleep(0)
        hurry()
        for asking in (before, asyncio.create_task(hears("another", 1))):
            with pytest.raises(StoppingError):
                await asking
        server, port = await greeting()
        names.known["here"] = at(("127.0.0.1", port))
        assert await hears("here", port) == b"hello\n", "what is known at once is still found"
        server.close()

    run(main)
    names.released.set()
    assert capfd.readouterr().err == ""


def test_another_loop_is_left_as_it_is() -> None:
    async def main() -> None:
        hurry()

    asyncio.run(main())
