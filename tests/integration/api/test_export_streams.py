"""Exports while time passes: slow clients, rows that come and go, and what breaks meanwhile."""

import asyncio
import contextlib
import gc
import re
from datetime import UTC, datetime, timedelta

import asyncpg
import psutil
import pytest

from tests.integration.api.conftest import Running, ready, serving
from tests.integration.api.log_rows import Log
from tests.support.downloads import Download, Incomplete, opened, parsed
from tests.support.eventually import eventually
from tests.support.many_rows import filled
from tests.support.servers import Broker, Database, Postgres
from trigger_api.adapters.database import ReadDatabase as Reads
from trigger_api.adapters.log.export_pages import PostgresLogPages
from trigger_api.domain.log.exports import file_of
from trigger_api.domain.queries import ExportQuery
from trigger_api.handlers.exports import Exports
from trigger_local.secrets import Secrets
from trigger_runtime.process.clock import SystemClock

EXPORT = "/events/export"
MEMORY = 32 * 1024 * 1024
"""What an export may take beyond what the process had: a fraction of the test's body."""


async def test_what_arrives_after_the_beginning_is_not_in_it(
    gateway: Running, log: Log, empty_database: Database
) -> None:
    await filled(empty_database, 40_000)
    async with opened(gateway.url, EXPORT, gateway.secrets.api_key) as download:
        begun = await download.chunk()
        newer = str(await log.add())
        body = begun + await download.rest()
    found = [row["id"] for row in parsed(body)]
    assert len(set(found)) == len(found) == 40_000
    assert newer not in found
    again = parsed((await gateway.http.get(EXPORT, params={"trigger_id": "t"})).content)
    assert [row["id"] for row in again] == [newer]


async def test_a_stalled_download_holds_nothing_in_the_database(
    gateway: Running, empty_database: Database
) -> None:
    await filled(empty_database, 60_000)
    async with opened(gateway.url, EXPORT, gateway.secrets.api_key) as download:
        await download.chunk()
        async with empty_database.connected() as admin:

            async def can_be_dropped() -> bool:
                # What drops an hour of the log needs: it would wait for any reader.
                async with admin.transaction():
                    await admin.execute(
                        "LOCK TABLE retention.event IN ACCESS EXCLUSIVE MODE NOWAIT"
                    )
                return await _is_at_rest(admin)

            await eventually(can_be_dropped, what="nothing is held for a client that takes nothing")
        assert await download.count() > 0


async def _is_at_rest(admin: asyncpg.Connection) -> bool:
    return not await admin.fetchval(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
        " AND usename = 'etp_api' AND (state <> 'idle' OR backend_xmin IS NOT NULL)"
    )


async def test_what_expires_meanwhile_is_not_sent(
    gateway: Running, empty_database: Database
) -> None:
    await filled(empty_database, 60_000, timedelta(milliseconds=300))
    async with opened(gateway.url, EXPORT, gateway.secrets.api_key) as download:
        begun = await download.chunk()
        async with empty_database.connected() as admin:
            await eventually(lambda: _is_at_rest(admin), what="the gateway waits for the client")
            await shorten(admin, active=timedelta(minutes=50), kept=timedelta(minutes=70))
            living = await admin.fetchval("SELECT count(*) FROM retention.events")
        rows = parsed(begun + await download.rest())
    assert 20_000 < living < 60_000
    assert 0 < len(rows) <= living
    oldest = datetime.fromisoformat(rows[-1]["logged_at"])
    assert datetime.now(UTC) - oldest < timedelta(minutes=71)
    by_archive = [row["state"] for row in rows]
    assert by_archive == sorted(by_archive)
    assert set(by_archive) == {"active", "archived"}


async def shorten(admin: asyncpg.Connection, active: timedelta, kept: timedelta) -> None:
    await admin.execute(
        "INSERT INTO retention.life_setting (active_for, kept_for) VALUES ($1, $2)", active, kept
    )


@pytest.mark.parametrize("state", [None, "active"])
async def test_a_row_that_was_read_is_not_given_out_past_its_boundary(
    empty_database: Database, state: str | None
) -> None:
    """A client that is slow within a page: what it was read as may not be true any more."""
    await filled(empty_database, 900, timedelta(milliseconds=15))
    async with empty_database.connected() as admin:
        # From a second on rows are over, the oldest first; the first page holds the newest 500.
        age = await admin.fetchval("SELECT now() - min(logged_at) FROM retention.event")
        life = age + timedelta(seconds=1)
        await shorten(admin, *((life, life * 2) if state else (life / 2, life)))
        view = f"retention.{state or 'events'}"

        clock = SystemClock()
        reads = Reads(
            empty_database.url("etp_api"),
            pool_size=1,
            timeout=timedelta(seconds=5),
            plans_each=True,
        )
        exports = Exports(
            log=PostgresLogPages(reads, clock),
            clock=clock,
            kept_for=timedelta(hours=48),
            limit=1,
            reading=1,
        )
        query = ExportQuery(state=state)
        async with exports.open(query, file_of(query, "", clock.now())) as bodies:
            found = parsed(await anext(bodies))

            async def some_are_over() -> bool:
                left = await admin.fetchval(f"SELECT count(*) FROM {view}")
                return len(found) < left < 400

            await eventually(some_are_over, what="rows of the page are past their boundary")
            living = await admin.fetchval(f"SELECT count(*) FROM {view}")
            async for body in bodies:
                found += parsed(body)
        await reads.close()
    assert len(found) <= living < 400


