"""The use cases, on ports that remember."""

import asyncio
import dataclasses
import json

import pytest

from tests.support.stretches import stretches
from tests.unit.executor.factories import (
    NOON,
    SECOND,
    FakeMessage,
    deleted,
    fire_body,
    make_api_change,
    make_change,
    make_due,
    make_fire,
    make_missed,
)
from trigger_contracts import schema_time, topology
from trigger_contracts.deliveries.records import record_in
from trigger_contracts.events import Fence
from trigger_contracts.idempotency import claim_for
from trigger_contracts.topology import LOG_LIFE
from trigger_contracts.trigger import Trigger
from trigger_executor.domain.fire import RecordedFire
from trigger_executor.domain.version import version_of
from trigger_executor.handlers import RecordDues, Recorder, RecordFires
from trigger_executor.handlers import fires as fire_handler
from trigger_executor.handlers.recording import MAX_DELIVERIES
from trigger_executor.ports import Appended
from trigger_runtime.process.errors import BrokerUnavailable, PublishRefused

INBOX = "_INBOX_client.abc.1"
TEA, ORDER = make_change(), make_api_change()


class World:
    """Every port of the executor; what happened, in order, is in ``happened``."""

    def __init__(self, *changes):
        self.states = {change.trigger_id: change for change in changes}
        self.past, self.erased = [], set()
        self.now_at = NOON
        self.rows, self.dead, self.sent, self.happened = [], [], [], []
        self.expired_count = self.planned_count = 0
        self.plans, self.targets, self.recorded_as = [], set(), {}
        self.claims = {}
        self.finds_are_stale = False
        self.knows_ids = False
        self.write_fails_with = None
        recorder = Recorder(self, self, self, self)
        self.dues = RecordDues(self, recorder)
        self.fires = RecordFires(
            self, self, self, self, recorder, self, self, monotonic=lambda: 0.0
        )

    def now(self):
        return self.now_at

    async def versions(self, wanted):
        self.happened.append("versions")
        return {
            seq: version_of(self.states[trigger_id], seq)
            for seq, trigger_id in wanted.items()
            if trigger_id in self.states and seq == 1
        }

    async def current(self, trigger_ids):
        self.happened.append(("current", sorted(trigger_ids)))
        found = {t: self.changes(t) for t in trigger_ids}
        return {t: Trigger(changes[-1], len(changes)) for t, changes in found.items() if changes}

    async def at(self, trigger_id, change_seq):
        self.happened.append(("at", trigger_id, change_seq))
        changes = self.changes(trigger_id)
        if change_seq > len(changes) or change_seq in self.erased:
            return None
        return Trigger(changes[change_seq - 1], change_seq)

    async def row_at(self, trigger_id, event_seq):
        entry = self.rows[event_seq - 1].entry
        self.happened.append(("row", event_seq))
        of_version = [c for c in self.changes(trigger_id) if c.version == entry.trigger_version]
        return RecordedFire(of_version[0], has_fired=entry.status == "fired")

    def changes(self, trigger_id):
        """A trigger's changes, of which the first is at sequence 1."""
        past = [change for change in self.past if change.trigger_id == trigger_id]
        return past + [change for t, change in self.states.items() if t == trigger_id]

    def change(self, change):
        self.past.append(self.states[change.trigger_id])
        self.states[change.trigger_id] = change

    async def find(self, trigger_id, key, since=None):
        """A claim by its key; what was recorded, by ids of events."""
        if since is not None:
            self.happened.append("recorded")
            return {
                event_id: self.recorded_as[event_id]
                for event_id in key
                if event_id in self.recorded_as
            }
        await asyncio.sleep(0)
        return None if self.finds_are_stale else self.claims.get((trigger_id, key))

    async def reserve(self, trigger_id, key, claim):
        await asyncio.sleep(0)
        return self.claims.setdefault((trigger_id, key), claim)

    async def append(self, rows):
        self.happened.append("append")
        assert len({row.event_id for row in rows}) == len(rows)
        there = {row.event_id: seq for seq, row in enumerate(self.rows, 1)}
        new = [row for row in rows if not self.knows_ids or row.event_id not in there]
        first = len(self.rows) + 1
        self.rows += new
        seqs = {row.event_id: seq for seq, row in enumerate(new, first)}
        return [
            Appended(seqs[row.event_id])
            if row.event_id in seqs
            else Appended(there[row.event_id], True)
            for row in rows
        ]

    async def plan(self, records):
        self.happened.append("plan")
        self.plans += [record_in(record.subject, record.body) for record in records]

    def planned(self, count):
        self.planned_count += count

    async def unknown(self, target_ids):
        self.happened.append("unknown")
        return set(target_ids) - self.targets

    async def dead_letter(self, stream, message, reason):
        if self.write_fails_with is not None:
            raise self.write_fails_with
        self.happened.append("bury")
        self.dead.append((stream, message.stream_seq, reason))

    async def send(self, subject, body):
        self.happened.append("send")
        self.sent.append((subject, json.loads(body)))

    def recorded(self, entries):
        pass

    def expired(self, count):
        self.expired_count += count

    @property
    def entries(self):
        return [row.entry for row in self.rows]


