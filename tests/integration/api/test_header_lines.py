"""Header lines as RFC 9110 has them: blanks around values, lines of one name, conditions."""

import asyncio
import json
from typing import Any

import httpx
import pytest

from tests.integration.api.conftest import Running
from tests.integration.api.replaying import Fires, created
from tests.integration.api.stand_in import StandInScheduler
from tests.integration.api.test_triggers import SEED, create
from tests.support.raw_http import RawAnswer, ask

BODY = json.dumps({"name": "a", "type": "api"}).encode()


async def send(
    gateway: Running, method: str, target: str, *lines: str, body: bytes = b"{}"
) -> RawAnswer:
    key = f"X-API-KEY: {gateway.secrets.api_key}"
    return await ask(gateway.url, method, target, [key, *lines], body)


def pointers(answer: RawAnswer) -> list[str]:
    return [error["pointer"] for error in json.loads(answer.body)["errors"]]


@pytest.mark.parametrize("blanks", [" ", "\t", " \t  "])
async def test_blanks_around_a_value_are_none_of_it(
    gateway: Running, scheduler: StandInScheduler, fires: Fires, blanks: str
) -> None:
    trigger_id = await created(gateway.http)
    fire = f"/triggers/{trigger_id}/fire"
    key = f"X-API-KEY:{blanks}{gateway.secrets.api_key}{blanks}"
    answers = [
        await ask(gateway.url, "POST", fire, [key, line], b"{}")
        for line in ("Idempotency-Key: k", f"Idempotency-Key:{blanks}k{blanks}")
    ]
    assert {answer.status for answer in answers} == {202}
    assert answers[0].headers["location"] == answers[1].headers["location"]
    bearer = f"Authorization: Bearer {gateway.secrets.api_key}{blanks}"
    assert (await ask(gateway.url, "GET", "/events/", [bearer])).status == 200
    creates = [
        await send(gateway, "POST", "/triggers/", f"Idempotency-Key: c{end}", body=BODY)
        for end in ("", blanks)
    ]
    assert creates[0].headers["location"] == creates[1].headers["location"]
    path = creates[0].headers["location"]
    condition = f'If-Match:{blanks}"1"{blanks}'
    patched = await send(gateway, "PATCH", path, condition, body=b'{"name": "b"}')
    assert patched.status == 200
    json_type = f"Content-Type: application/json{blanks}"
    assert (await send(gateway, "PATCH", path, json_type, body=b'{"name": "c"}')).status == 200


SINGLE = [
    ("Idempotency-Key", ("a", "b")),
    ("Idempotency-Key", ("a", "a")),
    ("Content-Type", ("application/json", "text/plain")),
    ("Content-Type", ("application/json", "application/json")),
    ("Content-Encoding", ("gzip", "gzip")),
    ("Last-Event-ID", ("1", "2")),
]


async def test_a_header_of_one_value_is_refused_when_it_is_sent_twice(
    gateway: Running, scheduler: StandInScheduler, commands: Any
) -> None:
    fire = f"/triggers/{await created(gateway.http)}/fire"
    for name, values in SINGLE:
        lines = (f"{name}: {values[0]}", "X-Between: 1", f"{name.lower()}: {values[1]}")
        targets = ("/triggers/", "/triggers/bulk", fire, "/events/replay")
        *refused, other = await asyncio.gather(
            *(send(gateway, "POST", target, *lines, body=BODY) for target in targets),
            gateway.http.post("/triggers/", json={"name": "somebody else's", "type": "api"}),
        )
        for answer in refused:
            assert (answer.status, pointers(answer)) == (422, [f"/header/{name}"])
            assert name in json.loads(answer.body)["detail"]
        assert other.status_code == 201
    fires = await commands("trigger.command.fire")
    assert len(fires) == len(SINGLE)
    assert all(b'"refused"' in stored.data for stored in fires)
    creates = await commands("trigger.command.create")
    assert len(creates) == 1 + len(SINGLE)


