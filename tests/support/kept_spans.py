"""A sink of spans that keeps them: for what a use case tells of a trace."""

from trigger_contracts.tracing import Sampling, TraceSpan, trace_id_of


class KeptSpans:
    """``SpanSink``, sampling by a ratio."""

    def __init__(self, ratio: float = 1) -> None:
        self.spans: list[TraceSpan] = []
        self._sampling = Sampling(ratio)

    def samples(self, trace_id: int) -> bool:
        return self._sampling.takes(trace_id)

    def add(self, span: TraceSpan) -> None:
        self.spans.append(span)

    def of(self, event_id: str) -> dict[str, TraceSpan]:
        """An event's spans by their names; of two of one name the last."""
        trace_id = trace_id_of(event_id)
        return {span.name: span for span in self.spans if span.context.trace_id == trace_id}
