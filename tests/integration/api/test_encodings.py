"""Bodies under a Content-Encoding, and early answers that ordinary clients come to read."""

import asyncio
import gzip
import http.client
import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
from starlette.routing import Route

from tests.integration.api.conftest import Running
from tests.integration.api.stand_in import StandInScheduler
from trigger_contracts.bulk_body import MAX_BULK_BYTES
from trigger_contracts.topology import MAX_BODY_BYTES

API = {"name": "gzip", "type": "api", "payload_schema": {"type": "integer"}}
JSON = {"Content-Type": "application/json"}
GZIP = {**JSON, "Content-Encoding": "gzip"}
NDJSON_GZIP = {"Content-Type": "application/x-ndjson", "Content-Encoding": "gzip"}
TAKE_NO_BODY = re.compile(r".*/(redrive|pause|resume)/?")


def doors(gateway: Running) -> list[tuple[str, str]]:
    """Every address that takes a body, by its method: of the application, so that none is left."""
    found = [
        (method, re.sub(r"{\w+}", "0197c0de-7a3f-7c5d-8e9f-a0b1c2d3e4f5", route.path))
        for route in gateway.built.app.routes
        if isinstance(route, Route)
        for method in {"POST", "PUT", "PATCH"} & (route.methods or set())
        if not TAKE_NO_BODY.fullmatch(route.path)
    ]
    paths = {path.strip("/").partition("/")[0] for _, path in found}
    known = {"triggers", "targets", "events", "deliveries", "test", "schedules", "session"}
    assert paths == known
    assert {method for method, _ in found} == {"POST", "PUT", "PATCH"}
    return found


async def at_every_door(
    gateway: Running, body: bytes, headers: dict[str, str]
) -> dict[tuple[str, str], httpx.Response]:
    known = doors(gateway)
    answers = await asyncio.gather(
        *(gateway.http.request(*door, content=body, headers=headers) for door in known)
    )
    return dict(zip(known, answers, strict=True))


async def test_gzip_is_understood_at_every_door(
    gateway: Running, http: httpx.AsyncClient, scheduler: StandInScheduler
) -> None:
    body = json.dumps(API).encode()
    plain = await at_every_door(gateway, body, JSON)
    zipped = await at_every_door(gateway, gzip.compress(body), GZIP)
    for door, answer in plain.items():
        assert zipped[door].status_code == answer.status_code, door
    created = await http.post("/triggers/", content=gzip.compress(body), headers=GZIP)
    assert created.status_code == 201, created.text
    location = created.headers["location"]
    two = gzip.compress(b'{"name": ') + gzip.compress(b'"other"}')
    patched = await http.patch(location, content=two, headers=GZIP)
    assert (patched.status_code, patched.json()["name"]) == (200, "other")
    fired = await http.post(
        f"{location}/fire", content=gzip.compress(b'{"payload": 1}'), headers=GZIP
    )
    assert fired.status_code == 202
    # A body that means nothing is none.
    empty = await http.post("/test/api/", content=gzip.compress(b""), headers=GZIP)
    assert empty.json()["code"] == "malformed-json"
    lines = b"\n".join([body] * 10)
    many = await http.post("/triggers/bulk", content=gzip.compress(lines), headers=NDJSON_GZIP)
    answer = many.json()
    assert answer["created"] + answer["accepted"] == 10


async def test_another_encoding_is_415_and_names_the_header(
    gateway: Running, http: httpx.AsyncClient, scheduler: StandInScheduler
) -> None:
    for encoding in ("identity", "Identity", ""):
        headers = {**JSON, "Content-Encoding": encoding}
        response = await http.post("/triggers/", content=json.dumps(API), headers=headers)
        assert response.status_code == 201
    for encoding in ("br", "deflate", "zstd", "gzip, gzip", "nonsense"):
        headers = {**JSON, "Content-Encoding": encoding}
        answers = await at_every_door(gateway, json.dumps(API).encode(), headers)
        for door, response in answers.items():
            problem = response.json()
            assert (response.status_code, problem["code"]) == (415, "unsupported-encoding"), door
            assert "Content-Encoding" in problem["detail"]
            assert "gzip" in problem["detail"]
            assert response.headers["accept-encoding"] == "gzip, identity"


async def test_another_charset_is_415_at_every_door_and_names_utf_8(
    gateway: Running, http: httpx.AsyncClient, scheduler: StandInScheduler
) -> None:
    for charset in ("utf-16", "iso-8859-1", '"UTF-16"'):
        headers = {"Content-Type": f"application/json; charset={charset}"}
        answers = await at_every_door(gateway, json.dumps(API).encode(), headers)
        for door, response in answers.items():
            problem = response.json()
            assert (response.status_code, problem["code"]) == (415, "unsupported-media-type"), door
            assert "utf-8" in problem["detail"]
    for charset in ("utf-8", "UTF-8", '"Utf-8"'):
        headers = {"Content-Type": f"application/json;charset={charset}"}
        response = await http.post("/triggers/", content=json.dumps(API), headers=headers)
        assert response.status_code == 201
    lines = {"Content-Type": "application/x-ndjson; charset=utf-16"}
    assert (await http.post("/triggers/bulk", content=b"{}", headers=lines)).status_code == 415


async def test_what_is_no_whole_gzip_is_400(gateway: Running) -> None:
    whole = gzip.compress(json.dumps(API).encode())
    for body in (whole[:-4], b"{}", whole + b"x", whole[:20] + b"?" + whole[21:]):
        for door, response in (await at_every_door(gateway, body, GZIP)).items():
            found = (response.status_code, response.json()["code"])
            assert found == (400, "malformed-encoding"), door


async def test_limits_are_those_of_what_it_means(http: httpx.AsyncClient) -> None:
    """Decoded a step at a time: a bomb takes neither memory nor anybody's time."""
    exact = b'"' + b"x" * (MAX_BODY_BYTES - 2) + b'"'
    fits = await http.post("/triggers/", content=gzip.compress(exact), headers=GZIP)
    assert fits.status_code == 422  # a text is no definition
    before = psutil.Process().memory_info().rss
    for path, size in (
        ("/triggers/", MAX_BODY_BYTES + 1),
        ("/triggers/bulk", 8 * 1024 * 1024),
        ("/triggers/bulk", MAX_BULK_BYTES + 1),
    ):
        bomb = gzip.compress(bytes(size), 9)
        response, alive = await asyncio.gather(
            http.post(path, content=bomb, headers=GZIP), http.get("/health")
        )
        assert (response.status_code, response.json()["code"]) == (413, "body-too-large")
        assert alive.status_code == 200
    assert psutil.Process().memory_info().rss - before < 2 * MAX_BULK_BYTES


EARLY = {
    413: {},
    401: {"X-API-KEY": "none"},
    415: {"Content-Type": "text/plain"},
}
SENT = 3 * 1024 * 1024
"""More than what the sockets hold: most of it is unsent when the answer is given."""


async def test_an_early_answer_is_read_by_clients_that_still_send(
    gateway: Running, tmp_path: Path
) -> None:
    for status in EARLY:
        await _is_read(gateway, status, tmp_path)


async def _is_read(gateway: Running, status: int, tmp_path: Path) -> None:
    headers = {**JSON, "X-API-KEY": gateway.secrets.api_key, **EARLY[status]}
    body = b"x" * SENT
    url = f"{gateway.url}/triggers/"

    def pieces() -> Iterator[bytes]:
        for start in range(0, SENT, 1000):
            yield body[start : start + 1000]

    def ask() -> list[int]:
        connection = http.client.HTTPConnection(url.split("/")[2], timeout=20)
        connection.request("POST", "/triggers/", body, headers)
        found = [connection.getresponse().status]
        connection.request("GET", "/health")
        found.append(connection.getresponse().status)
        with httpx.Client(timeout=20, headers=headers) as client:
            found += [client.post(url, content=body).status_code]
            found += [client.post(url, content=pieces()).status_code]
        return found

    assert await asyncio.to_thread(ask) == [status, 200, status, status]
    curl = shutil.which("curl")
    if curl is not None:
        file = tmp_path / "body"
        file.write_bytes(body)
        options = [f"-H{name}: {value}" for name, value in headers.items()]
        process = await asyncio.create_subprocess_exec(
            *(curl, "-sS", "-o", "/dev/null", "-w", "%{http_code}", *options, "-H", "Expect:"),
            *("--data-binary", f"@{file}", url),
            stdout=asyncio.subprocess.PIPE,
        )
        said, _ = await process.communicate()
        assert (process.returncode, said.decode()) == (0, str(status))
