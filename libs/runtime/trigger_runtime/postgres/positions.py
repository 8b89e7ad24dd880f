"""Asks a service's tables how far they are, over its own pool. For ``guard.StreamGuard``.

Apart from it, since not every guarded worker has a database.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import asyncpg
from asyncpg.pool import PoolConnectionProxy

from trigger_runtime.jetstream.guard import Positions

from .database import Database

Read = Callable[
    ["asyncpg.Connection[Any] | PoolConnectionProxy[asyncpg.Record]"], Awaitable[Mapping[str, int]]
]


def asked_of(database: Database, read: Read) -> Positions:
    """What ``read`` says on a connection; raises DatabaseUnavailable."""

    async def positions() -> Mapping[str, int]:
        async with database.connection() as connection:
            return await read(connection)

    return positions
