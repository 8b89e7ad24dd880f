"""Lets triggers fire, on the platform or on the bare minimum, and says how late everything was.

Lateness is actual minus nominal, in milliseconds, at four places: when the due event says it
was published, when the broker says it was stored, when its acknowledgement came, and when its
row was first seen in PostgreSQL.
"""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from bench.bare import firing as bare_firing
from bench.bare.tables import insert_due
from trigger_contracts.subjects import ALL_FIRED, Service
from trigger_contracts.topology import DUE, EVENTS

from .checks import expect, expect_equal
from .creating import create_ahead, lead
from .servers import Platform, Servers, bare_servers, platform
from .streams import read_all
from .taps import AckTap, RowTimes, tap_rows
from .usage import Cost, Meter
from .workers import Worker

HEAD_START_S = 1.5
"""Triggers are created, and the CPU meter starts, at least so long before the first occurrence."""
BARE_LEAD_S = 5.0
"""The bare minimum's workers and tables are ready within this."""
ROWS_TIMEOUT_S = 120
SETTLING_S = 3.0
"""After a window of recurring occurrences: their rows are there by then, or the bench fails."""

_FIRED = ALL_FIRED.removesuffix("*")

Occurrence = tuple[str, int]
"""A trigger and when it is due, in epoch microseconds: floats of equal instants may differ."""


BareDue = Callable[[float], Sequence[tuple[float, str]]]
"""Told the epoch second of the first occurrence: when each trigger is due first."""


def micros(epoch_s: float) -> int:
    return round(epoch_s * 1_000_000)


@dataclass(frozen=True, slots=True)
class Fired:
    """Lateness in ms, one value an occurrence, and what it cost."""

    published: list[float]
    stored: list[float]
    acked: list[float]
    recorded: list[float]
    """When the broker says that the row was stored."""
    rows: list[float]
    last_row_after_s: float
    """From the first nominal instant to the last row."""
    costs: Mapping[str, Cost]


@dataclass(frozen=True, slots=True)
class Window:
    """Which occurrences count: those due in ``[begin, end)``; ``end`` None: all there are."""

    begin: float
    end: float | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """What to create, and which occurrences must then have fired."""

    definitions: Sequence[dict[str, Any]]
    expected: set[Occurrence]
    window: Window


async def fire_on_platform(
    count: int,
    planned: Callable[[float], Plan],
    environment: Mapping[str, str] | None = None,
    *,
    targets: Callable[[Platform], Awaitable[Sequence[str]]] | None = None,
    still: Sequence[str] = (),
) -> Fired:
    """Create ``count`` triggers, let them fire, and check that exactly what was expected did.

    ``planned`` is told the epoch second of the first occurrence. Each trigger names one of what
    ``targets`` makes, in turns. ``still``: processes that stand still while they fire.
    """
    async with platform(environment) as servers:
        named = await targets(servers) if targets is not None else ()
        plan = planned(float(int(time.time() + lead(count))))
        expected, window = plan.expected, plan.window
        definitions = [
            {**one, "targets": [named[number % len(named)]]} if named else one
            for number, one in enumerate(plan.definitions)
        ]
        await create_ahead(servers, definitions, window.begin - HEAD_START_S)
        tap = AckTap(DUE.name)
        bounded = None if window.end is not None else len(expected)
        async with (
            servers.connected() as admin,
            Worker("row tap", tap_rows, servers.database_url, "retention", bounded) as rows,
        ):
            backend = await rows.ready()
            await tap.open(admin, Service.SCHEDULER)
            await _sleep_until(window.begin - HEAD_START_S / 2)
            meter = Meter(servers.pids, without={backend})
            with servers.stopped(*still):
                if window.end is None:
                    seen = await rows.report(within=window.begin - time.time() + ROWS_TIMEOUT_S)
                    costs = meter.read()
                else:
                    await _sleep_until(window.end)
                    costs = meter.read()
                    await _sleep_until(window.end + SETTLING_S)
                    rows.tell("stop")
                    seen = await rows.report(within=10)
            await servers.check_alive()
        async with servers.connected() as admin:
            return await _analysed(servers, admin, expected, window, tap, RowTimes(seen), costs)


