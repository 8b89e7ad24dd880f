"""E. What triggers that rest in the tables cost those that fire: nothing, up to a million."""

import asyncio
import json
import random
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bench.sizes import Sizes
from bench.support.checks import expect, expect_equal, until
from bench.support.creating import lead, once
from bench.support.figures import Figure, Result, Spread, spread, spread_figures
from bench.support.filling import SPREAD, fill
from bench.support.http_load import Load, send
from bench.support.idle import idle, memory, percent
from bench.support.servers import Platform, platform
from bench.support.streams import read_all
from bench.support.taps import AckTap
from bench.support.usage import OURS, Cost
from trigger_contracts.subjects import Service
from trigger_contracts.topology import DUE
from trigger_scheduler.adapters import statements

DUE_AFTER = timedelta(days=1)
ALL_DUE = DUE_AFTER + SPREAD + timedelta(hours=1)
"""A claim that looks so far ahead finds everything due, and hides nothing from the scheduler."""
AHEAD = timedelta(milliseconds=100)
BATCH = 500
FIRED_TIMEOUT_S = 60


@dataclass(frozen=True, slots=True)
class Stage:
    """The platform while ``resting`` triggers lie in its tables."""

    resting: int
    late: Spread
    """At the broker's ack, in ms."""
    costs: Mapping[str, Cost]
    nothing_due: Spread
    """A claim that finds nothing, in µs with its round trip."""
    all_due: Spread
    """A claim of a full batch, everything being due."""


async def at_rest(sizes: Sizes) -> Result:
    """The bare minimum is the same platform, empty."""
    async with platform() as servers:
        filled = 0
        stages: list[Stage] = []
        for resting in sizes.resting:
            filled = await _fill(servers, filled, resting)
            late = await _lateness(servers, sizes)
            costs = await idle(servers.pids, sizes.idle_s)
            # An empty table has nothing to claim: one batch is the least.
            filled = await _fill(servers, filled, BATCH)
            nothing_due = await _claims(servers, AHEAD, 0, sizes.claims)
            all_due = await _claims(servers, ALL_DUE, BATCH, sizes.claims)
            stages.append(Stage(resting, late, costs, nothing_due, all_due))
        plan = await _plan(servers)
        await servers.check_alive()
    empty, most = stages[0], stages[-1]
    return Result(
        title="triggers at rest",
        did=f"{' / '.join(f'{one.resting:,}' for one in stages)} triggers that are not due in the "
        f"tables; with each, {sizes.spread:,} one-time triggers created by POST /triggers/ at "
        f"random instants over {sizes.spread_over_s:g} s, then {sizes.idle_s:g} s idle, then "
        f"{sizes.claims} claims",
        figures=[figure for one in stages[1:] for figure in _figures(one, empty, sizes)],
        costs=most.costs,
        bare_costs=empty.costs,
        notes=(
            (
                "The triggers at rest are rows that SQL put there, with VACUUM ANALYZE after: the "
                "broker holds no message of theirs. What that costs it, `holding` says."
            ),
            (
                f"A claim is the scheduler's own statement, with its round trip, rolled back; the "
                f"full one takes {BATCH} rows while all are due, in the empty stage out of {BATCH}."
            ),
            "PostgreSQL grows up to its shared buffers (128 MB) and no further.",
            "CPU and memory are those of the idle seconds.",
        ),
        details={f"The plan of a claim among {most.resting:,} triggers, all due": plan},
    )


def _figures(one: Stage, empty: Stage, sizes: Sizes) -> list[Figure]:
    among, same = f"among {one.resting:,}", "the same, empty"
    postgres = frozenset({"postgres"})
    return [
        *spread_figures(f"late at the broker's ack, {among}", "ms", one.late, empty.late, same),
        *spread_figures(
            f"a claim that finds nothing, {among}", "µs", one.nothing_due, empty.nothing_due, same
        ),
        *spread_figures(f"a claim of {BATCH}, {among}", "µs", one.all_due, empty.all_due, same),
        Figure(
            f"idle CPU of all processes, {among}",
            "% of a core",
            percent(one.costs, sizes.idle_s),
            percent(empty.costs, sizes.idle_s),
            same,
        ),
        Figure(
            f"memory of our four processes, {among}",
            "MiB",
            memory(one.costs, OURS),
            memory(empty.costs, OURS),
            same,
        ),
        Figure(
            f"memory of PostgreSQL, {among}",
            "MiB",
            memory(one.costs, postgres),
            memory(empty.costs, postgres),
            same,
        ),
    ]


