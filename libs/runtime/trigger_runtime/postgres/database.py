"""A PostgreSQL pool that may be asked for before PostgreSQL is there.

The pool is made on first use. What a call to the server raises because that is away leaves here
as DatabaseUnavailable; a refused statement (a constraint, a value that PostgreSQL does not take)
does not, nor does what the caller's own code raises between its calls. Sessions are in UTC,
and JSON travels as text: the callers' codecs are faster than a round trip through objects.
One per process, made by ``bootstrap``; adapters hold the SQL.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

import asyncpg
from asyncpg.pool import PoolConnectionProxy

from trigger_runtime.process.errors import DatabaseNotProvisioned, DatabaseUnavailable
from trigger_runtime.process.logging_setup import get_logger
from trigger_runtime.process.settings import DatabaseSettings

from .metrics import watch_pool

log = get_logger(__name__)

CONNECT_TIMEOUT_S = 3.0
"""For one new connection; short, since the caller's request waits for it."""

_DRIVERS = (
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    # What asyncpg says of a connection that PostgreSQL has ended, until it sees that it is closed.
    asyncpg.InternalClientError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.TooManyConnectionsError,
    asyncpg.IdleInTransactionSessionTimeoutError,
    # Not gone, but no better now: a full disk, a standby not yet promoted, a lost deadlock.
    asyncpg.InsufficientResourcesError,
    asyncpg.ReadOnlySQLTransactionError,
    asyncpg.DeadlockDetectedError,
    # Its files are gone or damaged.
    asyncpg.PostgresSystemError,
    asyncpg.DataCorruptedError,
    asyncpg.IndexCorruptedError,
)

NOT_PROVISIONED = (
    asyncpg.InvalidCatalogNameError,
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidSchemaNameError,
    asyncpg.UndefinedTableError,
    asyncpg.UndefinedColumnError,
    asyncpg.UndefinedFunctionError,
    asyncpg.InsufficientPrivilegeError,
)
"""The database, a role, a schema, a right or something in the schema is not there: the admin step
makes each, also of a database that was removed, or of a schema older than this program. Until then
no message is at fault."""

_LATER = (*_DRIVERS, *NOT_PROVISIONED)
"""What means "later", and says nothing about the statement. Only asyncpg raises these."""

AWAY = (OSError, TimeoutError, *_LATER)
"""The same of a call to the server. An OSError of other code is a fault of that."""

REFUSED = (
    asyncpg.DataError,
    asyncpg.IntegrityConstraintViolationError,
    # Too large for a row, an index or a statement.
    asyncpg.ProgramLimitExceededError,
)
"""What PostgreSQL says of a statement's values: the same values are refused every time."""


@contextlib.contextmanager
def database_errors() -> Iterator[None]:
    """Turn what means "PostgreSQL is away" into DatabaseUnavailable. Only around calls to it."""
    try:
        yield
    except AWAY as error:
        raise _told(error) from error


@contextlib.contextmanager
def _driver_errors() -> Iterator[None]:
    """The same around code that does more than call the server."""
    try:
        yield
    except _LATER as error:
        raise _told(error) from error


def _told(error: Exception) -> Exception:
    # asyncpg's own word for a value that cannot be sent. It says the same of what the connection
    # itself needs, of a file for TLS that is gone for instance: no value is at fault there.
    is_value = isinstance(error, asyncpg.InterfaceError) and isinstance(error, ValueError)
    if is_value and not isinstance(error, asyncpg.ClientConfigurationError):
        return asyncpg.DataError(str(error))
    away = DatabaseNotProvisioned if isinstance(error, NOT_PROVISIONED) else DatabaseUnavailable
    return away(str(error) or type(error).__name__)


class _Session(asyncpg.Connection):
    """Goes back into the pool as it is, and says DatabaseUnavailable where the server is away.

    Nothing here sets a parameter, takes a lock or opens a cursor for longer than its transaction,
    so a round trip that undoes all of it would be for nothing.
    """

    def get_reset_query(self) -> str:
        return ""

    # All that this platform calls; a transaction begins and ends by ``execute``.

    async def execute(self, *args: Any, **options: Any) -> str:
        with database_errors():
            return await super().execute(*args, **options)

    async def executemany(self, *args: Any, **options: Any) -> None:
        with database_errors():
            await super().executemany(*args, **options)

    async def fetch(self, *args: Any, **options: Any) -> Any:
        with database_errors():
            return await super().fetch(*args, **options)

    async def fetchrow(self, *args: Any, **options: Any) -> Any:
        with database_errors():
            return await super().fetchrow(*args, **options)

    async def fetchval(self, *args: Any, **options: Any) -> Any:
        with database_errors():
            return await super().fetchval(*args, **options)