async def _analysed(
    servers: Platform,
    admin: Any,
    expected: set[Occurrence],
    window: Window,
    tap: AckTap,
    seen: RowTimes,
    costs: Mapping[str, Cost],
) -> Fired:
    published: list[float] = []
    stored: list[float] = []
    acked: list[float] = []
    dues: list[Occurrence] = []
    for message in await read_all(admin, DUE.name):
        record = json.loads(message.payload)
        if record["kind"] != "due":
            expect(record["kind"] == "fence", f"an occurrence was missed: {record}")
            continue
        at = datetime.fromisoformat(record["scheduled_for"]).timestamp()
        if window.end is not None and not window.begin <= at < window.end:
            continue
        dues.append((record["trigger_id"], micros(at)))
        published.append(_ms(datetime.fromisoformat(record["published_at"]).timestamp() - at))
        stored.append(_ms(message.stored_at - at))
        acked.append(_ms(tap.acked_at(message.seq) - at))
    _check_exact("due events", dues, expected)
    expect(min(published) >= 0, "a due event was published before it was due")
    async with servers.database() as database:
        found = await database.fetch(
            "SELECT stream_seq, trigger_id, scheduled_for, status, misfire FROM retention.event"
        )
    rows: list[float] = []
    due_at: dict[int, float] = {}
    logged: list[Occurrence] = []
    for row in found:
        at = row["scheduled_for"].timestamp()
        if window.end is not None and not window.begin <= at < window.end:
            continue
        expect(row["status"] == "fired" and not row["misfire"], f"not simply fired: {row}")
        logged.append((row["trigger_id"], micros(at)))
        due_at[row["stream_seq"]] = at
        rows.append(_ms(seen.seen_at(row["stream_seq"]) - at))
    _check_exact("rows of the log", logged, expected)
    recorded = [
        _ms(message.stored_at - at)
        for message in await read_all(admin, EVENTS.name)
        if message.subject.startswith(_FIRED) and (at := due_at.get(message.seq)) is not None
    ]
    last = seen.last - window.begin
    return Fired(published, stored, acked, recorded, rows, last, costs)


def _check_exact(what: str, found: list[Occurrence], expected: set[Occurrence]) -> None:
    expect_equal(len(found), len(expected), what)
    expect(set(found) == expected, f"{what}: not the occurrences that were due, or some twice")


async def fire_bare_claim(due: BareDue, every: int | None, count: int) -> Fired:
    """The same occurrences by ``bare.firing.claim`` and ``insert``."""
    async with bare_servers() as servers:
        triggers = due(float(int(time.time() + BARE_LEAD_S)))
        interval = None if every is None else timedelta(seconds=every)
        async with servers.database() as database:
            await insert_due(
                database,
                [(one, datetime.fromtimestamp(at, UTC), interval) for at, one in triggers],
            )
            await database.execute("ANALYZE due")
        claimer = Worker("claimer", bare_firing.claim, servers, count)
        return await _fire_bare(servers, claimer, triggers, count)


async def fire_bare_heap(due: BareDue, every: int | None, count: int) -> Fired:
    """The same occurrences by ``bare.firing.heap`` and ``insert``."""
    async with bare_servers() as servers:
        triggers = due(float(int(time.time() + BARE_LEAD_S)))
        timer = Worker("timer", bare_firing.heap, servers, triggers, every, count)
        return await _fire_bare(servers, timer, triggers, count)


async def _fire_bare(
    servers: Servers, firing: Worker, due: Sequence[tuple[float, str]], count: int
) -> Fired:
    first = min(at for at, _ in due)
    async with firing, Worker("inserter", bare_firing.insert, servers, count) as inserting:
        await asyncio.gather(firing.ready(), inserting.ready())
        expect(time.time() < first, "starting the bare minimum took longer than allowed for")
        await _sleep_until(first - 0.5)
        meter = Meter(servers.pids)
        within = max(at for at, _ in due) - time.time() + ROWS_TIMEOUT_S
        fired = await firing.report(within=within)
        inserted = await inserting.report(within=ROWS_TIMEOUT_S)
        costs = {
            firing.name: firing.cost,
            inserting.name: inserting.cost,
            **meter.read(),
        }
    expect_equal(len({(one[0], micros(one[1])) for one in fired}), count, "bare occurrences")
    expect_equal(len(inserted), count, "bare rows")
    return Fired(
        published=[],
        stored=[],
        acked=[_ms(acked_at - at) for _, at, acked_at in fired],
        recorded=[],
        rows=[_ms(committed_at - at) for at, committed_at in inserted],
        last_row_after_s=max(committed_at for _, committed_at in inserted) - first,
        costs=costs,
    )


def _ms(seconds: float) -> float:
    return seconds * 1000


async def _sleep_until(epoch_s: float) -> None:
    await asyncio.sleep(max(0.0, epoch_s - time.time()))
