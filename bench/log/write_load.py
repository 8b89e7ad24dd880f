"""Events arrive at a steady pace: a writer publishes them as the executor would.

They go the real way, from TRIGGER_EVENTS through retention into the table.
"""

import asyncio
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from bench.support.servers import PUBLISH_TIMEOUT, Servers
from bench.support.workers import Link
from trigger_contracts import topology
from trigger_contracts.events import EntryStatus, LogEntry, Source
from trigger_contracts.ids import uuid7
from trigger_executor.domain.row import row_of
from trigger_runtime.jetstream.batches import MAX_BATCH
from trigger_runtime.jetstream.publisher import JetStreamPublisher, Message

from .loading import API_TRIGGERS, TRIGGERS
from .payloads import Notes, notes, payload

TICK_S = 0.02
_MISSED_AFTER = timedelta(seconds=31)


def entry(number: int, now: datetime, made: Notes) -> LogEntry:
    """What happened as ``number``, at ``now``: of a hundred one is missed, one rejected."""
    is_api = number % API_TRIGGERS == 0
    status = {50: EntryStatus.REJECTED, 99: EntryStatus.MISSED}.get(number % 100, EntryStatus.FIRED)
    about = now - _MISSED_AFTER if status is EntryStatus.MISSED else now
    return LogEntry(
        event_id=str(uuid7(about, "arriving", str(number))),
        trigger_id=f"bench-{number % TRIGGERS:04}",
        trigger_name=f"Bench {number % TRIGGERS}",
        trigger_type="api" if is_api else "scheduled",
        trigger_version=1,
        status=status,
        source=Source.API if is_api else Source.SCHEDULE,
        is_test=False,
        scheduled_for=None if is_api else about,
        fired_at=now if status is EntryStatus.FIRED else None,
        logged_at=now,
        reason=None if status is EntryStatus.FIRED else "for the bench",
        payload=payload(made, number) if status is EntryStatus.FIRED else None,
    )


def message(arrived: LogEntry) -> Message:
    row = row_of(arrived, arrived.logged_at)
    assert row is not None
    return Message(row.subject, row.body, row.event_id)


async def write(link: Link, servers: Servers, per_second: int) -> None:
    """Worker: publish until told to stop, then report the ids and how long it took."""
    made = notes()
    ids: list[str] = []
    async with servers.connected() as admin:
        publisher = JetStreamPublisher(admin, topology.EVENTS.name, timeout=PUBLISH_TIMEOUT)
        link.ready()
        told = asyncio.ensure_future(link.told())
        started = time.monotonic()
        while not told.done():
            due = int((time.monotonic() - started) * per_second) - len(ids)
            arrived = _some(len(ids), min(due, MAX_BATCH), made)
            if arrived:
                await publisher.publish_batch([message(one) for one in arrived])
                ids += [one.event_id for one in arrived]
            await asyncio.sleep(TICK_S)
        link.report((ids, time.monotonic() - started))
        if await told is not None:
            await link.told()


def _some(first: int, count: int, made: Notes) -> Sequence[LogEntry]:
    now = datetime.fromtimestamp(time.time(), UTC)
    return [entry(number, now, made) for number in range(first, first + count)]
