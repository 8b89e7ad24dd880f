"""The tables of the log and its deliveries in PostgreSQL: inserts, and bounded erasure.

Every transaction that writes holds the pause lock shared, and takes it before it names a
table: a rebuild that holds it alone has the tables to itself, and whoever waited for it
finds the new ones. Never creates or drops a table but through the schema's functions.
"""

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import Any, TypeAlias

import asyncpg

from trigger_retention.domain.deliveries import RecordRows
from trigger_retention.domain.growth import Growth, Look
from trigger_retention.domain.hours import HOUR, hour_at, number_of, partition_hour, partition_name
from trigger_retention.domain.lifetime import Lifetime
from trigger_retention.domain.rows import LogRow
from trigger_retention.ports import Erased, Inserted, LogMeasures, RowsRefused
from trigger_runtime.postgres.database import REFUSED, Database
from trigger_runtime.process.logging_setup import get_logger

from .delivery_statements import DeliveryStatements
from .insert import Connection, write, write_records
from .statements import Statements

log = get_logger(__name__)

HOURS_AHEAD = 2
"""Partitions made before they are needed, so that no insert waits for one at the full hour."""
ERASED_AT_ONCE = 10_000
"""Rows of one DELETE: some 20 ms, so that nothing waits long and a stop is quick."""
DROPPED_AT_ONCE = 8
"""Partitions looked at in one pass: 20 ms each where they are full."""
CLOSED_AFTER = timedelta(minutes=1)
"""How long an hour is over when it is closed: its last rows are there by then."""
QUIET_FOR = timedelta(seconds=30)
"""How long nothing was written into an hour when it is closed: a log that is catching up fills one
after the other, and each closing would keep its writers waiting."""
INDEXED_FROM = 5_000
"""Rows of hours not closed yet whose words wait to be indexed: a search reads so many in 15 ms."""
INDEXED_AT_ONCE = 20_000
"""Some 60 us a row."""
CLOSING_TIMEOUT_S = 600.0
"""For making indexes: some 5 s for an hour of 100,000 rows, in which nobody who reads waits."""
MOST_KNOWN_HOURS = 2000
"""Hours remembered; forgotten altogether beyond, to be learnt again."""


_Begun: TypeAlias = "contextlib.AbstractAsyncContextManager[tuple[Connection, asyncpg.Record]]"


