"""D. Creating triggers: singly by REST, and in bulk by NATS commands."""

import json
import time
from typing import Any

from bench.bare import creating as bare_creating
from bench.sizes import Sizes
from bench.support.checks import expect_equal
from bench.support.creating import once, publish_creates
from bench.support.figures import Figure, Result, spread, spread_figures
from bench.support.http_load import Answers, Load, send
from bench.support.servers import Platform, bare_servers, platform
from bench.support.usage import Meter
from bench.support.workers import Worker

FAR_S = 30 * 24 * 3600
"""The triggers are due in a month: nothing fires while they are created."""


async def creates(sizes: Sizes) -> Result:
    count = sizes.created
    at = float(int(time.time())) + FAR_S
    definitions = [once(number, at + number) for number in range(count)]
    async with platform() as servers:
        meter = Meter(servers.pids)
        rest = await _by_rest(servers, definitions, sizes.connections)
        costs = meter.read()
        await _check(servers, count)
        stored_s, answered_s = await publish_creates(servers, definitions, answered=True)
        await _check(servers, 2 * count)
        await servers.check_alive()
    async with bare_servers() as bare:
        meter = Meter(bare.pids)
        forms = bare_creating.bare_form(definitions, "r")
        async with Worker(
            "creator", bare_creating.singly, bare, forms, sizes.connections
        ) as worker:
            await worker.ready()
            singly_s = await worker.report(within=300)
            bare_costs = {"creator": worker.cost, **meter.read()}
        forms = bare_creating.bare_form(definitions, "b")
        async with Worker("bulk", bare_creating.in_bulk, bare, forms) as worker:
            await worker.ready()
            bulk_s = await worker.report(within=300)
        async with bare.database() as database:
            rows = await database.fetchval("SELECT count(*) FROM due")
            expect_equal(rows, 2 * count, "bare rows")
    return Result(
        title="creating triggers",
        did=f"{count:,} one-time triggers singly by POST /triggers/ over {sizes.connections} "
        f"connections, then {count:,} by NATS commands in atomic batches of 500",
        figures=[
            Figure(
                "created a second, singly by REST",
                "/s",
                rest.per_second,
                count / singly_s,
                f"publish + INSERT each, {sizes.connections} at a time, no HTTP",
                "≥ 3,000",
            ),
            *spread_figures(
                "latency of a create by REST",
                "ms",
                spread([s * 1000 for s in rest.latencies_s]),
                None,
            ),
            Figure(
                "created in bulk by NATS, to the last answer",
                "s",
                answered_s,
                bulk_s,
                "batches + unnest inserts",
                f"≤ {count / 10_000:g}",
            ),
            Figure("the same, to the last command stored", "s", stored_s),
        ],
        costs=costs,
        bare_costs=bare_costs,
        notes=("CPU and memory are those of the creates by REST.",),
    )


async def _by_rest(
    servers: Platform, definitions: list[dict[str, Any]], connections: int
) -> Answers:
    host, port = servers.address
    bodies = [
        json.dumps({k: v for k, v in fields.items() if k != "trigger_id"}).encode()
        for fields in definitions
    ]
    headers = (("X-API-KEY", servers.api_key), ("Content-Type", "application/json"))
    answers, _ = await send(Load(host, port, "/triggers/", headers, bodies, connections))
    expect_equal(answers.statuses, {201: len(bodies)}, "answers")
    return answers


async def _check(servers: Platform, count: int) -> None:
    async with servers.database() as database:
        found = await database.fetchrow(
            "SELECT count(*) AS rows, count(DISTINCT trigger_id) AS triggers,"
            " count(next_fire_at) AS armed FROM scheduler.triggers"
        )
    expect_equal(tuple(found or ()), (count, count, count), "triggers, distinct and armed")
