"""Builds the table anew from TRIGGER_EVENTS, beside the live one, and puts it in its place.

Same migrations, same reading, same insert as the service. The service may be running: it is
paused by an advisory lock only while the last messages are folded and the schemas change
names, in one transaction; before that commits nothing has changed. Nothing acknowledged is
lost, since the tail is folded up to a sequence that is recorded under the lock.
Called by ``etp rebuild`` as a superuser; one at a time.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import asyncpg

from trigger_contracts.message_headers import why_unreadable
from trigger_contracts.topology import RETENTION_EVENTS
from trigger_retention.domain.rows import LogRow, read
from trigger_runtime.postgres.database import REFUSED
from trigger_runtime.postgres.shadow import shadow_schema
from trigger_runtime.process.logging_setup import get_logger

from . import schema
from .insert import write
from .statements import PAUSE_KEY, Statements

log = get_logger(__name__)

LIVE = "retention"

BATCH = 1000
"""Messages read at once: the most that a batched direct get gives comfortably."""
ALL_SUBJECTS = ">"


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
    async with shadow_schema(connection, LIVE, schema.apply, schema.is_whole) as shadow:
        fold = _Fold(connection, reader, shadow.name)
        if shadow.is_whole:
            await _copy_life(connection, shadow.name)
        # Most of it beside the running service …
        await fold.up_to(await reader.last_seq())
        paused_from_seq = fold.seq
        # … and the rest while it waits.
        async with connection.transaction():
            await connection.execute("SELECT pg_advisory_xact_lock($1)", PAUSE_KEY)
            if shadow.is_whole:
                await _copy_life(connection, shadow.name)
            last_seq = await reader.last_seq()
            await fold.up_to(last_seq)
            await shadow.swap()
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


async def _copy_life(connection: "asyncpg.Connection[Any]", shadow: str) -> None:
    async with connection.transaction():
        await connection.execute(f"DELETE FROM {shadow}.life_setting")
        await connection.execute(
            f"INSERT INTO {shadow}.life_setting SELECT * FROM {LIVE}.life_setting"
        )


class _Fold:
    """Reads the stream in order into the shadow, and counts."""

    def __init__(
        self, connection: "asyncpg.Connection[Any]", reader: EventReader, schema_name: str
    ) -> None:
        self._connection = connection
        self._reader = reader
        self._statements = Statements(schema_name)
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
                begun: Any = await self._connection.fetchrow(self._statements.begin_write)
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
