"""Spans as OpenTelemetry's SDK makes them, sent by OTLP over HTTP. The only place that knows it.

Imported where a collector is named alone: the packages are the extra ``otel``. Address, headers,
timeout, compression and certificates are the exporter's own, from the standard's variables.
"""

import logging
import os
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import (
    SERVICE_INSTANCE_ID,
    SERVICE_NAME,
    SERVICE_NAMESPACE,
    SERVICE_VERSION,
    Resource,
)
from opentelemetry.sdk.trace import ReadableSpan, SpanLimits, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.sdk.trace.sampling import ALWAYS_ON
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    set_span_in_context,
)
from opentelemetry.trace import SpanContext as OtelContext
from opentelemetry.util.re import parse_env_headers

from trigger_contracts.tracing import SpanContext, TraceSpan

NAMESPACE = "event-trigger-platform"

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class OtlpExporter:
    """Implements ``traces.Exporter``. Used by one thread."""

    def __init__(
        self,
        service: str,
        *,
        version: str,
        instance: str,
        headers: str = "",
        exporter: SpanExporter | None = None,
    ) -> None:
        """``headers``: as the standard writes them in its variable.

        Raises ValueError for a variable of the standard that cannot be understood.
        """
        # What it says of each attempt, we say once; and of a bad header it would say all.
        logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)
        self._exporter = exporter or OTLPSpanExporter(
            headers=parse_env_headers(headers, liberal=True)
        )
        self._ids = _GivenIds()
        self._ended = _Collecting()
        provider = TracerProvider(
            sampler=ALWAYS_ON,
            resource=_resource(service, version, instance),
            id_generator=self._ids,
            shutdown_on_exit=False,
            span_limits=SpanLimits(),
        )
        provider.add_span_processor(self._ended)
        self._tracer = provider.get_tracer(NAMESPACE, version)

    def export(self, spans: Sequence[TraceSpan]) -> bool:
        for span in spans:
            self._make(span)
        return self._exporter.export(self._ended.taken()) is SpanExportResult.SUCCESS

    def shutdown(self) -> None:
        self._exporter.shutdown()

    def _make(self, span: TraceSpan) -> None:
        self._ids.next = span.context
        made = self._tracer.start_span(
            span.name,
            context=_under(span.parent),
            kind=SpanKind[span.kind],
            attributes=dict(span.attributes),
            links=[Link(_otel(link)) for link in span.links],
            start_time=_nanoseconds(span.begun_at),
        )
        for name, at in span.moments:
            made.add_event(name, timestamp=_nanoseconds(at))
        if span.error is not None:
            made.set_status(Status(StatusCode.ERROR, span.error))
        # A clock that was set back meanwhile makes no span of less than nothing.
        made.end(end_time=_nanoseconds(max(span.begun_at, span.ended_at)))


class _GivenIds(IdGenerator):
    """The ids of the span that is made next."""

    next = SpanContext(1, 1)

    def generate_span_id(self) -> int:
        return self.next.span_id

    def generate_trace_id(self) -> int:
        return self.next.trace_id


class _Collecting(SpanProcessor):
    """Keeps what has ended until it is taken."""

    def __init__(self) -> None:
        self._spans: list[ReadableSpan] = []

    def on_end(self, span: ReadableSpan) -> None:
        self._spans.append(span)

    def taken(self) -> list[ReadableSpan]:
        spans, self._spans = self._spans, []
        return spans


def _resource(service: str, version: str, instance: str) -> Resource:
    """Who speaks. A name that the environment gives (``OTEL_SERVICE_NAME``) wins."""
    ours = {
        SERVICE_NAME: f"etp-{service}",
        SERVICE_NAMESPACE: NAMESPACE,
        SERVICE_VERSION: version,
        SERVICE_INSTANCE_ID: instance,
    }
    given = os.environ.get("OTEL_RESOURCE_ATTRIBUTES", "")
    named = {part.partition("=")[0].strip() for part in given.split(",")}
    if os.environ.get("OTEL_SERVICE_NAME"):
        named.add(SERVICE_NAME)
    return Resource.create({name: value for name, value in ours.items() if name not in named})


def _under(parent: SpanContext | None) -> Context:
    """Never the thread's own context: a span's parent is the one that it names, or none."""
    empty = Context()
    return empty if parent is None else set_span_in_context(NonRecordingSpan(_otel(parent)), empty)


def _otel(context: SpanContext) -> OtelContext:
    return OtelContext(
        context.trace_id,
        context.span_id,
        is_remote=True,
        trace_flags=TraceFlags(TraceFlags.SAMPLED),
    )


def _nanoseconds(instant: datetime) -> int:
    return (instant - _EPOCH) // _MICROSECOND * 1000
