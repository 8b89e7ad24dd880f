"""When things happened, seen from outside the platform and without changing it.

``AckTap`` hears the broker's acknowledgements as the scheduler gets them: they are core
messages to its inbox, one a batch, and the admin user may listen there. ``tap_rows`` polls
the log's table. PostgreSQL keeps no commit times, so a row's time is the first poll that saw
it: the truth is earlier, by up to ``POLL_S``.
"""

import asyncio
import bisect
import json
import time
from collections.abc import Mapping

import asyncpg
from nats.aio.msg import Msg

from trigger_contracts import subjects
from trigger_contracts.subjects import Service
from trigger_runtime.jetstream.connection import Connection

from .checks import expect
from .workers import Link

POLL_S = 0.005

ACK = b'{"stream":'
"""How an acknowledgement begins, and nothing else that a service gets in its inbox."""

REREAD_BLOCKS = 32
"""How far a poll looks back: a table's blocks are filled nearly in order."""

OVERLOOKED_AT_MOST = 0.05
"""Share of the rows that polls may overlook: a writer's connection that was idle for a while goes
on in the block it had, far back. Such a row's time is that of the row stored next, which retention
writes in the same transaction or a later one."""

SILENT_POLLS = 50
"""After so many without a new row the table is counted, lest overlooked rows be waited for."""


class AckTap:
    """Acknowledgements of appends to one stream by one service."""

    def __init__(self, stream: str) -> None:
        self._stream = stream
        self._last: list[int] = []
        self._acks: dict[int, tuple[int, float]] = {}

    async def open(self, connection: Connection, service: Service) -> None:
        await connection.client.subscribe(
            f"{subjects.inbox_prefix(service)}.>",
            cb=self._heard,
            pending_msgs_limit=0,
            pending_bytes_limit=0,
        )
        await connection.client.flush()

    async def _heard(self, message: Msg) -> None:
        at = time.time()
        if not message.data.startswith(ACK):
            return
        body = json.loads(message.data)
        if body.get("stream") == self._stream and "seq" in body:
            self._acks[body["seq"]] = (body["seq"] - body.get("count", 1) + 1, at)

    def acked_at(self, seq: int) -> float:
        """Epoch seconds at which the append that stored ``seq`` was acknowledged."""
        if len(self._last) != len(self._acks):
            self._last = sorted(self._acks)
        index = bisect.bisect_left(self._last, seq)
        expect(index < len(self._last), f"no acknowledgement was heard for {seq}")
        first, at = self._acks[self._last[index]]
        expect(first <= seq, f"no acknowledgement was heard for {seq}")
        return at


class RowTimes:
    """What ``tap_rows`` reported, with a bounded number of overlooked rows filled in."""

    def __init__(self, seen: Mapping[int, float]) -> None:
        self._seen = seen
        self._ordered = sorted(seen)
        self._overlooked = 0

    @property
    def last(self) -> float:
        return max(self._seen.values())

    def seen_at(self, seq: int) -> float:
        """Epoch seconds; fails where too many rows were overlooked."""
        at = self._seen.get(seq)
        if at is not None:
            return at
        self._overlooked += 1
        expect(
            self._overlooked <= OVERLOOKED_AT_MOST * len(self._seen) + 1,
            f"the row tap overlooked {self._overlooked} of {len(self._seen)} rows",
        )
        index = bisect.bisect(self._ordered, seq)
        return self._seen[self._ordered[index]] if index < len(self._ordered) else self.last


async def tap_rows(link: Link, database_url: str, schema: str, expected: int | None) -> None:
    """Worker: report ``stream_seq -> epoch seconds first seen`` of the rows of ``schema.event``.

    Reports when ``expected`` rows were seen, or when told to; keeps its connection until
    dismissed, so that the bench can leave its backend out of the bill.
    """
    connection = await asyncpg.connect(database_url)
    partitions = [
        row["name"]
        for row in await connection.fetch(
            "SELECT inhrelid::regclass::text AS name FROM pg_inherits"
            " WHERE inhparent = $1::regclass",
            f"{schema}.event",
        )
    ]
    # The beginning of each table is skipped by a TID range scan: a poll reads a few blocks.
    parts = " UNION ALL ".join(
        f"SELECT {number}, max(ctid) AS last, array_agg(stream_seq) AS seqs FROM {name} "
        f"WHERE ctid >= ${number + 1}"
        for number, name in enumerate(partitions)
    )
    look = await connection.prepare(
        f"SELECT extract(epoch FROM statement_timestamp())::float8 AS at, p.* FROM ({parts}) AS p"
    )
    blocks = [0] * len(partitions)
    seen: dict[int, float] = {}
    silent = 0
    link.ready(connection.get_server_pid())
    told = asyncio.ensure_future(link.told())
    while not told.done() and (expected is None or len(seen) < expected):
        started = time.perf_counter()
        rows = await look.fetch(*((max(0, block - REREAD_BLOCKS), 0) for block in blocks))
        known = len(seen)
        for at, number, last, seqs in rows:
            if seqs is not None:
                blocks[number] = max(blocks[number], last[0])
                for seq in seqs:
                    seen.setdefault(seq, at)
        silent = 0 if len(seen) > known else silent + 1
        if expected is not None and silent > SILENT_POLLS:
            silent = 0
            if await connection.fetchval(f"SELECT count(*) FROM {schema}.event") >= expected:
                break
        await asyncio.sleep(max(0.0, POLL_S - (time.perf_counter() - started)))
    link.report(seen)
    if await told is not None:
        await link.told()
    await connection.close()
