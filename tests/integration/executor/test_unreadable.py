"""What the executor cannot read is a dead letter or passed over; everybody else's fires go on."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.integration.executor.conftest import Around
from tests.integration.runtime.test_reading import KEPT, hpub, spoken
from tests.support.eventually import eventually
from tests.support.servers import Broker
from tests.unit.executor.factories import fire_body, make_api_change, make_change, make_due
from trigger_contracts import subjects, topology
from trigger_contracts.idempotency import store_key
from trigger_executor.bootstrap import Executor
from trigger_executor.handlers import RecordFires

NOW = datetime.now(UTC)
INBOX = "_INBOX_client.test.1"
ORDER = make_api_change(at=NOW, created_at=NOW)
PUB_ACK = b'{"stream":"TRIGGER_COMMANDS","seq":1}'
GARBAGE = [b"", b"\xff", b"{", b"null", b"[]", PUB_ACK, b"[" * 50_000]


async def test_malformed_headers_of_fires_and_dues_are_dead_letters(
    around: Around, executor: Executor, platform_streams: Broker
) -> None:
    await around.change(ORDER)
    bad = KEPT
    fires = [hpub(b"trigger.command.fire", block, fire_body()) for block in bad]
    dues = [hpub(b"trigger.due.t1", block, b"{}") for block in bad]
    await spoken(platform_streams, "admin", b"".join(fires + dues))
    async with around.inbox(INBOX) as heard:
        await around.fire(fire_body(payload={"amount": 3}, command_id="c1"), reply_to=INBOX)
        await eventually(lambda: heard, within=10)
    await eventually(lambda: dead(around, 2 * len(bad)), within=10)
    assert len(await around.rows()) == 1


async def dead(around: Around, count: int) -> bool:
    return len(await around.dead()) == count


async def test_what_a_key_holds_and_cannot_be_read_is_told(
    around: Around, executor: Executor, platform_streams: Broker
) -> None:
    await around.change(ORDER)
    async with platform_streams.connected("admin") as admin:
        for n, body in enumerate(GARBAGE):
            place = topology.IDEMPOTENCY.subject(store_key("a1", f"k{n}"))
            await admin.jetstream().publish(place, body)
    async with around.inbox(INBOX) as heard:
        spoilt = [fire_body(payload={"amount": 1}, key=f"k{n}") for n in range(len(GARBAGE))]
        await around.fire(*spoilt, fire_body(payload={"amount": 2}, key="good"), reply_to=INBOX)
        await eventually(lambda: len(heard) == len(spoilt) + 1, within=10)
    codes = sorted(str(one.get("code", "fired")) for one in heard)
    assert codes == ["fired"] + ["idempotency-mismatch"] * len(GARBAGE)
    assert len(await around.rows()) == 1


async def test_a_trigger_whose_newest_change_cannot_be_read_fires_as_it_was(
    around: Around, executor: Executor, platform_streams: Broker
) -> None:
    await around.change(ORDER)
    async with platform_streams.connected("admin") as admin:
        for body in GARBAGE:
            await admin.jetstream().publish(subjects.changed("a1"), body)
    async with around.inbox(INBOX) as heard:
        await around.fire(fire_body(payload={"amount": 3}), reply_to=INBOX)
        await eventually(lambda: heard, within=10)
    assert "event_id" in heard[0], heard


async def test_due_records_that_lie_are_dead_letters(around: Around, executor: Executor) -> None:
    change = make_change(at=NOW, created_at=NOW)
    seq = await around.change(change)
    good = make_due(change, change_seq=seq, scheduled_for=NOW, cursor=NOW, published_at=NOW)
    fields = json.loads(good.model_dump_json())

    def lie(**changes: Any) -> bytes:
        return json.dumps({**fields, **changes}).encode()

    lies = [
        *GARBAGE,
        lie(trigger_id="t2"),
        lie(schema_version=2),
        lie(scheduled_for="0001-01-01T00:00:00+14:00"),
        lie(change_seq=10**30),
    ]
    await around.due(*lies, good)
    await eventually(lambda: dead(around, len(lies)), within=20)
    (row,) = await around.rows()
    assert row["trigger_id"] == change.trigger_id


@pytest.mark.parametrize("error", [FileNotFoundError, TimeoutError])
async def test_a_fire_that_fails_by_itself_is_answered_and_buried(
    around: Around, executor: Executor, monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    await around.change(ORDER)
    decide = RecordFires._decide

    async def fails(self: RecordFires, fires: Any, *found: Any) -> Any:
        if any(fire.command_id == "bad" for fire in fires):
            raise error("a fault of ours")
        return await decide(self, fires, *found)

    monkeypatch.setattr(RecordFires, "_decide", fails)
    async with around.inbox(INBOX) as heard:
        bodies = [fire_body(payload={"amount": n}, command_id=f"c{n}") for n in range(1, 9)]
        bad = fire_body(payload={"amount": 1}, command_id="bad")
        await around.fire(*bodies[:4], bad, *bodies[4:], reply_to=INBOX)
        await eventually(lambda: len(heard) == 9, within=15)
    assert [one["request_id"] for one in heard if one.get("code") == "internal"] == ["bad"]
    (letter,) = await around.dead()
    assert letter["reason"].startswith(f"failed 5 times: {error.__name__}")
