"""What begins and ends with the gateway: its connections and loops, and the port of operators.

Made and called by ``bootstrap``, which says what there is to be stopped, and in which order.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any

from trigger_runtime.http.health import Health
from trigger_runtime.http.operations import OperationsServer
from trigger_runtime.jetstream.connection import Connection
from trigger_runtime.process.event_loop import hurry
from trigger_runtime.process.logging_setup import get_logger
from trigger_runtime.process.loop_lag import EventLoopLag
from trigger_runtime.process.loops import Loop
from trigger_runtime.worker import settle_memory

log = get_logger(__name__)


class ApplicationLife:
    """What begins and ends with the application."""

    def __init__(
        self,
        connection: Connection,
        connect: Callable[[], Awaitable[None]],
        loops: Sequence[Loop],
        health: Health,
        stops: Sequence[Callable[[], Awaitable[None]]],
    ) -> None:
        """``stops`` are called in their order; the broker may take its time to be there."""
        self._connection = connection
        self._connect = connect
        self._loops = loops
        self._watch = EventLoopLag()
        self._health = health
        self._stops = stops

    @contextlib.asynccontextmanager
    async def span(self, _: Any) -> AsyncIterator[None]:
        await self._connection.start()
        connecting = asyncio.ensure_future(self._connect())
        for loop in self._loops:
            loop.start()
        self._watch.start()
        settle_memory()
        self._health.started = True
        try:
            yield
        finally:
            self._health.stopping = True
            hurry()
            self._connection.give_up()
            connecting.cancel()
            with contextlib.suppress(asyncio.CancelledError, Exception):
                await connecting
            await _stop_all(*self._stops)
            self._watch.stop()


async def _stop_all(*parts: Callable[[], Awaitable[None]]) -> None:
    """In order; one that fails does not keep the others from it."""
    for stop in parts:
        try:
            await stop()
        except Exception:
            log.exception("a part did not stop cleanly")


@contextlib.asynccontextmanager
async def operating(
    server: OperationsServer | None, on_failed: Callable[[], None]
) -> AsyncIterator[None]:
    """Serve those who operate the gateway for the block, where they have a port of their own.

    ``on_failed`` is called if that ends by itself: nobody could see any more how the gateway is.
    """
    if server is None:
        yield
        return

    def ended(serving: asyncio.Task[None]) -> None:
        error = None if serving.cancelled() else serving.exception()
        if error is not None or not server.should_exit:
            log.critical("cannot go on", part="operations", exc_info=error)
            on_failed()

    serving = server.start()
    serving.add_done_callback(ended)
    try:
        yield
    finally:
        server.should_exit = True
        # Not awaited: what it raised is told, and must not take the place of the exit code.
        await asyncio.wait({serving})
