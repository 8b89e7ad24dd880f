"""A schema built anew beside the live one, and put in its place.

The same migrations build both. What fills it, and who waits while the two change names, is its
caller's: a service's rebuild. Before the caller's transaction with ``swap`` commits, nothing has
changed; whatever a rebuild that was killed has left is dropped by the next one. For a superuser,
one at a time for a schema.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import asyncpg

from trigger_runtime.process.logging_setup import get_logger

from .migrations import owner_of

log = get_logger(__name__)

DROP_TRIES = 100
DROP_PAUSE_S = 0.1
"""Between tries to drop: some 30 s in all, longer than any statement of a service may take."""

Connection: TypeAlias = "asyncpg.Connection[Any]"


@dataclass(frozen=True, slots=True)
class ShadowSchema:
    """An empty schema beside ``live``, made by its migrations and owned as that is."""

    connection: Connection
    live: str
    exists: bool
    """Whether there is a live one."""
    is_whole: bool
    """Whether that has all its tables, so that something may be taken from it."""

    @property
    def name(self) -> str:
        return f"{self.live}_shadow"

    @property
    def replaced(self) -> str:
        """The name of what was live, until it is dropped."""
        return f"{self.live}_old"

    async def swap(self) -> None:
        """Take the live one's place, once the caller's transaction commits."""
        if self.exists:
            await self.connection.execute(f"ALTER SCHEMA {self.live} RENAME TO {self.replaced}")
        await self.connection.execute(f"ALTER SCHEMA {self.name} RENAME TO {self.live}")


@contextlib.asynccontextmanager
async def shadow_schema(
    connection: Connection,
    live: str,
    apply: Callable[[Connection, str], Awaitable[None]],
    is_whole: Callable[[Connection], Awaitable[bool]],
) -> AsyncIterator[ShadowSchema]:
    """A shadow of ``live`` for the block, which fills it and has it ``swap``.

    ``apply`` brings a schema of a given name up to date. ``live`` comes from code, never from
    outside.
    """
    owner, exists = await owner_of(connection, live)
    shadow = ShadowSchema(connection, live, exists, exists and await is_whole(connection))
    for leftover in (shadow.name, shadow.replaced):
        await _drop(connection, leftover)
    await connection.execute(f"CREATE SCHEMA {shadow.name} AUTHORIZATION {owner}")
    await connection.execute(f"SET ROLE {owner}")
    try:
        await apply(connection, shadow.name)
    finally:
        await connection.execute("RESET ROLE")
    yield shadow
    await _drop(connection, shadow.replaced)


async def _drop(connection: Connection, schema: str) -> None:
    """Drop a schema that nobody is to use any more, as soon as nobody does.

    A statement prepared before the switch looks at the old table once more before it finds the
    new one. Giving up before PostgreSQL looks for deadlocks (1 s) leaves it unharmed.
    """
    for _ in range(DROP_TRIES):
        try:
            async with connection.transaction():
                await connection.execute("SET LOCAL lock_timeout = '200ms'")
                await connection.execute(f"DROP SCHEMA IF EXISTS {schema} CASCADE")
        except (asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError):
            await asyncio.sleep(DROP_PAUSE_S)
        else:
            return
    log.warning("schema in use, dropped by the next rebuild", schema=schema)
