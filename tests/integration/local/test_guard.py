"""Workers run by themselves project nothing backwards, and `/ready` says why."""

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from tests.support.eventually import eventually
from tests.support.many_rows import filled
from tests.support.servers import Broker, Database
from trigger_local import ports
from trigger_local.secrets import Secrets

STARTS_WITHIN = 60.0


class Worker:
    def __init__(self, process: asyncio.subprocess.Process, url: str) -> None:
        self.process = process
        self._url = url

    async def ready(self) -> tuple[int, dict[str, str]]:
        async with httpx.AsyncClient(trust_env=False) as client:
            answer = await client.get(f"{self._url}/ready")
        return answer.status_code, answer.json()["checks"]

    async def status(self, path: str) -> int:
        async with httpx.AsyncClient(trust_env=False) as client:
            return (await client.get(f"{self._url}{path}")).status_code

    async def until_ready(self) -> None:
        async def ready() -> bool:
            return (await self.ready())[0] == 200

        await eventually(ready, within=STARTS_WITHIN)

    async def until_it_says(self, *words: str) -> str:
        async def told() -> str | None:
            status, checks = await self.ready()
            text = checks["streams"]
            return text if status == 503 and all(word in text for word in words) else None

        told_text = await eventually(told, within=STARTS_WITHIN, what=f"it says {words}")
        assert told_text is not None
        return told_text


@contextlib.asynccontextmanager
async def worker(
    service: str, broker: Broker, database: Database, secrets: Secrets, **environment: str
) -> AsyncIterator[Worker]:
    port = ports.choose_free({broker.server.port})
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", f"trigger_{service}"),
        env={
            **os.environ,
            "ETP_NATS_URL": broker.url,
            "ETP_NATS_USER": service,
            "ETP_NATS_PASSWORD": secrets.nats[service],
            "ETP_DATABASE_URL": database.url(f"etp_{service}"),
            "ETP_HTTP_PORT": str(port),
            **environment,
        },
    )
    try:
        yield Worker(process, f"http://127.0.0.1:{port}")
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        await asyncio.wait_for(process.wait(), STARTS_WITHIN)


async def project(connection: Any, stream: str, seq: int) -> None:
    """Have PostgreSQL know the stream up to a sequence; 0 for nothing of it."""
    match stream:
        case "TRIGGER_CHANGES":
            await connection.execute("TRUNCATE scheduler.projection")
            if seq:
                await connection.execute(
                    "INSERT INTO scheduler.projection (change_seq) VALUES ($1)", seq
                )
        case "TRIGGER_DUE":
            await connection.execute("TRUNCATE scheduler.trigger")
            if seq:
                await connection.execute(
                    "INSERT INTO scheduler.trigger (trigger_id, creation_id, version, status,"
                    " is_test, type, name, labels, change_seq, created_at, updated_at, due_seq,"
                    " fires, recorded_fires, recorded_at, needs_completion) VALUES ('one', 'one',"
                    " 1, 'active', false, 'api', 'one', '{}', 0, now(), now(), $1, 0, 0, now(),"
                    " false)",
                    seq,
                )


@pytest.mark.parametrize("stream", ["TRIGGER_CHANGES", "TRIGGER_DUE"])
async def test_a_scheduler_ahead_of_its_streams_waits_and_says_why(
    platform_streams: Broker, empty_database: Database, secrets: Secrets, stream: str
) -> None:
    """It takes no command meanwhile, and goes on by itself once it is not ahead any more."""
    async with empty_database.connected() as admin:
        await project(admin, stream, 7)
        async with (
            worker("scheduler", platform_streams, empty_database, secrets) as one,
            platform_streams.connected() as client,
        ):
            told = await one.until_it_says(f"{stream} ends at sequence 0", "up to sequence 7")
            assert "etp rebuild --accept-loss" in told
            jetstream = client.jetstream()
            await jetstream.publish("trigger.command.create", b'{"name": "a", "type": "api"}')

            async def waits() -> bool:
                # The server acknowledges a message before it tells the consumer of it.
                consumer = await jetstream.consumer_info("TRIGGER_COMMANDS", "scheduler")
                return consumer.num_pending == 1

            await eventually(waits, what="the command waits")
            assert await admin.fetchval("SELECT count(*) FROM scheduler.change") == 0
            await project(admin, stream, 0)
            await one.until_ready()

            async def applied() -> bool:
                return bool(await admin.fetchval("SELECT count(*) FROM scheduler.change"))

            await eventually(applied, within=STARTS_WITHIN)


async def test_a_worker_whose_stream_is_removed_ends_and_does_not_begin_again(
    platform_streams: Broker, empty_database: Database, secrets: Secrets
) -> None:
    async with (
        worker("executor", platform_streams, empty_database, secrets) as one,
        platform_streams.connected() as client,
    ):
        await one.until_ready()
        await client.jetstream().publish("trigger.changed.one", b"{}")
        await client.jetstream().delete_stream("TRIGGER_DUE")
        assert await asyncio.wait_for(one.process.wait(), STARTS_WITHIN) == 1
    async with worker("executor", platform_streams, empty_database, secrets) as one:
        await one.until_it_says("not provisioned: TRIGGER_DUE", "etp provision")
        assert one.process.returncode is None


async def test_retention_ahead_of_the_events_waits_and_says_why(
    platform_streams: Broker, empty_database: Database, secrets: Secrets
) -> None:
    await filled(empty_database, 7)
    async with worker("retention", platform_streams, empty_database, secrets) as one:
        await one.until_it_says("TRIGGER_EVENTS ends at sequence 0", "up to sequence 7")
    async with empty_database.connected() as admin:
        assert await admin.fetchval("SELECT count(*) FROM retention.event") == 7


async def test_a_stream_made_anew_before_the_next_look_is_noticed(
    platform_streams: Broker, empty_database: Database, secrets: Secrets
) -> None:
    """What was projected since the last look counts, although nobody saw the stream so long."""
    async with (
        worker("scheduler", platform_streams, empty_database, secrets) as one,
        platform_streams.connected() as client,
        empty_database.connected() as admin,
    ):
        await one.until_ready()
        await project(admin, "TRIGGER_CHANGES", 7)
        jetstream = client.jetstream(timeout=10)
        config = (await jetstream.stream_info("TRIGGER_CHANGES")).config
        await jetstream.delete_stream("TRIGGER_CHANGES")

        async def made_anew() -> bool:
            await jetstream.add_stream(config)
            return True

        await eventually(made_anew)
        assert await asyncio.wait_for(one.process.wait(), STARTS_WITHIN) == 1
