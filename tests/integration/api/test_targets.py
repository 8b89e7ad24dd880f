"""Targets by REST, on a real gateway, scheduler, broker and database."""

import contextlib
import json
import re
from collections.abc import AsyncIterator, Sequence
from ipaddress import ip_address
from typing import Any

import httpx
import pytest

from tests.integration.api.conftest import Running, ready, serving
from tests.support.eventually import eventually
from tests.support.servers import Broker, Database
from trigger_contracts import topology
from trigger_contracts.targets.addresses import Address
from trigger_contracts.targets.changes import TargetChanged
from trigger_contracts.targets.sealing import (
    SECRET_FIELD,
    header_field,
    new_key,
    opening_keys,
)
from trigger_contracts.targets.secrets import key_of
from trigger_local.secrets import Secrets
from trigger_scheduler.bootstrap import Scheduler, build
from trigger_scheduler.settings import Settings

KEYS = opening_keys([new_key()])
NATS: dict[str, Any] = {"type": "nats", "subject": "out.a"}
WEBHOOK: dict[str, Any] = {"type": "webhook", "url": "https://a.example/T0/hook"}
CANARY = "Bearer c4n4ry-c4n4ry"
KNOWN: dict[str, list[str]] = {"private.example": ["10.0.0.7"], "a.example": ["1.1.1.1"]}