def dues(*records):
    return [
        FakeMessage(
            record if isinstance(record, bytes) else record.model_dump_json().encode(),
            subject="trigger.due.t1",
            stream_seq=seq,
        )
        for seq, record in enumerate(records, 1)
    ]


def fires(*bodies, reply_to=INBOX):
    headers = {"reply_to": reply_to}
    return [
        FakeMessage(body, headers={**headers, "Nats-Msg-Id": f"m{seq}"}, stream_seq=seq)
        for seq, body in enumerate(bodies, 1)
    ]


async def test_a_batch_of_dues_is_one_append_and_one_read_of_definitions():
    world = World(TEA)
    fence = Fence(
        trigger_id="t1",
        creation_id="create-t1",
        version=1,
        change_seq=9,
        cursor=NOON,
        fenced_at=NOON,
    )

    later = await world.dues(dues(make_due(TEA), fence, make_missed(TEA)))

    assert list(later) == []
    assert [entry.status for entry in world.entries] == ["fired", "missed", "missed"]
    assert world.happened == ["versions", "append"]


async def test_an_undecodable_record_is_buried_and_the_rest_recorded():
    world = World(TEA)

    later = await world.dues(dues(b"\xff\x00", make_due(TEA)))

    assert list(later) == []
    assert len(world.rows) == 1
    ((stream, seq, reason),) = world.dead
    assert (stream, seq) == ("TRIGGER_DUE", 1)
    assert reason.startswith("not a due record")


async def test_a_definition_not_found_is_waited_for_and_then_taken_as_erased():
    world = World()
    (message,) = dues(make_due(TEA))

    assert list(await world.dues([message])) == [message]
    assert world.dead == []

    often = FakeMessage(message.payload, delivered_count=MAX_DELIVERIES)
    assert list(await world.dues([often])) == []
    assert "erased" in world.dead[0][2]


async def test_a_row_whose_48_hours_are_over_is_counted_and_left_out():
    world = World(TEA)
    world.now_at = NOON + LOG_LIFE + SECOND

    assert list(await world.dues(dues(make_due(TEA)))) == []

    assert (world.rows, world.expired_count) == ([], 1)


async def test_the_same_occurrence_twice_in_a_batch_is_one_row():
    world = World(TEA)

    await world.dues(dues(make_due(TEA), make_due(TEA)))

    assert len(world.rows) == 1


async def test_large_rows_are_encoded_and_appended_a_few_at_a_time():
    world = World(make_change(payload="x" * 250_000))

    await world.dues(dues(*(make_due(TEA, scheduled_for=NOON + n * SECOND) for n in range(40))))

    assert world.happened == ["versions", "append", "append", "append"]
    assert [entry.scheduled_for for entry in world.entries] == [
        NOON + n * SECOND for n in range(40)
    ]


async def test_answers_follow_the_durable_rows():
    world = World(ORDER)

    await world.fires(fires(fire_body(payload={"amount": 1}), b"nonsense"))

    assert world.happened == [("current", ["a1"]), "append", "bury", "send", "send"]
    (_, done), (_, problem) = world.sent
    assert done["event_id"] == world.entries[0].event_id
    assert done["command_id"] == "m1"
    assert (problem["code"], problem["request_id"]) == ("malformed-json", "m2")


@pytest.mark.parametrize("error", [BrokerUnavailable("away"), PublishRefused("gone")])
async def test_a_dead_letter_that_cannot_be_written_holds_up_nobody_else(error):
    world = World(ORDER, TEA)
    world.write_fails_with = error

    handed = fires(fire_body(payload={"amount": 1}), b"nonsense")
    assert await world.fires(handed) == [handed[1]]
    (answered,) = world.sent
    assert answered[1]["command_id"] == "m1"
    assert len(world.entries) == 1

    handed = dues(make_due(TEA), b"nonsense")
    assert await world.dues(handed) == [handed[1]]
    assert len(world.entries) == 2

    world.write_fails_with = None
    assert await world.dues(handed[1:]) == []
    assert len(world.dead) == 1


