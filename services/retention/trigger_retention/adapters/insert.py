"""Writes rows of the log, and of deliveries, their partitions first; the same code for the service
and a rebuild.

Runs inside its caller's transaction. Remembers which hours have a partition only once that
transaction is committed.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, TypeAlias

import asyncpg
from asyncpg.pool import PoolConnectionProxy

from trigger_retention.domain.deliveries import RecordRows, first_attempts, merged_rows
from trigger_retention.domain.hours import hour_at, hour_number
from trigger_retention.domain.rows import LogRow, first_of_each
from trigger_retention.ports import Inserted

from .delivery_statements import DeliveryStatements
from .statements import Statements

Connection: TypeAlias = "asyncpg.Connection[Any] | PoolConnectionProxy[Any]"


async def write(
    connection: Connection,
    statements: Statements,
    rows: Sequence[LogRow],
    *,
    erased_before: datetime,
    known_hours: set[int],
) -> tuple[Inserted, set[int]]:
    """Insert what is still alive; returns the outcome and the hours that have a partition now.

    ``known_hours`` may be out of date: then asyncpg's CheckViolationError says that a row has no
    partition.
    """
    alive = [row for row in rows if row.logged_at > erased_before]
    expired = len(rows) - len(alive)
    if not alive:
        return Inserted(0, 0, expired), set()
    new = first_of_each(alive)
    missing = {hour_number(row.event_id) for row in new} - known_hours
    await _make_partitions(connection, statements, missing)
    status = await connection.execute(statements.insert, *zip(*new, strict=True))
    stored = int(status.rpartition(" ")[2])
    return Inserted(stored, len(alive) - stored, expired), missing


async def write_records(
    connection: Connection,
    statements: Statements,
    delivery_statements: DeliveryStatements,
    records: Sequence[RecordRows],
    *,
    erased_before: datetime,
    known_hours: set[int],
) -> tuple[Inserted, set[int]]:
    """Merge into deliveries what records say whose event is still alive; as ``write``.

    A record that is there already counts as stored again: the tables do not tell.
    """
    alive = [one for one in records if one.delivery.logged_at > erased_before]
    inserted = Inserted(len(alive), expired=len(records) - len(alive))
    if not alive:
        return inserted, set()
    deliveries = merged_rows(one.delivery for one in alive)
    attempts = first_attempts(one.attempt for one in alive if one.attempt is not None)
    missing = {hour_number(row.event_id) for row in deliveries} - known_hours
    await _make_partitions(connection, statements, missing)
    await connection.execute(delivery_statements.merge, *zip(*deliveries, strict=True))
    if attempts:
        await connection.execute(delivery_statements.insert_attempts, *zip(*attempts, strict=True))
    return inserted, missing


async def _make_partitions(connection: Connection, statements: Statements, hours: set[int]) -> None:
    if hours:
        instants = [hour_at(number) for number in sorted(hours)]
        await connection.execute(statements.ensure_partitions, instants)
