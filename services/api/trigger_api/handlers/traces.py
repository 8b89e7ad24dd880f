"""Traces of fires: begun with a request, told once it is answered. Without a collector, nothing."""

from trigger_api.domain.triggers.traces import FireTrace, Route, spans_of
from trigger_api.ports.process import Clock
from trigger_contracts.tracing import SpanSink, sampled_caller, trace_id_of


class FireTraces:
    """Tells of the requests whose events are sampled, and of those whose callers ask for it."""

    def __init__(self, sink: SpanSink, clock: Clock) -> None:
        self._sink = sink
        self._clock = clock

    def begin(
        self, route: Route, trigger_id: str | None = None, traceparent: bytes | None = None
    ) -> FireTrace:
        """A request came, with this header."""
        caller = None if traceparent is None else sampled_caller(traceparent.decode("latin-1"))
        return FireTrace(route, self._clock.now(), caller, trigger_id)

    def end(self, trace: FireTrace, status: int) -> None:
        """It is answered with this HTTP status."""
        if trace.caller is None:
            event_id = trace.event_id
            if event_id is None or not self._sink.samples(trace_id_of(event_id)):
                return
        for span in spans_of(trace, status, self._clock.now()):
            self._sink.add(span)
