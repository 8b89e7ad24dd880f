"""Up to which sequence of TRIGGER_EVENTS the log is, as PostgreSQL has it.

A position past the stream's end means that the stream is not the one that was projected.
Asked when the service starts, and by the admin step.
"""

from collections.abc import Mapping
from typing import Any

import asyncpg
from asyncpg.pool import PoolConnectionProxy

from trigger_contracts.topology import EVENTS

_POSITION = """
SELECT max(stream_seq) FROM (
    SELECT stream_seq FROM retention.event ORDER BY logged_at DESC, event_id DESC LIMIT 1000
) AS newest
"""
"""Of the newest rows, which an index finds: there may be millions."""


async def positions(
    connection: "asyncpg.Connection[Any] | PoolConnectionProxy[asyncpg.Record]",
) -> Mapping[str, int]:
    """0 where nothing is projected."""
    return {EVENTS.name: await connection.fetchval(_POSITION) or 0}