@pytest.fixture(autouse=True)
def resolver(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test asks a name server."""

    class Fake:
        async def addresses(self, name: str) -> Sequence[Address]:
            return [ip_address(one) for one in KNOWN.get(name, ())]

    monkeypatch.setattr("trigger_api.bootstrap.ResolvedNames", Fake)


@contextlib.asynccontextmanager
async def _scheduling(
    broker: Broker, database: Database, secrets: Secrets
) -> AsyncIterator[Scheduler]:
    settings = Settings(
        nats_url=broker.url,
        nats_user="scheduler",
        nats_password=secrets.nats["scheduler"],
        database_url=database.url("etp_scheduler"),
    )
    scheduler = build(settings)
    await scheduler.connection.connect()
    await scheduler.broker.start()
    try:
        yield scheduler
    finally:
        await scheduler.broker.stop()
        for publisher in scheduler.publishers:
            await publisher.flush()
        await scheduler.connection.close()
        for one in scheduler.databases:
            await one.close()


@pytest.fixture
async def running(
    platform_streams: Broker, empty_database: Database, secrets: Secrets
) -> AsyncIterator[Running]:
    async with (
        _scheduling(platform_streams, empty_database, secrets),
        serving(
            platform_streams, empty_database, secrets, sealing_public_key=KEYS.current.text
        ) as gateway,
    ):
        await ready(gateway)
        yield gateway


@pytest.fixture
async def http(running: Running) -> httpx.AsyncClient:
    return running.http


async def made(http: httpx.AsyncClient, **fields: Any) -> dict[str, Any]:
    response = await http.post("/targets/", json=fields or NATS)
    assert response.status_code == 201, response.text
    found: dict[str, Any] = response.json()
    return found


def code(response: httpx.Response) -> tuple[int, str, list[str]]:
    body = response.json()
    assert response.headers["content-type"] == "application/problem+json"
    return response.status_code, body["code"], [one["pointer"] for one in body["errors"]]


async def changes(broker: Broker) -> list[TargetChanged]:
    async with broker.connected() as admin:
        jetstream = admin.jetstream()
        info = await jetstream.stream_info(topology.TARGETS.name)
        found = [
            await jetstream.get_msg(topology.TARGETS.name, seq)
            for seq in range(1, info.state.last_seq + 1)
        ]
    return [TargetChanged.model_validate_json(one.data or b"") for one in found]


async def test_a_target_lives_by_rest(http: httpx.AsyncClient) -> None:
    created = await http.post("/targets/", json={**WEBHOOK, "name": "Shop"})
    assert created.status_code == 201
    body = created.json()
    address = created.headers["location"]
    assert address == f"/targets/{body['id']}"
    assert (created.headers["etag"], body["version"]) == ('"1"', 1)
    assert len(key_of(body["secret"])) >= 24
    assert body["url"] == WEBHOOK["url"]

    shown = await http.get(address)
    assert shown.headers["etag"] == '"1"'
    fields = shown.json()
    assert fields.pop("health")["status"] == "ok"
    assert fields == {name: value for name, value in body.items() if name != "secret"}

    edit = {**shown.json(), "timeout": 5, "secret_headers": {"X-Token": CANARY}}
    replaced = await http.put(address, json=edit, headers={"If-Match": '"1"'})
    assert (replaced.status_code, replaced.headers["etag"]) == (200, '"2"')
    assert replaced.json()["secret_headers"] == {"X-Token": "***"}
    assert replaced.json()["timeout"] == 5

    patched = await http.patch(address, json={"name": None, "concurrency": 3})
    assert (patched.json()["name"], patched.json()["concurrency"]) == (None, 3)
    unchanged = await http.put(address, json=patched.json())
    assert unchanged.headers["etag"] == patched.headers["etag"] == '"3"'

    rotated = await http.post(f"{address}/rotate-secret")
    assert (rotated.status_code, rotated.headers["etag"]) == (200, '"4"')
    assert rotated.json()["secret"] != body["secret"]
    newest, previous = rotated.json()["secrets"]
    assert (newest["expires_at"], previous["made_at"]) == (None, body["secrets"][0]["made_at"])
    assert previous["expires_at"] is not None

    assert (await http.delete(address, headers={"If-Match": '"4"'})).status_code == 204
    assert code(await http.get(address)) == (404, "not-found", [])
    assert code(await http.delete(address)) == (404, "not-found", [])
    history = (await http.get(f"{address}/history")).json()
    assert [(one["version"], one["kind"]) for one in history] == [
        (5, "deleted"),
        (4, "rotated"),
        (3, "updated"),
        (2, "updated"),
        (1, "created"),
    ]
    assert history[0]["status"] == "deleted"
    assert len(history[1]["secrets"]) == 2
    assert history[1]["actor"].startswith("key:")
    assert history[2]["definition"]["secret_headers"] == {"X-Token": "***"}


async def test_secrets_are_sealed_to_the_executor_and_nowhere_else(
    http: httpx.AsyncClient, platform_streams: Broker
) -> None:
    created = await made(http, **WEBHOOK, secret_headers={"X-Token": CANARY, "x-b": "other"})
    own = created["id"]
    # Another spelling of the name keeps the value.
    shown = (await http.get(f"/targets/{own}")).json()
    edit = {**shown, "secret_headers": {"x-token": "***"}, "name": "edited"}
    edited = await http.put(f"/targets/{own}", json=edit)
    assert edited.json()["secret_headers"] == {"x-token": "***"}

    first, second = await changes(platform_streams)
    opened = KEYS.open(first.secrets[0].sealed, target_id=own, field=SECRET_FIELD)
    assert opened == created["secret"]
    for change, name in ((first, "X-Token"), (second, "x-token")):
        sealed = change.definition.secret_headers[name]
        assert KEYS.open(sealed, target_id=own, field=header_field(name)) == CANARY


async def test_nothing_that_is_kept_holds_a_secret(
    http: httpx.AsyncClient, platform_streams: Broker, empty_database: Database
) -> None:
    key = {"Idempotency-Key": "k-1"}
    fields = {**WEBHOOK, "secret_headers": {"X-Token": CANARY}}
    secret = (await http.post("/targets/", json=fields, headers=key)).json()["secret"]
    again = await http.post("/targets/", json=fields, headers=key)
    assert (again.status_code, "secret" in again.json()) == (201, False)
    own = again.json()["id"]
    patch = {"secret_headers": {"X-Token": CANARY, "bad name": CANARY}}
    await http.patch(f"/targets/{own}", json=patch)
    await http.patch(f"/targets/{own}", json={"password": CANARY})
    await http.patch(f"/targets/{own}", json={"secret": secret})
    await http.put(f"/targets/{own}", json={**fields, "secret": secret})
    answers = [
        (await http.get(path)).text
        for path in ("/targets/", f"/targets/{own}", f"/targets/{own}/history")
    ]
    stored: list[bytes] = [text.encode() for text in answers]
    async with platform_streams.connected() as admin:
        jetstream = admin.jetstream()
        streams = [one.config.name for one in await jetstream.streams_info()]
        assert {topology.TARGETS.name, topology.COMMANDS.name} <= set(streams)
        for stream in streams:
            info = await jetstream.stream_info(stream)
            stored += [
                (await jetstream.get_msg(stream, seq)).data or b""
                for seq in range(info.state.first_seq or 1, info.state.last_seq + 1)
            ]
    async with empty_database.connected() as connection:
        tables = await connection.fetch(
            "SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables"
            " WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
        )
        for table in tables:
            rows = await connection.fetch(f"SELECT t::text AS row FROM {table['name']} t")
            stored += [row["row"].encode() for row in rows]
    everything = b"\n".join(stored)
    assert b"hpke1." in everything
    for text in answers:
        assert "hpke1." not in text
    assert CANARY.encode() not in everything
    assert secret.encode() not in everything


async def test_a_create_under_a_key_is_one_target(http: httpx.AsyncClient) -> None:
    key = {"Idempotency-Key": "k"}
    first = await http.post("/targets/", json=WEBHOOK, headers=key)
    again = await http.post("/targets/", json=WEBHOOK, headers=key)
    once = first.json()
    assert once.pop("secret")
    assert (again.status_code, again.json()) == (201, once)
    assert again.headers["location"] == first.headers["location"]
    other = await http.post("/targets/", json=NATS, headers=key)
    assert code(other) == (409, "idempotency-mismatch", [])
    # The same key is another request's elsewhere.
    assert (
        await http.post("/triggers/", json={"name": "n", "type": "api"}, headers=key)
    ).is_success
    address = first.headers["location"]
    rotated = await http.post(f"{address}/rotate-secret", headers=key)
    repeated = await http.post(f"{address}/rotate-secret", headers=key)
    assert rotated.json().pop("secret")
    assert "secret" not in repeated.json()
    assert rotated.headers["etag"] == repeated.headers["etag"] == '"2"'
    assert len((await http.get("/targets/")).json()) == 1


async def test_conditions_are_held_to_the_version(http: httpx.AsyncClient) -> None:
    address = f"/targets/{(await made(http, **WEBHOOK))['id']}"
    for method, path, body in (
        ("PUT", address, WEBHOOK),
        ("PATCH", address, {"name": "n"}),
        ("POST", f"{address}/rotate-secret", {}),
        ("DELETE", address, None),
    ):
        for headers in ({"If-Match": '"7"'}, {"If-None-Match": '"1"'}, {"If-Match": 'W/"1"'}):
            refused = await http.request(method, path, json=body, headers=headers)
            assert code(refused) == (412, "version-mismatch", []), (method, headers)
        wrong = await http.request(method, path, json=body, headers={"If-Match": "1"})
        assert code(wrong) == (422, "invalid", ["/header/If-Match"])
        elsewhere = path.replace(address, "/targets/nobody")
        for headers in ({}, {"If-None-Match": '"1"'}):
            lost = await http.request(method, elsewhere, json=body, headers=headers)
            assert code(lost) == (404, "not-found", []), (method, headers)
        nowhere = path.replace(address, "/targets/a.b")
        assert code(await http.request(method, nowhere, json=body))[0] == 404
    assert (await http.get(address)).headers["etag"] == '"1"'


async def test_lists_are_paged_filtered_and_counted(http: httpx.AsyncClient) -> None:
    ids = [(await made(http, **NATS, name=name))["id"] for name in ("Ödland", "b", "C ödl", "d")]
    hook = (await made(http, **WEBHOOK))["id"]
    newest = [hook, *reversed(ids)]

    async def listed(**query: Any) -> list[str]:
        response = await http.get("/targets/", params=query)
        assert response.status_code == 200, response.text
        return [one["id"] for one in response.json()]

    assert await listed() == newest
    assert await listed(q="ÖDL") == [ids[2], ids[0]]
    assert await listed(q="nobody") == []
    assert await listed(type="webhook") == [hook]
    assert await listed(type=["webhook", "nats"]) == newest
    assert await listed(id=[ids[1], hook, "none"]) == [hook, ids[1]]
    page = await http.get("/targets/", params={"limit": 2, "count": True})
    assert page.headers["x-total-count"] == "5"
    assert page.headers["x-total-count-kind"] == "exact"
    found = [one["id"] for one in page.json()]
    while "next" in page.links:
        page = await http.get(page.links["next"]["url"])
        found += [one["id"] for one in page.json()]
    assert found == newest
    for query, place in (
        ({"health": "ill"}, "/query/health"),
        ({"type": "email"}, "/query/type"),
        ({"q": ""}, "/query/q"),
        ({"cursor": "x"}, "/query/cursor"),
        ({"limit": 0}, "/query/limit"),
    ):
        assert code(await http.get("/targets/", params=query)) == (422, "invalid", [place])


async def test_a_history_is_paged(http: httpx.AsyncClient) -> None:
    address = f"/targets/{(await made(http))['id']}"
    for n in range(4):
        await http.patch(address, json={"name": f"n{n}"})
    page = await http.get(f"{address}/history", params={"limit": 2})
    found = [one["version"] for one in page.json()]
    cursor = re.search(r"cursor=([^>]+)", page.headers["link"])
    assert cursor is not None
    while "next" in page.links:
        page = await http.get(page.links["next"]["url"])
        found += [one["version"] for one in page.json()]
    assert found == [5, 4, 3, 2, 1]
    other = f"/targets/{(await made(http))['id']}/history?cursor={cursor[1]}"
    assert code(await http.get(other)) == (422, "invalid", ["/query/cursor"])
    assert code(await http.get("/targets/nobody/history")) == (404, "not-found", [])


async def test_triggers_name_targets(http: httpx.AsyncClient) -> None:
    first, second = [(await made(http))["id"] for _ in range(2)]
    for kind in ({"type": "api"}, {"type": "scheduled", "cron": "@daily"}):
        body = {"name": "n", **kind, "targets": [first, second]}
        created = await http.post("/triggers/", json=body)
        assert created.status_code == 201, created.text
        assert created.json()["targets"] == [first, second]
        address = created.headers["location"]
        assert (await http.get(address)).json()["targets"] == [first, second]
        edited = await http.patch(address, json={"targets": [second]})
        assert edited.json()["targets"] == [second]
        history = (await http.get(f"{address}/history")).json()
        assert [one["definition"]["targets"] for one in history] == [[second], [first, second]]
        for method, fields in (
            ("PATCH", {"targets": [second, "nobody"]}),
            ("PUT", {**body, "targets": [second, "nobody"]}),
        ):
            refused = await http.request(method, address, json=fields)
            assert code(refused) == (422, "unknown-target", ["/targets/1"])
            tried = await http.request(method, f"{address}?dry_run=true", json=fields)
            assert code(tried) == (422, "unknown-target", ["/targets/1"])
        for targets, place in (
            ([first, first], "/targets/1"),
            ([f"t-{n}" for n in range(9)], "/targets"),
            (["a.b"], "/targets/0"),
            ("x", "/targets"),
        ):
            refused = await http.patch(address, json={"targets": targets})
            assert code(refused) == (422, "invalid", [place])
            refused = await http.post("/triggers/", json={**body, "targets": targets})
            assert code(refused) == (422, "invalid", [place])
        unknown = await http.post("/triggers/", json={**body, "targets": ["x", first, "y"]})
        assert code(unknown) == (422, "unknown-target", ["/targets/0", "/targets/2"])
    dry = {"name": "n", "type": "api", "targets": ["x"]}
    tried = await http.post("/triggers/?dry_run=true", json=dry)
    assert code(tried) == (422, "unknown-target", ["/targets/0"])
    tried = await http.post("/triggers/?dry_run=true", json={**dry, "targets": [first]})
    assert tried.json()["targets"] == [first]


async def test_many_creates_name_targets_or_none_is_made(http: httpx.AsyncClient) -> None:
    target = (await made(http))["id"]
    body = [
        {"name": "a", "type": "api", "targets": [target]},
        {"name": "b", "type": "api", "targets": [target, "nobody"]},
    ]
    refused = await http.post("/triggers/bulk", json=body)
    assert code(refused) == (422, "invalid", ["/1/targets/1"])
    assert (await http.get("/triggers/")).json() == []
    partly = await http.post("/triggers/bulk?partial=true", json=body)
    assert partly.status_code == 200, partly.text
    created, left = partly.json()["lines"]
    assert (created["status"], left["status"]) == ("created", "refused")
    assert left["problem"]["code"] == "unknown-target"
    assert [one["pointer"] for one in left["problem"]["errors"]] == ["/targets/1"]


async def test_a_target_in_use_is_not_deleted(http: httpx.AsyncClient) -> None:
    target = (await made(http))["id"]
    body = {"name": "names it", "type": "api", "targets": [target]}
    trigger = (await http.post("/triggers/", json=body)).headers["location"]
    refused = await http.delete(f"/targets/{target}")
    assert code(refused) == (409, "target-in-use", [])
    assert "names it" in refused.json()["detail"]
    assert (await http.delete(trigger)).status_code == 204
    assert (await http.delete(f"/targets/{target}")).status_code == 204


FAULTS: list[tuple[dict[str, Any], str, str]] = [
    ({"url": "https://private.example/"}, "address-not-allowed", "/url"),
    ({"url": "https://127.1/"}, "address-not-allowed", "/url"),
    ({"url": "http://a.example/"}, "address-not-allowed", "/url"),
    ({"url": "https://a.example:22/"}, "address-not-allowed", "/url"),
    ({"url": "https://u:p@a.example/"}, "invalid", "/url"),
    ({"headers": {"X": "a\r\nb"}}, "invalid", "/headers/X"),
    ({"secret_headers": {"webhook-id": "a"}}, "invalid", "/secret_headers/webhook-id"),
    ({"retry": [1] * 21}, "invalid", "/retry"),
    ({"colour": "red"}, "invalid", "/colour"),
]


async def test_what_no_target_may_be_is_refused_by_create_and_edit(
    http: httpx.AsyncClient,
) -> None:
    target = await made(http, **WEBHOOK)
    for fields, refused, place in FAULTS:
        for method, path, body in (
            ("POST", "/targets/", {**WEBHOOK, **fields}),
            ("PUT", f"/targets/{target['id']}", {**WEBHOOK, **fields}),
            ("PATCH", f"/targets/{target['id']}", fields),
        ):
            response = await http.request(method, path, json=body)
            assert code(response) == (422, refused, [place]), (method, fields)


async def test_a_subject_that_is_not_allowed_is_refused(http: httpx.AsyncClient) -> None:
    target = await made(http)
    for subject, refused in (
        ("trigger.fired.x", "subject-not-allowed"),
        ("elsewhere.x", "subject-not-allowed"),
        ("out.*", "invalid"),
    ):
        for method, path in (("POST", "/targets/"), ("PUT", f"/targets/{target['id']}")):
            response = await http.request(method, path, json={**NATS, "subject": subject})
            assert code(response) == (422, refused, ["/subject"])


async def test_what_only_the_scheduler_knows_is_answered_alike(http: httpx.AsyncClient) -> None:
    nats, hook = (await made(http))["id"], (await made(http, **WEBHOOK))["id"]
    for path, body, place in (
        (nats, WEBHOOK, "/type"),
        (hook, {**WEBHOOK, "secret_headers": {"X": "***"}}, "/secret_headers/X"),
        (hook, {**WEBHOOK, "alert_target": hook}, "/alert_target"),
    ):
        response = await http.put(f"/targets/{path}", json=body)
        assert code(response) == (422, "invalid", [place])
    response = await http.put(f"/targets/{hook}", json={**WEBHOOK, "alert_target": "nobody"})
    assert code(response) == (422, "unknown-target", ["/alert_target"])
    response = await http.post(f"/targets/{nats}/rotate-secret")
    assert code(response)[:2] == (422, "invalid")
    response = await http.post(f"/targets/{hook}/rotate-secret", json={"overlap": "P8D"})
    assert code(response) == (422, "invalid", ["/overlap"])


async def test_the_sealing_key_is_told(http: httpx.AsyncClient) -> None:
    told = await http.get("/targets/sealing-key")
    assert told.status_code == 200
    assert told.json()["public_key"] == KEYS.current.text
    assert told.json()["key_id"] == KEYS.current.key_id


async def test_without_a_key_what_needs_one_is_answered_503(
    platform_streams: Broker, empty_database: Database, secrets: Secrets
) -> None:
    async with (
        _scheduling(platform_streams, empty_database, secrets),
        serving(platform_streams, empty_database, secrets) as gateway,
    ):
        await ready(gateway)
        http = gateway.http
        for response in (
            await http.post("/targets/", json=WEBHOOK),
            await http.get("/targets/sealing-key"),
        ):
            assert code(response) == (503, "unavailable", [])
            assert "ETP_SEALING_PUBLIC_KEY" in response.json()["detail"]
        nats = await made(http)
        assert (await http.patch(f"/targets/{nats['id']}", json={"name": "n"})).is_success


async def test_while_the_scheduler_is_away_writes_are_stored_and_the_secret_is_shown(
    platform_streams: Broker, empty_database: Database, secrets: Secrets
) -> None:
    options = {"sealing_public_key": KEYS.current.text, "command_timeout": "0.2"}
    async with serving(platform_streams, empty_database, secrets, **options) as gateway:
        await ready(gateway)
        http = gateway.http
        key = {"Idempotency-Key": "k"}
        stored = await http.post("/targets/", json=WEBHOOK, headers=key)
        again = await http.post("/targets/", json=WEBHOOK, headers=key)
        assert (stored.status_code, again.status_code) == (202, 202)
        secret = stored.json()["secret"]
        assert "secret" not in again.json()
        address = stored.headers["location"]
        assert (await http.get(address)).status_code == 404
        async with _scheduling(platform_streams, empty_database, secrets):

            async def is_there() -> bool:
                return (await http.get(address)).status_code == 200

            await eventually(is_there, within=20, what="the target is there")
        (change,) = await changes(platform_streams)
        opened = KEYS.open(change.secrets[0].sealed, target_id=change.target_id, field=SECRET_FIELD)
        assert opened == secret
        assert json.loads(stored.content)["status"] == "accepted"
