"""The service's own adapters and its whole process, on the session's real servers."""

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest
from nats.aio.client import Client
from pydantic import SecretStr

from tests.support.servers import Broker, Database
from trigger_local.secrets import Secrets
from trigger_retention.adapters.event_log import PostgresEventLog
from trigger_retention.bootstrap import Retention, build
from trigger_retention.domain.hours import HOUR, partition_name
from trigger_retention.settings import Settings
from trigger_runtime.postgres.database import Database as Pool
from trigger_runtime.process.loops import Loop

MakeLog = Callable[..., PostgresEventLog]
Start = Callable[..., Awaitable[Retention]]


@pytest.fixture
def settings_of(broker: Broker, secrets: Secrets, database: Database) -> Callable[..., Settings]:
    def make(**fields: Any) -> Settings:
        return Settings(
            nats_url=broker.url,
            nats_user="retention",
            nats_password=SecretStr(secrets.nats["retention"]),
            database_url=SecretStr(database.url("etp_retention")),
            **fields,
        )

    return make


@pytest.fixture
async def make_log(
    empty_database: Database, settings_of: Callable[..., Settings]
) -> AsyncIterator[MakeLog]:
    """Replicas of the log's adapter, each with a pool of its own, on an empty table."""
    pools: list[Pool] = []

    def make(**options: Any) -> PostgresEventLog:
        pools.append(Pool(settings_of(), "test retention"))
        return PostgresEventLog(pools[-1], **{"quiet_for": timedelta(), **options})

    yield make
    for pool in pools:
        await pool.close()


@pytest.fixture
def log(make_log: MakeLog) -> PostgresEventLog:
    return make_log()


@pytest.fixture
async def owner(empty_database: Database) -> AsyncIterator[asyncpg.Connection]:
    """The superuser: looks behind the views, and ages rows."""
    async with empty_database.connected() as connection:
        yield connection


@pytest.fixture
async def service(
    platform_streams: Broker, empty_database: Database, settings_of: Callable[..., Settings]
) -> AsyncIterator[Start]:
    """Starts the service's parts in this process, as its process does; stopped after the test."""
    started: list[Retention] = []

    async def start(**fields: Any) -> Retention:
        parts = build(settings_of(**fields))
        started.append(parts)
        await parts.broker.start()
        sweep_of(parts).start()
        return parts

    yield start
    for parts in started:
        await stop(parts)


def sweep_of(parts: Retention) -> Loop:
    [sweep] = [loop for loop in parts.loops if loop.name == "sweep"]
    return sweep


async def stop(parts: Retention) -> None:
    await sweep_of(parts).stop()
    await parts.broker.stop()
    for publisher in parts.publishers:
        await publisher.flush()
    await parts.connection.close()
    await parts.database.close()


@contextlib.contextmanager
def replaced(target: Any, name: str, value: Any) -> Iterator[None]:
    """``target.name`` is ``value`` for the block: a fault hook."""
    before = getattr(target, name)
    setattr(target, name, value)
    try:
        yield
    finally:
        setattr(target, name, before)


@pytest.fixture
async def client(platform_streams: Broker) -> AsyncIterator[Client]:
    async with platform_streams.connected() as connection:
        yield connection


@pytest.fixture
async def at(owner: asyncpg.Connection) -> datetime:
    """The middle of the last hour but one: over whatever the clock says, and not closed yet."""
    this_hour = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    middle = this_hour - 1.5 * HOUR
    await owner.execute(f"DROP TABLE IF EXISTS retention.{partition_name(middle)}")
    return middle
