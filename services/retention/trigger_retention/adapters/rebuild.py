"""Builds the tables anew from TRIGGER_EVENTS, beside the live ones, and puts them in their place.

Same migrations, same reading, same insert as the service. The service may be running: it is
paused by an advisory lock only while the last messages are folded and the schemas change
names, in one transaction; before that commits nothing has changed. Nothing acknowledged is
lost, since the tail is folded up to a sequence that is recorded under the lock.
Called by ``etp rebuild`` as a superuser; one at a time.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias, TypeVar

import asyncpg

from trigger_contracts.message_headers import why_unreadable
from trigger_contracts.topology import RETENTION_DELIVERIES, RETENTION_EVENTS
from trigger_retention.domain import deliveries, rows
from trigger_retention.domain.deliveries import RecordRows
from trigger_retention.domain.rows import LogRow
from trigger_retention.ports import Inserted
from trigger_runtime.postgres.database import REFUSED
from trigger_runtime.postgres.shadow import shadow_schema
from trigger_runtime.process.logging_setup import get_logger

from . import schema
from .delivery_statements import DeliveryStatements
from .insert import write, write_records
from .statements import PAUSE_KEY, Statements

log = get_logger(__name__)

LIVE = "retention"

BATCH = 1000
"""Messages read at once: the most that a batched direct get gives comfortably."""
ALL_SUBJECTS = ">"


_One = TypeVar("_One")
_Written: TypeAlias = Awaitable[tuple[Inserted, set[int]]]


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
    """Of events."""
    rows: int
    records: int
    """Of deliveries, that are in the tables."""
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
        records=fold.records,
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
        self._delivery_statements = DeliveryStatements(schema_name)
        self._hours: set[int] = set()
        self.seq = self.messages = self.rows = self.records = self.expired = self.unreadable = 0

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
        events = [one for one in stored if RETENTION_EVENTS.handles(one.subject)]
        told = [one for one in stored if RETENTION_DELIVERIES.handles(one.subject)]
        read_rows = [rows.read(one.payload, one.seq) for one in _with_headers(events)]
        log_rows = [row for row in read_rows if isinstance(row, LogRow)]
        read_records = [
            deliveries.read(one.subject, one.payload, one.seq) for one in _with_headers(told)
        ]
        records = [record for record in read_records if isinstance(record, RecordRows)]
        self.messages += len(events)
        self.unreadable += len(events) + len(told) - len(log_rows) - len(records)
        self.rows += await self._store(self._write_rows, log_rows)
        self.records += await self._store(self._write_records, records)

    async def _store(
        self, write: Callable[[Sequence[_One]], _Written], all_: Sequence[_One]
    ) -> int:
        """How many of these are stored now."""
        if not all_:
            return 0
        try:
            async with self._connection.transaction():
                inserted, hours = await write(all_)
        except REFUSED:
            # Dead letters since they came first: found by halving, as the service did.
            if len(all_) == 1:
                self.unreadable += 1
                return 0
            middle = len(all_) // 2
            return await self._store(write, all_[:middle]) + await self._store(write, all_[middle:])
        self._hours |= hours
        self.expired += inserted.expired
        return inserted.stored

    async def _write_rows(self, log_rows: Sequence[LogRow]) -> tuple[Inserted, set[int]]:
        begun: Any = await self._connection.fetchrow(self._statements.begin_write)
        return await write(
            self._connection,
            self._statements,
            log_rows,
            erased_before=begun["erased_before"],
            known_hours=self._hours,
        )

    async def _write_records(self, records: Sequence[RecordRows]) -> tuple[Inserted, set[int]]:
        begun: Any = await self._connection.fetchrow(self._statements.begin_write)
        return await write_records(
            self._connection,
            self._statements,
            self._delivery_statements,
            records,
            erased_before=begun["erased_before"],
            known_hours=self._hours,
        )


def _with_headers(stored: Sequence[StoredEvent]) -> list[StoredEvent]:
    """Those whose headers can be read."""
    return [one for one in stored if why_unreadable(one.headers) is None]
