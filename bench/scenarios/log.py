"""F. The event log at full size: asked, taken along and expired while events arrive."""

import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import httpx

from bench.log import arrivals, caches, plans, write_load
from bench.log.arrivals import all_there, begun_at, check_ids, first_arrived
from bench.log.expiring import expire
from bench.log.export_load import Exported, take, take_bare
from bench.log.filling import fill
from bench.log.loading import Hour, hours_until
from bench.log.payloads import Notes, notes
from bench.log.query_load import ask, check, client, page_deep
from bench.log.questions import Question, questions
from bench.log.report import ComparedQuery, Found, Plan, QueryResult, told
from bench.log.sql_capture import Bare, Statement, bare, recorder
from bench.sizes import Sizes
from bench.support.checks import expect, expect_equal
from bench.support.event_ids import lowest_uuid7
from bench.support.figures import Result, spread
from bench.support.servers import Platform, platform
from bench.support.usage import Meter
from bench.support.workers import Worker
from trigger_api.domain.log.exports import Format
from trigger_retention.domain.hours import HOUR, partition_name

from .projection import events_of, publish

SAMPLES = 200
"""Rows whose ids and words are asked for."""
VARIANTS_RECORDED = 20
"""Of a question, by which the bare one is asked; their plans are alike."""

_SAMPLES = """
SELECT event_id::text, payload->>'order_id' AS order_id
FROM retention.event TABLESAMPLE SYSTEM (1)
WHERE payload IS NOT NULL AND stream_seq < 0 ORDER BY hashint8(stream_seq) LIMIT $1
"""

Asking = Sequence[tuple[Question, list[list[Statement]]]]


async def at_full_size(sizes: Sizes) -> Result:
    made = notes()
    now = _now()
    hours = hours_until(now, sizes.logged)
    async with platform() as servers:
        with servers.stopped("retention"):
            loaded_s, closed_s, closed = await fill(servers, made, hours, now, _say)
        begun = begun_at(_now())
        async with (
            Worker("writer", write_load.write, servers, sizes.arriving) as writer,
            client(servers) as http,
            bare(servers) as directly,
        ):
            await writer.ready()
            await first_arrived(servers, begun)
            asking = await _asking(servers, http, made, sizes)
            explained = await _plans(directly, asking, hours)
            open_first = await _open_rows(servers)
            meter = Meter(servers.pids, without=directly.backends)
            asked = [
                await _asked(servers, one, sizes, directly, statements)
                for one, statements in asking
            ]
            costs = meter.read()
            open_last = await _open_rows(servers)
            other_caches = await _other_caches(servers, asking, sizes)
            taken = await _taken(servers, http, hours, sizes)
            _say("expiring an hour")
            expired = await expire(servers, http, made, now, sizes.logged + 1, hours[0].rows)
            arrived = await arrivals.arrived(servers, writer, begun)
        caught_up_s = await _catch_up(servers, sizes.projected)
        await _check_loaded(servers, hours)
        await servers.check_alive()
    return told(
        Found(
            rows=sizes.logged,
            per_second=sizes.arriving,
            loaded_s=loaded_s,
            closed_s=closed_s,
            closed=closed,
            asked=asked,
            other_caches=other_caches,
            taken=taken,
            expired=expired,
            arrived=arrived,
            caught_up=sizes.projected,
            caught_up_s=caught_up_s,
            open_rows=(open_first, open_last),
            plans=explained,
            costs=costs,
        )
    )


async def _asking(
    servers: Platform, http: httpx.AsyncClient, made: Notes, sizes: Sizes
) -> list[tuple[Question, list[list[Statement]]]]:
    """The questions, each with what some of its variants send to PostgreSQL."""
    _say(f"going {sizes.deep} pages deep")
    async with servers.database() as database:
        rows = await database.fetch(_SAMPLES, SAMPLES)
    asked = questions(
        made,
        order_ids=[row["order_id"] for row in rows],
        event_ids=[row["event_id"] for row in rows],
        page=sizes.deep,
        deep=await page_deep(http, sizes.deep),
        # Neither the range nor a bucket begins where a minute does.
        since=_now() - timedelta(hours=7, seconds=1),
    )
    async with recorder(servers) as recording:
        found = []
        for question in asked:
            await check(http, question)
            paths = question.paths[:VARIANTS_RECORDED]
            found.append((question, [await recording.statements_of(path) for path in paths]))
    return found


