"""``etp rebuild`` on a platform with a history: the same tables, and nothing fires again."""

from collections import Counter
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import pytest

from tests.e2e.conftest import RECEIVERS
from tests.support.eventually import eventually
from tests.support.receiver import Received, Receiver, receiving
from tests.support.whole_platform import Json, Platform, ahead, now, running
from trigger_contracts.ids import uuid7
from trigger_local import ports
from trigger_runtime.process.ids import new_id

TABLES = {
    "executor.begun": "delivery_id",
    "executor.delivery": "delivery_id",
    "executor.lane": "target_id",
    "executor.projection": "id",
    "retention.attempt": "event_id, target_id, round, attempt, epoch",
    "retention.delivery": "event_id, target_id",
    "retention.event": "event_id",
    "retention.life_setting": "only_row",
    "scheduler.change": "change_seq",
    "scheduler.trigger": "trigger_id",
    "scheduler.answer": "command_id",
    "scheduler.projection": "one",
    "scheduler.target": "target_id",
    "scheduler.target_change": "change_seq",
    "scheduler.trigger_target": "trigger_id, target_id",
}
"""Every table of all schemas, and what orders its rows. (Only ``migration`` counts runs, and what
is searched and summed up is made of events.)"""

LATER_BY_NATURE = {"scheduler.projection": ("change_seq",)}
"""How far the repair has looked: a rebuild has looked at everything."""


@pytest.fixture(scope="module")
async def platform() -> AsyncIterator[Platform]:
    allowed = {"ETP_WEBHOOK_ALLOW": f"{RECEIVERS}/32"}
    async with running(environment={"ETP_MISFIRE_GRACE": "2s", **allowed}) as started:
        yield started


async def tables(platform: Platform) -> dict[str, list[Json]]:
    found = {}
    for table, order in TABLES.items():
        rows = await platform.query(f"SELECT * FROM {table} ORDER BY {order}")
        ignored = LATER_BY_NATURE.get(table, ())
        found[table] = [{k: v for k, v in row.items() if k not in ignored} for row in rows]
    return found


async def history(platform: Platform) -> None:
    """Of everything that leaves a row or a change something, at both doors."""
    rest = platform.rest
    api = await platform.create(name="api", type="api", payload={"a": 1}, labels=["x", "y"])
    strict = await platform.create(
        name="strict", type="api", payload_schema={"type": "object", "required": ["n"]}
    )
    for n in range(20):
        await platform.fire(api["id"], payload={"n": n})
    await rest.post(f"/triggers/{strict['id']}/fire", json={"payload": {"m": 1}})
    await rest.post(f"/triggers/{api['id']}/fire", json={}, headers={"Idempotency-Key": "k"})
    await rest.post(f"/triggers/{api['id']}/test", json={"payload": "test"})
    await rest.post("/test/api/", json={"payload": {"t": 1}})
    await rest.post("/test/scheduled/", json={"schedule_time": ahead(1), "payload": "t"})
    await platform.create(name="once", type="scheduled", schedule_time=ahead(1))
    often = await platform.create(
        name="often", type="scheduled", interval=1, starts_at=ahead(1), ends_at=ahead(40)
    )
    later = await platform.create(name="later", type="scheduled", schedule_time=ahead(3600))
    dropped = await platform.create(name="dropped", type="scheduled", interval=60)
    await rest.patch(f"/triggers/{often['id']}", json={"payload": [1, 2, 3]})
    await rest.patch(f"/triggers/{later['id']}", json={"schedule_time": ahead(7200)})
    await rest.patch(f"/triggers/{later['id']}", json={"name": "later"})
    await rest.delete(f"/triggers/{dropped['id']}")
    async with platform.connected() as client:
        by_nats = await platform.ask(client, "create", {"name": "nats", "type": "api"})
        await platform.ask(client, "fire", {"trigger_id": by_nats["trigger_id"], "payload": 1})
        await platform.ask(
            client,
            "delete",
            {"trigger_id": by_nats["trigger_id"], "expected_version": 9, "command_id": new_id()},
        )
        # The same id again after its end: another trigger, on the same subjects.
        await platform.ask(client, "delete", {"trigger_id": by_nats["trigger_id"]})
        again = {
            "trigger_id": by_nats["trigger_id"],
            "name": "again",
            "type": "scheduled",
            "schedule_time": ahead(1),
        }
        assert (await platform.ask(client, "create", again))["version"] == 3
    await platform.until_events(2, trigger_id=often["id"])
    # Longer away than the grace, the scheduler finds occurrences that it missed.
    async with platform.gone("scheduler"):
        until = now().timestamp() + 5
        await eventually(lambda: now().timestamp() > until, within=10)
    await platform.until_ready()
    await platform.until_events(1, status="missed", within=60)
    await rest.delete(f"/triggers/{often['id']}")


