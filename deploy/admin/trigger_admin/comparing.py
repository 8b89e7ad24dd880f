"""What the streams lack of what PostgreSQL knows: asked before anything is made or projected.

Mostly a stream's last sequence tells (``yesterday``). Where a file of the store is damaged, the
broker drops what it cannot read of it and says nothing: the stream may end where it did, with a
hole. So each living trigger's and target's newest change must be there: looked at for the newest of
them, and for all where the log has fewer messages than it had.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

import asyncpg
from nats.aio.client import Client

from trigger_contracts import subjects, topology
from trigger_runtime.jetstream.reader import StreamReader

from . import yesterday
from .installation import Installation, compare, reading

READ_TIMEOUT = timedelta(seconds=10)

PAGE = 200
"""Triggers asked for at once: each answer holds a definition, of at most 256 kB."""

MOST = 5000
"""Triggers, and targets, looked at where nothing tells that something is missing: a second."""


@dataclass(frozen=True, slots=True)
class _Log:
    """A log of changes, and whose newest one must be there."""

    stream: topology.Stream
    what: str
    subject: Callable[[str], str]
    table: str
    living: str
    """What is erased once its time is over is not among them. The newest are in the block that was
    written last.
    """


_LOGS = (
    _Log(
        topology.CHANGES,
        "triggers",
        subjects.changed,
        "scheduler.trigger",
        """
SELECT trigger_id AS id, change_seq FROM scheduler.trigger
WHERE status NOT IN ('completed', 'deleted') AND NOT is_test
ORDER BY change_seq DESC
""",
    ),
    _Log(
        topology.TARGETS,
        "targets",
        subjects.target,
        "scheduler.target",
        """
SELECT target_id AS id, change_seq FROM scheduler.target
WHERE status = 'active'
ORDER BY change_seq DESC
""",
    ),
)


@dataclass(frozen=True, slots=True)
class Compared:
    """The streams as they are, what was known of them, and what they lack, in words."""

    found: yesterday.Streams
    past: yesterday.Yesterday
    lost: list[str]


async def find_losses(target: Installation, client: Client) -> Compared:
    """Look at the streams, as ``admin``, and back."""
    past, found = await compare(target, client)
    lost = past.lost(found)
    told = " ".join(lost)
    for log in _LOGS:
        stream = log.stream.name
        is_told = f" {stream} " in told
        if not is_told and found[stream] is not None and "scheduler" not in past.gone:
            lost += await _holes(target, log, None if past.has_shrunk(found, stream) else MOST)
    return Compared(found, past, lost)


async def _holes(target: Installation, log: _Log, limit: int | None) -> list[str]:
    async with reading(target) as connection:
        reader = StreamReader(connection, log.stream.name, timeout=READ_TIMEOUT)
        database = await asyncpg.connect(target.database_url)
        try:
            missing = await _missing(database, reader, log, limit)
        finally:
            await database.close()
    if not missing:
        return []
    shown = ", ".join(missing[:3]) + (", …" if len(missing) > 3 else "")
    told = (
        f"the stream {log.stream.name} lacks the newest change of {len(missing)} {log.what} "
        f"({shown}): a file of the broker's store is damaged"
    )
    return [told]


async def _missing(
    database: asyncpg.Connection, reader: StreamReader, log: _Log, limit: int | None
) -> list[str]:
    """The living ones whose newest change, or a newer one, is not in the log."""
    missing: list[str] = []
    looked_at = 0
    async with database.transaction(readonly=True):
        if not await database.fetchval("SELECT to_regclass($1) IS NOT NULL", log.table):
            return []  # not before this version's migration
        living = await database.cursor(log.living)
        while (limit is None or looked_at < limit) and (rows := await living.fetch(PAGE)):
            looked_at += len(rows)
            newest = await reader.last_many([log.subject(row["id"]) for row in rows])
            for row in rows:
                found = newest.get(log.subject(row["id"]))
                if found is None or found.seq < row["change_seq"]:
                    missing.append(row["id"])
    return missing
