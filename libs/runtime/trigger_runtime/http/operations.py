"""HTTP for those who operate a process: a server of its own, which says how it is to the very end.

A worker has no other; the gateway has one beside its public server where it is given a port for it.
Whoever starts it ends it: it knows no signals, so it still answers while everything else stops.
"""

import asyncio
import contextlib
from collections.abc import Iterator

import uvicorn

from .health import HealthApp
from .server import HttpLimits, server_config

GRACEFUL_S = 1
"""What its own stop waits for answers in hand: each is made at once."""


class OperationsServer(uvicorn.Server):
    """uvicorn without its signal handlers: the process stops everything in its own order."""

    def __init__(self, app: HealthApp, limits: HttpLimits, *, host: str, port: int) -> None:
        super().__init__(
            server_config(
                app,
                limits,
                host=host,
                port=port,
                lifespan="off",
                timeout_graceful_shutdown=GRACEFUL_S,
            )
        )

    def start(self) -> "asyncio.Task[None]":
        """Serve from now on; the task ends once ``should_exit`` is set and answers are given."""
        return asyncio.create_task(self._serve_or_end(), name="http")

    async def _serve_or_end(self) -> None:
        # Where somebody has taken the address since it was looked at, uvicorn says so and leaves
        # the process: in a task of ours that would end the event loop, and nothing in its order.
        with contextlib.suppress(SystemExit):
            await self.serve()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield
