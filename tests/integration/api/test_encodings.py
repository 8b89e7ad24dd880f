"""Bodies under a Content-Encoding, and early answers that ordinary clients come to read."""

import asyncio
import gzip
import http.client
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil

from tests.integration.api.conftest import Running
from tests.integration.api.stand_in import StandInScheduler
from trigger_contracts.bulk_body import MAX_BULK_BYTES
from trigger_contracts.topology import MAX_BODY_BYTES

API = {"name": "gzip", "type": "api", "payload_schema": {"type": "integer"}}
JSON = {"Content-Type": "application/json"}
GZIP = {**JSON, "Content-Encoding": "gzip"}
DOORS = ("/triggers/", "/triggers/bulk", "/triggers/x/fire", "/events/replay")
NDJSON_GZIP = {"Content-Type": "application/x-ndjson", "Content-Encoding": "gzip"}


async def test_gzip_is_understood_at_every_door(
    http: httpx.AsyncClient, scheduler: StandInScheduler
) -> None:
    body = json.dumps(API).encode()
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
    http: httpx.AsyncClient, scheduler: StandInScheduler
) -> None:
    for encoding in ("identity", "Identity", ""):
        headers = {**JSON, "Content-Encoding": encoding}
        response = await http.post("/triggers/", content=json.dumps(API), headers=headers)
        assert response.status_code == 201
    for encoding in ("br", "deflate", "zstd", "gzip, gzip", "nonsense"):
        headers = {**JSON, "Content-Encoding": encoding}
        for path in DOORS:
            response = await http.post(path, content=json.dumps(API), headers=headers)
            problem = response.json()
            assert (response.status_code, problem["code"]) == (415, "unsupported-encoding")
            assert "Content-Encoding" in problem["detail"]
            assert "gzip" in problem["detail"]
            assert response.headers["accept-encoding"] == "gzip, identity"


async def test_what_is_no_whole_gzip_is_400(http: httpx.AsyncClient) -> None:
    whole = gzip.compress(json.dumps(API).encode())
    for body in (whole[:-4], b"{}", whole + b"x", whole[:20] + b"?" + whole[21:]):
        for path in DOORS:
            response = await http.post(path, content=body, headers=GZIP)
            assert (response.status_code, response.json()["code"]) == (400, "malformed-encoding")


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
