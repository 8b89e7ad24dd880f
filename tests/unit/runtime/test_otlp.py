"""Spans as OpenTelemetry has them: the ids that we say, the times, and what belongs to what."""

import socket
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from trigger_contracts.tracing import (
    Sampling,
    SpanContext,
    SpanKind,
    TraceSpan,
    root_of,
    stage_of,
)
from trigger_runtime.tracing.otlp import OtlpExporter
from trigger_runtime.tracing.traces import BATCH, Traces

EVENT = "019bf9a5-6280-7c1e-a2b3-0123456789ab"
NOON = datetime(2027, 1, 26, 12, 0, 0, 123_457, tzinfo=UTC)
ROOT = TraceSpan(
    "due",
    root_of(EVENT),
    None,
    SpanKind.PRODUCER,
    NOON,
    NOON + timedelta(milliseconds=3),
    {"etp.event_id": EVENT, "messaging.batch.message_count": 3, "etp.misfire": False},
    links=(SpanContext(7, 8),),
    moments=(("claimed", NOON),),
)
PROJECT = TraceSpan(
    "project",
    stage_of(EVENT, "project"),
    root_of(EVENT),
    SpanKind.CONSUMER,
    NOON,
    NOON,
    {},
    error="answered 503",
)


def exported(*spans: TraceSpan) -> list[ReadableSpan]:
    memory = InMemorySpanExporter()
    exporter = OtlpExporter("executor", version="1.2.3", instance="i1", exporter=memory)
    assert exporter.export(spans)
    assert exporter.export(())
    return list(memory.get_finished_spans())


def test_spans_have_the_ids_that_the_event_gives() -> None:
    root, project = exported(ROOT, PROJECT)
    assert root.context.trace_id == project.context.trace_id == int(EVENT.replace("-", ""), 16)
    assert (root.context.span_id, root.parent) == (ROOT.context.span_id, None)
    assert project.context.span_id == PROJECT.context.span_id
    assert project.parent.span_id == ROOT.context.span_id
    assert [project.context, root.context] == [one.context for one in exported(PROJECT, ROOT)]


def test_a_span_says_what_it_was_told() -> None:
    root, project = exported(ROOT, PROJECT)
    assert (root.name, root.kind.name) == ("due", "PRODUCER")
    assert dict(root.attributes) == dict(ROOT.attributes)
    assert [(link.context.trace_id, link.context.span_id) for link in root.links] == [(7, 8)]
    assert root.start_time == int(NOON.timestamp()) * 10**9 + 123_457_000
    assert root.end_time - root.start_time == 3_000_000
    assert [(event.name, event.timestamp) for event in root.events] == [
        ("claimed", root.start_time)
    ]
    assert root.status.status_code is StatusCode.UNSET
    assert (project.status.status_code, project.status.description) == (
        StatusCode.ERROR,
        "answered 503",
    )


def test_a_clock_that_was_set_back_makes_no_span_of_less_than_nothing() -> None:
    (span,) = exported(replace(PROJECT, ended_at=NOON - timedelta(seconds=5)))
    assert span.start_time == span.end_time


def test_a_span_of_the_thread_s_own_is_no_parent() -> None:
    with TracerProvider().get_tracer("another").start_as_current_span("around"):
        (root,) = exported(ROOT)
    assert root.parent is None
    assert trace.get_current_span().get_span_context().span_id == 0


def test_who_speaks_is_named_and_the_environment_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    (span,) = exported(ROOT)
    said = dict(span.resource.attributes)
    assert said["service.name"] == "etp-executor"
    assert said["service.namespace"] == "event-trigger-platform"
    assert (said["service.version"], said["service.instance.id"]) == ("1.2.3", "i1")
    monkeypatch.setenv("OTEL_SERVICE_NAME", "mine")
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "service.namespace=ours,region=eu")
    (span,) = exported(ROOT)
    said = dict(span.resource.attributes)
    assert (said["service.name"], said["service.namespace"]) == ("mine", "ours")
    assert said["region"] == "eu"


async def test_a_stop_does_not_wait_for_a_collector_that_is_away(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The exporter by itself tries for 10 s, with growing pauses."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and nobody listens
        address = f"http://127.0.0.1:{taken.getsockname()[1]}"
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", address)
        exporter = OtlpExporter("executor", version="1", instance="i1")
        traces = Traces(Sampling(1), exporter)
        for _ in range(2 * BATCH):
            traces.add(PROJECT)
        began = time.monotonic()
        await traces.close()
        # 0.7 s, and what a machine that others use takes besides.
        assert time.monotonic() - began < 4
