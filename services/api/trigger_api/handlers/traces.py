"""Traces of fires: begun with a request, told once it is answered. Without a collector, nothing."""

from trigger_api.domain.triggers.traces import FireTrace, Route, spans_of
from trigger_api.ports.process import Clock
from trigger_contracts.tracing import SpanSink, sampled_caller


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
        return FireTrace(route, self._clock.now(), self._sink.samples, caller, trigger_id)

    def end(self, trace: FireTrace, status: int) -> None:
        """It is answered with this HTTP status."""
        if trace.is_wanted or trace.caller is not None:
            for span in spans_of(trace, status, self._clock.now()):
                self._sink.add(span)
