"""Fills the log by SQL with what retention would have written in 48 hours: in minutes.

Rows are as ``trigger_retention.domain.rows`` makes them, in the order of their time, but for
``stream_seq``: it is negative, where no stream has a message. Partitions are made by retention's
own function.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from bench.support.servers import Servers
from trigger_retention.adapters.statements import Statements
from trigger_retention.domain.hours import HOUR
from trigger_retention.domain.rows import LogRow

from .payloads import CUSTOMERS, HALVES, Notes

HOURS = 48
TRIGGERS = 1000
API_TRIGGERS = 10
"""One trigger of so many is fired by callers; the others are scheduled."""
CONNECTIONS = 2
TIMEOUT_S = 600

STATEMENTS = Statements("retention")

_HALVES = "CREATE TEMP TABLE half (kind text, number int, said text)"

# Four hashes of the row's number are all its chance: a run's rows are those of any other.
_ROWS = f"""
WITH numbered AS (
    SELECT n, $3::timestamptz + (n - $1::bigint) * $4::interval AS at,
           hashint8extended(n, 1) AS a, hashint8extended(n, 2) AS b,
           hashint8extended(n, 3) AS c, hashint8extended(n, 4) AS d
    FROM generate_series($1::bigint, $2::bigint) AS n
), drawn AS (
    SELECT n, at, c, lpad(to_hex(c), 16, '0') AS c_hex, lpad(to_hex(d), 16, '0') AS d_hex,
           ((a & 1048575) % {TRIGGERS})::int AS trigger_number,
           ((a >> 20) & 1048575) / 1048576.0::float8 AS fate,
           (b & 1048575) / 1048576.0::float8 AS delay,
           ((b >> 20) & 1023) / 1024.0::float8 AS caller,
           (a >> 40) & {HALVES - 1} AS first, (b >> 40) & {HALVES - 1} AS second,
           (d & 1048575) % {CUSTOMERS} AS customer, ((d >> 20) & 1048575) % 100000 AS cents
    FROM numbered
), decided AS (
    SELECT *, trigger_number % {API_TRIGGERS} = 0 AS is_api,
           CASE WHEN trigger_number % {API_TRIGGERS} = 0
                THEN CASE WHEN fate < 0.1 THEN 'rejected' ELSE 'fired' END
                ELSE CASE WHEN fate < 0.0111 THEN 'missed' ELSE 'fired' END END AS status,
           lpad(to_hex(floor(extract(epoch FROM at) * 1000)::bigint), 12, '0') || '7'
               AS id_begins
    FROM drawn
), recorded AS (
    -- Nearly all fire within a few milliseconds, one in 200 between a second and a minute late.
    SELECT *, status = 'fired' AND NOT is_api AND caller < 0.001 AS is_test,
           least($5::timestamptz, at + interval '1 second' * CASE
               WHEN status = 'missed' THEN 31
               WHEN is_api THEN 0
               WHEN delay < 0.005 THEN 1 + delay * 12000
               ELSE 0.0003 + 0.004 * delay ^ 4 END) AS logged_at,
           CASE WHEN NOT is_api THEN 'schedule' WHEN caller < 0.70 THEN 'api'
                WHEN caller < 0.95 OR status <> 'fired' THEN 'nats' ELSE 'replay' END AS source
    FROM decided
), written AS (
    SELECT (id_begins || substr(c_hex, 14) || 'a' || substr(d_hex, 2))::uuid AS event_id,
           -n AS stream_seq,
           'bench-' || lpad(trigger_number::text, 4, '0') AS trigger_id,
           'Bench ' || trigger_number AS trigger_name,
           CASE WHEN is_api THEN 'api' ELSE 'scheduled' END AS trigger_type,
           1 AS trigger_version,
           status,
           CASE WHEN is_test THEN 'test' ELSE source END AS source,
           is_test,
           CASE WHEN NOT is_api THEN at END AS scheduled_for,
           CASE WHEN status = 'fired' THEN logged_at END AS fired_at,
           logged_at,
           status = 'fired' AND NOT is_api AND logged_at - at > interval '30 seconds' AS misfire,
           CASE status WHEN 'missed' THEN 'found 31 s late, and only the newest fires'
                       WHEN 'rejected' THEN 'the payload does not match the schema' END AS reason,
           CASE WHEN status = 'rejected'
                THEN '[{{"pointer":"/payload/cents","message":"100000 is greater than 99999"}}]'
                ELSE '[]' END::json AS errors,
           1 AS count,
           NULL::timestamptz AS last_scheduled_for,
           CASE WHEN source = 'replay'
                THEN (id_begins || substr(d_hex, 14) || 'b' || substr(c_hex, 2))::uuid
                END AS replay_of,
           CASE WHEN status = 'fired' THEN
               '{{"order_id":"ord-' || substr(c_hex, 1, 12) || '","customer":"cust-' || customer
               || '","cents":' || cents || ',"note":"' || one.said || ' ' || other.said
               || '"}}' END::json AS payload
    FROM recorded
         JOIN half AS one ON one.kind = 'first' AND one.number = first
         JOIN half AS other ON other.kind = 'second' AND other.number = second
)
INSERT INTO retention.event ({", ".join(LogRow._fields)})
SELECT {", ".join(LogRow._fields)} FROM written ORDER BY stream_seq DESC
"""


@dataclass(frozen=True, slots=True)
class Hour:
    """The rows ``first`` to ``last``, evenly from ``start`` on."""

    start: datetime
    first: int
    last: int
    step: timedelta

    @property
    def rows(self) -> int:
        return self.last - self.first + 1


def hour_of(start: datetime, first: int, rows: int, end: datetime | None = None) -> Hour:
    """A full hour, or what of it is before ``end``."""
    span = HOUR if end is None else end - start
    return Hour(start, first, first + rows - 1, span // rows)


def hours_until(now: datetime, rows: int) -> list[Hour]:
    """``rows`` over 48 hours, the oldest first; the hour that ``now`` is in has as many."""
    this = now.replace(minute=0, second=0, microsecond=0)
    bounds = [rows * number // HOURS for number in range(HOURS + 1)]
    return [
        hour_of(
            this - (HOURS - 1 - number) * HOUR,
            bounds[number] + 1,
            bounds[number + 1] - bounds[number],
            now if number == HOURS - 1 else None,
        )
        for number in range(HOURS)
    ]


Loading = Callable[[Hour], Awaitable[None]]


@contextlib.asynccontextmanager
async def loader(
    servers: Servers, notes: Notes, now: datetime
) -> AsyncIterator[tuple[Any, Loading]]:
    """A connection, and what fills an hour by it; no row is later than ``now``."""
    async with servers.database(work_mem="256MB") as database:
        await database.execute(_HALVES)
        for kind, halves in (("first", notes.firsts), ("second", notes.seconds)):
            records = [(kind, number, said) for number, said in enumerate(halves)]
            await database.copy_records_to_table("half", records=records)
        await database.execute("ANALYZE half")

        async def load(hour: Hour) -> None:
            await database.execute(STATEMENTS.ensure_partitions, [hour.start])
            await database.execute(
                _ROWS, hour.first, hour.last, hour.start, hour.step, now, timeout=TIMEOUT_S
            )

        yield database, load


async def load_all(servers: Servers, notes: Notes, hours: Sequence[Hour], now: datetime) -> None:
    """Several hours at a time."""
    waiting = iter(hours)

    async def work() -> None:
        async with loader(servers, notes, now) as (_, load):
            for hour in waiting:
                await load(hour)

    await asyncio.gather(*(work() for _ in range(CONNECTIONS)))
