"""Large answers travel as gzip to whoever takes it, and mean the same."""

import asyncio
import gzip
import json
from typing import Any

import httpx
import pytest

from tests.integration.api.conftest import Running
from tests.integration.api.stand_in import StandInScheduler
from tests.support import raw_http
from trigger_api.entrypoints.compressing import INLINE_BYTES

ZONES = "/schedules/timezones"


async def asked(gateway: Running, method: str, path: str, *lines: str) -> raw_http.RawAnswer:
    return await raw_http.ask(
        gateway.url, method, path, (f"X-API-KEY: {gateway.secrets.api_key}", *lines)
    )


@pytest.mark.parametrize("path", [ZONES, "/openapi.json"])
async def test_a_large_answer_is_sent_as_gzip_and_head_agrees(gateway: Running, path: str) -> None:
    if path == "/openapi.json":
        gateway.built.documents.make()  # as a process does: compressed once
    plain = await asked(gateway, "GET", path)
    assert len(plain.body) > INLINE_BYTES, "made beside the event loop"
    assert "content-encoding" not in plain.headers
    zipped = await asked(gateway, "GET", path, "Accept-Encoding: br;q=1, gzip;q=0.5")
    assert zipped.headers["content-encoding"] == "gzip"
    assert zipped.headers["content-length"] == str(len(zipped.body))
    assert len(zipped.body) < len(plain.body) / 4
    assert gzip.decompress(zipped.body) == plain.body
    assert zipped.headers["vary"] == plain.headers["vary"] == "accept-encoding"
    head = await asked(gateway, "HEAD", path, "Accept-Encoding: br;q=1, gzip;q=0.5")
    assert head.body == b""
    for name in ("content-encoding", "content-length", "vary", "etag", "content-type"):
        assert head.headers.get(name) == zipped.headers.get(name)


@pytest.mark.parametrize("accepted", ["identity", "gzip;q=0", "br", "gzip;q=0, *"])
async def test_who_does_not_take_gzip_is_sent_none(gateway: Running, accepted: str) -> None:
    answer = await asked(gateway, "GET", ZONES, f"Accept-Encoding: {accepted}")
    assert "content-encoding" not in answer.headers
    assert json.loads(answer.body)["zones"]


async def test_each_encoding_has_a_tag_and_is_not_sent_again(gateway: Running) -> None:
    tags = {}
    for accepted in ("gzip", "identity"):
        line = f"Accept-Encoding: {accepted}"
        tags[accepted] = (await asked(gateway, "GET", ZONES, line)).headers["etag"]
        for condition in (tags[accepted], f"W/{tags[accepted]}"):
            again = await asked(gateway, "GET", ZONES, line, f"If-None-Match: {condition}")
            assert (again.status, again.body) == (304, b"")
            assert again.headers["etag"] == tags[accepted]
            assert again.headers["vary"] == "accept-encoding"
    assert tags["gzip"] != tags["identity"]
    other = await asked(
        gateway, "GET", ZONES, "Accept-Encoding: identity", f"If-None-Match: {tags['gzip']}"
    )
    assert other.status == 200


async def test_a_triggers_tag_is_its_version_in_any_encoding(
    http: httpx.AsyncClient, scheduler: StandInScheduler
) -> None:
    """So that what was read as gzip can be edited by it."""
    definition = {"name": "large", "type": "api", "payload": "ä" * 2000}
    created = await http.post("/triggers/", json=definition)
    assert created.headers["content-encoding"] == "gzip"
    path = created.headers["location"]
    shown = await http.get(path)
    assert (shown.headers["content-encoding"], shown.headers["etag"]) == ("gzip", '"1"')
    assert shown.json()["payload"] == definition["payload"]
    edited = await http.patch(path, json={"name": "x"}, headers={"If-Match": shown.headers["etag"]})
    assert edited.status_code == 200, edited.text


async def test_small_answers_fires_and_streams_go_out_as_they_are(
    gateway: Running, http: httpx.AsyncClient, trigger_id: str
) -> None:
    answers: list[Any] = [
        await http.get("/health"),
        await http.post(f"/triggers/{trigger_id}/fire", json={}),
        await http.get("/events/export"),
        await http.get("/nowhere"),
    ]
    async with http.stream("GET", "/events/stream") as stream:
        answers.append(stream)
    for answer in answers:
        assert answer.request.headers["accept-encoding"].startswith("gzip")
        assert "content-encoding" not in answer.headers, answer.request.url
        assert "vary" not in answer.headers


async def test_when_many_are_compressed_the_others_are_sent_as_they_are(gateway: Running) -> None:
    """Everybody is answered, and no queue of large answers fills the memory."""
    answers = await asyncio.gather(
        *(asked(gateway, "GET", ZONES, "Accept-Encoding: gzip") for _ in range(20))
    )
    for answer in answers:
        is_zipped = answer.headers.get("content-encoding") == "gzip"
        body = gzip.decompress(answer.body) if is_zipped else answer.body
        assert len(json.loads(body)["zones"]) > 500
        assert answer.headers["etag"].endswith('-gzip"') == is_zipped
