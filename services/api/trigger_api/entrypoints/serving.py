"""uvicorn as the gateway needs it: connections that can be cut, and a stop that ends streams.

ASGI has no word for the first: an application that returns leaves what was written to be read,
and a client that reads nothing keeps its connection for ever.
"""

import asyncio
import contextlib
import signal
import socket
from collections.abc import Callable, Iterator

import uvicorn
from starlette.types import ASGIApp, Receive, Scope

from trigger_runtime.http.server import MAY_STALL, GuardedHttp, HttpLimits, server_config

_ABORT = "etp.abort"
"""Where in the ASGI scope the function is that cuts the connection at once."""
GRACEFUL_S = 6
"""What a stop waits for requests in hand: longer than a command's timeout."""


def abort_of(scope: Scope) -> Callable[[], None] | None:
    """What cuts a request's connection; None where another server has it, or a test."""
    abort: Callable[[], None] | None = scope.get(_ABORT)
    return abort


def watches_its_reader(scope: Scope) -> None:
    """The answer of this request says by itself how long it may be left unread."""
    scope[MAY_STALL] = True


async def gone(receive: Receive) -> None:
    """Returns once the client of a GET is gone: no body of one could matter."""
    while (await receive())["type"] != "http.disconnect":
        """Not yet."""


class AbortableConnection(GuardedHttp):
    """One connection; each of its requests can cut it."""

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope[_ABORT] = self.transport.abort  # type: ignore[literal-required]


class Server(uvicorn.Server):
    """Ends with our exit code: uvicorn by itself would raise the signal again.

    ``on_stop`` is called first of all when it stops, and ends what would not end by itself.
    """

    def __init__(
        self,
        app: ASGIApp,
        on_stop: Callable[[], None],
        *,
        host: str,
        port: int,
        limits: HttpLimits | None = None,
    ) -> None:
        super().__init__(
            server_config(
                app,
                limits or HttpLimits(),
                host=host,
                port=port,
                connection=AbortableConnection,
                lifespan="on",
                timeout_graceful_shutdown=GRACEFUL_S,
            )
        )
        self._on_stop = on_stop

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._on_stop()
        await super().shutdown(sockets)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.handle_exit, number, None)
        try:
            yield
        finally:
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.remove_signal_handler(number)
