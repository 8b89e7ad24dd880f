"""Re-creates every projection from the streams: ``etp rebuild``.

Each service owns how its schema is folded and put in the live one's place; this step only
connects them, as the administrators of broker and database. One at a time.
"""

from collections.abc import Collection
from datetime import timedelta

import asyncpg
from nats.aio.client import Client

from trigger_contracts import topology
from trigger_executor.adapters.rebuild import rebuild as rebuild_deliveries
from trigger_retention.adapters.rebuild import rebuild as rebuild_retention
from trigger_runtime.jetstream.connection import Connection
from trigger_runtime.jetstream.publisher import JetStreamPublisher
from trigger_runtime.jetstream.reader import StreamReader
from trigger_scheduler.adapters.after_restore import Restored
from trigger_scheduler.adapters.rebuild import rebuild as rebuild_scheduler

from . import streams, yesterday
from .comparing import find_losses
from .database import SCHEMAS
from .errors import AdminError
from .installation import Installation, admin_connection, one_step, reading

READ_TIMEOUT = timedelta(seconds=10)


async def rebuild_all(
    target: Installation,
    *,
    accept_loss: bool = False,
    schemas: Collection[str] = tuple(SCHEMAS),
    restored: str | None = None,
) -> tuple[str, ...]:
    """Rebuild schemas; returns a sentence about each.

    ``restored``: the streams are a backup's. What was due since does not fire, and is logged as
    missed with this reason. No service may run then.

    Raises StreamsLostError where the streams lack what the tables have, unless ``accept_loss``,
    and AdminError where another admin step is under way.
    """
    async with one_step(target):
        return await make_anew(target, accept_loss=accept_loss, schemas=schemas, restored=restored)


async def make_anew(
    target: Installation,
    *,
    accept_loss: bool,
    schemas: Collection[str],
    restored: str | None = None,
) -> tuple[str, ...]:
    """The same for whoever takes the ``one_step`` already."""
    async with admin_connection(target) as client:
        compared = await find_losses(target, client)
        lost = compared.lost
        if restored is None:
            yesterday.refuse_half_restored(compared.past)
        if not accept_loss:
            yesterday.refuse(lost, target.options)
        if lost or None in compared.found.values():
            await streams.apply(client, replicas=target.replicas)
            await streams.renew_consumers(client)
        try:
            return await _rebuild_all(
                target, client, schemas, keep_cursors=_lacks_due(lost), restored=restored
            )
        except asyncpg.InvalidCatalogNameError:
            raise AdminError("There is no database yet: etp provision makes it.") from None


async def _rebuild_all(
    target: Installation,
    client: Client,
    schemas: Collection[str],
    *,
    keep_cursors: bool,
    restored: str | None,
) -> tuple[str, ...]:
    async with reading(target) as connection:
        database = await asyncpg.connect(target.database_url)
        try:
            told = await _rebuild(
                connection, database, schemas, keep_cursors=keep_cursors, restored=restored
            )
            await yesterday.note(database, await yesterday.streams(client))
            return told
        finally:
            await database.close()


def _lacks_due(lost: list[str]) -> bool:
    return any(f" {topology.DUE.name} " in one for one in lost)


async def _rebuild(
    connection: Connection,
    database: asyncpg.Connection,
    schemas: Collection[str],
    *,
    keep_cursors: bool,
    restored: str | None,
) -> tuple[str, ...]:
    def reader(stream: topology.Stream) -> StreamReader:
        return StreamReader(connection, stream.name, timeout=READ_TIMEOUT)

    told: list[str] = []
    if "scheduler" in schemas:
        dues = JetStreamPublisher(connection, topology.DUE.name, timeout=READ_TIMEOUT)
        index = await rebuild_scheduler(
            database,
            reader(topology.CHANGES),
            reader(topology.DUE),
            reader(topology.TARGETS),
            # Whether PostgreSQL knows more or not, each occurrence since the backup has its row.
            keep_cursors=keep_cursors and restored is None,
            restored=None if restored is None else Restored(dues, restored),
        )
        targets = f", {index.targets} targets" if index.targets else ""
        told.append(f"scheduler: {index.triggers} triggers from {index.changes} changes{targets}")
        if restored is not None:
            told.append(
                f"{index.missed.occurrences} occurrences of {index.missed.triggers} triggers since "
                "the backup do not fire: they are logged as missed"
            )
    if "retention" in schemas:
        log = await rebuild_retention(database, reader(topology.EVENTS))
        records = f", {log.records} records of deliveries" if log.records else ""
        passed_over = f", {log.unreadable} messages cannot be read" if log.unreadable else ""
        told.append(f"retention: {log.rows} rows from {log.messages} events{records}{passed_over}")
    if "executor" in schemas:
        deliveries = await rebuild_deliveries(database, reader(topology.EVENTS))
        told.append(
            f"executor: {deliveries.pending} deliveries wait, from {deliveries.records} records"
        )
    return tuple(told)
