"""Who may ask, and what every answer carries."""

import asyncio
import re
import socket
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from tests.integration.api.conftest import Running, ready, serving
from tests.support.servers import Broker, Database
from trigger_contracts.targets.sealing import new_key, public_of
from trigger_local.secrets import Secrets


@pytest.mark.parametrize("path", ["/triggers/", "/events/", "/nowhere", "/triggers/x/fire"])
async def test_whatever_is_wrong_with_a_key_the_answer_is_the_same(
    gateway: Running, path: str
) -> None:
    right = gateway.secrets.api_key
    key_id = right.split(".")[0]
    bodies = set()
    async with gateway.without_key() as http:
        for headers in (
            {},
            {"X-API-KEY": ""},
            {"X-API-KEY": "your-secure-secret-key-123456"},
            {"X-API-KEY": f"{key_id}.wrong"},
            {"X-API-KEY": f"{right}x"},
            {"X-API-KEY": f"etp_unknown.{right.split('.')[1]}"},
            {"X-API-KEY": "x" * 10_000},
            {"X-API-KEY": "etp_ä.ü".encode()},
            {"Authorization": f"Basic {right}"},
            {"Authorization": "Bearer"},
        ):
            response = await http.post(path, headers=headers)
            assert response.status_code == 401
            assert response.headers["www-authenticate"] == "Bearer"
            problem = response.json()
            assert problem.pop("request_id") == response.headers["x-request-id"]
            bodies.add(str(problem))
    assert len(bodies) == 1


async def test_both_ways_to_send_a_key(gateway: Running) -> None:
    async with gateway.without_key() as http:
        for headers in (
            {"X-API-KEY": gateway.secrets.api_key},
            {"Authorization": f"Bearer {gateway.secrets.api_key}"},
            {"authorization": f"bearer {gateway.secrets.api_key}"},
        ):
            assert (await http.get("/events/", headers=headers)).status_code == 200


async def test_what_is_open_needs_no_key_and_works_offline(gateway: Running) -> None:
    async with gateway.without_key() as http:
        documents = ("/docs", "/openapi.json", "/asyncapi")
        for path in ("/health", "/ready", "/serving", "/metrics", *documents):
            response = await http.get(path)
            assert response.status_code == 200, path
        page = (await http.get("/docs")).text
        # Examples name addresses; nothing of the page is of one.
        assert (
            re.findall(r"""(?:src|href|srcset|action|data)\s*=\s*["']?(?:https?:)?//""", page) == []
        )
        assert "url(" not in page
        assert "@import" not in page
        assert "<script" not in page
        assert "/triggers/{trigger_id}/fire" in page
        assert (await http.get("/docs/style.css")).headers["content-type"].startswith("text/css")
        checks = (await http.get("/ready")).json()["checks"]
        assert checks == dict.fromkeys(("broker", "database", "schema", "streams", "clock"), "ok")
        messages = (await http.get("/asyncapi")).json()
        addresses = {channel["address"] for channel in messages["channels"].values()}
        assert "trigger.command.fire" in addresses
        assert "trigger.changed.*" in addresses


async def test_every_answer_has_the_security_headers(http: httpx.AsyncClient) -> None:
    for response in (
        await http.get("/health"),
        await http.get("/nowhere"),
        await http.post("/triggers/x/fire"),
        await http.get("/events/"),
    ):
        assert response.headers["x-content-type-options"] == "nosniff"
        assert response.headers["content-security-policy"].startswith("default-src 'self'")
        assert response.headers["x-request-id"]


async def test_a_callers_request_id_is_kept_if_it_is_harmless(http: httpx.AsyncClient) -> None:
    kept = await http.get("/nowhere", headers={"X-Request-ID": "abc-123"})
    assert kept.headers["x-request-id"] == kept.json()["request_id"] == "abc-123"
    replaced = await http.get("/nowhere", headers={"X-Request-ID": "a b; c"})
    assert replaced.headers["x-request-id"] != "a b; c"


@pytest.fixture
async def sealing_gateway(
    platform_streams: Broker,
    empty_database: Database,
    secrets: Secrets,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[Running]:
    """One that can seal secrets, and for which no name leads anywhere."""

    def unknown(*_: Any, **__: Any) -> Any:
        raise socket.gaierror

    key = public_of(new_key())
    async with serving(
        platform_streams, empty_database, secrets, sealing_public_key=key
    ) as running:
        await ready(running)
        monkeypatch.setattr(socket, "getaddrinfo", unknown)
        yield running


async def test_every_example_of_the_document_works(sealing_gateway: Running) -> None:
    """No scheduler runs: what is stored gets 202, valid as far as can be known."""
    gateway = sealing_gateway
    http = gateway.http
    stores_nothing = {"/schedules/preview", "/session"}
    document = (await http.get("/openapi.json")).json()
    examples = [
        (path, example["value"])
        for path, item in document["paths"].items()
        if "{" not in path
        for content in [item.get("post", {}).get("requestBody", {}).get("content", {})]
        for example in content.get("application/json", {}).get("examples", {}).values()
    ]
    assert examples

    async def works(path: str, body: Any) -> None:
        if "api_key" in body:
            body = {"api_key": gateway.secrets.api_key}  # nobody's stands in a document
        response = await http.post(path, json=body)
        is_dry = "dry_run" in body and body["dry_run"]
        expected = 200 if path in stores_nothing or is_dry else 202
        assert response.status_code == expected, (path, response.text)

    # Together: each of the stored waits in vain for its result.
    await asyncio.gather(*(works(path, body) for path, body in examples))