def answered(request: Received) -> bytes:
    status = 422 if request.path == "/fussy" else 204
    return f"HTTP/1.1 {status} X\r\nContent-Length: 0\r\n\r\n".encode()


async def deliver(platform: Platform, receiver: Receiver) -> None:
    """Deliveries of every state: one arrives, again as well, one waits for an hour, one is dead."""
    nobody = f"http://{RECEIVERS}:{ports.choose_free({receiver.port})}/"
    targets = {}
    for name, fields in {
        "taken": {"type": "webhook", "url": receiver.url("/taken")},
        "fussy": {"type": "webhook", "url": receiver.url("/fussy"), "final_statuses": [422]},
        "away": {"type": "webhook", "url": nobody, "retry": [3600]},
        "heard": {"type": "nats", "subject": "out.e2e.rebuilt", "ordered": True},
        "unused": {"type": "nats", "subject": "out.e2e.unused"},
    }.items():
        made = await platform.rest.post("/targets/", json=fields)
        assert made.status_code == 201, made.text
        targets[name] = made.json()["id"]
    unused = await platform.rest.delete(f"/targets/{targets.pop('unused')}")
    assert unused.status_code == 204, unused.text
    trigger = await platform.create(name="delivers", type="api", targets=list(targets.values()))
    fired = [await platform.fire(trigger["id"], payload=n) for n in range(3)]

    async def stand(*expected: str) -> bool:
        rows = await platform.query(
            "SELECT state, round FROM retention.deliveries WHERE trigger_id = $1", trigger["id"]
        )
        assert Counter(f"{row['state']} {row['round']}" for row in rows) == Counter(expected)
        return True

    first = ["delivered 1"] * 6 + ["dead 1"] * 3 + ["pending 1"] * 3
    await eventually(partial(stand, *first), within=30)
    again = await platform.rest.post(
        f"/events/{fired[0]}/redeliver", json={"targets": [targets["taken"]]}
    )
    assert again.status_code == 202, again.text
    await eventually(partial(stand, *first[1:], "delivered 2"), within=30)

    async def are_idle() -> bool:
        return not await platform.query("SELECT FROM executor.lane WHERE owner IS NOT NULL")

    await eventually(are_idle, within=30, what="all lanes are given back")


async def at_rest(platform: Platform) -> dict[str, list[Json]]:
    """The tables once nothing changes them any more: twice the same."""

    async def settled() -> dict[str, list[Json]] | None:
        await platform.until_quiet()
        first = await tables(platform)
        open_ends = [
            row
            for row in first["scheduler.trigger"]
            if row["needs_completion"]
            or row["is_test"]
            or (row["next_fire_at"] and row["next_fire_at"].timestamp() < now().timestamp() + 60)
        ]
        return first if not open_ends and first == await tables(platform) else None

    found = await eventually(settled, within=60, poll=0.5, what="the platform is at rest")
    assert found is not None
    return found


async def test_rebuilt_tables_equal_those_they_replace(platform: Platform) -> None:
    """Row by row; the streams stay as they were, and the platform goes on."""
    async with receiving(RECEIVERS, answered) as receiver:
        await deliver(platform, receiver)
        received = len(receiver.requests)
        await history(platform)
        await rebuilt_is_the_same(platform)
        assert len(receiver.requests) == received, "something is delivered again"
    await goes_on(platform)


