"""Writes rows of the log, their partitions first; the same code for the service and a rebuild.

Runs inside its caller's transaction. Remembers which hours have a partition only once that
transaction is committed.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, TypeAlias

import asyncpg
from asyncpg.pool import PoolConnectionProxy

from trigger_retention.domain.hours import hour_at, hour_number
from trigger_retention.domain.rows import LogRow, first_of_each
from trigger_retention.ports import Inserted

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
    if missing:
        hours = [hour_at(number) for number in sorted(missing)]
        await connection.execute(statements.ensure_partitions, hours)
    status = await connection.execute(statements.insert, *zip(*new, strict=True))
    stored = int(status.rpartition(" ")[2])
    return Inserted(stored, len(alive) - stored, expired), missing
