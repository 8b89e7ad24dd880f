"""A replay by REST, over the real schema of the log: what is published, and what is refused."""

import asyncio
import json
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from tests.integration.api.conftest import Running
from tests.integration.api.log_rows import Log
from tests.integration.api.replaying import Fires, created, replay_all
from trigger_contracts.ids import fire_event_id, uuid7


async def test_a_replay_is_stored_before_it_is_answered(
    http: httpx.AsyncClient, trigger_id: str, log: Log, fires: Fires
) -> None:
    payload = '{"n": null, "big": 12345678901234567890, "small": 1e-300, "z": [1.0, "\\u00fc"]}'
    origin = await log.add(timedelta(hours=3), trigger_id=trigger_id, payload=payload, is_test=True)
    for address in (f"/events/{origin}/replay", f"/events/{str(origin).upper()}/replay/"):
        response = await http.post(address)
        assert response.status_code == 202, response.text
        told = response.json()
        assert (told["status"], told["replay_of"]) == ("accepted", str(origin))
        assert response.headers["location"] == f"/events/{told['event_id']}"
        command = (await fires())[-1]
        assert json.dumps(command.payload) == json.dumps(json.loads(payload))
        assert (command.replay_of, command.is_test) == (str(origin), True)
        assert command.command_id
        assert command.accepted_at
        expected = fire_event_id(trigger_id, command.command_id, command.accepted_at)
        assert told["event_id"] == str(expected)


async def test_a_missed_event_is_made_up_for_with_the_triggers_own_payload(
    http: httpx.AsyncClient, trigger_id: str, log: Log, fires: Fires
) -> None:
    missed = await log.add(
        trigger_id=trigger_id, status="missed", payload=None, fired_at=None, count=7
    )
    assert (await http.post(f"/events/{missed}/replay", json={})).status_code == 202
    (command,) = await fires()
    assert not command.has_payload


async def test_what_cannot_be_replayed(
    http: httpx.AsyncClient, trigger_id: str, log: Log, fires: Fires
) -> None:
    rejected = await log.add(trigger_id=trigger_id, status="rejected", payload=None, fired_at=None)
    mismatch = await log.add(trigger_id=trigger_id, payload='{"n": "SECRET"}')
    deleted = await created(http)
    orphan = await log.add(trigger_id=deleted)
    assert (await http.delete(f"/triggers/{deleted}")).status_code == 204
    over = await log.add(timedelta(hours=48, seconds=1), trigger_id=trigger_id)
    for event_id, status, code in (
        (rejected, 422, "not-replayable"),
        (mismatch, 422, "payload-schema-mismatch"),
        (orphan, 404, "not-found"),
        (await log.add(trigger_id="never-saved"), 404, "not-found"),
        (over, 410, "gone"),
        (uuid7(datetime.now(UTC) - timedelta(days=9), "x"), 410, "gone"),
        (uuid7(datetime.now(UTC), "x"), 404, "not-found"),
        ("nothing", 404, "not-found"),
    ):
        response = await http.post(f"/events/{event_id}/replay")
        assert (response.status_code, response.json()["code"]) == (status, code), event_id
        assert response.headers["content-type"] == "application/problem+json"
    (recorded,) = await fires()
    assert (recorded.replay_of, recorded.has_payload) == (str(mismatch), False)
    assert recorded.refused
    assert recorded.refused[0].pointer == "/payload/n"


@pytest.mark.parametrize(
    ("content", "headers", "status", "pointer"),
    [
        (b'{"payload": 1}', {}, 422, ""),
        *((given, {}, 422, "") for given in (b"[1]", b"[]", b"0", b'""', b"false")),
        (b"{", {}, 400, None),
        (b"x", {"Content-Type": "text/plain"}, 415, None),
        (b"", {"Idempotency-Key": "x" * 256}, 422, "/header/Idempotency-Key"),
    ],
)
async def test_a_single_replay_takes_nothing(
    http: httpx.AsyncClient,
    trigger_id: str,
    log: Log,
    fires: Fires,
    content: bytes,
    headers: dict[str, str],
    status: int,
    pointer: str | None,
) -> None:
    origin = await log.add(trigger_id=trigger_id)
    response = await http.post(f"/events/{origin}/replay", content=content, headers=headers)
    assert response.status_code == status
    if pointer is not None:
        assert response.json()["errors"][0]["pointer"] == pointer
    assert await fires() == []


async def test_a_key_makes_one_replay_of_many_requests(
    http: httpx.AsyncClient, trigger_id: str, log: Log, fires: Fires
) -> None:
    origin = await log.add(trigger_id=trigger_id)
    other = await log.add(trigger_id=trigger_id)
    keyed = {"Idempotency-Key": "again"}
    answers = await asyncio.gather(
        *(http.post(f"/events/{origin}/replay", headers=keyed) for _ in range(20))
    )
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.json()["event_id"] for answer in answers}) == 1
    refused = await http.post(f"/events/{other}/replay", headers=keyed)
    assert (refused.status_code, refused.json()["code"]) == (409, "idempotency-mismatch")
    (command,) = await fires()
    assert command.key == "again"


async def test_every_method_and_spelling(gateway: Running) -> None:
    http = gateway.http
    assert (await replay_all(http, filter={"q": "x"}, dry_run=True)).status_code == 200
    assert (await http.post("/events/replay/", json={"filter": {"q": "x"}})).status_code == 202
    assert (await http.put("/events/x/replay")).headers["allow"] == "OPTIONS, POST"
    async with gateway.without_key() as stranger:
        for address in ("/events/replay", "/events/x/replay"):
            assert (await stranger.post(address)).status_code == 401