async def rebuilt_is_the_same(platform: Platform) -> None:
    before = await at_rest(platform)
    kinds = {(row["status"], row["is_test"]) for row in before["retention.event"]}
    assert kinds >= {("fired", False), ("fired", True), ("missed", False), ("rejected", False)}
    assert {row["kind"] for row in before["scheduler.change"]} == {
        "created",
        "updated",
        "completed",
        "deleted",
    }
    assert before["scheduler.answer"]
    stored = {name: await platform.stored(name) for name in ("TRIGGER_DUE", "TRIGGER_EVENTS")}
    await rebuilt(platform)
    assert_same(await tables(platform), before)
    await platform.until_quiet()
    assert_same(await at_rest(platform), before)
    for name, messages in stored.items():
        assert await platform.stored(name) == messages, "something fired, or was sent, again"
    schemas = await platform.query(
        "SELECT nspname FROM pg_namespace WHERE nspname ~ '^(executor|scheduler|retention)'"
    )
    assert {row["nspname"] for row in schemas} == {"executor", "scheduler", "retention"}


async def test_a_rebuild_under_load_loses_and_doubles_nothing(platform: Platform) -> None:
    """Claims, commands and the projection wait for the switch, and then go on."""
    often = await platform.create(
        name="under rebuild", type="scheduled", interval=1, starts_at=ahead(0.5), ends_at=ahead(8.4)
    )
    api = await platform.create(name="api under rebuild", type="api")
    fired = {await platform.fire(api["id"], payload=n) for n in range(50)}
    await rebuilt(platform)
    fired |= {await platform.fire(api["id"], payload=n) for n in range(50)}
    await rebuilt(platform)
    await platform.until_events(8, trigger_id=often["id"])
    await platform.until_events(100, trigger_id=api["id"])
    await platform.until_quiet()
    rows = await platform.log_rows(api["id"])
    assert {str(row["event_id"]) for row in rows} == fired
    rows = await platform.log_rows(often["id"])
    seconds = [(row["scheduled_for"] - rows[0]["scheduled_for"]).total_seconds() for row in rows]
    assert seconds == [0, 1, 2, 3, 4, 5, 6, 7]
    assert_same(await at_rest(platform), await after_another(platform))


async def after_another(platform: Platform) -> dict[str, list[Json]]:
    await rebuilt(platform)
    return await tables(platform)


async def rebuilt(platform: Platform) -> None:
    code, said = await platform.call("rebuild")
    assert code == 0, said
    assert "triggers from" in said
    assert "rows from" in said
    assert "deliveries wait, from" in said


def assert_same(found: dict[str, list[Json]], expected: dict[str, list[Json]]) -> None:
    for table, rows in expected.items():
        assert len(found[table]) == len(rows), table
        for one, other in zip(found[table], rows, strict=True):
            assert one == other, (table, _difference(one, other))


def _difference(one: Json, other: Json) -> dict[str, Any]:
    return {k: (one[k], other[k]) for k in other if one[k] != other[k]}


async def goes_on(platform: Platform) -> None:
    """Old and new triggers, edits and answers; and what was erased stays so."""
    created = await platform.create(name="after", type="scheduled", schedule_time=ahead(0.5))
    await platform.until_events(1, trigger_id=created["id"])
    (api,) = (await platform.rest.get("/triggers/", params={"q": "strict"})).json()
    await platform.fire(api["id"], payload={"n": 1})
    await platform.until_events(2, trigger_id=api["id"])
    patched = await platform.rest.patch(
        f"/triggers/{api['id']}", json={"payload": 1}, headers={"If-Match": '"1"'}
    )
    assert patched.status_code == 200
    over = uuid7(now().replace(year=2025), "over")
    assert (await platform.rest.get(f"/events/{over}")).status_code == 410