@pytest.mark.parametrize(
    ("name", "line"), [("X-API-KEY", "X-API-KEY: {key}"), ("Authorization", "Authorization: {key}")]
)
async def test_two_keys_are_nobodys(gateway: Running, name: str, line: str) -> None:
    right = gateway.secrets.api_key
    for first, second in ((right, right), (right, "wrong"), ("wrong", right), ("", right)):
        lines = [
            line.format(key=f"Bearer {k}" if name == "Authorization" else k)
            for k in (first, second)
        ]
        for method, target in (("GET", "/events/"), ("POST", "/triggers/x/fire")):
            answer = await ask(gateway.url, method, target, lines)
            assert (answer.status, pointers(answer)) == (422, [f"/header/{name}"])
    both = [f"X-API-KEY: {right}", f"Authorization: Bearer {right}"]
    assert (await ask(gateway.url, "GET", "/events/", both)).status == 200
    assert (await ask(gateway.url, "GET", "/health", [f"X-API-KEY: {right}"] * 2)).status == 200


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("name", ["If-Match", "If-None-Match"])
async def test_a_condition_stands_in_one_line(
    gateway: Running, scheduler: StandInScheduler, method: str, name: str
) -> None:
    path = f"/triggers/{await created(gateway.http)}"
    before = (await gateway.http.get(path)).json()
    for first, second in (('"x"', '"1"'), ('"1"', '"1"'), ("*", '"1"'), ('"1"', "")):
        answer = await send(gateway, method, path, f"{name}: {first}", f"{name.lower()}: {second}")
        assert (answer.status, pointers(answer)) == (422, [f"/header/{name}"]), (first, second)
        assert "list" in answer.json["errors"][0]["message"]
    assert (await gateway.http.get(path)).json() == before


async def test_a_condition_is_a_list_of_tags_that_may_hold_anything(
    gateway: Running, scheduler: StandInScheduler
) -> None:
    path = f"/triggers/{await created(gateway.http)}"
    change = {"body": b'{"name": "b"}'}
    for nobodys in ('"a,b"', '"\xe9\xff"', '"1,1"', '",", "[1]"', 'W/"1"', 'W/"1", "x"'):
        answer = await send(gateway, "PATCH", path, f"If-Match: {nobodys}", **change)
        assert (answer.status, answer.json["code"]) == (412, "version-mismatch"), nobodys
    in_one = await send(gateway, "PATCH", path, 'If-Match: , "x,y", W/"7" , "1",', **change)
    assert in_one.status == 200
    other = await send(gateway, "PATCH", path, 'If-None-Match: "2,3" , "\xe9"', **change)
    assert other.status == 200
    # One command carries one version: which of two was read is not for us to choose.
    ambiguous = await send(gateway, "PATCH", path, 'If-Match: "3", "4"', **change)
    assert (ambiguous.status, pointers(ambiguous)) == (422, ["/header/If-Match"])


async def test_the_lines_of_what_decides_nothing_are_one_list(gateway: Running) -> None:
    accepts = ("Accept: application/x-ndjson;q=0.1", "Accept: text/csv")
    export = await send(gateway, "GET", "/events/export", *accepts, body=b"")
    assert export.headers["content-type"] == "application/x-ndjson"
    ids = await send(gateway, "GET", "/events/", "X-Request-ID: a", "X-Request-ID: b", body=b"")
    assert ids.headers["x-request-id"] not in {"a", "b", "a, b"}


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
async def test_if_none_match_protects_what_is_there(
    http: httpx.AsyncClient, scheduler: StandInScheduler, method: str
) -> None:
    one = (await create(http)).json()
    path = f"/triggers/{one['id']}"
    body = {} if method == "DELETE" else {"json": {**SEED, "name": "b"}}

    async def asked(condition: str, at: str = path) -> httpx.Response:
        return await http.request(method, at, headers={"If-None-Match": condition}, **body)

    for condition in ("*", '"1"', 'W/"1"', '"7", "1"', '"7,7", "1"'):
        answer = await asked(condition)
        assert answer.status_code == 412, condition
        assert answer.json()["code"] == "version-mismatch"
    assert (await http.get(path)).json() == one
    for bad in ("1", "*, *", '"1'):
        answer = await asked(bad)
        assert answer.status_code == 422, bad
        assert answer.json()["errors"][0]["pointer"] == "/header/If-None-Match"
    assert (await asked("*", at="/triggers/none")).status_code == 404
    assert (await asked('"7"')).status_code in {200, 204}
