"""What tests of targets say to schema ``executor``: ``ports.probing.ProbedLanes``."""

from datetime import datetime

from trigger_runtime.postgres.database import Database

BEGIN = """
INSERT INTO lane AS l (target_id, probed_at) VALUES ($1, now())
ON CONFLICT (target_id) DO UPDATE SET probed_at = now()
WHERE l.probed_at IS NULL OR l.probed_at <= now() - interval '1 second'
RETURNING now()
"""

FOUND_WELL = """
UPDATE lane SET is_asked = true,
    wake_at = CASE WHEN wake_at IS NULL THEN NULL ELSE least(wake_at, now()) END
WHERE target_id = $1
"""


class PostgresProbedLanes:
    """A row a target, which all replicas share: so one test a second is exact."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def begin(self, target_id: str) -> datetime | None:
        async with self._database.connection() as connection:
            now: datetime | None = await connection.fetchval(BEGIN, target_id)
        return now

    async def found_well(self, target_id: str) -> None:
        async with self._database.connection() as connection:
            await connection.execute(FOUND_WELL, target_id)
