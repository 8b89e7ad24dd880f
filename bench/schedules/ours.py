"""The platform as a candidate: the same workloads by the plumbing that the other scenarios have.

Its fires are noted at the broker's acknowledgement of the due event, when the fire is durable and
on its way; its CPU is that of all its processes until the last row is in the log.
"""

import asyncio
import json
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import Any

import psutil

from bench.support import creating as bench_creating
from bench.support.checks import expect, expect_equal, until
from bench.support.firing import Plan, Window, fire_on_platform, micros
from bench.support.http_load import Load, send
from bench.support.servers import Platform, platform, platform_in

from .measuring import FAR_MS, SURVIVAL_TIMEOUT_S, now_ms, sleep_until_ms
from .outcome import Outcome, as_json
from .stores import kill_all
from .workload import Workload

NAME = "Event Trigger Platform"
STORE = "NATS JetStream, PostgreSQL"
SETTINGS = "`etp up` as it is: one replica of each service, `sync_interval: always`"

IN_FLIGHT = 64
ABSENT = {404, 405}
"""What a gateway without the route for many at once answers."""
CRASH_LEAD_S = 8.0
"""Until everything was created, killed and started again."""


async def creating(count: int) -> dict[str, float]:
    """Seconds for ``count`` triggers due in a month: singly, and in bulk where that exists."""
    at = (now_ms() + FAR_MS) / 1000
    bodies = [
        json.dumps(
            {k: v for k, v in bench_creating.once(n, at + n).items() if k != "trigger_id"}
        ).encode()
        for n in range(count)
    ]
    async with platform() as servers:
        singly = await _post(servers, "/triggers/", "application/json", bodies)
        expect_equal(singly.statuses, {201: count}, "answers")
        await _expect_triggers(servers, count)
        took = {"singly": singly.seconds}
        started = time.perf_counter()
        bulk = await _post(servers, "/triggers/bulk", "application/x-ndjson", [b"\n".join(bodies)])
        if 202 in bulk.statuses:  # stored, and some not yet applied
            await until(
                partial(_has_triggers, servers, 2 * count), within=60, what="all are created"
            )
            took["bulk"] = time.perf_counter() - started
        elif not ABSENT & bulk.statuses.keys():
            expect_equal(bulk.statuses, {201: 1}, "answer")
            took["bulk"] = bulk.seconds
            await _expect_triggers(servers, 2 * count)
        return took


async def firing(workload: Workload) -> dict[str, Any]:
    """Exactly what was expected fired, or this fails."""

    def planned(begin: float) -> Plan:
        begin_ms = round(begin * 1000)
        firsts = [first / 1000 for first in workload.firsts(begin_ms)]
        if workload.every_ms is None:
            definitions = [bench_creating.once(n, at) for n, at in enumerate(firsts)]
            window = Window(begin)
        else:
            seconds = workload.every_ms // 1000
            definitions = [bench_creating.every(n, seconds, at) for n, at in enumerate(firsts)]
            window = Window(begin, begin + workload.rounds * seconds)
        ids = [definition["trigger_id"] for definition in definitions]
        expected = {(ids[n], micros(ms / 1000)) for n, ms in workload.occurrences(begin_ms)}
        return Plan(definitions, expected, window)

    fired = await fire_on_platform(workload.count, planned)
    outcome = Outcome(workload.fires, fired.acked, twice=0, early=0, strange=0)
    return as_json(outcome, fired.costs, workload.fires)


async def surviving(count: int) -> dict[str, Any]:
    """SIGKILL of every process between the creation and the instant, and ``etp up`` again."""
    with tempfile.TemporaryDirectory(prefix="etp-bench-") as name:
        async with platform_in(Path(name)) as servers:
            begin_ms = now_ms() + round(CRASH_LEAD_S * 1000)
            triggers = [bench_creating.once(n, begin_ms / 1000) for n in range(count)]
            await bench_creating.create_ahead(servers, triggers, begin_ms / 1000)
            expect(now_ms() < begin_ms, "creating the triggers took longer than allowed for")
            supervisor = psutil.Process(servers.pids["nats"]).ppid()
            kill_all(supervisor)
            await until(partial(_gone, supervisor), within=10, what="the supervisor is gone")
        async with platform_in(Path(name)) as servers:
            await sleep_until_ms(begin_ms)
            fires = 0
            while fires < count and now_ms() < begin_ms + SURVIVAL_TIMEOUT_S * 1000:
                fires = await _events(servers, "count(*)")
                await asyncio.sleep(0.1)
            distinct = await _events(servers, "count(DISTINCT trigger_id)")
            return {"of": count, "fired": distinct, "twice": fires - distinct}


async def _gone(pid: int) -> bool:
    """And reaped: the loop has heard of its end."""
    return not psutil.pid_exists(pid)


async def _events(servers: Platform, what: str) -> int:
    async with servers.database() as database:
        found = await database.fetchval(
            f"SELECT {what} FROM retention.event WHERE status = 'fired'"
        )
        return int(found)


async def _post(servers: Platform, path: str, kind: str, bodies: list[bytes]) -> Any:
    host, port = servers.address
    headers = (("X-API-KEY", servers.api_key), ("Content-Type", kind))
    connections = min(IN_FLIGHT, len(bodies))
    answers, _ = await send(Load(host, port, path, headers, bodies, connections))
    return answers


async def _has_triggers(servers: Platform, count: int) -> bool:
    async with servers.database() as database:
        return bool(await database.fetchval("SELECT count(*) FROM scheduler.trigger") == count)


async def _expect_triggers(servers: Platform, count: int) -> None:
    expect(await _has_triggers(servers, count), f"not {count} triggers")
