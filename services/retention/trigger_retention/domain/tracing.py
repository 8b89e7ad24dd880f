"""What the trace of an event says of its projection: pure values, made after the commit."""

from datetime import datetime

from trigger_contracts.topology import RETENTION_EVENTS
from trigger_contracts.tracing import SpanKind, TraceSpan, handled, root_of, stage_of

from .rows import LogRow

STAGE = "project"


def span_of(row: LogRow, count: int, begun_at: datetime, ended_at: datetime) -> TraceSpan:
    """The row's span of a batch of ``count`` messages, from its start to its commit."""
    about = handled(
        RETENTION_EVENTS.stream.name,
        RETENTION_EVENTS.durable,
        STAGE,
        event_id=row.event_id,
        count=count,
    )
    return TraceSpan(
        STAGE,
        stage_of(row.event_id, STAGE),
        root_of(row.event_id),
        SpanKind.CONSUMER,
        begun_at,
        ended_at,
        {
            **about,
            "etp.event_id": row.event_id,
            "etp.trigger_id": row.trigger_id,
            "etp.status": row.status,
        },
    )
