"""A log of full size in minutes: loaded by SQL, its hours closed, and settled."""

import time
from collections.abc import Callable, Sequence
from datetime import datetime

from bench.support.checks import expect_equal
from bench.support.servers import Servers

from .closing import Closed, close_all, close_one
from .loading import Hour, load_all
from .payloads import Notes

VACUUM_TIMEOUT_S = 600


async def fill(
    servers: Servers,
    made: Notes,
    hours: Sequence[Hour],
    now: datetime,
    say: Callable[[str], None],
) -> tuple[float, float, Closed]:
    """Seconds of loading and closing, and what closing one hour took."""
    say("loading")
    started = time.perf_counter()
    await load_all(servers, made, hours, now)
    loaded_s = time.perf_counter() - started
    say("closing")
    *older, newest, _ = [hour.start for hour in hours]
    closed = await close_one(servers, newest)
    started = time.perf_counter()
    await close_all(servers, older)
    closed_s = time.perf_counter() - started
    async with servers.database() as database:
        # What autovacuum would do some time later, among the questions.
        tables = "retention.event, retention.summary, retention.waiting_word"
        await database.execute(f"VACUUM ANALYZE {tables}", timeout=VACUUM_TIMEOUT_S)
        await database.execute("CHECKPOINT", timeout=VACUUM_TIMEOUT_S)
        rows = await database.fetchval("SELECT count(*) FROM retention.event", timeout=60)
    expect_equal(rows, sum(hour.rows for hour in hours), "loaded rows")
    return loaded_s, closed_s, closed
