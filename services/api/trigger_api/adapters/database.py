"""Reads from PostgreSQL: one statement each, in a read-only session, with a deadline.

Whatever means that PostgreSQL is away or too slow leaves here as ``ReadDatabaseUnavailable``. The
pool connects on first use, so the database may be away at the start; a connection that broke
while it was idle is replaced without the caller noticing.
"""

import asyncio
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from datetime import datetime, timedelta
from typing import Any, cast

import asyncpg
from sqlalchemy import Executable, Row
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import QueuePool

from trigger_api.ports.log import ReadTooSlow
from trigger_runtime.postgres.database import AWAY, NOT_PROVISIONED
from trigger_runtime.postgres.metrics import watch_pool
from trigger_runtime.process.errors import DatabaseNotProvisioned, DatabaseUnavailable

from . import trigger_queries as statements

CONNECT_TIMEOUT_S = 2.0
"""For one new connection; the caller's request waits for it."""

_AWAY = (*AWAY, asyncpg.QueryCanceledError)
"""As for every service, and the statement's timeout: a read that takes too long is none."""


class ReadDatabase:
    """A read-only pool, each statement with a deadline. Made by ``bootstrap``."""

    def __init__(
        self, url: str, *, pool_size: int, timeout: timedelta, plans_each: bool = False
    ) -> None:
        """``plans_each``: every statement is planned for its own values."""
        name = "etp api searches" if plans_each else "etp api"
        self._timeout_s = timeout.total_seconds()
        session = {
            "application_name": name,
            "timezone": "UTC",
            "jit": "off",
            "default_transaction_read_only": "on",
            # Before our own timeout: then it is known that the statement was too slow.
            "statement_timeout": str(timeout * 0.9 // timedelta(milliseconds=1)),
            # Planning 49 partitions anew takes three times as long as a short read itself.
            "plan_cache_mode": "force_custom_plan" if plans_each else "force_generic_plan",
            # Starting workers takes longer than most reads, and the cores have others to serve.
            "max_parallel_workers_per_gather": "0",
        }

        async def connect(**_: Any) -> "asyncpg.Connection[asyncpg.Record]":
            return await asyncpg.connect(
                url,
                timeout=CONNECT_TIMEOUT_S,
                command_timeout=self._timeout_s,
                server_settings=session,
            )

        self._engine: AsyncEngine = create_async_engine(
            "postgresql+asyncpg://",
            async_creator=connect,
            # One statement a read: a transaction around it would be two more round trips.
            isolation_level="AUTOCOMMIT",
            pool_size=pool_size,
            max_overflow=0,
            pool_timeout=self._timeout_s,
            pool_use_lifo=True,
            # An error is logged; what was searched for is nobody's business.
            hide_parameters=True,
        )
        self._waits = watch_pool(name, pool_size, self._in_use)

    async def fetch(
        self, statement: Executable, parameters: dict[str, Any] | None = None
    ) -> Sequence[Row[Any]]:
        """All rows of a statement; raises ``ReadDatabaseUnavailable``."""
        try:
            async with asyncio.timeout(self._timeout_s):
                try:
                    return await self._fetch(statement, parameters)
                except DBAPIError as error:
                    if not error.connection_invalidated and not _is_outdated(error):
                        raise
                # The server was restarted since, or a rebuild replaced the view: the driver
                # has dropped what it kept, and the read changed nothing.
                return await self._fetch(statement, parameters)
        except DBAPIError as error:
            if not error.connection_invalidated and not _is_away(error):
                raise
            raise _unavailable(error) from error
        except (PoolTimeout, *_AWAY) as error:
            raise _unavailable(error) from error

    async def _fetch(
        self, statement: Executable, parameters: dict[str, Any] | None
    ) -> Sequence[Row[Any]]:
        asked_at = time.monotonic()
        async with AsyncExitStack() as stack:
            try:
                connection = await stack.enter_async_context(self._engine.connect())
            finally:
                self._waits.observe(time.monotonic() - asked_at)
            return (await connection.execute(statement, parameters)).all()

    def _in_use(self) -> int:
        return cast("QueuePool", self._engine.pool).checkedout()

    async def ping(self) -> None:
        """A round trip; raises ``ReadDatabaseUnavailable``. For readiness."""
        await self.fetch(statements.PING)

    async def clock(self) -> datetime:
        """What PostgreSQL's clock shows; raises ``ReadDatabaseUnavailable``."""
        shown: datetime = (await self.fetch(statements.CLOCK))[0].now
        return shown

    async def schema_version(self, schema: str) -> int | None:
        """Of a schema that it reads; raises ``ReadDatabaseUnavailable``."""
        rows = await self.fetch(statements.SCHEMA_VERSION[schema])
        return None if rows[0].version is None else int(rows[0].version)

    async def close(self) -> None:
        await self._engine.dispose()


def _is_away(error: DBAPIError) -> bool:
    return isinstance(_cause(error), _AWAY)


def _is_outdated(error: DBAPIError) -> bool:
    return isinstance(_cause(error), asyncpg.InvalidCachedStatementError)


def _cause(error: DBAPIError) -> BaseException | None:
    """The driver's own error, which SQLAlchemy wraps twice."""
    return None if error.orig is None else error.orig.__cause__ or error.orig


def _unavailable(error: Exception) -> DatabaseUnavailable:
    cause = _cause(error) if isinstance(error, DBAPIError) else error
    kind = DatabaseUnavailable
    if isinstance(cause, asyncpg.QueryCanceledError):
        kind = ReadTooSlow
    elif isinstance(cause, NOT_PROVISIONED):
        kind = DatabaseNotProvisioned
    return kind(type(cause or error).__name__)
