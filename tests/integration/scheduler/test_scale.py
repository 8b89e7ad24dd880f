"""A million triggers: what the scheduler says to PostgreSQL costs what it cost with few.

The tables are filled by SQL (bench/support/filling.py) after they had been analysed with three
rows in them, and no autovacuum looks at them: statistics are as stale as they can be, until a
last stage analyses them.
"""

import contextlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest

from bench.support.filling import SPREAD, fill
from tests.integration.scheduler.conftest import Platform, now, once
from tests.support.plans import Executed, Session
from tests.support.servers import Database, Postgres
from trigger_contracts.subjects import Verb
from trigger_scheduler.adapters import statements

FEW, MANY, MOST = 3, 100_000, 1_000_000
BATCH = 500
DUE_AFTER = timedelta(hours=1)
"""Nothing is due by itself while the tests are busy; a claim that looks further ahead finds it."""
SOME_DUE = DUE_AFTER + SPREAD / 100
ALL_DUE = DUE_AFTER + SPREAD + timedelta(hours=1)

HOLDERS = 10
ROUNDS = 19
"""Batches that fire, of some 20 that ``SOME_DUE`` finds: so that the last is full, too."""

IDS = [f"filled-{number * 100 + 1}" for number in range(BATCH)]
PLACES = [-(number * 100 + 1) for number in range(BATCH)]
PAST = datetime(2020, 1, 1, tzinfo=UTC)
LATER = now() + timedelta(days=2)

GENERIC = {"plan_cache_mode": "force_generic_plan"}
"""What a driver's prepared statements come to after five executions, unless a session forbids."""


@dataclass(frozen=True, slots=True)
class Case:
    """A statement with arguments, the scans it may use, and pages for each row it touches."""

    sql: str
    arguments: tuple[Any, ...]
    scans: frozenset[str]
    pages: int


def case(sql: str, *arguments: Any, by: str, pages: int) -> Case:
    return Case(sql, arguments, frozenset(by.split(", ")), pages)


ADVANCED = (IDS, [LATER] * BATCH, [PAST] * BATCH, [1] * BATCH, [PAST] * BATCH, [0] * BATCH)
BY_ID = "Index Scan trigger_pkey"
CASES = {
    "claim, nothing due": case(
        statements.CLAIM, timedelta(), BATCH, by="Index Scan trigger_due", pages=10
    ),
    "claim, a hundredth due": case(
        statements.CLAIM, SOME_DUE, BATCH, by="Index Scan trigger_due", pages=4 * BATCH
    ),
    "claim, all due": case(
        statements.CLAIM, ALL_DUE, BATCH, by="Index Scan trigger_due", pages=4 * BATCH
    ),
    "earliest": case(statements.EARLIEST, timedelta(), by="Index Only Scan trigger_due", pages=10),
    "earliest after those due": case(
        statements.EARLIEST, SOME_DUE, by="Index Only Scan trigger_due", pages=10
    ),
    "overdue": case(statements.OVERDUE, 100_000, by="Index Only Scan trigger_due", pages=10),
    "oldest due": case(statements.OLDEST_DUE, 1, by="Index Scan trigger_due", pages=10),
    "erasure overdue": case(
        statements.ERASURE_OVERDUE, timedelta(), by="Index Only Scan trigger_over", pages=10
    ),
    "advance": case(
        statements.ADVANCE, *ADVANCED, by=f"{BY_ID}, ModifyTable trigger", pages=25 * BATCH
    ),
    "hold": case(statements.HOLD, IDS, by=BY_ID, pages=6 * BATCH),
    "change_seqs": case(statements.CHANGE_SEQS, IDS, by=BY_ID, pages=5 * BATCH),
    "states": case(statements.STATES, PLACES, by="Index Scan change_pkey", pages=5 * BATCH),
    "completions": case(
        statements.CLAIM_COMPLETIONS, BATCH, by="Index Scan trigger_completion", pages=10
    ),
    "checkpoints": case(
        statements.CLAIM_CHECKPOINTS, PAST, BATCH, by="Index Scan trigger_checkpoint", pages=10
    ),
    "erasable": case(statements.ERASABLE, PAST, BATCH, by="Index Scan trigger_over", pages=10),
    "accepted": case(statements.ACCEPTED, IDS, by="Index Scan change_command", pages=5 * BATCH),
    "projected_up_to": case(
        # From before the first: a rebuilt or mended index, with everything still to be passed.
        statements.PROJECTED_UP_TO,
        -MOST,
        LATER,
        by="Index Scan change_pkey",
        pages=1000,
    ),
}
STAGES = ("kept plans", "first plans", "generic plans", "generic plans, analysed")

Seen = Mapping[tuple[str, int], Mapping[str, Executed]]


@dataclass(frozen=True, slots=True)
class Filled:
    database: Database
    seen: Seen


@contextlib.asynccontextmanager
async def session(database: Database, **settings: str) -> AsyncIterator[Session]:
    """As the scheduler's own sessions, but for these settings."""
    settings = {"search_path": "scheduler", "jit": "off", **settings}
    connection = await asyncpg.connect(database.url("etp_scheduler"), server_settings=settings)
    try:
        yield Session(connection)
    finally:
        await connection.close()


