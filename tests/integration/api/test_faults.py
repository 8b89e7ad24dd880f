"""What the gateway does while something it needs is away, and how it stops."""

import asyncio
import signal
from datetime import timedelta
from typing import Any

import httpx
import pytest

from tests.integration.api.conftest import ready, serving
from tests.integration.api.gateway_process import gateway_process
from tests.integration.api.stand_in import StandInScheduler
from tests.support.eventually import eventually
from tests.support.servers import Broker, Database, Postgres
from trigger_api.entrypoints.bodies import Bodies
from trigger_contracts.topology import COMMANDS, MAX_BODY_BYTES
from trigger_local.secrets import Secrets

API_TRIGGER = {"name": "a", "type": "api", "payload_schema": {"type": "integer"}}
SHORT = {
    "publish_timeout": timedelta(milliseconds=300),
    "command_timeout": timedelta(milliseconds=300),
    "read_timeout": timedelta(seconds=1),
}


async def is_serving(http: httpx.AsyncClient) -> bool:
    answer = await http.get("/serving")
    assert answer.json()["status"] == "serving", answer.json()
    return answer.status_code == 200


async def test_without_a_broker_reads_work_and_writes_are_refused(
    platform_streams: Broker,
    empty_database: Database,
    secrets: Secrets,
    scheduler: StandInScheduler,
) -> None:
    async with serving(platform_streams, empty_database, secrets, **SHORT) as running:
        http = running.http
        await ready(running)
        created = await http.post("/triggers/", json=API_TRIGGER)
        location = created.headers["location"]
        await platform_streams.kill()
        try:
            for response in (
                await http.post("/triggers/", json=API_TRIGGER),
                await http.patch(location, json={"name": "b"}),
                await http.delete(location),
                await http.post(f"{location}/fire", json={"payload": 1}),
                await http.post(
                    f"{location}/fire", json={"payload": 1}, headers={"Idempotency-Key": "k"}
                ),
                await http.post("/test/api/", json={"payload": 1}),
            ):
                assert response.status_code == 503
                assert response.json()["code"] == "unavailable"
                assert response.headers["retry-after"] == "1"
            assert (await http.get(location)).status_code == 200
            assert (await http.get("/events/")).status_code == 200
            assert (await http.get("/health")).status_code == 200
            report = await http.get("/ready")
            assert report.status_code == 503
            assert report.json()["checks"]["database"] == "ok"
            assert report.json()["checks"]["broker"] != "ok"
            assert await is_serving(http), "reads go on"
        finally:
            await platform_streams.start()
        await ready(running)

        async def fired() -> bool:
            answer = await http.post(f"{location}/fire", json={"payload": 1})
            return answer.status_code == 202

        await eventually(fired)

        async def edited() -> bool:
            # Results are heard again: the inbox outlives the broker's restart.
            return (await http.patch(location, json={"name": "b"})).status_code == 200

        await eventually(edited)


async def test_the_broker_may_be_away_at_the_start(
    platform_streams: Broker, empty_database: Database, secrets: Secrets
) -> None:
    await platform_streams.stop()
    async with serving(platform_streams, empty_database, secrets, **SHORT) as running:
        try:
            assert (await running.http.get("/triggers/")).status_code == 200
            assert (await running.http.get("/ready")).status_code == 503
            assert await is_serving(running.http)
            assert (await running.http.post("/test/api/", json={"payload": 1})).status_code == 503
        finally:
            await platform_streams.start()
        await ready(running)
        assert (await running.http.post("/test/api/", json={"payload": 1})).status_code == 202


async def test_without_a_database_fires_and_writes_are_accepted(
    platform_streams: Broker,
    empty_database: Database,
    postgres: Postgres,
    secrets: Secrets,
    scheduler: StandInScheduler,
) -> None:
    async with serving(platform_streams, empty_database, secrets, **SHORT) as running:
        http = running.http
        await ready(running)
        created = await http.post("/triggers/", json=API_TRIGGER)
        location = created.headers["location"]
        scheduler.silent = True
        await postgres.kill()
        try:
            # A payload that its schema forbids: nobody can tell here, so the executor will.
            assert (await http.post(f"{location}/fire", json={"payload": "x"})).status_code == 202
            assert (await http.post("/triggers/nowhere/fire")).status_code == 202
            # Under a key there is one event, whether anybody could check it or not.
            keyed = {"Idempotency-Key": "k"}
            fires = [
                http.post(f"{location}/fire", json={"payload": 1}, headers=keyed) for _ in range(3)
            ]
            answers = await asyncio.gather(*fires)
            assert {answer.status_code for answer in answers} == {202}
            assert len({answer.json()["event_id"] for answer in answers}) == 1
            other = await http.post(f"{location}/fire", json={"payload": 2}, headers=keyed)
            assert other.status_code == 409
            assert (await http.post("/triggers/", json=API_TRIGGER)).status_code == 202
            for path in ("/triggers/", location, "/events/", f"{location}/history"):
                response = await http.get(path)
                assert response.status_code == 503, path
                assert response.headers["retry-after"] == "1"
            report = (await http.get("/ready")).json()
            assert report["checks"]["broker"] == "ok"
            assert report["checks"]["database"] != "ok"
            assert await is_serving(http), "writes are stored"
        finally:
            await postgres.start()
        await ready(running)
        for path in ("/triggers/", location, "/events/"):
            assert (await http.get(path)).status_code == 200, path