class Database:
    """A pool, made when it is first asked; what PostgreSQL's absence raises has one type."""

    def __init__(
        self,
        settings: DatabaseSettings,
        application_name: str,
        *,
        command_timeout: timedelta = timedelta(seconds=10),
        idle_in_transaction_timeout: timedelta = timedelta(seconds=30),
        server_settings: Mapping[str, str] | None = None,
        keep_open: bool = False,
        ping: str = "SELECT 1",
    ) -> None:
        """``application_name`` is what PostgreSQL and metrics call the pool. ``keep_open``: every
        connection stands ready; one that is opened first takes 20 ms.
        ``ping``: a statement that takes nothing, and fails where the tables are not there.
        """
        self._ping = ping
        self._settings = settings
        self._keep_open = keep_open
        self._command_timeout_s = command_timeout.total_seconds()
        self._server_settings = {
            "application_name": application_name,
            "timezone": "UTC",
            # Statements here are short: compiling them costs more than running them.
            "jit": "off",
            # A replica that hangs while it holds row locks must not hold them for ever.
            "idle_in_transaction_session_timeout": str(
                idle_in_transaction_timeout // timedelta(milliseconds=1)
            ),
            **(server_settings or {}),
        }
        self._pool: asyncpg.Pool[asyncpg.Record] | None = None
        self._making = asyncio.Lock()
        self._waits = watch_pool(application_name, settings.pool_size, self._in_use)

    async def pool(self) -> "asyncpg.Pool[asyncpg.Record]":
        """The pool, connected; raises DatabaseUnavailable."""
        if self._pool is not None:
            return self._pool
        async with self._making:
            if self._pool is None:
                with database_errors():
                    self._pool = await asyncpg.create_pool(
                        self._settings.database_url.get_secret_value(),
                        min_size=self._settings.pool_size if self._keep_open else 1,
                        max_size=self._settings.pool_size,
                        timeout=CONNECT_TIMEOUT_S,
                        command_timeout=self._command_timeout_s,
                        server_settings=self._server_settings,
                        connection_class=_Session,
                    )
                log.info("database connected")
        return self._pool

    @contextlib.asynccontextmanager
    async def connection(self) -> "AsyncIterator[PoolConnectionProxy[asyncpg.Record]]":
        """A connection for the block; calls raise DatabaseUnavailable while the server is away."""
        asked_at = time.monotonic()
        try:
            pool = await self.pool()
            with database_errors():
                connection = await pool.acquire(timeout=self._command_timeout_s)
        finally:
            self._waits.observe(time.monotonic() - asked_at)
        try:
            # A connection that PostgreSQL has ended is refused by asyncpg before a call.
            with _driver_errors():
                yield connection
        finally:
            with database_errors():
                await pool.release(connection)

    @contextlib.asynccontextmanager
    async def transaction(self) -> "AsyncIterator[PoolConnectionProxy[asyncpg.Record]]":
        """As ``connection``, in one transaction: committed at the end, or nothing happened."""
        async with self.connection() as connection, connection.transaction():
            yield connection

    def _in_use(self) -> int:
        return 0 if self._pool is None else self._pool.get_size() - self._pool.get_idle_size()

    async def ping(self) -> None:
        """A round trip; raises DatabaseUnavailable. For readiness."""
        async with self.connection() as connection:
            await connection.execute(self._ping)

    async def clock(self) -> datetime:
        """What the server's clock shows, the clock of record; raises DatabaseUnavailable."""
        async with self.connection() as connection:
            shown: datetime = await connection.fetchval("SELECT clock_timestamp()")
        return shown

    async def close(self) -> None:
        """Wait briefly for connections in use, then cut them; never raises."""
        if self._pool is None:
            return
        pool, self._pool = self._pool, None
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                await pool.close()
        except (TimeoutError, OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            log.warning("database pool not drained", error=repr(error))
            pool.terminate()

    async def schema_version(self, schema: str) -> int | None:
        """As the view says that the admin step makes in each schema: for ``SchemaCheck``."""
        async with self.connection() as connection:
            # A name from our own code.
            version: int | None = await connection.fetchval(
                f"SELECT version FROM {schema}.schema_version"
            )
        return version
