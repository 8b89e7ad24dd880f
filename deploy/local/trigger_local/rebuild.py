"""Re-creates every projection from the streams: ``etp rebuild``.

Each service owns how its schema is folded and put in the live one's place; this step only
connects them, as the administrators of broker and database. One at a time.
"""

from datetime import timedelta

import asyncpg
from pydantic import SecretStr

from trigger_contracts import topology
from trigger_retention.adapters.rebuild import rebuild as rebuild_retention
from trigger_runtime.nats import Connection
from trigger_runtime.reader import StreamReader
from trigger_runtime.settings import NatsSettings
from trigger_scheduler.adapters.rebuild import rebuild as rebuild_scheduler

from .errors import LocalError
from .provision import ADMIN, ONE_AT_A_TIME

READ_TIMEOUT = timedelta(seconds=10)


async def rebuild_all(nats_url: str, nats_password: str, database_url: str) -> tuple[str, ...]:
    """Rebuild both schemas; returns a sentence about each."""
    settings = NatsSettings(
        nats_url=nats_url, nats_user=ADMIN, nats_password=SecretStr(nats_password)
    )
    connection = Connection(settings, ADMIN)
    await connection.start()
    try:
        await connection.wait_connected(READ_TIMEOUT.total_seconds())
        database = await asyncpg.connect(database_url)
        try:
            if not await database.fetchval("SELECT pg_try_advisory_lock($1)", ONE_AT_A_TIME):
                raise LocalError("Another admin step is under way on this database.")
            return await _rebuild(connection, database)
        finally:
            await database.close()
    finally:
        await connection.close()


async def _rebuild(connection: Connection, database: asyncpg.Connection) -> tuple[str, ...]:
    def reader(stream: topology.Stream) -> StreamReader:
        return StreamReader(connection, stream.name, timeout=READ_TIMEOUT)

    index = await rebuild_scheduler(database, reader(topology.CHANGES), reader(topology.DUE))
    log = await rebuild_retention(database, reader(topology.EVENTS))
    return (
        f"scheduler: {index.triggers} triggers from {index.changes} changes",
        f"retention: {log.rows} rows from {log.messages} events",
    )