async def see(by: Session) -> dict[str, Executed]:
    return {name: await by.explain(one.sql, *one.arguments) for name, one in CASES.items()}


@pytest.fixture(scope="module")
async def filled(postgres: Postgres) -> AsyncIterator[Filled]:
    database = await postgres.create_database("test_scale")
    seen: dict[tuple[str, int], Mapping[str, Executed]] = {}
    async with database.connected() as owner:
        for table in ("trigger", "change"):
            # Without a log of its writes the fill takes half as long; plans know nothing of it.
            await owner.execute(f"ALTER TABLE scheduler.{table} SET UNLOGGED")
            await owner.execute(f"ALTER TABLE scheduler.{table} SET (autovacuum_enabled = off)")
        await fill(owner, 1, FEW, due_after=DUE_AFTER)
        await owner.execute("VACUUM ANALYZE scheduler.trigger, scheduler.change")
        async with session(database, **statements.PLANNING) as veteran:
            for _ in range(6):  # a plan that is kept at all is kept by now
                await see(veteran)
            for first, count in ((FEW + 1, MANY), (MANY + 1, MOST)):
                await fill(owner, first, count, due_after=DUE_AFTER)
                seen["kept plans", count] = await see(veteran)
                async with session(database, **statements.PLANNING) as newcomer:
                    seen["first plans", count] = await see(newcomer)
        async with session(database, **GENERIC) as generic:
            seen["generic plans", MOST] = await see(generic)
            await owner.execute("ANALYZE scheduler.trigger, scheduler.change")
            seen["generic plans, analysed", MOST] = await see(generic)
    yield Filled(database, seen)
    await postgres.drop_database(database.name)


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("name", CASES)
async def test_a_statement_walks_its_index_and_visits_few_pages(
    filled: Filled, name: str, stage: str
) -> None:
    found = filled.seen[stage, MOST][name]
    assert found.scans == CASES[name].scans
    assert found.pages <= CASES[name].pages


@pytest.mark.parametrize("name", CASES)
async def test_ten_times_the_triggers_are_no_more_pages(filled: Filled, name: str) -> None:
    """But for a level of a tree, and for rows that lie closer together in a smaller table."""
    many, most = (filled.seen["first plans", count][name] for count in (MANY, MOST))
    assert most.pages <= 2 * many.pages + 10


async def test_claims_find_what_they_were_filled_with(filled: Filled) -> None:
    """The pages counted above were visited for full batches, not for want of rows."""
    seen = filled.seen["first plans", MOST]
    rows = {name: seen[name].rows for name in CASES if name.startswith(("claim", "hold"))}
    assert rows == {
        "claim, nothing due": 0,
        "claim, a hundredth due": BATCH,
        "claim, all due": BATCH,
        "hold": BATCH,
    }


async def test_a_claim_passes_what_ten_others_hold(filled: Filled) -> None:
    """Five replicas of two claimers each: it waits for none and visits their rows once."""
    taken: list[str] = []
    async with contextlib.AsyncExitStack() as stack:
        for _ in range(HOLDERS):
            holder = await stack.enter_async_context(session(filled.database))
            await holder.connection.execute("BEGIN")
            rows = await holder.connection.fetch(statements.CLAIM, ALL_DUE, BATCH)
            taken += [row["trigger_id"] for row in rows]
        last = await stack.enter_async_context(session(filled.database, **statements.PLANNING))
        found = await last.explain(statements.CLAIM, ALL_DUE, BATCH)
    assert len(set(taken)) == len(taken) == HOLDERS * BATCH
    assert found.rows == BATCH
    assert found.scans == {"Index Scan trigger_due"}
    assert found.pages <= 4 * BATCH * (HOLDERS + 1)


async def test_a_claim_does_not_walk_what_has_fired(filled: Filled) -> None:
    """Fires leave dead entries at the index's beginning, and no vacuum comes: claims clear them."""
    async with session(filled.database, **statements.PLANNING) as claiming:
        for _ in range(ROUNDS):
            async with claiming.connection.transaction():
                rows = await claiming.connection.fetch(statements.CLAIM, SOME_DUE, BATCH)
                ids = [row["trigger_id"] for row in rows]
                await claiming.connection.execute(statements.ADVANCE, ids, *ADVANCED[1:])
            assert len(ids) == BATCH
            found = await claiming.explain(statements.CLAIM, SOME_DUE, BATCH)
            assert found.pages <= 4 * BATCH


async def test_one_trigger_among_a_million_fires_on_time(
    filled: Filled, platform: Platform
) -> None:
    crowded = Platform(platform.broker, filled.database, platform.client, platform.admin)
    async with crowded.scheduler() as scheduler:
        created = await crowded.ask(Verb.CREATE, **once(timedelta(seconds=1)))
        (due,) = await crowded.fires(created["trigger_id"], 1)
        for database in scheduler.databases:
            async with database.connection() as connection:
                mode = await connection.fetchval("SHOW plan_cache_mode")
            assert mode == statements.PLANNING["plan_cache_mode"]
    assert timedelta() <= due.published_at - due.scheduled_for < timedelta(milliseconds=500)
