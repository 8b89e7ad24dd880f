"""What the gateway tells of a fire's trace."""

from datetime import timedelta

import pytest

from tests.support.kept_spans import KeptSpans
from tests.unit.api.fakes import NOW, FakeClock, make_change
from tests.unit.api.test_handlers import World
from trigger_api.domain.triggers.fires import FireRequest
from trigger_api.domain.triggers.traces import FireTrace, Route
from trigger_api.handlers.traces import FireTraces
from trigger_contracts.errors import Refused
from trigger_contracts.tracing import SpanKind, root_of, stage_of
from trigger_runtime.process.errors import BrokerUnavailable

CALLER = b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


class Traced:
    """Fires on fakes, and what is told of them."""

    def __init__(self, ratio: float = 1) -> None:
        self.world = World()
        self.world.definitions.remembered["t"] = make_change()
        self.world.definitions.stored["t"] = make_change()
        self.kept = KeptSpans(ratio)
        self.traces = FireTraces(self.kept, self.world.clock)

    async def fire(
        self, *, key: str | None = None, traceparent: bytes | None = None, payload: object = 1
    ) -> tuple[str, FireTrace]:
        trace = self.traces.begin(Route.FIRE, "t", traceparent)
        fields = {"payload": payload}
        event_id = await self.world.fires.fire(FireRequest("t", fields, "k", key, trace=trace))
        self.traces.end(trace, 202)
        return event_id, trace


async def test_a_fire_is_a_root_with_its_publication() -> None:
    traced = Traced()
    event_id, _ = await traced.fire()
    spans = traced.kept.of(event_id)
    assert set(spans) == {"POST fire", "publish"}
    assert spans["POST fire"].context == root_of(event_id)
    assert spans["POST fire"].parent is None
    assert spans["publish"].parent == root_of(event_id)
    assert spans["publish"].context == stage_of(event_id, "publish")
    assert spans["POST fire"].attributes["etp.event_id"] == event_id
    assert traced.world.commands.headers == [None]


async def test_a_fire_under_a_key_also_tells_of_the_claim() -> None:
    traced = Traced()
    event_id, _ = await traced.fire(key="k1")
    assert set(traced.kept.of(event_id)) == {"POST fire", "claim", "publish"}
    begun = len(traced.kept.spans)
    traced.world.clock.advance(timedelta(seconds=5))
    again, _ = await traced.fire(key="k1")
    assert again == event_id
    (repeated,) = traced.kept.spans[begun:]
    assert repeated.parent == root_of(event_id)
    assert repeated.attributes["etp.repeated"] is True


async def test_without_a_sample_nothing_is_told_or_sent() -> None:
    traced = Traced(ratio=0)
    _, trace = await traced.fire()
    assert traced.kept.spans == []
    assert traced.world.commands.headers == [None]
    assert trace.published_at is None


async def test_whoever_asks_is_told_and_linked_whatever_the_ratio() -> None:
    traced = Traced(ratio=0)
    event_id, trace = await traced.fire(traceparent=CALLER)
    assert trace.caller is not None
    (own,) = (span for span in traced.kept.spans if span.parent == trace.caller)
    root = traced.kept.of(event_id)["POST fire"]
    assert own.kind is SpanKind.SERVER
    assert root.kind is SpanKind.INTERNAL
    assert (own.links, root.links) == ((root.context,), (own.context,))
    sent = f"00-{root.context.trace_id:032x}-{root.context.span_id:016x}-01"
    assert traced.world.commands.headers == [{"traceparent": sent}]


@pytest.mark.parametrize("header", [b"nonsense", b"\xff", CALLER[:-1] + b"0", b""])
async def test_a_header_that_asks_for_nothing_changes_nothing(header: bytes) -> None:
    traced = Traced(ratio=0)
    await traced.fire(traceparent=header)
    assert traced.kept.spans == []
    assert traced.world.commands.headers == [None]


async def test_a_refused_fire_is_traced_as_the_event_that_says_so() -> None:
    traced = Traced(ratio=0)
    traced.world.definitions.remembered["t"] = make_change(payload_schema={"type": "integer"})
    traced.world.definitions.stored["t"] = traced.world.definitions.remembered["t"]
    trace = traced.traces.begin(Route.FIRE, "t", CALLER)
    with pytest.raises(Refused):
        await traced.world.fires.fire(FireRequest("t", {"payload": "no"}, "k", "k1", trace=trace))
    traced.traces.end(trace, 422)
    assert trace.event_id is not None
    root = traced.kept.of(trace.event_id)["POST fire"]
    assert root.attributes["etp.status"] == "rejected"
    assert root.error is None
    # The key is not used up, and what is recorded says whose trace it belongs to.
    assert not traced.world.claims.values
    assert traced.world.commands.headers[0] is not None
    assert f"{root.context.trace_id:032x}" in traced.world.commands.headers[0]["traceparent"]


async def test_a_fire_that_cannot_be_stored_is_an_error() -> None:
    traced = Traced()
    traced.world.commands.away = True
    trace = traced.traces.begin(Route.FIRE, "t")
    with pytest.raises(BrokerUnavailable):
        await traced.world.fires.fire(FireRequest("t", {}, "k", "k1", trace=trace))
    traced.traces.end(trace, 503)
    (root,) = (span for span in traced.kept.spans if span.parent is None)
    assert (root.error, root.attributes["etp.status"]) == ("answered 503", "failed")
    assert "publish" not in {span.name for span in traced.kept.spans}


def test_a_request_without_an_event_has_a_span_in_its_caller_s_trace_alone() -> None:
    kept = KeptSpans()
    traces = FireTraces(kept, FakeClock())
    asked = traces.begin(Route.FIRE, "nobody", CALLER)
    traces.end(asked, 404)
    traces.end(traces.begin(Route.FIRE, "nobody"), 404)
    (span,) = kept.spans
    assert (span.parent, span.links) == (asked.caller, ())
    assert span.begun_at == NOW
