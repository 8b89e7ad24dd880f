"""Spans on their way out: bounded, counted, never in a service's way."""

import asyncio
import io
import threading
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

import pytest
from prometheus_client import REGISTRY

from trigger_contracts.tracing import Sampling, SpanKind, TraceSpan, root_of, stage_of
from trigger_runtime.tracing import traces as module
from trigger_runtime.tracing.traces import Traces

EVENT = "019bf9a5-6280-7c1e-a2b3-0123456789ab"
NOON = datetime(2027, 1, 26, 12, tzinfo=UTC)
WITHIN_S = 20


def make_span(name: str = "decide") -> TraceSpan:
    return TraceSpan(
        name,
        stage_of(EVENT, name),
        root_of(EVENT),
        SpanKind.CONSUMER,
        NOON,
        NOON + timedelta(milliseconds=3),
        {"etp.event_id": EVENT},
    )


class Collector:
    """An exporter that notes what it got; ``answer`` says what becomes of it."""

    def __init__(self, answer: Callable[[], bool] = lambda: True) -> None:
        self.batches: list[Sequence[TraceSpan]] = []
        self.answer = answer
        self.got = threading.Event()
        self.is_shut_down = threading.Event()

    def export(self, spans: Sequence[TraceSpan]) -> bool:
        self.batches.append(spans)
        self.got.set()
        return self.answer()

    def shutdown(self) -> None:
        self.is_shut_down.set()


def counted() -> dict[str, float]:
    return {
        result: REGISTRY.get_sample_value("etp_trace_spans_total", {"result": result}) or 0.0
        for result in ("exported", "dropped", "failed")
    }


@pytest.fixture
def since() -> Callable[[], dict[str, int]]:
    before = counted()
    return lambda: {name: int(value - before[name]) for name, value in counted().items()}


async def test_what_waits_is_sent_at_a_stop(since: Callable[[], dict[str, int]]) -> None:
    collector = Collector()
    traces = Traces(Sampling(1), collector)
    for _ in range(module.BATCH + 1):
        traces.add(make_span())
    await traces.close()
    assert sum(map(len, collector.batches)) == module.BATCH + 1
    assert max(map(len, collector.batches)) <= module.BATCH
    assert since() == {"exported": module.BATCH + 1, "dropped": 0, "failed": 0}
    traces.add(make_span())
    assert since()["dropped"] == 1


async def test_few_spans_are_sent_without_a_stop() -> None:
    collector = Collector()
    traces = Traces(Sampling(1), collector)
    traces.add(make_span())
    assert await asyncio.to_thread(collector.got.wait, WITHIN_S)
    await traces.close()
    assert [len(batch) for batch in collector.batches] == [1]


async def test_without_a_span_nothing_begins() -> None:
    collector = Collector()
    await Traces(Sampling(1), collector).close()
    assert not collector.batches
    assert collector.is_shut_down.is_set()


async def test_a_machine_without_another_thread_costs_spans_alone(
    since: Callable[[], dict[str, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    traces = Traces(Sampling(1), Collector())
    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", refuse)
        traces.add(make_span())
    assert since()["dropped"] == 1
    traces.add(make_span())
    await traces.close()
    assert since() == {"exported": 1, "dropped": 1, "failed": 0}


async def test_a_collector_that_hangs_costs_spans_and_nothing_else(
    since: Callable[[], dict[str, int]],
) -> None:
    released = threading.Event()
    collector = Collector(lambda: released.wait(WITHIN_S))
    traces = Traces(Sampling(1), collector)
    traces.add(make_span())
    assert await asyncio.to_thread(collector.got.wait, WITHIN_S)
    began = time.monotonic()
    for _ in range(module.CAPACITY + 5):
        traces.add(make_span())
    took = time.monotonic() - began
    assert since()["dropped"] == 5
    assert took < 5  # 8,197 appends
    began = time.monotonic()
    await traces.close()
    assert time.monotonic() - began < 1
    assert collector.is_shut_down.is_set()
    assert since()["dropped"] == 5 + module.CAPACITY
    released.set()


async def test_what_is_refused_is_counted_and_the_next_is_tried(
    since: Callable[[], dict[str, int]],
) -> None:
    answers = iter([False, True])
    collector = Collector(lambda: next(answers))
    traces = Traces(Sampling(1), collector)
    traces.add(make_span())
    assert await asyncio.to_thread(collector.got.wait, WITHIN_S)
    traces.add(make_span())
    await traces.close()
    assert since() == {"exported": 1, "dropped": 0, "failed": 1}


async def test_an_exporter_that_raises_does_not_end_the_thread(
    since: Callable[[], dict[str, int]], logged: io.StringIO
) -> None:
    def refuse() -> bool:
        if len(collector.batches) == 1:
            raise RuntimeError("http://user:canary@collector is away")
        return True

    collector = Collector(refuse)
    traces = Traces(Sampling(1), collector)
    traces.add(make_span())
    assert await asyncio.to_thread(collector.got.wait, WITHIN_S)
    traces.add(make_span())
    await traces.close()
    assert since() == {"exported": 1, "dropped": 0, "failed": 1}
    said = logged.getvalue()
    assert "canary" not in said
    assert said.count("traces are not taken") == said.count("traces are taken again") == 1
