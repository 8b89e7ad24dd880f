"""How many deliveries wait, and since when the oldest does: told by every replica that delivers."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from trigger_runtime.postgres.database import Database
from trigger_runtime.process.errors import DependencyUnavailable
from trigger_runtime.process.loops import Loop

LOOK_EVERY = timedelta(seconds=5)

PENDING = """
SELECT count(*) AS deliveries, coalesce(extract(epoch FROM now() - min(planned_at)), 0) AS oldest_s
FROM delivery
"""
"""One scan, of what is pending alone: 100,000 rows are 22 MiB."""


def pending_watch(
    database: Database, see: Callable[[int, float], None], forget: Callable[[], None]
) -> Loop:
    """Not yet started. ``see`` is told how many, and the age of the oldest in seconds; ``forget``,
    that PostgreSQL is away and nothing is known.
    """

    async def look() -> timedelta:
        try:
            async with database.connection() as connection:
                row: Any = await connection.fetchrow(PENDING)
        except DependencyUnavailable:
            forget()
            raise
        see(row["deliveries"], max(0.0, float(row["oldest_s"])))
        return LOOK_EVERY

    return Loop("watch pending deliveries", look)