async def _plans(directly: Bare, asking: Asking, hours: Sequence[Hour]) -> list[Plan]:
    """Of the first variant of each question, each plan once.

    Fails for one that reads a closed hour from end to end.
    """
    _say("explaining")
    closed = [partition_name(hour.start) for hour in hours[:-1]]
    found: list[Plan] = []
    known: set[tuple[object, ...]] = set()
    wrong: list[str] = []
    for question, variants in asking:
        for number, statement in enumerate(variants[0], 1):
            text, top = await plans.explained(directly, statement)
            name = question.name + (f", statement {number}" if len(variants[0]) > 1 else "")
            if statement.shape not in known:
                known.add(statement.shape)
                found.append(Plan(name, plans.in_short(top), plans.shortened(text)))
            if plans.read_whole(top, closed):
                wrong.append(f"{name}: {plans.in_short(top)}")
    expect(not wrong, "\n".join(["closed hours are read from end to end", *wrong]))
    return found


async def _asked(
    servers: Platform,
    question: Question,
    sizes: Sizes,
    directly: Bare,
    variants: Sequence[Sequence[Statement]],
) -> ComparedQuery:
    _say(question.name)
    latencies = await ask(servers, servers.address, question, sizes.asked_s)
    return ComparedQuery(question, latencies, spread(await directly.ask(variants, sizes.asked_s)))


async def _other_caches(
    servers: Platform, asking: Asking, sizes: Sizes
) -> dict[str, list[QueryResult]]:
    """What a cache could answer, asked of gateways with another one."""
    found: dict[str, list[QueryResult]] = {}
    for where, gateway in caches.GATEWAYS.items():
        async with gateway(servers) as address:
            found[where] = []
            for question, _ in asking:
                if question.is_kept:
                    _say(f"{question.name}, {where}")
                    latencies = await ask(servers, address, question, sizes.asked_s)
                    found[where].append(QueryResult(question, latencies))
    return found


async def _taken(
    servers: Platform, http: httpx.AsyncClient, hours: Sequence[Hour], sizes: Sizes
) -> dict[Format, tuple[Exported, float]]:
    end = hours[-1].start
    start = end - sizes.exported_hours * HOUR
    found = {}
    for form in Format:
        _say(f"export as {form}")
        taken = await take(servers, http, form, start, end)
        found[form] = (taken, await take_bare(servers, form, start, end))
    return found


async def _catch_up(servers: Platform, count: int) -> float:
    """Seconds that retention needs for events that waited for it."""
    _say("catching up")
    begun = lowest_uuid7(_now())
    events = events_of(count)
    with servers.stopped("retention"):
        await publish(servers, events)
        continued = time.perf_counter()
    await all_there(servers, begun, count)
    seconds = time.perf_counter() - continued
    await check_ids(servers, begun, {event.event_id for event in events})
    return seconds


async def _check_loaded(servers: Platform, hours: Sequence[Hour]) -> None:
    """What was there before is there still; of the oldest hours some is over by now."""
    alive = hours[2:]
    async with servers.database() as database:
        rows = await database.fetchval(
            "SELECT count(*) FROM retention.event WHERE event_id >= $1 AND stream_seq < 0",
            lowest_uuid7(alive[0].start),
            timeout=60,
        )
    expect_equal(rows, sum(hour.rows for hour in alive), "rows loaded and still alive")


async def _open_rows(servers: Platform) -> int:
    this_hour = _now().replace(minute=0, second=0, microsecond=0)
    async with servers.database() as database:
        rows: int = await database.fetchval(
            "SELECT count(*) FROM retention.event WHERE event_id >= $1", lowest_uuid7(this_hour)
        )
    return rows


def _now() -> datetime:
    return datetime.fromtimestamp(time.time(), UTC)


def _say(what: str) -> None:
    print(f"  {what} …", file=sys.stderr, flush=True)
