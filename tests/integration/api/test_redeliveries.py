"""Redeliveries, cancellations and tests of targets by REST, on real views and a real broker."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from tests.integration.api.conftest import Running
from tests.integration.api.test_deliveries import Projected
from tests.integration.api.test_targets import NATS, code, http, made, resolver, running
from tests.support.eventually import eventually
from tests.support.servers import Broker, Database
from tests.unit.retention.factories import ago, make_entry
from trigger_contracts import subjects, topology
from trigger_contracts.commands import CancelDelivery, Redeliver
from trigger_contracts.subjects import Verb
from trigger_executor.bootstrap import build
from trigger_executor.settings import Settings
from trigger_local.secrets import Secrets
from trigger_runtime.process.loops import stop_all

__all__ = ["http", "resolver", "running"]  # fixtures of theirs


@pytest.fixture
async def projected(empty_database: Database) -> Projected:
    return Projected(empty_database)


async def stored(broker: Broker, verb: Verb) -> list[Redeliver | CancelDelivery]:
    """The commands of a verb, in their order."""
    model = Redeliver if verb is Verb.REDELIVER else CancelDelivery
    async with broker.connected() as admin:
        jetstream = admin.jetstream()
        last = (await jetstream.stream_info(topology.COMMANDS.name)).state.last_seq
        found = [await jetstream.get_msg(topology.COMMANDS.name, seq) for seq in range(1, last + 1)]
    wanted = subjects.command(verb)
    return [model.model_validate_json(one.data or b"") for one in found if one.subject == wanted]


def named(commands: list[Redeliver | CancelDelivery]) -> list[tuple[str, str, int]]:
    return [(one.event_id, one.target_id, one.round) for one in commands]


async def test_an_event_is_delivered_again_to_its_own_and_to_other_targets(
    http: httpx.AsyncClient, projected: Projected, platform_streams: Broker
) -> None:
    erp, crm = [(await made(http))["id"] for _ in range(2)]
    event_id = str(await projected.add(make_entry(), **{erp: "dead,planned 2,delivered"}))

    answer = await http.post(f"/events/{event_id}/redeliver")
    assert answer.status_code == 202, answer.text
    assert answer.headers["location"] == f"/events/{event_id}"
    (delivery,) = answer.json()["deliveries"]
    assert (delivery["target_id"], delivery["round"]) == (erp, 2)
    keyed = {"Idempotency-Key": "again"}
    for _ in range(2):
        body = {"targets": [crm, erp]}
        answer = await http.post(f"/events/{event_id}/redeliver", json=body, headers=keyed)
        assert [one["round"] for one in answer.json()["deliveries"]] == [0, 2]
    answer = await http.post(f"/events/{event_id}/redeliver", headers=keyed)
    assert code(answer)[:2] == (409, "idempotency-mismatch")

    unknown = await http.post(f"/events/{event_id}/redeliver", json={"targets": [erp, "none"]})
    assert code(unknown) == (422, "unknown-target", ["/targets/1"])
    many = await http.post(f"/events/{event_id}/redeliver", json={"targets": ["a"] * 9})
    assert code(many)[:2] == (422, "invalid")
    absent = make_entry().event_id
    assert code(await http.post(f"/events/{absent}/redeliver"))[:2] == (404, "not-found")

    # The broker has stored the repetition under its key but once.
    assert named(await stored(platform_streams, Verb.REDELIVER)) == [
        (event_id, erp, 2),
        (event_id, crm, 0),
        (event_id, erp, 2),
    ]


async def test_what_passes_a_filter_is_counted_delivered_again_and_given_up(
    http: httpx.AsyncClient, projected: Projected, platform_streams: Broker
) -> None:
    erp, crm = [(await made(http))["id"] for _ in range(2)]
    old = str(await projected.add(make_entry(ago(hours=3)), **{erp: "dead"}))
    new = str(await projected.add(make_entry(ago(minutes=1)), **{erp: "failed", crm: "dead"}))
    of_erp: dict[str, Any] = {"filter": {"target_id": erp}}

    dry = await http.post("/deliveries/redeliver", json={**of_erp, "dry_run": True})
    assert (dry.status_code, dry.json()) == (200, {"dry_run": True, "count": 2})
    dry = await http.post("/deliveries/cancel", json={**of_erp, "dry_run": True})
    assert dry.json()["count"] == 1
    assert await stored(platform_streams, Verb.REDELIVER) == []

    for _ in range(2):
        answer = await http.post(
            "/deliveries/redeliver", json=of_erp, headers={"Idempotency-Key": "k"}
        )
        assert answer.status_code == 202, answer.text
        assert answer.json() == {"dry_run": False, "count": 2, "accepted": 2, "refused": {}}
    assert named(await stored(platform_streams, Verb.REDELIVER)) == [(new, erp, 1), (old, erp, 1)]

    answer = await http.post("/deliveries/cancel", json=of_erp)
    assert answer.json()["accepted"] == 1
    assert named(await stored(platform_streams, Verb.CANCEL)) == [(new, erp, 1)]

    for body, pointer in (
        ({"filter": {}}, "/filter"),
        ({"filter": {"state": "dead"}}, "/filter/state"),
        ({"filter": {"target": erp}}, "/filter/target"),
    ):
        answer = await http.post("/deliveries/cancel", json=body)
        assert code(answer) == (422, "invalid", [pointer])


@pytest.fixture
async def deliverer(
    running: Running, platform_streams: Broker, empty_database: Database, secrets: Secrets
) -> AsyncIterator[None]:
    """An executor that delivers."""
    executor = build(
        Settings(
            nats_url=platform_streams.url,
            nats_user="executor",
            nats_password=SecretStr(secrets.nats["executor"]),
            database_url=SecretStr(empty_database.url("etp_executor")),
            executor_roles="deliver",
        )
    )
    parts = executor.parts
    await executor.broker.start()
    for part in parts:
        part.start()
    yield
    await stop_all(parts)
    await executor.broker.stop()
    await executor.connection.close()
    for close in executor.on_stop:
        await close()


async def test_a_target_is_tested_and_the_answer_is_seen_at_once(
    http: httpx.AsyncClient, deliverer: None
) -> None:
    target_id = (await made(http, **NATS))["id"]
    answer = await http.post(f"/targets/{target_id}/test")

    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert (body["outcome"], body["code"], body["origin"]) == ("delivered", None, NATS["subject"])
    assert (body["target_id"], body["target_version"]) == (target_id, 1)
    again = await http.post(f"/targets/{target_id}/test")
    assert code(again)[:2] == (429, "too-many-requests")
    assert again.headers["retry-after"]
    assert code(await http.post("/targets/none/test"))[:2] == (404, "not-found")
    assert code(await http.post(f"/targets/{target_id}/test", json={"a": 1}))[:2] == (
        422,
        "invalid",
    )

    async def may_be_tested() -> bool:
        return (await http.post(f"/targets/{target_id}/test")).status_code == 200

    await eventually(may_be_tested, within=5)


async def test_without_anyone_who_delivers_no_target_is_tested(http: httpx.AsyncClient) -> None:
    target_id = (await made(http))["id"]

    assert code(await http.post(f"/targets/{target_id}/test"))[:2] == (503, "unavailable")
