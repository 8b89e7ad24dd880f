"""What retention tells of the log: how much there is, what is overdue, what is not in it yet."""

from datetime import UTC, datetime, timedelta

import asyncpg
from nats.aio.client import Client
from prometheus_client import REGISTRY

from tests.integration.retention.conftest import Start
from tests.integration.retention.test_event_log import store_whatever_its_age, sweep
from tests.integration.retention.test_service import publish
from tests.support.eventually import eventually
from tests.support.plans import Session
from tests.unit.retention.factories import ago, make_entry, make_row
from trigger_contracts.topology import RETENTION_EVENTS
from trigger_retention.adapters import meter
from trigger_retention.adapters.event_log import HOURS_AHEAD, PostgresEventLog
from trigger_retention.adapters.statements import Statements
from trigger_retention.ports import LogMeasures
from trigger_runtime.consuming.lag import Lag

HELD = 200
"""Rows of an hour: some ten pages."""
MOST_PAGES = 600
"""A few of each partition's index, and the summary; all rows are on 600 more."""


def told(name: str, **labels: str) -> float | None:
    return REGISTRY.get_sample_value(name, labels)


async def stored(owner: asyncpg.Connection) -> bool:
    return bool(await owner.fetchval("SELECT EXISTS (SELECT FROM retention.event)"))


async def test_what_is_past_its_life_says_for_how_long(
    log: PostgresEventLog, owner: asyncpg.Connection
) -> None:
    empty = await log.measures()
    assert (empty.overdue, empty.rows) == (timedelta(), 0)
    ages = (timedelta(minutes=1), timedelta(hours=47), timedelta(hours=49), timedelta(hours=50))
    await store_whatever_its_age(owner, [make_row(datetime.now(UTC) - age) for age in ages])
    found = await log.measures()
    assert timedelta(0) <= found.overdue - timedelta(hours=2) < timedelta(minutes=1)
    assert found.rows == len(ages)
    await sweep(log)
    assert await log.measures() == LogMeasures(timedelta(), 2, HOURS_AHEAD)


async def test_looking_costs_little_however_much_there_is(
    log: PostgresEventLog, owner: asyncpg.Connection
) -> None:
    """Two days of partitions; of each the end of an index, and none is read through."""
    for hour in range(48):
        at = datetime.now(UTC) - timedelta(hours=hour)
        rows = [make_row(at - timedelta(seconds=second)) for second in range(HELD)]
        await store_whatever_its_age(owner, rows)
    await owner.execute("ANALYZE retention.event, retention.summary")
    seen = await Session(owner).explain(Statements("retention").measures)
    assert not [scan for scan in seen.scans if scan.startswith("Seq Scan event_2")]
    assert seen.pages < MOST_PAGES
    assert (await log.measures()).rows == 48 * HELD


async def test_an_event_is_timed_from_its_firing_to_its_row(
    service: Start, client: Client, owner: asyncpg.Connection
) -> None:
    before = told("etp_accept_to_log_seconds_count") or 0.0
    slow = told("etp_accept_to_log_seconds_bucket", le="5.0") or 0.0
    await service()
    await publish(client, make_entry(ago(seconds=20)), make_entry())
    await eventually(lambda: told("etp_accept_to_log_seconds_count") == before + 2)
    assert told("etp_accept_to_log_seconds_bucket", le="5.0") == slow + 1


async def test_the_lag_grows_while_the_projector_stands_still(
    service: Start, client: Client, owner: asyncpg.Connection
) -> None:
    """And is not known without the broker: no good value stays."""
    parts = await service()
    lag = Lag(
        parts.connection,
        [RETENTION_EVENTS],
        timeout=timedelta(seconds=2),
        every=timedelta(seconds=0.1),
        on_looked=meter.unprojected,
    )
    loop = lag.loop()
    loop.start()
    both = ("etp_retention_lag_seconds", "etp_unprojected_oldest_seconds")
    labels = {"stream": "TRIGGER_EVENTS", "consumer": "retention"}
    try:
        await publish(client, make_entry())
        # It was 0 before that one came, too.
        await eventually(lambda: stored(owner), within=20)
        await eventually(lambda: all(told(name) == 0.0 for name in both), within=20)
        async with owner.transaction():
            await owner.execute("LOCK TABLE retention.event IN EXCLUSIVE MODE")
            await publish(client, make_entry())
            await eventually(lambda: all((told(name) or 0) > 1.5 for name in both), within=20)
            assert (told("etp_consumer_oldest_seconds", **labels) or 0) > 1.5
            waiting = ("etp_consumer_pending", "etp_consumer_ack_pending")
            assert sum(told(name, **labels) or 0 for name in waiting) == 1
        await eventually(lambda: all(told(name) == 0.0 for name in both), within=20)
        await parts.connection.close()
        await eventually(lambda: all(told(name) is None for name in both), within=20)
        assert told("etp_consumer_oldest_seconds", **labels) is None
    finally:
        await loop.stop()