@pytest.mark.parametrize("gone", ["scheduler", "retention"])
async def test_without_its_tables_the_database_is_away(
    platform_streams: Broker,
    empty_database: Database,
    secrets: Secrets,
    scheduler: StandInScheduler,
    gone: str,
) -> None:
    """Until they are made anew: no read is a fault of ours, and nobody sees an empty list."""
    async with (
        serving(platform_streams, empty_database, secrets, **SHORT) as running,
        empty_database.connected() as admin,
    ):
        http = running.http
        await ready(running)
        scheduler.silent = True
        await admin.execute(f"ALTER SCHEMA {gone} RENAME TO gone")
        try:
            path = {"scheduler": "/triggers/", "retention": "/events/"}[gone]
            response = await http.get(path)
            assert (response.status_code, response.headers["retry-after"]) == (503, "1")
            assert (await http.post("/triggers/", json=API_TRIGGER)).status_code == 202
            response = await http.get("/ready")
            assert response.status_code == 503
            assert response.json()["checks"]["database"] == "DatabaseNotProvisioned"
        finally:
            await admin.execute(f"ALTER SCHEMA gone RENAME TO {gone}")
        await ready(running)
        assert (await http.get(path)).status_code == 200


async def test_a_database_that_hangs_does_not_hold_up_fires(
    platform_streams: Broker,
    empty_database: Database,
    secrets: Secrets,
    scheduler: StandInScheduler,
) -> None:
    async with serving(platform_streams, empty_database, secrets, **SHORT) as running:
        http = running.http
        await ready(running)
        location = (await http.post("/triggers/", json=API_TRIGGER)).headers["location"]
        async with empty_database.connected() as admin, admin.transaction():
            # Whoever reads the view waits for this lock.
            await admin.execute("LOCK TABLE scheduler.trigger IN ACCESS EXCLUSIVE MODE")
            fires = [http.post(f"{location}/fire", json={"payload": 1}) for _ in range(20)]
            answers = await asyncio.wait_for(asyncio.gather(*fires), 5)
            assert {answer.status_code for answer in answers} == {202}
            assert (await http.get(location)).status_code == 503
        assert (await http.get(location)).status_code == 200


async def test_a_slow_body_is_cut_and_a_large_one_counted(
    platform_streams: Broker, empty_database: Database, secrets: Secrets
) -> None:
    options = {"body_timeout": timedelta(milliseconds=200)}
    async with serving(platform_streams, empty_database, secrets, **options) as running:
        for path in ("/triggers/", "/triggers/some/fire"):
            reader, writer = await _chunked(running.url, path, secrets.api_key)
            writer.write(b"3\r\n{  \r\n")  # and nothing more
            answer = (await asyncio.wait_for(reader.read(), 5)).decode()
            assert " 408 " in answer
            assert "body-too-slow" in answer
            writer.close()
            reader, writer = await _chunked(running.url, path, secrets.api_key)
            for _ in range(5):
                writer.write(b"10000\r\n%s\r\n" % (b"x" * 0x10000))
            assert b" 413 " in await asyncio.wait_for(reader.readline(), 5)
            writer.close()
        declared = {"Content-Length": str(MAX_BODY_BYTES + 1)}
        reader, writer = await _open(running.url)
        head = f"POST /triggers/ HTTP/1.1\r\nHost: x\r\nX-API-KEY: {secrets.api_key}\r\n"
        head += "".join(f"{k}: {v}\r\n" for k, v in declared.items())
        writer.write(f"{head}\r\n".encode())
        assert b" 413 " in await reader.readline()
        writer.close()


async def test_a_client_that_goes_away_leaves_no_trace(
    platform_streams: Broker, empty_database: Database, secrets: Secrets
) -> None:
    async with serving(platform_streams, empty_database, secrets) as running:
        for path in ("/triggers/", "/triggers/some/fire"):
            _, writer = await _chunked(running.url, path, secrets.api_key)
            writer.write(b"3\r\n{  \r\n")
            await writer.drain()
            writer.transport.abort()
        assert (await running.http.get("/health")).status_code == 200


async def test_limits_hold_to_the_byte() -> None:
    async def receive_once(body: bytes) -> Any:
        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": body, "more_body": False}

        return await Bodies(1).json({}, receive)

    exact = b'"' + b"x" * (MAX_BODY_BYTES - 2) + b'"'
    assert len(await receive_once(exact)) == MAX_BODY_BYTES - 2
    with pytest.raises(Exception, match="at most"):
        await receive_once(exact + b" ")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_the_process_serves_and_stops_when_told(
    platform_streams: Broker, empty_database: Database, secrets: Secrets, number: int
) -> None:
    async with gateway_process(
        platform_streams, empty_database, secrets, ETP_COMMAND_TIMEOUT="500ms"
    ) as started:
        async with httpx.AsyncClient(
            base_url=started.url, headers={"X-API-KEY": secrets.api_key}
        ) as http:

            async def is_ready() -> bool:
                return (await http.get("/ready")).status_code == 200

            async def is_in_hand() -> bool:
                async with platform_streams.connected() as admin:
                    stored = await admin.jetstream().stream_info(COMMANDS.name)
                return stored.state.messages == 1

            await eventually(is_ready, within=20)
            # A request in hand is answered: it waits for a scheduler that is not there.
            asked = asyncio.create_task(http.post("/test/api/", json={"payload": 1}))
            await eventually(is_in_hand)
            started.process.send_signal(number)
            assert (await asked).status_code == 202
        assert await asyncio.wait_for(started.process.wait(), 10) == 0
    logs = await started.said()
    assert "Traceback" not in logs
    assert secrets.api_key not in logs


async def _open(url: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    parsed = httpx.URL(url)
    return await asyncio.open_connection(parsed.host, parsed.port)


async def _chunked(
    url: str, path: str, api_key: str
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await _open(url)
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nX-API-KEY: {api_key}\r\n"
    writer.write(f"{head}Transfer-Encoding: chunked\r\n\r\n".encode())
    await writer.drain()
    return reader, writer
