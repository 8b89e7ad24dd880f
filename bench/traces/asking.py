"""What each fire that is not sampled costs more where traces are on: the services' own calls.

It is one hundredth of a fire and less, so no comparison of whole services shows it.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from time import process_time

from trigger_api.domain.triggers.traces import Route
from trigger_api.handlers.traces import FireTraces
from trigger_contracts import topology
from trigger_contracts.events import EntryStatus, LogEntry, Source
from trigger_contracts.tracing import Sampling, TraceSpan, trace_id_of
from trigger_executor.handlers.tracing import DecisionTraces
from trigger_runtime.process.ids import new_id
from trigger_runtime.tracing.traces import Traces
from trigger_scheduler.domain.planning import DueRow, FireStep
from trigger_scheduler.domain.tracing import sampled_of

EVENTS = 20_000
ROUNDS = 7
"""The least of them counts: whatever else the machine does makes one longer."""

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)


class _Clock:
    def now(self) -> datetime:
        return datetime.now(UTC)


class _Nowhere:
    """An exporter that nothing reaches: nothing is sampled."""

    def export(self, spans: Sequence[TraceSpan]) -> bool:
        raise AssertionError(f"{len(spans)} spans of what is not sampled")

    def shutdown(self) -> None: ...


def asked_us() -> tuple[float, float]:
    """µs of CPU in all services together: of a fire by REST, and of a due one."""
    traces = Traces(Sampling(0), _Nowhere())
    ids = [new_id() for _ in range(EVENTS)]
    entries = [_entry(event_id) for event_id in ids]
    fires = FireTraces(traces, _Clock())
    row = DueRow(new_id(), new_id(), 1, 1, None, NOON, None, 0, None)
    step = FireStep(NOON, misfire=False, next_fire_at=None)

    def gateway() -> None:
        for event_id in ids:
            trace = fires.begin(Route.FIRE, row.trigger_id)
            trace.becomes(event_id)
            fires.end(trace, 202)

    def scheduler() -> None:
        for _ in ids:
            sampled_of(row, step, traces.samples)

    def executor() -> None:
        batch = DecisionTraces(traces, _Clock()).begin(topology.EXECUTOR_FIRES, len(entries))
        for entry in entries:
            batch.decided(entry)
        batch.recorded()

    def retention() -> None:
        for event_id in ids:
            traces.samples(trace_id_of(event_id))

    both = _least_us(executor) + _least_us(retention)
    return _least_us(gateway) + both, _least_us(scheduler) + both


def _least_us(work: Callable[[], None]) -> float:
    return min(_taken_s(work) for _ in range(ROUNDS)) / EVENTS * 1e6


def _taken_s(work: Callable[[], None]) -> float:
    began = process_time()
    work()
    return process_time() - began


def _entry(event_id: str) -> LogEntry:
    return LogEntry.model_construct(
        event_id=event_id, status=EntryStatus.FIRED, source=Source.API, logged_at=NOON
    )
