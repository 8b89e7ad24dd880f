"""HEAD and OPTIONS at every address, and what a 405 allows."""

import asyncio
import re
from pathlib import Path

import httpx
import pytest
from starlette.routing import Route

from tests.integration.api.conftest import Running
from tests.integration.api.log_rows import Log
from tests.integration.api.stand_in import StandInScheduler
from tests.integration.api.streams import metric
from tests.integration.api.test_triggers import create
from tests.support.raw_http import ask
from trigger_api.entrypoints.gateway import OPEN_PATHS

OF_THE_MOMENT = {"date", "x-request-id", "content-length", "transfer-encoding", "keep-alive"}
ENDLESS = {"/events/stream", "/events/export"}


def addresses(gateway: Running) -> dict[str, set[str]]:
    """The methods of each address, the twins with and without slash included."""
    found: dict[str, set[str]] = {}
    for route in gateway.built.app.routes:
        assert isinstance(route, Route)
        found.setdefault(route.path, set()).update(route.methods or ())
    return found


async def test_head_answers_as_get_without_a_body_at_every_address(
    gateway: Running, scheduler: StandInScheduler, log: Log
) -> None:
    trigger_id = (await create(gateway.http)).json()["id"]
    event_id = str(await log.add(trigger_id=trigger_id))
    key = f"X-API-KEY: {gateway.secrets.api_key}"
    asked = 0
    for path, methods in addresses(gateway).items():
        if "GET" not in methods:
            continue
        ids = {"trigger_id": trigger_id, "event_id": event_id}
        target = path.format(**ids, letter_id="none", target_id="none", delivery_id=event_id)
        head = await ask(gateway.url, "HEAD", target, [key])
        assert head.body == b"", path
        if target.rstrip("/") in ENDLESS:
            assert head.status == 200, path
            continue
        got = await ask(gateway.url, "GET", target, [key])
        assert head.status == got.status, path
        assert set(head.headers) == set(got.headers), path
        for name in set(head.headers) - OF_THE_MOMENT:
            assert head.headers[name] == got.headers[name], (path, name)
        if path not in {"/metrics", "/metrics/", "/ready", "/ready/"}:
            assert head.headers["content-length"] == got.headers["content-length"], path
        asked += 1
    assert asked > 20


async def test_head_of_what_is_refused_has_the_status_and_no_body(gateway: Running) -> None:
    key = f"X-API-KEY: {gateway.secrets.api_key}"
    for target, lines, status in (
        ("/triggers/none", [key], 404),
        ("/nowhere", [key], 404),
        ("/triggers/?colour=red", [key], 422),
        ("/triggers/", [], 401),
        ("/schedules/preview", [key], 405),
    ):
        answer = await ask(gateway.url, "HEAD", target, lines)
        assert (answer.status, answer.body) == (status, b""), target
        assert answer.headers["content-type"] == "application/problem+json"


async def test_head_of_a_stream_or_an_export_begins_neither(gateway: Running, log: Log) -> None:
    await log.add()
    key = f"X-API-KEY: {gateway.secrets.api_key}"
    answers = await asyncio.gather(
        *(ask(gateway.url, "HEAD", "/events/stream?last_event_id=0", [key]) for _ in range(20)),
        *(ask(gateway.url, "HEAD", "/events/export?format=csv", [key]) for _ in range(20)),
    )
    for n, answer in enumerate(answers):
        kind = "text/event-stream" if n < 20 else "text/csv; charset=utf-8; header=present"
        assert (answer.status, answer.body) == (200, b"")
        assert answer.headers["content-type"] == kind
    assert metric("etp_stream_readers") == 0
    # No place is taken: a real one has room.
    assert len((await gateway.http.get("/events/export")).text.splitlines()) == 1


async def test_options_tells_what_every_address_answers(gateway: Running) -> None:
    known = addresses(gateway)
    for path, methods in known.items():
        target = path.format(
            trigger_id="t", event_id="e", letter_id="l", target_id="g", delivery_id="d"
        )
        answer = await gateway.http.options(target)
        assert (answer.status_code, answer.content) == (204, b""), path
        allowed = set(answer.headers["allow"].split(", "))
        assert methods | {"OPTIONS"} <= allowed, path
        assert ("HEAD" in allowed) == ("GET" in allowed), path
    assert set((await gateway.http.options("/triggers/")).headers["allow"].split(", ")) == {
        *("GET", "HEAD", "OPTIONS", "POST")
    }
    assert (await gateway.http.options("/nowhere")).status_code == 404
    async with gateway.without_key() as http:
        assert (await http.options("/triggers/")).status_code == 401
        for path in OPEN_PATHS - {"/favicon.ico"}:
            assert (await http.options(path)).headers["allow"] == "GET, HEAD, OPTIONS"


async def test_options_of_the_server_as_a_whole_tells_every_method(gateway: Running) -> None:
    key = f"X-API-KEY: {gateway.secrets.api_key}"
    methods = {method for known in addresses(gateway).values() for method in known}
    for lines in ([], [key], ["Content-Length: 0"]):
        answer = await ask(gateway.url, "OPTIONS", "*", lines)
        assert (answer.status, answer.body) == (204, b"")
        assert set(answer.headers["allow"].split(", ")) == methods | {"HEAD", "OPTIONS"}
    assert (await ask(gateway.url, "GET", "*", [key])).status == 404


@pytest.mark.parametrize("method", ["DELETE", "TRACE", "PROPFIND", "PUT"])
async def test_a_405_names_what_is_allowed(http: httpx.AsyncClient, method: str) -> None:
    answer = await http.request(method, "/events/")
    assert answer.status_code == 405
    assert answer.headers["allow"] == "GET, HEAD, OPTIONS"
    assert answer.json()["code"] == "method-not-allowed"


async def test_the_reference_lists_every_address(gateway: Running) -> None:
    reference = (Path(__file__).parents[3] / "docs/api.md").read_text()
    table = reference[: reference.index("A query parameter that")]
    listed = set(re.findall(r"/[\w{}./-]*", table))
    paths = {re.sub(r"{\w+}", "{id}", path).rstrip("/") for path in addresses(gateway)} - {""}
    a_part_of_a_page = {"/docs/style.css"}
    assert {path for path in paths if not {path, f"{path}/"} & listed} == a_part_of_a_page