async def test_a_database_that_goes_away_leaves_an_unfinished_body(
    platform_streams: Broker,
    empty_database: Database,
    postgres: Postgres,
    secrets: Secrets,
    capsys: pytest.CaptureFixture[str],
) -> None:
    await filled(empty_database, 60_000)
    options = {"read_timeout": timedelta(seconds=1)}
    async with serving(platform_streams, empty_database, secrets, **options) as running:
        await ready(running)
        for kind in ("ndjson", "csv"):
            async with opened(running.url, EXPORT, secrets.api_key, format=kind) as download:
                assert download.status == 200
                await download.chunk()
                await postgres.kill()
                try:
                    cut = await download.until_cut()
                    refused = await running.http.get(EXPORT)
                finally:
                    await postgres.start()
            assert 0 < cut.count(b"\n") < 60_000
            assert (refused.status_code, refused.json()["code"]) == (503, "unavailable")
            assert refused.headers["retry-after"] == "1"
            await ready(running)
            printed = re.findall(r"export not finished.*request_id=(\S+)", capsys.readouterr().out)
            assert printed == [download.headers["x-request-id"]]
        assert (await running.http.get(EXPORT)).text.count("\n") == 60_000


async def test_a_first_page_that_takes_too_long_is_refused(
    platform_streams: Broker, empty_database: Database, secrets: Secrets
) -> None:
    options = {"read_timeout": timedelta(milliseconds=500)}
    async with serving(platform_streams, empty_database, secrets, **options) as running:
        async with empty_database.connected() as admin, admin.transaction():
            await admin.execute("LOCK TABLE retention.event IN ACCESS EXCLUSIVE MODE")
            response = await running.http.get(EXPORT)
            assert (response.status_code, response.json()["code"]) == (503, "unavailable")
            assert response.headers["retry-after"] == "1"
        assert (await running.http.get(EXPORT)).status_code == 200


async def test_only_so_many_at_once_and_one_that_leaves_makes_room(
    platform_streams: Broker,
    empty_database: Database,
    secrets: Secrets,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Nobody is to be taken for standing still, however busy the machine is.
    monkeypatch.setattr("trigger_api.handlers.places.STILL", timedelta(minutes=1))
    await filled(empty_database, 60_000)
    async with serving(platform_streams, empty_database, secrets, max_exports=2) as running:
        async with (
            opened(running.url, EXPORT, secrets.api_key) as first,
            opened(running.url, EXPORT, secrets.api_key, format="csv") as second,
        ):
            assert (first.status, second.status) == (200, 200)
            reading = [asyncio.create_task(_read_on(each)) for each in (first, second)]
            refused = await running.http.get(EXPORT)
            assert (refused.status_code, refused.json()["code"]) == (503, "unavailable")
            assert refused.headers["retry-after"] == "1"
            # Others read as ever.
            assert (await running.http.get("/events/?q=17")).status_code == 200
            first.abort()

            async def has_room() -> bool:
                return (await running.http.get(f"{EXPORT}?trigger_id=t1")).status_code == 200

            await eventually(has_room, what="the one that left makes room")
            assert not reading[1].done()
            for each in reading:
                each.cancel()


async def _read_on(download: Download) -> None:
    """Not fast, and without standing still: those keep their place."""
    with contextlib.suppress(Incomplete):
        while chunk := await download.chunk():
            assert chunk
            await asyncio.sleep(0.2)


async def test_a_client_that_takes_nothing_is_cut(
    platform_streams: Broker, empty_database: Database, secrets: Secrets
) -> None:
    await filled(empty_database, 60_000)
    options = {"max_exports": 1, "export_write_timeout": timedelta(milliseconds=300)}
    async with (
        serving(platform_streams, empty_database, secrets, **options) as running,
        opened(running.url, EXPORT, secrets.api_key) as download,
    ):

        async def has_room() -> bool:
            return (await running.http.get(f"{EXPORT}?trigger_id=t1")).status_code == 200

        await eventually(has_room, what="the one that takes nothing makes room")
        assert (await download.until_cut()).count(b"\n") < 60_000


async def test_memory_is_flat(gateway: Running, empty_database: Database) -> None:
    await filled(empty_database, 200_000, timedelta(milliseconds=30))
    process = psutil.Process()
    for kind in ("ndjson", "csv"):
        lines, size, most = 0, 0, 0
        gc.collect()
        before = process.memory_info().rss
        async with gateway.http.stream("GET", EXPORT, params={"format": kind}) as response:
            async for part in response.aiter_bytes():
                lines += part.count(b"\n")
                size += len(part)
                most = max(most, process.memory_info().rss)
        assert lines == 200_000 + (kind == "csv")
        assert size > 2 * MEMORY
        assert most - before < MEMORY, f"{(most - before) >> 20} MB for {size >> 20} MB"
