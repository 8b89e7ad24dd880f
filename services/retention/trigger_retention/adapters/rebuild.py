"""Builds the table anew from TRIGGER_EVENTS, beside the live one, and puts it in its place.

Same migrations, same reading, same insert as the service. The service may be running: it is
paused by an advisory lock only while the last messages are folded and the schemas change
names, in one transaction; before that commits nothing has changed. Nothing acknowledged is
lost, since the tail is folded up to a sequence that is recorded under the lock.
Called by ``etp rebuild`` as a superuser; one at a time.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import asyncpg

from trigger_contracts.message_headers import why_unreadable
from trigger_contracts.topology import RETENTION_EVENTS
from trigger_retention.domain.rows import LogRow, read
from trigger_runtime.postgres.database import REFUSED
from trigger_runtime.postgres.migrations import owner_of
from trigger_runtime.process.logging_setup import get_logger

from . import schema
from .insert import write
from .statements import PAUSE_KEY, Statements

log = get_logger(__name__)

LIVE = "retention"
SHADOW = "retention_shadow"
OLD = "retention_old"

BATCH = 1000
"""Messages read at once: the most that a batched direct get gives comfortably."""
ALL_SUBJECTS = ">"
DROP_TRIES = 100
DROP_PAUSE_S = 0.1
"""Between tries to drop: some 30 s in all, longer than any statement of a service may take."""


class StoredEvent(Protocol):
    """A stored message, as the reader gives it."""

    @property
    def subject(self) -> str: ...
    @property
    def seq(self) -> int: ...
    @property
    def payload(self) -> bytes: ...
    @property
    def headers(self) -> Mapping[str, str]: ...


class EventReader(Protocol):
    """Reads TRIGGER_EVENTS; ``trigger_runtime.jetstream.reader.StreamReader`` is one."""

    async def after(self, seq: int, subject: str, limit: int) -> Sequence[StoredEvent]: ...
    async def last_seq(self) -> int: ...


@dataclass(frozen=True, slots=True)
class LogRebuildReport:
    """What a rebuild did: up to which sequence, and what it found there."""

    last_seq: int
    messages: int
    rows: int
    expired: int
    unreadable: int
    paused_from_seq: int
    """From here on the messages were folded while the service was paused."""


async def rebuild(connection: "asyncpg.Connection[Any]", reader: EventReader) -> LogRebuildReport:
    """Replace schema ``retention`` by one folded from the stream. Safe to repeat after a crash.

    Where there is none, or not all of it, there is one only once it is folded.
    """
    owner, exists = await owner_of(connection, LIVE)
    is_whole = exists and await schema.is_whole(connection)
    # What a rebuild that was killed has left.
    for leftover in (SHADOW, OLD):
        await _drop(connection, leftover)
    await connection.execute(f"CREATE SCHEMA {SHADOW} AUTHORIZATION {owner}")
    await connection.execute(f"SET ROLE {owner}")
    try:
        await schema.apply(connection, SHADOW)
    finally:
        await connection.execute("RESET ROLE")
    fold = _Fold(connection, reader)
    if is_whole:
        await _copy_life(connection)
    # Most of it beside the running service …
    await fold.up_to(await reader.last_seq())
    paused_from_seq = fold.seq
    # … and the rest while it waits.
    async with connection.transaction():
        await connection.execute("SELECT pg_advisory_xact_lock($1)", PAUSE_KEY)
        if is_whole:
            await _copy_life(connection)
        last_seq = await reader.last_seq()
        await fold.up_to(last_seq)
        if exists:
            await connection.execute(f"ALTER SCHEMA {LIVE} RENAME TO {OLD}")
        await connection.execute(f"ALTER SCHEMA {SHADOW} RENAME TO {LIVE}")
    await _drop(connection, OLD)
    report = LogRebuildReport(
        last_seq=last_seq,
        messages=fold.messages,
        rows=fold.rows,
        expired=fold.expired,
        unreadable=fold.unreadable,
        paused_from_seq=paused_from_seq,
    )
    log.info("log rebuilt", last_seq=last_seq, rows=fold.rows, messages=fold.messages)
    return report


async def _drop(connection: "asyncpg.Connection[Any]", schema_name: str) -> None:
    """Drop a schema that nobody is to use any more, as soon as nobody does.

    A statement prepared before the switch looks at the old table once more before it finds the
    new one. Giving up before PostgreSQL looks for deadlocks (1 s) leaves it unharmed.
    """
    for _ in range(DROP_TRIES):
        try:
            async with connection.transaction():
                await connection.execute("SET LOCAL lock_timeout = '200ms'")
                await connection.execute(f"DROP SCHEMA IF EXISTS {schema_name} CASCADE")
        except (asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError):
            await asyncio.sleep(DROP_PAUSE_S)
        else:
            return
    log.warning("schema in use, dropped by the next rebuild", schema=schema_name)


async def _copy_life(connection: "asyncpg.Connection[Any]") -> None:
    async with connection.transaction():
        await connection.execute(f"DELETE FROM {SHADOW}.life_setting")
        await connection.execute(
            f"INSERT INTO {SHADOW}.life_setting SELECT * FROM {LIVE}.life_setting"
        )


class _Fold:
    """Reads the stream in order into the shadow, and counts."""

    def __init__(self, connection: "asyncpg.Connection[Any]", reader: EventReader) -> None:
        self._connection = connection
        self._reader = reader
        self._statements = Statements(SHADOW)
        self._hours: set[int] = set()
        self.seq = self.messages = self.rows = self.expired = self.unreadable = 0

    async def up_to(self, last_seq: int) -> None:
        """Fold everything after what is folded, to ``last_seq`` inclusive."""
        while self.seq < last_seq:
            messages = await self._reader.after(self.seq, ALL_SUBJECTS, BATCH)
            if not messages:
                self.seq = last_seq  # The last ones have expired.
                return
            await self._write([m for m in messages if m.seq <= last_seq])
            self.seq = min(messages[-1].seq, last_seq)

    async def _write(self, stored: Sequence[StoredEvent]) -> None:
        messages = [one for one in stored if RETENTION_EVENTS.handles(one.subject)]
        found = [
            read(message.payload, message.seq)
            for message in messages
            if why_unreadable(message.headers) is None
        ]
        rows = [row for row in found if isinstance(row, LogRow)]
        self.messages += len(messages)
        self.unreadable += len(messages) - len(rows)
        await self._store(rows)

    async def _store(self, rows: Sequence[LogRow]) -> None:
        if not rows:
            return
        try:
            async with self._connection.transaction():
                begun: Any = await self._connection.fetchrow(
                    f"SELECT now() - kept_for AS erased_before FROM {SHADOW}.life"
                )
                inserted, hours = await write(
                    self._connection,
                    self._statements,
                    rows,
                    erased_before=begun["erased_before"],
                    known_hours=self._hours,
                )
        except REFUSED:
            # Dead letters since they came first: found by halving, as the service did.
            if len(rows) == 1:
                self.unreadable += 1
                return
            middle = len(rows) // 2
            await self._store(rows[:middle])
            await self._store(rows[middle:])
            return
        self._hours |= hours
        self.rows += inserted.stored
        self.expired += inserted.expired