async def _fill(servers: Platform, filled: int, wanted: int) -> int:
    """Fill up to ``wanted`` triggers at rest; returns how many there are."""
    if wanted <= filled:
        return filled
    async with servers.database() as database:
        await fill(database, filled + 1, wanted, due_after=DUE_AFTER)
        # What autovacuum would do some time later, in the idle seconds.
        await database.execute("VACUUM ANALYZE scheduler.trigger, scheduler.change", timeout=600)
        await database.execute("CHECKPOINT", timeout=600)
    return wanted


async def _lateness(servers: Platform, sizes: Sizes) -> Spread:
    """Create triggers by REST, let them fire and be logged; every one exactly once."""
    begin = float(int(time.time() + lead(sizes.spread)))
    numbers = random.Random(1)
    instants = [begin + numbers.uniform(0, sizes.spread_over_s) for _ in range(sizes.spread)]
    tap = AckTap(DUE.name)
    async with servers.connected() as admin:
        await tap.open(admin, Service.SCHEDULER)
        created = await _create(servers, instants, sizes.connections)
        expect(time.time() < begin, "creating the triggers took longer than the bench allows for")
        await asyncio.sleep(begin + sizes.spread_over_s - time.time())
        async with servers.database() as database:

            async def logged() -> bool:
                rows = await database.fetchval(
                    "SELECT count(*) FROM retention.event WHERE trigger_id = ANY ($1::text[])"
                    " AND status = 'fired' AND NOT misfire",
                    created,
                )
                return bool(rows == len(created))

            await until(logged, within=FIRED_TIMEOUT_S, what="all fires logged", every=0.25)
        late: list[float] = []
        known = set(created)
        for message in await read_all(admin, DUE.name):
            record = json.loads(message.payload)
            if record["kind"] == "due" and record["trigger_id"] in known:
                at = datetime.fromisoformat(record["scheduled_for"]).timestamp()
                late.append((tap.acked_at(message.seq) - at) * 1000)
    expect_equal(len(late), len(created), "due events")
    expect(min(late) >= 0, "a due event was published before it was due")
    return spread(late)


async def _create(servers: Platform, instants: Sequence[float], connections: int) -> list[str]:
    host, port = servers.address
    bodies = []
    for number, at in enumerate(instants):
        fields = once(number, at)
        del fields["trigger_id"]
        bodies.append(json.dumps(fields).encode())
    headers = (("X-API-KEY", servers.api_key), ("Content-Type", "application/json"))
    answers, _ = await send(Load(host, port, "/triggers/", headers, bodies, connections))
    expect_equal(answers.statuses, {201: len(bodies)}, "answers")
    return [json.loads(body)["id"] for body in answers.bodies]


async def _claims(servers: Platform, ahead: timedelta, rows: int, count: int) -> Spread:
    """µs of each of ``count`` claims, which must find so many rows."""
    took: list[float] = []
    async with servers.database(search_path="scheduler", **statements.PLANNING) as database:
        for _ in range(count):
            transaction = database.transaction()
            await transaction.start()
            started = time.perf_counter()
            found = await database.fetch(statements.CLAIM, ahead, BATCH)
            took.append((time.perf_counter() - started) * 1e6)
            await transaction.rollback()
            expect_equal(len(found), rows, "rows of a claim")
    return spread(took)


async def _plan(servers: Platform) -> str:
    explain = f"EXPLAIN (ANALYZE, BUFFERS, COSTS OFF) {statements.CLAIM}"
    async with servers.database(search_path="scheduler", **statements.PLANNING) as database:
        transaction = database.transaction()
        await transaction.start()
        lines = await database.fetch(explain, ALL_DUE, BATCH)
        await transaction.rollback()
    return "\n".join(line[0] for line in lines)
