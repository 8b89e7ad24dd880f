"""Up to which sequence of TRIGGER_EVENTS deliveries are projected, as PostgreSQL has it.

A position past the stream's end means that the stream is not the one that was projected.
Asked when the service starts, and by the admin step.
"""

from collections.abc import Mapping
from typing import Any

import asyncpg
from asyncpg.pool import PoolConnectionProxy

from trigger_contracts.topology import EVENTS

from .schema import SCHEMA

_POSITION = f"SELECT seq FROM {SCHEMA}.projection"


async def positions(
    connection: "asyncpg.Connection[Any] | PoolConnectionProxy[asyncpg.Record]",
) -> Mapping[str, int]:
    """0 where nothing is projected."""
    return {EVENTS.name: await connection.fetchval(_POSITION) or 0}
