"""A fire command ends as a fired or a rejected row, or as an error to whoever asked."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from tests.integration.executor.conftest import Around, Start
from tests.support.eventually import eventually
from tests.support.servers import Broker
from tests.unit.executor.factories import (
    SCHEMA,
    deleted,
    fire_body,
    make_api_change,
    make_change,
)
from trigger_contracts import topology
from trigger_contracts.commands import FireTrigger
from trigger_contracts.idempotency import claim_for, store_key
from trigger_contracts.topology import MAX_COMMAND_BYTES
from trigger_executor.bootstrap import Executor
from trigger_executor.domain.fire import MAX_ERRORS

NOW = datetime.now(UTC)
INBOX = "_INBOX_client.test.1"
ORDER = make_api_change(at=NOW, created_at=NOW)


async def test_a_fire_is_recorded_and_then_answered(around: Around, executor: Executor):
    await around.change(ORDER)

    async with around.inbox(INBOX) as heard:
        await around.fire(fire_body(payload={"amount": 3}, command_id="c1"), reply_to=INBOX)
        await eventually(lambda: heard)

    (row,) = await around.rows()
    assert (row["status"], row["source"]) == ("fired", "nats")
    assert row["payload"] == {"currency": "EUR", "amount": 3}
    (result,) = heard
    assert result["event_id"] == row["event_id"]
    assert (result["command_id"], result["trigger_id"]) == ("c1", "a1")


async def test_a_client_gets_its_answer_with_a_clients_permissions(
    around: Around, executor: Executor, broker: Broker
):
    await around.change(ORDER)

    async with broker.connected("client") as client:
        subscription = await client.subscribe(INBOX)
        body = fire_body(payload={"amount": 1})
        await client.publish("trigger.command.fire", body, headers={"reply_to": INBOX})
        answer = await subscription.next_msg(timeout=10)

    assert b"event_id" in answer.data


async def test_a_rejected_fire_leaves_a_row_and_any_other_only_the_error(
    around: Around, executor: Executor
):
    await around.change(ORDER)
    await around.change(make_change("transient", is_test=True))
    errors = [{"pointer": "/payload/amount", "message": "is missing"}]

    async with around.inbox(INBOX) as heard:
        await around.fire(
            fire_body(payload={"amount": "3"}, command_id="mismatch"),
            fire_body(refused=errors, actor="key:owner", command_id="refused"),
            fire_body("nobody", command_id="unknown"),
            fire_body("transient", command_id="somebodys-test"),
            reply_to=INBOX,
        )
        await eventually(lambda: len(heard) == 4)

    assert {result["request_id"]: result["code"] for result in heard} == {
        "mismatch": "payload-schema-mismatch",
        "refused": "invalid",
        "unknown": "not-found",
        "somebodys-test": "not-found",
    }
    rows = await around.rows()
    assert [(row["status"], row["payload"]) for row in rows] == [("rejected", None)] * 2
    assert {error["pointer"] for row in rows for error in row["errors"]} == {"/payload/amount"}
    assert {row["source"] for row in rows} == {"nats", "api"}


async def test_a_fire_of_a_trigger_deleted_meanwhile_ends_rejected(
    around: Around, executor: Executor
):
    await around.change(ORDER)
    await around.change(deleted(ORDER, datetime.now(UTC) + timedelta(seconds=30)))
    gone = make_api_change("a2")
    await around.change(gone)
    await around.change(deleted(gone, datetime.now(UTC) - timedelta(minutes=5)))

    await around.fire(
        fire_body(payload={"amount": 1}, key="k"), fire_body("a2", payload={"amount": 1})
    )
    await around.fires_handled()

    (row,) = await around.rows()
    assert (row["trigger_id"], row["status"]) == ("a1", "rejected")
    assert "deleted" in row["reason"]


async def test_a_key_is_one_event_whatever_is_repeated(around: Around, executor: Executor):
    await around.change(ORDER)
    body = fire_body(payload={"amount": 1}, key="k")
    same_value = b'{"payload": {"amount":   1}, "key": "k", "trigger_id": "a1"}'
    other = fire_body(payload={"amount": 2}, key="k")

    async with around.inbox(INBOX) as heard:
        await around.fire(body, other, same_value, reply_to=INBOX)
        await eventually(lambda: len(heard) == 3)
        await around.fire(same_value, other, body, reply_to=INBOX)
        await eventually(lambda: len(heard) == 6)

    (row,) = await around.rows()
    assert row["payload"]["amount"] == 1
    assert [result["event_id"] for result in heard if "event_id" in result] == [row["event_id"]] * 4
    assert [result["status"] for result in heard if "status" in result] == [409, 409]


async def test_the_gateways_claim_counts(around: Around, executor: Executor):
    await around.change(ORDER)
    promised_at = NOW - timedelta(minutes=10)
    command = FireTrigger(trigger_id="a1", payload={"amount": 1}, key="k")
    promised = claim_for(command, "k", promised_at)
    await around.claims().reserve(store_key("a1", "k"), promised.model_dump_json().encode())

    await around.fire(fire_body(payload={"amount": 1}, key="k", actor="key:owner"))
    await around.fires_handled()

    (row,) = await around.rows()
    assert row["event_id"] == promised.event_id
    assert datetime.fromisoformat(row["fired_at"]) == promised_at
    (message,) = await around.stored(topology.EVENTS)
    assert message.headers["Nats-TTL"]


async def test_a_retry_under_a_key_ends_as_the_first_did_after_a_deletion(
    around: Around, executor: Executor
):
    await around.change(ORDER)
    body = fire_body(payload={"amount": 1}, key="k")

    async with around.inbox(INBOX) as heard:
        await around.fire(body, reply_to=INBOX)
        await eventually(lambda: heard)
        await around.change(deleted(ORDER, NOW))
        await around.fire(body, reply_to=INBOX)
        await eventually(lambda: len(heard) == 2)

    first, again = heard
    assert first["event_id"] == again["event_id"]
    (row,) = await around.rows()
    assert (row["event_id"], row["status"]) == (first["event_id"], "fired")


async def test_a_fire_with_thousands_of_unknown_fields_is_answered_and_recorded(
    around: Around, executor: Executor
):
    await around.change(ORDER)
    fields = {f"u{n}": 0 for n in range(25_000)}

    async with around.inbox(INBOX) as heard:
        await around.fire(fire_body(**fields), reply_to=INBOX)
        await eventually(lambda: heard)

    assert heard[0]["code"] == "invalid"
    (row,) = await around.rows()
    assert (row["status"], len(row["errors"])) == ("rejected", MAX_ERRORS)


async def test_one_key_on_two_replicas_is_one_event(around: Around, start: Start):
    await start()
    await start()
    await around.change(ORDER)

    for _ in range(10):
        await around.fire(*(fire_body(payload={"amount": 1}, key=f"k{n}") for n in range(20)))
    await around.fires_handled()

    rows = await around.rows()
    assert len(rows) == len({row["event_id"] for row in rows}) == 20


async def test_poison_is_answered_buried_and_never_in_the_way(around: Around, executor: Executor):
    await around.change(ORDER)
    poison = [
        b"",
        b"not json",
        b"[1, 2]",
        b'{"trigger_id":"a1","payload":' + b"[" * 10_000,
        fire_body("a.b*>"),
        fire_body("a\r\nb"),
        fire_body(schema_version=99),
        fire_body(payload="x" * (MAX_COMMAND_BYTES + 1)),
    ]

    async with around.inbox(INBOX) as heard:
        for one in poison:
            await around.fire(one, reply_to=INBOX)
        await around.fire(fire_body(payload={"amount": 1}), reply_to=INBOX)
        await eventually(lambda: len(heard) == len(poison) + 1)
    await around.fires_handled()

    codes = [result["code"] for result in heard if "code" in result]
    assert sorted(codes) == sorted(
        ["malformed-json"] * 3 + ["invalid"] * 3 + ["unknown-schema-version", "body-too-large"]
    )
    # Those that name a trigger are rejected rows of it: nested too deep, of an unknown version,
    # too large.
    statuses = [row["status"] for row in await around.rows()]
    assert statuses == ["rejected"] * 3 + ["fired"]
    letters = await around.dead()
    assert sorted(letter["stream_seq"] for letter in letters) == list(range(1, len(poison) + 1))


async def test_invalid_fields_are_a_dead_letter_and_a_row_of_the_trigger_they_name(
    around: Around, executor: Executor
):
    await around.change(ORDER)

    await around.fire(fire_body(payload={"amount": 1}, colour="red"), fire_body("nobody", colour=1))
    await around.fires_handled()

    (row,) = await around.rows()
    assert (row["status"], row["errors"][0]["pointer"]) == ("rejected", "/colour")
    assert len(await around.dead()) == 2


REFUSED = {
    "mismatch": (fire_body(payload={"amount": "canary"}), "/payload/amount"),
    "mismatch of a name": (fire_body(payload={"amount": 1, "canary": "canary"}), "/payload/canary"),
    "unknown field": (fire_body(payload={"amount": 1}, colour="canary"), "/colour"),
    "invalid key": (fire_body(payload="canary", key=""), "/key"),
    "key of another kind": (fire_body(payload="canary", key={"canary": 1}), "/key"),
    "key too long": (fire_body(payload="canary", key="canary" * 100), "/key"),
    "unknown version": (fire_body(payload="canary", schema_version=9), "/schema_version"),
    "cut": (fire_body(payload="canary")[:-3], ""),
    "no JSON": (b'{"trigger_id": "a1", "payload": canary}', ""),
    "no number": (b'{"trigger_id": "a1", "payload": {"canary": NaN}}', ""),
    "no UTF-8": (b'{"trigger_id": "a1", "payload": "canary\xff"}', ""),
    "unstorable": (b'{"trigger_id": "a1", "payload": "canary\\u0000"}', ""),
    "keys twice": (b'{"trigger_id": "a1", "payload": {"canary": 1, "canary": 2}}', ""),
    "too deep": (b'{"trigger_id": "a1", "payload": ' + b'{"canary":' * 100, ""),
    "too large": (fire_body(payload="canary" * (MAX_COMMAND_BYTES // 6)), ""),
    "too large once merged": (
        fire_body("large", payload={"canary": "c" * (MAX_COMMAND_BYTES - 300)}),
        "/payload",
    ),
}


@pytest.mark.parametrize("reply_to", [INBOX, None])
async def test_whatever_is_refused_of_a_trigger_is_one_row_with_pointers_and_nothing_of_its_payload(
    around: Around,
    executor: Executor,
    reply_to: str | None,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
):
    """And one only, also where it is delivered again after its acknowledgement was lost."""
    strict = {**SCHEMA, "additionalProperties": False}
    strict["properties"] = {**SCHEMA["properties"], "currency": {}}
    await around.change(make_api_change(payload_schema=strict))
    await around.change(make_api_change("large", payload={"own": "x" * 1000}, payload_schema=None))

    async with around.inbox(INBOX) as heard:
        for body, _ in REFUSED.values():
            await around.fire(body, reply_to=reply_to)
        await around.fires_handled()
        first = await around.rows()
        await around.deliver_fires_again()
        await around.fires_handled()
        if reply_to is not None:
            # More, where a busy machine took longer for one than the broker waits for it.
            await eventually(lambda: len(heard) >= 2 * len(REFUSED))

    assert len(first) == len(REFUSED)
    for row in first:
        assert (row["status"], row["payload"], row["source"]) == ("rejected", None, "nats")
        assert row["reason"]
    # Batches overlap: their rows need not be in the order of the fires.
    pointers = sorted(tuple(error["pointer"] for error in row["errors"]) for row in first)
    assert pointers == sorted((pointer,) for _, pointer in REFUSED.values())
    again = await around.rows()
    assert {row["event_id"] for row in again} == {row["event_id"] for row in first}
    for said in (first, [{**answer} for answer in heard]):
        text = json.dumps(said).replace("/payload/canary", "")
        assert "canary" not in text
    for message in await around.stored(topology.EVENTS):
        assert "canary" not in str(message.headers)
    printed = capsys.readouterr()
    assert "canary" not in caplog.text + printed.out + printed.err


async def test_what_names_no_trigger_that_is_there_leaves_only_the_error(
    around: Around, executor: Executor
):
    gone = make_api_change("gone")
    await around.change(gone)
    await around.change(deleted(gone, datetime.now(UTC) - timedelta(minutes=5)))
    await around.change(make_change("transient", is_test=True))
    bodies = [
        *(fire_body(name, payload="canary") for name in ("nobody", "gone", "transient")),
        *(fire_body(name, payload="canary")[:-2] for name in ("nobody", "gone", "transient")),
        fire_body("nobody", colour="canary"),
        b'{"payload": {"trigger_id": "a1"}',
        b"canary",
    ]
    await around.change(ORDER)

    async with around.inbox(INBOX) as heard:
        for body in bodies:
            await around.fire(body, reply_to=INBOX)
        await eventually(lambda: len(heard) == len(bodies))

    codes = [answer["code"] for answer in heard]
    assert sorted(codes) == ["invalid"] + ["malformed-json"] * 5 + ["not-found"] * 3
    assert "canary" not in json.dumps(heard)
    assert await around.rows() == []


async def test_a_result_goes_to_callers_inboxes_only(around: Around, executor: Executor):
    await around.change(ORDER)
    subjects = ["trigger.fired.x", "somewhere", "_INBOX_scheduler.x", "_INBOX_apis.x"]

    async with (
        around.inbox("somewhere") as somewhere,
        around.inbox("_INBOX_scheduler.x") as scheduler,
        around.inbox("_INBOX_apis.x") as lookalike,
    ):
        for subject in subjects:
            await around.fire(fire_body(payload={"amount": 1}), b"poison", reply_to=subject)
        await around.fires_handled()
        await around.connection.client.flush()

    assert somewhere == scheduler == lookalike == []
    assert {m.subject for m in await around.stored(topology.EVENTS)} == {"trigger.fired.a1"}


async def test_a_replay_names_its_origin_and_is_one_event_however_often_it_is_asked_for(
    around: Around, start: Start
):
    await start()
    await start()
    await around.change(ORDER)
    origin = "019c0b5e-7d9c-7a51-8f10-3c1f1f2f6a55"
    replay = {"payload": {"amount": 3, "note": None}, "replay_of": origin, "key": "again"}

    async with around.inbox(INBOX) as heard:
        for _ in range(5):
            await around.fire(
                fire_body(**replay, actor="key:owner"), fire_body(**replay), reply_to=INBOX
            )
        await eventually(lambda: len(heard) == 10)
        await around.fire(
            fire_body(**{**replay, "payload": {"amount": "3"}, "key": "other"}),
            fire_body(**{**replay, "replay_of": "everything"}),
            reply_to=INBOX,
        )
        await eventually(lambda: len(heard) == 12)

    fired, *rejected = await around.rows()
    assert {result["event_id"] for result in heard[:10]} == {fired["event_id"]}
    assert (fired["source"], fired["replay_of"]) == ("replay", origin)
    assert fired["payload"] == replay["payload"]
    assert {(row["status"], row["replay_of"], row["errors"][0]["pointer"]) for row in rejected} == {
        ("rejected", origin, "/payload/amount"),
        ("rejected", None, "/replay_of"),
    }


async def test_a_scheduled_trigger_fires_now(around: Around, executor: Executor):
    await around.change(make_change())

    await around.fire(fire_body("t1", is_test=True, actor="key:owner"))
    await around.fires_handled()

    (row,) = await around.rows()
    assert (row["source"], row["is_test"], row["scheduled_for"]) == ("test", True, None)
    assert row["payload"] == {"hello": "world"}