async def test_an_error_of_burying_that_is_no_servers_is_not_hidden():
    world = World(ORDER)
    world.write_fails_with = ZeroDivisionError()

    with pytest.raises(ZeroDivisionError):
        await world.fires(fires(b"nonsense"))


async def test_one_read_of_state_serves_all_fires_of_a_trigger():
    world = World(ORDER, TEA)

    await world.fires(fires(*[fire_body(payload={"amount": n}) for n in range(5)], fire_body("t1")))

    assert world.happened[0] == ("current", ["a1", "t1"])
    assert [entry.payload.get("amount") for entry in world.entries] == [0, 1, 2, 3, 4, None]


@pytest.mark.parametrize(
    "subject",
    ["trigger.fired.t1", "_INBOX.abc", "_INBOX_api.>", "_INBOX_apix.a", "$JS.API.X", "_INBOX_api"],
)
async def test_a_result_goes_to_no_other_subject_than_a_callers_inbox(subject):
    world = World(ORDER)

    await world.fires(fires(fire_body(payload={"amount": 1}), b"nonsense", reply_to=subject))

    assert len(world.rows) == 1
    assert world.sent == []


async def test_two_payloads_under_one_key_in_one_batch_are_one_fire_and_one_mismatch():
    world = World(ORDER)
    bodies = [fire_body(key="k", payload={"amount": n}) for n in (1, 2, 1)]

    await world.fires(fires(*bodies))

    assert [entry.payload["amount"] for entry in world.entries] == [1]
    first, other, again = (result for _, result in world.sent)
    assert first["event_id"] == again["event_id"] == world.entries[0].event_id
    assert (other["code"], other["status"]) == ("idempotency-mismatch", 409)


STRICTER = make_api_change(payload_schema=False, version=2)
EDITS = [STRICTER, make_api_change(payload={"currency": "USD"}, version=2), deleted(ORDER, NOON)]


@pytest.mark.parametrize("edit", EDITS)
async def test_a_retry_under_a_key_ends_as_the_first_did_whatever_was_changed_since(edit):
    world = World(ORDER)
    bodies = [fire_body(key="k", payload={"amount": 1}, command_id=c) for c in ("one", "two")]

    await world.fires(fires(bodies[0]))
    world.change(edit)
    await world.fires(fires(*bodies))

    first, *again = world.rows
    assert {row.body for row in again} == {first.body}
    assert {result["event_id"] for _, result in world.sent} == {first.event_id}
    assert world.happened.count(("at", "a1", 1)) == 1


async def test_the_version_that_the_gateway_checked_is_the_one_that_fires():
    world = World(ORDER)
    world.change(STRICTER)
    command = make_fire(key="k", payload={"amount": 1}).command
    await world.reserve("a1", "k", claim_for(command, "k", NOON, 1))

    await world.fires(fires(fire_body(key="k", payload={"amount": 1})))

    assert [(entry.status, entry.trigger_version) for entry in world.entries] == [("fired", 1)]


@pytest.mark.parametrize("change_seq", [None, 1, 99])
async def test_a_claim_whose_version_is_not_known_is_held_to_the_current_one(change_seq):
    world = World(ORDER)
    world.change(STRICTER)
    world.erased.add(1)
    command = make_fire(key="k", payload={"amount": 1}).command
    await world.reserve("a1", "k", claim_for(command, "k", NOON, change_seq))

    await world.fires(fires(fire_body(key="k", payload={"amount": 1})))

    assert [entry.status for entry in world.entries] == ["rejected"]


@pytest.mark.parametrize(("code", "delivery"), [(None, 1), (10077, MAX_DELIVERIES)])
async def test_a_fire_whose_row_cannot_be_recorded_is_buried_and_answered(code, delivery):
    world = World(ORDER)
    (message,) = fires(fire_body(payload={"amount": 1}))

    async def refuse(_rows):
        raise PublishRefused("too large", code=code)

    world.append = refuse
    settled = await world.fires([dataclasses.replace(message, delivered_count=delivery)])

    assert list(settled) == []
    ((stream, _, reason),) = world.dead
    assert stream == topology.COMMANDS.name
    assert "too large" in reason
    assert [result["code"] for _, result in world.sent] == ["internal"]


