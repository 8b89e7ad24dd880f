"""Up to which sequence of its logs the due index is, as PostgreSQL has it.

A position past a log's end means that the log is not the one that was projected.
Asked when the service starts, and by the admin step.
"""

from collections.abc import Mapping
from typing import Any

import asyncpg
from asyncpg.pool import PoolConnectionProxy

from trigger_contracts import topology

from .schema import SCHEMA

_POSITIONS = f"""
SELECT greatest((SELECT max(change_seq) FROM {SCHEMA}.change),
                (SELECT max(change_seq) FROM {SCHEMA}.projection)) AS changes,
       (SELECT max(due_seq) FROM {SCHEMA}.trigger) AS due
"""

_TARGETS = f"""
SELECT greatest((SELECT max(change_seq) FROM {SCHEMA}.target_change),
                (SELECT max(target_seq) FROM {SCHEMA}.projection))
"""
_HAS_TARGETS = f"SELECT to_regclass('{SCHEMA}.target_change') IS NOT NULL"
"""Not before its sixth version, which the admin step comes to from an older one."""


async def positions(
    connection: "asyncpg.Connection[Any] | PoolConnectionProxy[asyncpg.Record]",
) -> Mapping[str, int]:
    """0 where nothing is projected."""
    row: Any = await connection.fetchrow(_POSITIONS)
    found = {topology.CHANGES.name: row["changes"] or 0, topology.DUE.name: row["due"] or 0}
    if await connection.fetchval(_HAS_TARGETS):
        found[topology.TARGETS.name] = await connection.fetchval(_TARGETS) or 0
    return found
