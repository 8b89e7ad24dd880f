"""What the executor tells of an event's trace, and what it hands on of one that was asked for."""

import pytest

from tests.support.kept_spans import KeptSpans
from tests.unit.executor.factories import (
    NOON,
    FakeMessage,
    fire_body,
    make_api_change,
    make_change,
    make_due,
    make_missed,
)
from tests.unit.executor.test_handlers import World
from trigger_contracts.tracing import root_of, stage_of
from trigger_executor.handlers import RecordDues, Recorder, RecordFires
from trigger_executor.handlers.tracing import DecisionTraces
from trigger_runtime.process.errors import BrokerUnavailable

CALLER = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


class Traced(World):
    """The use cases, with a sink."""

    def __init__(self, ratio: float = 1) -> None:
        super().__init__(make_api_change(payload_schema=None), make_change())
        self.kept = KeptSpans(ratio)
        traces = DecisionTraces(self.kept, self)
        recorder = Recorder(self, self, self, self)
        self.dues = RecordDues(self, recorder, traces)
        self.fires = RecordFires(
            self, self, self, self, recorder, self, self, monotonic=lambda: 0.0, traces=traces
        )


def by_gateway(**headers: str) -> FakeMessage:
    body = fire_body(command_id="c1", actor="key:k", accepted_at=NOON.isoformat())
    return FakeMessage(body, headers=headers)


async def test_what_the_gateway_began_is_decided_below_its_root() -> None:
    world = Traced()
    await world.fires([by_gateway()])
    (entry,) = world.entries
    (span,) = world.kept.spans
    assert (span.name, span.parent) == ("decide", root_of(entry.event_id))
    assert span.context == stage_of(entry.event_id, "decide")
    assert span.attributes["etp.status"] == "fired"
    assert world.rows[0].headers is None


async def test_what_comes_again_makes_the_same_spans() -> None:
    world = Traced()
    for _ in range(2):
        await world.fires([FakeMessage(fire_body(command_id="c1")), by_gateway()])
    half = len(world.kept.spans) // 2
    first, second = world.kept.spans[:half], world.kept.spans[half:]
    assert [span.context for span in first] == [span.context for span in second]


async def test_a_fire_by_nats_has_its_root_here() -> None:
    world = Traced()
    await world.fires([FakeMessage(fire_body(command_id="c1"))])
    (entry,) = world.entries
    spans = world.kept.of(entry.event_id)
    assert set(spans) == {"NATS fire", "decide"}
    assert spans["NATS fire"].context == root_of(entry.event_id)
    assert (spans["NATS fire"].parent, spans["NATS fire"].begun_at) == (None, NOON)


async def test_a_rejected_fire_is_decided_too() -> None:
    world = Traced()
    world.states["a1"] = make_api_change()
    await world.fires([FakeMessage(fire_body(payload={"amount": "no"}))])
    assert {span.attributes["etp.status"] for span in world.kept.spans} == {"rejected"}


@pytest.mark.parametrize("ratio", [0, 1])
async def test_what_was_asked_for_is_handed_on(ratio: float) -> None:
    world = Traced(ratio)
    untraced = World(make_api_change(payload_schema=None))
    for one in (world, untraced):
        await one.fires([by_gateway(traceparent=CALLER)])
        (row,) = one.rows
        root = root_of(row.event_id)
        sent = f"00-{root.trace_id:032x}-{root.span_id:016x}-01"
        # Also by an executor that tells nobody: retention may.
        assert row.headers == {"traceparent": sent}
    assert [span.name for span in world.kept.spans] == ["decide"]


async def test_a_nats_client_s_span_is_linked_with_the_root() -> None:
    world = Traced(ratio=0)
    message = FakeMessage(fire_body(command_id="c1"), headers={"traceparent": CALLER})
    await world.fires([message])
    root = world.kept.of(world.rows[0].event_id)["NATS fire"]
    (own,) = (one for one in world.kept.spans if one.context.trace_id != root.context.trace_id)
    assert f"{own.parent.span_id:016x}" == "00f067aa0ba902b7"
    assert (own.links, root.links) == ((root.context,), (own.context,))


async def test_a_replay_by_nats_is_linked_with_its_origin() -> None:
    world = Traced()
    origin = "019bf9a5-6280-7c1e-a2b3-0123456789ab"
    await world.fires([FakeMessage(fire_body(command_id="c1", replay_of=origin))])
    root = world.kept.of(world.rows[0].event_id)["NATS fire"]
    assert root.links == (root_of(origin),)
    assert root.attributes["etp.replay_of"] == origin


async def test_each_occurrence_is_decided() -> None:
    world = Traced()
    change = make_change()
    messages = [
        FakeMessage(record.model_dump_json().encode(), subject="trigger.due.t1")
        for record in (make_due(change), make_missed(change))
    ]
    assert await world.dues(messages) == []
    statuses = [span.attributes["etp.status"] for span in world.kept.spans]
    # The due occurrence is the first of those that are missed, and the first record counts.
    assert sorted(statuses) == ["fired", "missed", "missed"]
    assert {span.attributes["messaging.batch.message_count"] for span in world.kept.spans} == {2}
    assert {span.name for span in world.kept.spans} == {"decide"}


async def test_what_is_not_durable_is_not_told() -> None:
    world = Traced()

    async def away(_rows: object) -> None:
        raise BrokerUnavailable("away")

    world.append = away
    with pytest.raises(BrokerUnavailable):
        await world.fires([by_gateway()])
    assert world.kept.spans == []
