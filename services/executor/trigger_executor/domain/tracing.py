"""What the trace of an event says of its decision: pure values, made when the row is recorded."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from trigger_contracts.events import LogEntry
from trigger_contracts.topology import Consumer
from trigger_contracts.tracing import (
    SpanContext,
    SpanKind,
    TraceSpan,
    beside,
    handled,
    root_of,
    stage_of,
    trace_id_of,
)

STAGE = "decide"
BY_NATS = "NATS fire"
"""The root of a fire that no gateway began."""


@dataclass(frozen=True, slots=True)
class Decided:
    """An event that was decided.

    ``stored_at``: when the broker stored a fire that its sender published over NATS; None for what
    the gateway or the scheduler began, and with it the trace. ``caller``: the span that asked for
    the trace.
    """

    entry: LogEntry
    stored_at: datetime | None = None
    caller: SpanContext | None = None


def spans_of(
    decided: Decided, consumer: Consumer, count: int, begun_at: datetime, ended_at: datetime
) -> Iterator[TraceSpan]:
    """The event's spans of a batch of ``count`` messages, from its start to its rows' storing."""
    entry = decided.entry
    root = root_of(entry.event_id)
    about = {
        **handled(
            consumer.stream.name, consumer.durable, STAGE, event_id=entry.event_id, count=count
        ),
        **_about(entry),
    }
    yield TraceSpan(
        STAGE,
        stage_of(entry.event_id, STAGE),
        root,
        SpanKind.CONSUMER,
        begun_at,
        ended_at,
        about,
    )
    if decided.stored_at is not None:
        yield from _begun_by_nats(decided, decided.stored_at, ended_at)


def _begun_by_nats(
    decided: Decided, stored_at: datetime, ended_at: datetime
) -> Iterator[TraceSpan]:
    """The root, and beside it, in the trace of who asked for it, a span that leads there."""
    entry, caller = decided.entry, decided.caller
    root, about = root_of(entry.event_id), _about(entry)
    links: tuple[SpanContext, ...] = ()
    if caller is not None and caller.trace_id != trace_id_of(entry.event_id):
        own = beside(caller, entry.event_id)
        links = (own,)
        yield TraceSpan(
            BY_NATS, own, caller, SpanKind.CONSUMER, stored_at, ended_at, about, links=(root,)
        )
    if entry.replay_of is not None:
        links += (root_of(entry.replay_of),)
    yield TraceSpan(BY_NATS, root, None, SpanKind.CONSUMER, stored_at, ended_at, about, links=links)


def _about(entry: LogEntry) -> dict[str, str | int | bool]:
    about: dict[str, str | int | bool] = {
        "etp.event_id": entry.event_id,
        "etp.trigger_id": entry.trigger_id,
        "etp.status": entry.status.value,
        "etp.source": entry.source.value,
    }
    if entry.replay_of is not None:
        about["etp.replay_of"] = entry.replay_of
    return about
