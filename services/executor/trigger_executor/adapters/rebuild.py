"""Builds the index of deliveries anew from TRIGGER_EVENTS, and puts it in the live one's place.

The same migrations, reading, fold and statements as the projector's. That one waits only while
the last records are folded and the schemas change names, in one transaction; before that commits
nothing has changed. The index is what the records say is pending: what was delivered is not in
it, and nothing is sent again. What lanes know beside the records (who has them, their breakers,
what was told of their targets' health) is taken over; nothing of health is told here. Called by
``etp rebuild`` as a superuser; one at a time.
"""

from dataclasses import dataclass
from typing import Any

import asyncpg

from trigger_executor.handlers.delivery.projecting import planned_earlier, projected_page
from trigger_runtime.jetstream.reader import StreamReader
from trigger_runtime.postgres.shadow import shadow_schema
from trigger_runtime.process.logging_setup import get_logger

from . import schema
from .delivery.index import PostgresProjection
from .delivery.record_log import RecordReader
from .schema import SCHEMA

log = get_logger(__name__)

_HOLD = f"SELECT FROM {SCHEMA}.projection FOR UPDATE"
_HOLD_LANES = f"LOCK TABLE {SCHEMA}.lane IN EXCLUSIVE MODE"

_KEEP_LANES = f"""
INSERT INTO lane AS l
SELECT * FROM {SCHEMA}.lane AS was
WHERE NOT was.for_test OR EXISTS (SELECT FROM delivery WHERE delivery.target_id = was.target_id)
ON CONFLICT (target_id) DO UPDATE SET
    owner = excluded.owner, epoch = greatest(l.epoch, excluded.epoch),
    lease_until = excluded.lease_until, is_asked = excluded.is_asked, state = excluded.state,
    health = excluded.health
"""
"""When a lane is to be woken the records say: at the latest when its next delivery is due."""

_FORGET_IDLE = """
UPDATE lane SET wake_at = NULL
WHERE wake_at IS NOT NULL AND owner IS NULL
  AND NOT EXISTS (SELECT FROM delivery WHERE delivery.target_id = lane.target_id)
"""
_FORGET_TESTS = """
DELETE FROM lane
WHERE for_test AND NOT EXISTS (SELECT FROM delivery WHERE delivery.target_id = lane.target_id)
"""
_COUNT = "SELECT count(*) FROM delivery"


@dataclass(frozen=True, slots=True)
class DeliveryRebuildReport:
    """What a rebuild did: up to which record, how many it read, and how many deliveries wait."""

    last_seq: int
    records: int
    pending: int


async def rebuild(
    connection: "asyncpg.Connection[Any]", reader: StreamReader
) -> DeliveryRebuildReport:
    """Replace schema ``executor`` by one folded from the stream. Safe to repeat after a crash.

    Where there is none, or not all of it, there is one only once it is folded.
    """
    async with shadow_schema(connection, SCHEMA, schema.apply, schema.is_whole) as shadow:
        await connection.execute(f"SET search_path TO {shadow.name}")
        try:
            fold = _RecordFold(connection, reader)
            # Most of it beside the running service …
            await fold.go_on()
            # … and the rest while it waits.
            async with connection.transaction():
                if shadow.is_whole:
                    await connection.execute(_HOLD)
                    await connection.execute(_HOLD_LANES)
                await fold.go_on()
                if shadow.is_whole:
                    await connection.execute(_KEEP_LANES)
                await connection.execute(_FORGET_IDLE)
                await connection.execute(_FORGET_TESTS)
                pending: int = await connection.fetchval(_COUNT)
                await shadow.swap()
        finally:
            await connection.execute("RESET search_path")
    log.info("deliveries rebuilt", last_seq=fold.seq, records=fold.records, pending=pending)
    return DeliveryRebuildReport(fold.seq, fold.records, pending)


class _RecordFold:
    """Projects the records in order into the shadow, and counts."""

    def __init__(self, connection: "asyncpg.Connection[Any]", reader: StreamReader) -> None:
        self._connection = connection
        self._records = RecordReader(reader)
        self.seq = self.records = 0

    async def go_on(self) -> None:
        """Project all that follows."""
        while True:
            upto, found = await self._records.after(self.seq)
            if upto == self.seq:
                return
            earlier = await planned_earlier(self._records, found)
            async with self._connection.transaction():
                projection = PostgresProjection(self._connection, self.seq)
                page = await projected_page(projection, found, earlier)
                await projection.write(page, upto)
            self._records.note(found, self.seq, upto)
            self.seq = upto
            self.records += len(found)
