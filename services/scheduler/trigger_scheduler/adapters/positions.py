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
       greatest((SELECT max(change_seq) FROM {SCHEMA}.target_change),
                (SELECT max(target_seq) FROM {SCHEMA}.projection)) AS targets,
       (SELECT max(due_seq) FROM {SCHEMA}.trigger) AS due
"""


async def positions(
    connection: "asyncpg.Connection[Any] | PoolConnectionProxy[asyncpg.Record]",
) -> Mapping[str, int]:
    """0 where nothing is projected."""
    row: Any = await connection.fetchrow(_POSITIONS)
    return {
        topology.CHANGES.name: row["changes"] or 0,
        topology.TARGETS.name: row["targets"] or 0,
        topology.DUE.name: row["due"] or 0,
    }
