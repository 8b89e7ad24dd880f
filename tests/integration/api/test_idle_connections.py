"""How long a connection that is not used stays open, and which of them make room for others."""

import asyncio
import contextlib
from datetime import timedelta

from tests.integration.api.conftest import Running, serving
from tests.support import raw_http
from tests.support.servers import Broker, Database
from trigger_local.secrets import Secrets
from trigger_runtime.http.server import GuardedHttp

A_PROXY_KEEPS_S = 60.0
"""As the defaults of common ones are: nginx, Envoy's gateways and load balancers of clouds."""


class Kept:
    """A connection that asks, and may ask again."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self.writer = writer

    async def ask(self, *parts: bytes) -> None:
        """Send the parts of a request for a small answer, and read it."""
        for part in parts or (raw_http.GET, b"\r\n"):
            self.writer.write(part)
        async with asyncio.timeout(raw_http.WITHIN):
            head = await self._reader.readuntil(b"\r\n\r\n")
            fields = dict(
                line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:] if b": " in line
            )
            await self._reader.readexactly(int(fields[b"content-length"]))
        assert head.startswith(b"HTTP/1.1 200 OK"), head

    async def until_closed(self) -> None:
        async with asyncio.timeout(raw_http.WITHIN):
            with contextlib.suppress(ConnectionError):
                assert await self._reader.read() == b""


async def kept(stack: contextlib.AsyncExitStack, running: Running) -> Kept:
    reader, writer = await raw_http.connected(running.url)
    stack.callback(writer.transport.abort)
    one = Kept(reader, writer)
    await one.ask()
    return one


async def test_a_connection_stays_open_for_longer_than_a_proxy_keeps_it(
    platform_streams: Broker, empty_database: Database, secrets: Secrets
) -> None:
    async with (
        serving(platform_streams, empty_database, secrets) as running,
        contextlib.AsyncExitStack() as stack,
    ):
        await kept(stack, running)
        # Its own timer says when it would end: nobody has to wait so long here.
        idle = list(running.server.server_state.connections)
        assert len(idle) == 1
        assert isinstance(idle[0], GuardedHttp)
        assert idle[0].timeout_keep_alive_task is not None
        left = idle[0].timeout_keep_alive_task.when() - asyncio.get_running_loop().time()
        assert left > A_PROXY_KEEPS_S


async def test_it_ends_once_it_was_idle_for_as_long_as_the_setting_says(
    platform_streams: Broker, empty_database: Database, secrets: Secrets
) -> None:
    async with (
        serving(
            platform_streams, empty_database, secrets, keep_alive=timedelta(seconds=0.5)
        ) as running,
        contextlib.AsyncExitStack() as stack,
    ):
        await (await kept(stack, running)).until_closed()


async def test_the_one_that_was_idle_for_longest_makes_room_and_no_head_that_arrives(
    platform_streams: Broker, empty_database: Database, secrets: Secrets
) -> None:
    room = 12
    async with (
        serving(
            platform_streams,
            empty_database,
            secrets,
            http_connections=16,
            http_connections_of_one=12,
        ) as running,
        contextlib.AsyncExitStack() as stack,
    ):
        first, second, begun = [await kept(stack, running) for _ in range(3)]
        begun.writer.write(raw_http.GET)
        others = [await kept(stack, running) for _ in range(room - 3)]
        await kept(stack, running)
        await first.until_closed()
        await kept(stack, running)
        await second.until_closed()
        await begun.ask(b"\r\n")
        for other in others:
            await other.ask()
