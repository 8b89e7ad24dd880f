"""POST /triggers/bulk against real NATS and PostgreSQL and a stand-in for the scheduler."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from tests.integration.api.conftest import Running, ready, serving
from tests.integration.api.stand_in import StandInScheduler
from tests.integration.api.test_faults import SHORT
from tests.support.servers import Broker, Database
from trigger_contracts.bulk_body import MAX_BULK_BYTES
from trigger_contracts.topology import MAX_BODY_BYTES
from trigger_local.secrets import Secrets
from trigger_runtime.http.server import LINGER_BYTES

API = {"name": "a", "type": "api", "payload": {"n": 1}}
EVERY = {"name": "e", "type": "scheduled", "interval": "PT1H"}
NDJSON = {"Content-Type": "application/x-ndjson"}


def ndjson(*definitions: Any) -> bytes:
    return b"\n".join(json.dumps(one).encode() for one in definitions)


async def names(http: httpx.AsyncClient) -> list[str]:
    return sorted(shown["name"] for shown in (await http.get("/triggers/?limit=500")).json())


@pytest.mark.parametrize("slash", ["", "/"])
@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/json", json.dumps([API, EVERY], indent=2).encode()),
        ("application/vnd.shop+json; charset=utf-8", json.dumps([API, EVERY]).encode()),
        ("application/x-ndjson", ndjson(API, EVERY)),
        ("application/jsonl", b"\r\n" + ndjson(API, EVERY) + b"\r\n"),
        ("Application/NDJSON;charset=utf-8", ndjson(API, EVERY)),
    ],
)
async def test_both_forms_create(
    http: httpx.AsyncClient,
    scheduler: StandInScheduler,
    slash: str,
    content_type: str,
    body: bytes,
) -> None:
    response = await http.post(
        f"/triggers/bulk{slash}", content=body, headers={"Content-Type": content_type}
    )
    assert response.status_code == 201, response.text
    answer = response.json()
    assert (answer["created"], answer["refused"], answer["accepted"]) == (2, 0, 0)
    for line, definition in zip(answer["lines"], (API, EVERY), strict=True):
        assert line.keys() == {"line", "status", "id", "version"}
        shown = (await http.get(f"/triggers/{line['id']}")).json()
        assert shown["name"] == definition["name"]
    assert {command["actor"] for command in scheduler.commands} == {scheduler.commands[0]["actor"]}


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded"])
async def test_other_media_types_are_told_which_to_use(
    http: httpx.AsyncClient, content_type: str
) -> None:
    response = await http.post(
        "/triggers/bulk", content=ndjson(API), headers={"Content-Type": content_type}
    )
    assert response.status_code == 415
    assert "application/x-ndjson" in response.json()["detail"]


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        *((body, 422, "invalid") for body in (b"", b"{}", b"[]", b'{"name":"a","type":"api"}')),
        *((body, 400, "malformed-json") for body in (b"[", b"[{]", b"[1,]", b'[{"a":1,"a":2}]')),
        (b"[NaN]", 400, "malformed-json"),
        (b"[" + b"[" * 65 + b"]" * 65 + b"]", 400, "malformed-json"),
        (b'["' + b"a" * MAX_BODY_BYTES + b'"]', 413, "body-too-large"),
    ],
)
@pytest.mark.parametrize("query", ["", "?partial=true"])
async def test_a_body_that_is_no_array_of_definitions(
    http: httpx.AsyncClient, body: bytes, status: int, code: str, query: str
) -> None:
    response = await http.post(f"/triggers/bulk{query}", content=body)
    assert (response.status_code, response.json()["code"]) == (status, code)


async def test_a_body_is_counted_as_it_streams_in(http: httpx.AsyncClient) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while True:
            sent += 1024 * 1024
            yield b"\n" * 1024 * 1024

    # Answered while we are still sending, and closed once we have sent far too much: then the
    # answer may be lost on its way.
    with contextlib.suppress(httpx.TransportError):
        response = await http.post("/triggers/bulk", content=endless(), headers=NDJSON)
        assert response.status_code == 413
    assert MAX_BULK_BYTES < sent < 2 * MAX_BULK_BYTES + LINGER_BYTES


async def test_a_declared_length_is_refused_before_the_body(gateway: Running) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", gateway.url.rpartition(":")[2])
    head = (
        "POST /triggers/bulk HTTP/1.1\r\nHost: gateway\r\nContent-Type: application/json\r\n"
        f"X-API-KEY: {gateway.secrets.api_key}\r\nContent-Length: {MAX_BULK_BYTES + 1}\r\n\r\n"
    )
    writer.write(head.encode())
    assert (await reader.readline()).split()[1] == b"413"
    writer.close()


async def test_a_body_of_almost_the_limit_is_read(http: httpx.AsyncClient) -> None:
    body = b" " * (MAX_BULK_BYTES - 2) + b"[]"
    response = await http.post("/triggers/bulk", content=body)
    assert response.json()["detail"] == "there is no definition in it"


@pytest.mark.parametrize("query", ["partial=maybe", "parital=true"])
async def test_a_misspelt_parameter_creates_nothing(
    http: httpx.AsyncClient, scheduler: StandInScheduler, query: str
) -> None:
    response = await http.post(f"/triggers/bulk?{query}", json=[API])
    assert response.status_code == 422
    assert scheduler.commands == []


async def test_refusals_name_line_and_field_and_create_nothing(
    http: httpx.AsyncClient, scheduler: StandInScheduler
) -> None:
    body = b"\n" + ndjson(API, {**EVERY, "interval": 0}) + b"\n{\n" + ndjson({**API, "x~/y": 1})
    response = await http.post("/triggers/bulk", content=body, headers=NDJSON)
    assert response.status_code == 422
    assert response.headers["content-type"] == "application/problem+json"
    problem = response.json()
    assert problem["code"] == "invalid"
    assert problem["detail"].startswith("3 of 4 definitions are refused")
    pointers = [error["pointer"] for error in problem["errors"]]
    assert pointers == ["/1/interval", "/2", "/3/x~0~1y"]
    lines = [error["message"].partition(":")[0] for error in problem["errors"]]
    assert lines == ["line 3", "line 4", "line 5"]
    assert scheduler.commands == []


async def test_the_same_definition_is_refused_alone_and_among_many(
    http: httpx.AsyncClient, scheduler: StandInScheduler
) -> None:
    for wrong in (
        {**API, "trigger_id": "mine"},
        {**API, "command_id": "mine"},
        {**API, "paused": True},
        {**API, "payload_schema": {"type": 7}},
        {**EVERY, "timezone": "Mars/Olympus"},
        {**EVERY, "ends_at": "2020-01-01T00:00:00Z"},
        {"name": "c", "type": "scheduled", "cron": "61 * * * *"},
        {},
        [],
    ):
        alone = (await http.post("/triggers/", json=wrong)).json()
        many = (await http.post("/triggers/bulk?partial=true", json=[API, wrong])).json()
        (line,) = (line for line in many["lines"] if line["status"] == "refused")
        assert line["line"] == 2
        assert line["problem"]["code"] == alone["code"], wrong
        pointers = [error["pointer"] for error in line["problem"]["errors"]]
        assert pointers == [error["pointer"] for error in alone["errors"]]
    assert set(await names(http)) == {"a"}


async def test_a_silent_scheduler_leaves_them_accepted(
    platform_streams: Broker,
    empty_database: Database,
    secrets: Secrets,
    scheduler: StandInScheduler,
) -> None:
    async with serving(platform_streams, empty_database, secrets, **SHORT) as running:
        await ready(running)
        scheduler.silent = True
        key = {"Idempotency-Key": "k"}
        response = await running.http.post("/triggers/bulk", json=[API, EVERY], headers=key)
        assert response.status_code == 202
        assert [line["status"] for line in response.json()["lines"]] == ["accepted"] * 2
        scheduler.silent = False
        again = await running.http.post("/triggers/bulk", json=[API, EVERY], headers=key)
        assert again.status_code == 201
        assert [line["id"] for line in again.json()["lines"]] == [
            line["id"] for line in response.json()["lines"]
        ]


async def test_the_schedulers_refusal_is_a_line(
    http: httpx.AsyncClient, scheduler: StandInScheduler
) -> None:
    scheduler.problem = {
        "type": "urn:etp:problem:trigger-exists",
        "title": "A trigger with this id exists",
        "status": 409,
        "detail": "it exists",
        "code": "trigger-exists",
    }
    response = await http.post("/triggers/bulk", json=[API])
    assert response.status_code == 200
    (line,) = response.json()["lines"]
    assert line["status"] == "refused"
    assert line["problem"] == {"code": "trigger-exists", "detail": "it exists", "errors": []}


async def test_without_a_broker_it_says_what_is_stored(
    platform_streams: Broker,
    empty_database: Database,
    secrets: Secrets,
    scheduler: StandInScheduler,
) -> None:
    async with serving(platform_streams, empty_database, secrets, **SHORT) as running:
        await ready(running)
        await platform_streams.kill()
        try:
            response = await running.http.post("/triggers/bulk", json=[API, EVERY])
            assert response.status_code == 503
            assert response.headers["retry-after"] == "1"
            assert "of 2 definitions at least 0 are stored" in response.json()["detail"]
        finally:
            await platform_streams.start()
        await ready(running)
        assert (await running.http.post("/triggers/bulk", json=[API])).status_code == 201


async def test_a_key_is_needed_and_documented(gateway: Running) -> None:
    async with gateway.without_key() as anybody:
        assert (await anybody.post("/triggers/bulk", json=[API])).status_code == 401
        document = (await anybody.get("/openapi.json")).json()
    operation = document["paths"]["/triggers/bulk"]["post"]
    assert {"200", "201", "202", "401", "409", "413", "422"} <= operation["responses"].keys()
    assert operation["requestBody"]["content"].keys() == {
        "application/json",
        "application/x-ndjson",
    }
    assert {p["name"] for p in operation["parameters"]} == {"partial", "Idempotency-Key"}


async def test_the_documented_examples_work(
    http: httpx.AsyncClient, scheduler: StandInScheduler
) -> None:
    document = (await http.get("/openapi.json")).json()
    content = document["paths"]["/triggers/bulk"]["post"]["requestBody"]["content"]
    array = content["application/json"]["examples"]["array"]["value"]
    assert (await http.post("/triggers/bulk", json=array)).status_code == 201
    lines = content["application/x-ndjson"]["examples"]["lines"]["value"]
    response = await http.post("/triggers/bulk", content=lines, headers=NDJSON)
    assert response.status_code == 201
