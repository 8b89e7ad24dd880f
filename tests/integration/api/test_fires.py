"""Fires by REST: what is published, what is refused, and what a key holds together."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from tests.integration.api.conftest import Running, serving
from tests.integration.api.stand_in import StandInScheduler
from tests.support.eventually import eventually
from tests.support.servers import Broker, Database
from trigger_contracts.commands import FireTrigger
from trigger_contracts.events import ChangeKind, Status
from trigger_contracts.idempotency import Claim, claim_for, store_key
from trigger_contracts.ids import fire_event_id
from trigger_contracts.topology import IDEMPOTENCY
from trigger_local.secrets import Secrets

SCHEMA = {"type": "object", "required": ["order"], "properties": {"order": {"type": "integer"}}}


@pytest.fixture
async def door(http: httpx.AsyncClient, scheduler: StandInScheduler) -> str:
    """The path that fires an api trigger."""
    body = {"name": "a", "type": "api", "payload": {"source": "shop"}, "payload_schema": SCHEMA}
    response = await http.post("/triggers/", json=body)
    assert response.status_code == 201
    return f"{response.headers['location']}/fire"


async def fires(commands: Any) -> list[FireTrigger]:
    return [FireTrigger.model_validate_json(m.data) for m in await commands("trigger.command.fire")]


async def test_a_fire_is_stored_before_it_is_answered(
    http: httpx.AsyncClient, door: str, commands: Any
) -> None:
    response = await http.post(door, json={"payload": {"order": 17}})
    assert response.status_code == 202
    event_id = response.json()["event_id"]
    assert response.headers["location"] == f"/events/{event_id}"
    (stored,) = await fires(commands)
    assert stored.payload == {"order": 17}
    assert stored.actor.startswith("key:")
    assert stored.command_id is not None
    assert stored.accepted_at is not None
    expected = fire_event_id(stored.trigger_id, stored.command_id, stored.accepted_at)
    assert event_id == str(expected)


async def test_a_fire_without_payload_says_that_none_was_given(
    http: httpx.AsyncClient, scheduler: StandInScheduler, commands: Any
) -> None:
    body = {"name": "s", "type": "scheduled", "interval": 3600, "payload": {"a": 1}}
    location = (await http.post("/triggers/", json=body)).headers["location"]
    assert (await http.post(f"{location}/fire")).status_code == 202
    assert (await http.post(f"{location}/fire", json={})).status_code == 202
    assert (await http.post(f"{location}/test", json={"payload": None})).status_code == 202
    absent, empty, null = await fires(commands)
    assert not absent.has_payload
    assert not empty.has_payload
    assert null.has_payload
    assert (absent.is_test, null.is_test) == (False, True)


async def test_a_mismatch_is_refused_and_recorded_without_its_payload(
    http: httpx.AsyncClient, door: str, commands: Any
) -> None:
    for body, pointer in (
        ({"payload": {"order": "SECRET"}}, "/payload/order"),
        ({}, "/payload"),
        ({"payload": "SECRET"}, "/payload"),
    ):
        response = await http.post(door, json=body)
        assert response.status_code == 422
        assert response.json()["code"] == "payload-schema-mismatch"
        assert response.json()["errors"][0]["pointer"] == pointer
    stored = await fires(commands)
    assert len(stored) == 3
    assert all(fire.refused and not fire.has_payload and fire.key is None for fire in stored)


@pytest.mark.parametrize(
    ("content", "headers", "status", "pointer"),
    [
        (b'{"payload": {"order": 1}, "colour": "canary"}', {}, 422, "/colour"),
        (b'["canary"]', {}, 422, ""),
        (b'"canary"', {}, 422, ""),
        (b'{"payload": "canary"', {}, 400, ""),
        (b'{"payload": {"canary": NaN}}', {}, 400, ""),
        (b'{"payload": {"canary": 1, "canary": 2}}', {}, 400, ""),
        (b'{"payload": "canary\xff"}', {}, 400, ""),
        (b'{"payload": "canary\\u0000"}', {}, 400, ""),
        (b'{"payload":' * 10_000 + b'"canary"' + b"}" * 10_000, {}, 400, ""),
        (b'{"payload": "' + b"canary" * 43_700 + b'"}', {}, 413, ""),
        (b'{"payload": "canary"}', {"Content-Type": "text/plain"}, 415, ""),
        (b"{}", {"Idempotency-Key": ""}, 422, "/header/Idempotency-Key"),
        (b"{}", {"Idempotency-Key": "x" * 256}, 422, "/header/Idempotency-Key"),
    ],
)
async def test_a_bad_fire_is_a_problem_and_recorded_without_its_payload(
    http: httpx.AsyncClient,
    door: str,
    commands: Any,
    content: bytes,
    headers: dict[str, str],
    status: int,
    pointer: str,
) -> None:
    """The trigger is named by the address, whatever is wrong with the request."""
    response = await http.post(door, content=content, headers=headers)
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    problem = response.json()
    # A problem with the request as a whole needs no pointer.
    assert [error["pointer"] for error in problem["errors"]] in (
        [pointer],
        [] if not pointer else None,
    )
    assert "canary" not in response.text + str(response.headers)
    (stored,) = await fires(commands)
    assert stored.refused is not None
    assert [error.pointer for error in stored.refused] == [pointer]
    assert (stored.has_payload, stored.key) == (False, None)
    assert stored.actor.startswith("key:")
    assert "canary" not in stored.model_dump_json()


@pytest.mark.parametrize("content", [b"{", b'{"colour": 1}', b"x" * 300_000])
async def test_a_bad_fire_of_a_trigger_that_is_not_there_leaves_only_the_problem(
    http: httpx.AsyncClient, door: str, commands: Any, content: bytes
) -> None:
    assert (await http.delete(door.removesuffix("/fire"))).status_code == 204
    for address in ("/triggers/nowhere/fire", "/triggers/nowhere/test", door):
        response = await http.post(address, content=content)
        assert response.status_code in {400, 413, 422}
    assert await fires(commands) == []


async def test_what_is_too_large_only_as_a_command_is_recorded_too(
    http: httpx.AsyncClient, scheduler: StandInScheduler, commands: Any
) -> None:
    """``1e9`` is longer in the way in which a command writes it."""
    created = await http.post("/triggers/", json={"name": "a", "type": "api"})
    body = b'{"payload": [' + b"1e9," * 60_000 + b'"canary"]}'
    response = await http.post(f"{created.headers['location']}/fire", content=body)
    assert (response.status_code, response.json()["code"]) == (413, "body-too-large")
    (stored,) = await fires(commands)
    assert stored.refused is not None
    assert "canary" not in stored.model_dump_json()


async def test_a_bad_fire_is_recorded_where_the_definition_cannot_be_asked_for(
    platform_streams: Broker, database: Database, secrets: Secrets, commands: Any
) -> None:
    """The executor knows whether the trigger is there."""
    options = {"database_url": "postgresql://nobody:none@127.0.0.1:1/none"}
    async with serving(platform_streams, database, secrets, **options) as running:
        await eventually(lambda: running.built.connection.is_connected)
        response = await running.http.post("/triggers/somewhere/fire", content=b"{")
        assert response.status_code == 400
    (stored,) = await fires(commands)
    assert (stored.trigger_id, stored.refused is not None) == ("somewhere", True)


async def test_a_trigger_that_is_not_there_cannot_be_fired(
    http: httpx.AsyncClient, door: str, commands: Any
) -> None:
    assert (await http.post("/triggers/nowhere/fire")).status_code == 404
    assert (await http.post(door, json={"payload": {"order": 1}})).status_code == 202
    assert (await http.delete(door.removesuffix("/fire"))).status_code == 204
    response = await http.post(door, json={"payload": {"order": 1}})
    assert response.status_code == 404
    assert len(await fires(commands)) == 1


async def test_an_acknowledged_edit_is_known_at_once(http: httpx.AsyncClient, door: str) -> None:
    assert (await http.post(door, json={"payload": {"order": 1}})).status_code == 202
    edited = {"payload_schema": {"properties": {"order": {"maximum": 5}}}}
    assert (await http.patch(door.removesuffix("/fire"), json=edited)).status_code == 200
    assert (await http.post(door, json={"payload": {"order": 6}})).status_code == 422


async def test_a_refusal_is_confirmed_by_what_the_database_says(
    platform_streams: Broker,
    empty_database: Database,
    secrets: Secrets,
    scheduler: StandInScheduler,
) -> None:
    """A definition made looser, unheard of here, must not refuse what it allows."""
    options = {"definition_max_age": timedelta(minutes=10)}
    async with serving(platform_streams, empty_database, secrets, **options) as running:
        body = {"name": "a", "type": "api", "payload_schema": SCHEMA}
        created = await running.http.post("/triggers/", json=body)
        door = f"{created.headers['location']}/fire"
        assert (await running.http.post(door, json={"payload": 1})).status_code == 422
        change = scheduler.states[created.json()["id"]].change
        looser = change.definition.model_copy(update={"payload_schema": True})
        await scheduler.record(
            change.model_copy(update={"definition": looser, "version": 2}), announce=False
        )
        assert (await running.http.post(door, json={"payload": 1})).status_code == 202


async def test_a_change_elsewhere_is_heard(
    platform_streams: Broker,
    empty_database: Database,
    secrets: Secrets,
    scheduler: StandInScheduler,
) -> None:
    """By the change message: the cache alone would hold the trigger for ten minutes."""
    options = {"definition_max_age": timedelta(minutes=10)}
    async with serving(platform_streams, empty_database, secrets, **options) as running:
        created = await running.http.post("/triggers/", json={"name": "a", "type": "api"})
        door = f"{created.headers['location']}/fire"
        assert (await running.http.post(door)).status_code == 202
        change = scheduler.states[created.json()["id"]].change
        await scheduler.record(
            change.model_copy(
                update={"kind": ChangeKind.DELETED, "status": Status.DELETED, "version": 2}
            )
        )

        async def refused() -> bool:
            return (await running.http.post(door)).status_code == 404

        await eventually(refused)


async def test_a_key_holds_all_its_fires_together(
    gateway: Running,
    door: str,
    commands: Any,
    platform_streams: Broker,
    scheduler: StandInScheduler,
) -> None:
    http, keyed = gateway.http, {"Idempotency-Key": "order 17"}
    body = {"payload": {"order": 17}}
    answers = await asyncio.gather(*(http.post(door, json=body, headers=keyed) for _ in range(20)))
    assert {a.status_code for a in answers} == {202}
    (event_id,) = {a.json()["event_id"] for a in answers}
    (stored,) = await fires(commands)  # the broker dropped the repetitions by their message id
    assert stored.key == "order 17"
    async with platform_streams.connected() as admin:
        key = store_key(stored.trigger_id, "order 17")
        found = await admin.jetstream().get_last_msg(IDEMPOTENCY.stream, IDEMPOTENCY.subject(key))
        claim = Claim.model_validate_json(found.data)
    assert claim.event_id == event_id
    assert claim.accepted_at == stored.accepted_at
    assert claim.change_seq == scheduler.states[stored.trigger_id].change_seq
    other = await http.post(door, json={"payload": {"order": 18}}, headers=keyed)
    assert other.status_code == 409
    assert other.json()["code"] == "idempotency-mismatch"
    test = await http.post(door.replace("/fire", "/test"), json=body, headers=keyed)
    assert test.status_code == 409


async def test_a_key_held_ten_minutes_ago_names_the_same_event(
    gateway: Running, door: str, commands: Any, platform_streams: Broker
) -> None:
    http, keyed = gateway.http, {"Idempotency-Key": "k"}
    trigger_id = door.split("/")[2]
    long_ago = datetime.now(UTC) - timedelta(minutes=10)
    fired = FireTrigger(trigger_id=trigger_id, payload={"order": 1})
    claim = claim_for(fired, "k", long_ago)
    async with platform_streams.connected() as admin:
        await admin.jetstream().publish(
            IDEMPOTENCY.subject(store_key(trigger_id, "k")), claim.model_dump_json().encode()
        )
    response = await http.post(door, json={"payload": {"order": 1}}, headers=keyed)
    assert response.json()["event_id"] == claim.event_id
    (stored,) = await fires(commands)
    assert stored.accepted_at == long_ago


async def test_a_refused_fire_uses_up_no_key(
    http: httpx.AsyncClient, door: str, commands: Any
) -> None:
    keyed = {"Idempotency-Key": "k"}
    assert (await http.post(door, json={"payload": 1}, headers=keyed)).status_code == 422
    corrected = await http.post(door, json={"payload": {"order": 1}}, headers=keyed)
    assert corrected.status_code == 202
    refused, fired = await fires(commands)
    assert refused.refused
    assert refused.key is None
    assert fired.key == "k"


async def test_many_fires_at_once_are_all_stored_once(
    http: httpx.AsyncClient, door: str, commands: Any
) -> None:
    answers = await asyncio.gather(
        *(http.post(door, json={"payload": {"order": n}}) for n in range(200))
    )
    assert {a.status_code for a in answers} == {202}
    assert len({a.json()["event_id"] for a in answers}) == 200
    stored = await fires(commands)
    assert sorted(fire.payload["order"] for fire in stored) == list(range(200))


async def test_values_come_through_unchanged(
    http: httpx.AsyncClient, scheduler: StandInScheduler, commands: Any
) -> None:
    created = await http.post("/triggers/", json={"name": "a", "type": "api"})
    values = [
        None,
        0,
        -0.5,
        1e300,
        10**300,
        "ü\u2028😀",
        [[]],
        {"a/b~c": {"": 1}},
        True,
        "x" * 1000,
    ]
    for value in values:
        response = await http.post(f"{created.headers['location']}/fire", json={"payload": value})
        assert response.status_code == 202
    stored = await commands("trigger.command.fire")
    assert [json.loads(m.data)["payload"] for m in stored] == values
