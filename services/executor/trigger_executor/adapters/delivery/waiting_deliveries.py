"""Deliveries that wait, for commands about them: ``ports.again.WaitingDeliveries``.

Schema ``executor`` is the session's ``search_path``. What is made due here is in no record, so the
index alone has it: an index that is made anew goes by the schedule.
"""

from collections.abc import Collection, Mapping, Sequence

from trigger_executor.domain.delivery.due import PendingDelivery
from trigger_runtime.postgres.database import Database

WAITING = """
SELECT p.seq AS position, d.delivery_id::text, d.event_id::text, d.trigger_id, d.target_id,
       d.round, d.attempts, d.event_seq, d.logged_at, d.next_attempt_at, d.expires_at, d.is_test,
       d.change_seq
FROM projection p LEFT JOIN delivery d ON d.delivery_id = ANY($1::uuid[])
"""
"""One statement: nothing is projected between the position and what is there at it."""

MAKE_DUE = """
UPDATE delivery d SET next_attempt_at = now()
FROM unnest($1::uuid[], $2::int[]) AS r(delivery_id, round)
WHERE d.delivery_id = r.delivery_id AND d.round = r.round AND d.next_attempt_at > now()
RETURNING d.target_id
"""
"""What has been due for longer keeps its turn."""

LOCK = """
SELECT FROM lane WHERE target_id = ANY($1::text[]) ORDER BY target_id FOR UPDATE
"""
"""In the order in which everybody locks lanes, and first: whoever gives one back has done so before
the statement after this, or finds what is due now."""

WAKE = """
UPDATE lane SET wake_at = now()
WHERE target_id = ANY($1::text[]) AND owner IS NULL AND wake_at > now()
"""


class PostgresWaiting:
    """Reads the index; makes due what waits in it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def waiting(
        self, delivery_ids: Collection[str]
    ) -> tuple[int, Mapping[str, PendingDelivery]]:
        async with self._database.connection() as connection:
            rows = await connection.fetch(WAITING, list(delivery_ids))
        found = {
            row["delivery_id"]: PendingDelivery(**{k: v for k, v in row.items() if k != "position"})
            for row in rows
            if row["delivery_id"] is not None
        }
        return (rows[0]["position"] if rows else -1), found

    async def make_due(self, rounds: Sequence[tuple[str, int]]) -> None:
        async with self._database.transaction() as connection:
            rows = await connection.fetch(
                MAKE_DUE, [one for one, _ in rounds], [number for _, number in rounds]
            )
            target_ids = sorted({row["target_id"] for row in rows})
            if target_ids:
                await connection.execute(LOCK, target_ids)
                await connection.execute(WAKE, target_ids)

    async def wake(self, target_ids: Collection[str]) -> None:
        async with self._database.transaction() as connection:
            listed = sorted(target_ids)
            await connection.execute(LOCK, listed)
            await connection.execute(WAKE, listed)