class PostgresEventLog:
    """``ports.EventLog`` in PostgreSQL; its writers wait while a rebuild has the tables."""

    def __init__(
        self,
        database: Database,
        schema: str = "retention",
        *,
        quiet_for: timedelta = QUIET_FOR,
        indexed_from: int = INDEXED_FROM,
    ) -> None:
        """``quiet_for``: an hour that grew so short a time ago is not closed yet.
        ``indexed_from``: so many rows wait before their words are indexed.
        """
        self._database = database
        self._statements = Statements(schema)
        self._delivery_statements = DeliveryStatements(schema)
        self._known_hours: set[int] = set()
        self._looked_at = ""
        self._growth = Growth(quiet_for)
        self._indexed_from = indexed_from

    async def insert(self, rows: Sequence[LogRow]) -> Inserted:
        return await self._in_partitions(lambda: self._insert(rows))

    async def insert_records(self, records: Sequence[RecordRows]) -> Inserted:
        return await self._in_partitions(lambda: self._insert_records(records))

    async def _in_partitions(self, insert: Callable[[], Awaitable[Inserted]]) -> Inserted:
        try:
            return await insert()
        except asyncpg.CheckViolationError:
            # Another replica has dropped the partition since we learnt of it, or a rebuild has put
            # another table in its place. Not cleared: whoever wrote into the old one just now adds
            # to the set that it began with, and not to what is known of the new one.
            self._known_hours = set()
        except REFUSED as error:
            raise RowsRefused(_reason(error)) from error
        try:
            return await insert()
        except REFUSED as error:
            raise RowsRefused(_reason(error)) from error

    async def _insert(self, rows: Sequence[LogRow]) -> Inserted:
        async with self._writing() as (connection, begun):
            known_hours = self._known_hours
            inserted, hours = await write(
                connection,
                self._statements,
                rows,
                erased_before=begun["erased_before"],
                known_hours=known_hours,
            )
        _learn(known_hours, hours)
        return inserted

    async def _insert_records(self, records: Sequence[RecordRows]) -> Inserted:
        async with self._writing() as (connection, begun):
            known_hours = self._known_hours
            inserted, hours = await write_records(
                connection,
                self._statements,
                self._delivery_statements,
                records,
                erased_before=begun["erased_before"],
                known_hours=known_hours,
            )
        _learn(known_hours, hours)
        return inserted

    async def set_lifetime(self, lifetime: Lifetime) -> None:
        async with self._writing() as (connection, _):
            await connection.execute(
                self._statements.set_lifetime,
                lifetime.active_for.total_seconds(),
                lifetime.kept_for.total_seconds(),
            )

    async def erase(self) -> Erased | None:
        async with self._sweeping() as (connection, begun):
            if not begun["alone"]:
                return None
            await self._make_partitions_ahead(connection, begun["swept_at"])
        erased_before: datetime = begun["erased_before"]
        partitions, rows = await self._drop(erased_before)
        more = await self._delete_deliveries(erased_before)
        deleted = await self._delete(erased_before)
        return Erased(
            swept_at=begun["swept_at"],
            erased_before=erased_before,
            rows=rows + deleted,
            partitions=partitions,
            more=more or bool(partitions) or deleted >= ERASED_AT_ONCE,
        )

    async def close_hour(self) -> bool:
        async with self._database.connection() as connection:
            found = await connection.fetch(self._statements.hours_to_close, CLOSED_AFTER)
        for hour in self._growth.quiet(Look(*row) for row in found):
            try:
                async with self._writing() as (connection, _):
                    if await connection.fetchval(
                        self._statements.close_hour, hour, timeout=CLOSING_TIMEOUT_S
                    ):
                        return True
            except asyncpg.LockNotAvailableError:
                log.info("hour in use, closed later", hour=hour.isoformat())
        return False

    async def index_words(self) -> int:
        try:
            async with self._writing() as (connection, _):
                dealt_with: int = await connection.fetchval(
                    self._statements.index_words,
                    self._indexed_from,
                    INDEXED_AT_ONCE,
                    timeout=CLOSING_TIMEOUT_S,
                )
                return dealt_with
        except asyncpg.LockNotAvailableError:
            return 0

    async def measures(self) -> LogMeasures:
        async with self._database.connection() as connection:
            found: Any = await connection.fetchrow(self._statements.measures)
        overdue = max(found["overdue"] or timedelta(), timedelta())
        return LogMeasures(overdue, found["rows"], found["ahead"])

    async def _make_partitions_ahead(self, connection: Connection, now: datetime) -> None:
        this = number_of(now)
        wanted = set(range(this, this + HOURS_AHEAD + 1)) - self._known_hours
        if wanted:
            hours = [hour_at(number) for number in sorted(wanted)]
            await connection.execute(self._statements.ensure_partitions, hours)

    async def _drop(self, erased_before: datetime) -> tuple[tuple[str, ...], int]:
        """Drop partitions whose hour is past, some of them a pass; names, and rows within."""
        dropped: list[str] = []
        rows = 0
        newest = partition_name(erased_before - HOUR)
        async with self._database.connection() as connection:
            found = await connection.fetch(self._statements.partitions, newest)
        names: list[str] = [row["relname"] for row in found]
        # One with a late row in it stays: go on behind it in the next pass.
        behind = [name for name in names if name > self._looked_at] or names
        for name in behind[:DROPPED_AT_ONCE]:
            self._looked_at = name
            hour = partition_hour(name)
            try:
                erased = await self._drop_one(hour)
            except asyncpg.LockNotAvailableError:
                log.info("partition in use, dropped later", partition=name)
                continue
            if erased is not None:
                dropped.append(name)
                rows += erased
                self._known_hours.discard(number_of(hour))
        return tuple(dropped), rows

    async def _drop_one(self, hour: datetime) -> int | None:
        async with self._sweeping() as (connection, begun):
            if not begun["alone"]:
                return None
            before = begun["erased_before"]
            if await connection.fetchval(self._statements.is_alive, hour, before):
                return None
            savepoint = connection.transaction()
            await savepoint.start()
            await connection.execute(self._statements.take_off_sums, hour)
            erased: int | None = await connection.fetchval(self._statements.drop_partition, hour)
            # It stays where a row came late just now.
            await (savepoint.rollback() if erased is None else savepoint.commit())
            return erased

    async def _delete_deliveries(self, erased_before: datetime) -> bool:
        """Erase some of what is past of deliveries and attempts; whether more may be."""
        more = False
        async with self._sweeping() as (connection, begun):
            if not begun["alone"]:
                return False
            for erase in self._delivery_statements.erase:
                status = await connection.execute(erase, erased_before, ERASED_AT_ONCE)
                more |= int(status.rpartition(" ")[2]) >= ERASED_AT_ONCE
        return more

    async def _delete(self, erased_before: datetime) -> int:
        async with self._sweeping() as (connection, begun):
            if not begun["alone"]:
                return 0
            status = await connection.execute(self._statements.erase, erased_before, ERASED_AT_ONCE)
            deleted = int(status.rpartition(" ")[2])
            if deleted < ERASED_AT_ONCE:
                await connection.execute(self._statements.forget_sums, erased_before)
            return deleted

    def _writing(self) -> _Begun:
        """A transaction that no rebuild overlaps: when it began, and before which rows are past."""
        return self._begun(self._statements.begin_write)

    def _sweeping(self) -> _Begun:
        """As ``_writing``; ``alone`` says whether this replica sweeps in this transaction."""
        return self._begun(self._statements.begin_sweep)

    @contextlib.asynccontextmanager
    async def _begun(self, begin: str) -> "AsyncIterator[tuple[Connection, asyncpg.Record]]":
        async with self._database.transaction() as connection:
            await connection.execute(self._statements.pause)
            begun: Any = await connection.fetchrow(begin)
            yield connection, begun


def _learn(known_hours: set[int], hours: set[int]) -> None:
    known_hours |= hours
    if len(known_hours) > MOST_KNOWN_HOURS:
        known_hours.clear()


def _reason(error: Exception) -> str:
    """PostgreSQL's own sentence; its detail, which may hold values, stays out."""
    return f"the database refuses it: {str(error).splitlines()[0]}"
