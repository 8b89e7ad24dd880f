"""Takes the log along as a file, and says how fast, and in how much of the gateway's memory."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

import httpx

from bench.support.checks import expect_equal
from bench.support.servers import Platform
from bench.support.usage import Meter, memory_mib
from trigger_api.domain.log.exports import COLUMNS, Format

MEMORY_EVERY_S = 0.1
COPY_TIMEOUT_S = 300

_RANGE = "logged_at >= $1 AND logged_at < $2"
_BARE = {
    Format.CSV: "SELECT {columns} FROM retention.events WHERE {range}"
    " ORDER BY logged_at DESC, event_id DESC",
    Format.NDJSON: "SELECT row_to_json(one) FROM (SELECT {columns} FROM retention.events"
    " WHERE {range} ORDER BY logged_at DESC, event_id DESC) AS one",
}


@dataclass(frozen=True, slots=True)
class Exported:
    rows: int
    seconds: float
    mib: float
    memory_growth_mib: float
    """Of the gateway, at its highest."""
    gateway_cpu_s: float


async def take(
    servers: Platform, http: httpx.AsyncClient, wanted: Format, since: datetime, until: datetime
) -> Exported:
    """The rows of a range that is over."""
    asked = {"format": wanted.value, "from": since.isoformat(), "to": until.isoformat()}
    meter = Meter({"api": servers.pids["api"]})
    lines = size = 0
    started = time.perf_counter()
    async with _memory(servers) as memory:
        async with http.stream("GET", f"/events/export?{urlencode(asked)}") as answer:
            expect_equal(answer.status_code, 200, f"export as {wanted}")
            async for chunk in answer.aiter_bytes():
                lines += chunk.count(b"\n")
                size += len(chunk)
        seconds = time.perf_counter() - started
    async with servers.database() as database:
        rows = await database.fetchval(
            f"SELECT count(*) FROM retention.events WHERE {_RANGE}", since, until
        )
    expect_equal(lines - (wanted is Format.CSV), rows, f"rows of the export as {wanted}")
    cpu_s = meter.read()["api"].cpu_s
    return Exported(rows, seconds, size / 2**20, max(memory) - memory[0], cpu_s)


async def take_bare(servers: Platform, wanted: Format, since: datetime, until: datetime) -> float:
    """Seconds that PostgreSQL's COPY needs for the same rows."""

    async def drop(_: Any) -> None:
        return

    async with servers.database(timezone="UTC") as database:
        query = _BARE[wanted].format(columns=", ".join(COLUMNS), range=_RANGE)
        started = time.perf_counter()
        await database.copy_from_query(
            query,
            since,
            until,
            output=drop,
            format="csv" if wanted is Format.CSV else "text",
            timeout=COPY_TIMEOUT_S,
        )
        return time.perf_counter() - started


@contextlib.asynccontextmanager
async def _memory(servers: Platform) -> AsyncIterator[list[float]]:
    """MiB of the gateway's process, looked at again and again."""
    seen = [memory_mib("api", servers.pids["api"])]

    async def look() -> None:
        while True:
            await asyncio.sleep(MEMORY_EVERY_S)
            seen.append(memory_mib("api", servers.pids["api"]))

    looking = asyncio.create_task(look())
    try:
        yield seen
    finally:
        looking.cancel()