@pytest.mark.parametrize(("code", "size"), [(None, 2), (10077, 1)])
async def test_a_refused_append_comes_again_while_it_may_help(code, size):
    world = World(ORDER)

    async def refuse(_rows):
        raise PublishRefused("refused", code=code)

    world.append = refuse
    with pytest.raises(PublishRefused):
        await world.fires(fires(*[fire_body(payload={"amount": n}) for n in range(size)]))

    assert (world.sent, world.dead) == ([], [])


async def test_an_invalid_fire_leaves_its_key_to_the_next():
    world = World(ORDER)

    await world.fires(fires(fire_body(key="k"), fire_body(key="k", payload={"amount": 2})))

    assert [entry.status for entry in world.entries] == ["rejected", "fired"]
    assert len({entry.event_id for entry in world.entries}) == 2


async def test_a_lost_race_for_a_key_uses_the_winners_claim():
    world = World(ORDER)
    world.finds_are_stale = True
    (message,) = fires(fire_body(key="k", payload={"amount": 1}))
    same = await claimed_by_another(world, {"amount": 1})

    await world.fires([message])

    assert world.entries[0].event_id == same.event_id
    assert world.entries[0].fired_at == same.accepted_at


async def test_a_lost_race_for_a_key_to_another_payload_is_a_mismatch():
    world = World(ORDER)
    world.finds_are_stale = True
    await claimed_by_another(world, {"amount": 2})

    await world.fires(fires(fire_body(key="k", payload={"amount": 1})))

    assert world.rows == []
    assert world.sent[0][1]["code"] == "idempotency-mismatch"


async def claimed_by_another(world, payload):
    claim = claim_for(make_fire(key="k", payload=payload).command, "k", NOON - 9 * SECOND)
    return await world.reserve("a1", "k", claim)


async def test_a_redelivered_batch_gives_the_same_bytes():
    first, again = World(ORDER), World(ORDER)
    batch = fires(
        fire_body(payload={"amount": 1}), fire_body(payload=3), fire_body(key="k", payload={})
    )

    await first.fires(batch)
    again.now_at = NOON + 3600 * SECOND
    await again.fires(batch)

    assert [row.body for row in first.rows] == [row.body for row in again.rows]


async def test_without_the_broker_nothing_is_answered():
    world = World(ORDER)

    async def away(_rows):
        raise BrokerUnavailable("away")

    world.append = away
    with pytest.raises(BrokerUnavailable):
        await world.fires(fires(fire_body(payload={"amount": 1}), b"nonsense"))

    assert (world.sent, world.dead) == ([], [])


@pytest.mark.parametrize("key", [None, "one key"])
async def test_others_have_their_turn_between_fires_with_a_schema(key, monkeypatch):
    world = World(make_api_change(payload_schema={"type": "object"}))
    body = {"trigger_id": ORDER.trigger_id, "payload": {}, **({"key": key} if key else {})}
    async with stretches() as work:
        monkeypatch.setattr(fire_handler, "decide_fire", work.counting(fire_handler.decide_fire))
        await world.fires(fires(*[json.dumps(body).encode()] * 20))
    assert len(world.sent) == 20
    # Who takes the key is decided twice.
    assert work.longest <= (1 if key is None else 2)


async def test_fires_whose_schemas_take_long_come_again_and_others_do_not_wait(monkeypatch):
    schemas = [
        {"allOf": [{"pattern": r"\p{L}{3}" + f"{part} fires {n}"} for part in range(12)]}
        for n in range(5)
    ]
    changes = [
        make_api_change(f"slow{n}", payload_schema=schema) for n, schema in enumerate(schemas)
    ]
    world = World(ORDER, *changes)
    world.fires = RecordFires(
        world,
        world,
        world,
        world,
        Recorder(world, world, world, world),
        world,
        world,
        monotonic=lambda: world.time,
    )
    world.time = 0.0

    def compiles(schema, monotonic):
        world.time += 0.06
        return 0.06 + make_ready(schema, monotonic)

    make_ready = schema_time.make_ready
    async with stretches() as work:
        monkeypatch.setattr(schema_time, "make_ready", work.counting(compiles))
        asked = [f"slow{n}" for n in range(5)] * 2 + [ORDER.trigger_id]
        batch = fires(*(json.dumps({"trigger_id": one, "payload": 1}).encode() for one in asked))
        later = await world.fires(batch)
    assert work.longest == 1
    assert len(world.sent) == 2 * 2 + 1
    # Of a trigger all or none, in their order.
    assert len(later) == 6
    assert len(world.sent) + len(later) == len(batch)
    while later:
        later = await world.fires(later)
    assert len(world.sent) == len(batch)
