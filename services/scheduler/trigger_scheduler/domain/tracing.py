"""What the trace of an occurrence begins with: pure values, made once its record is durable."""

from collections.abc import Callable
from datetime import datetime

from trigger_contracts import topology
from trigger_contracts.ids import low_bits_of_occurrence, occurrence_event_id
from trigger_contracts.tracing import SpanKind, TraceSpan, root_of, sent

from .planning import DueRow, FireStep, MissStep, Step

NAME = "due"


def occurrences_of(step: Step) -> tuple[datetime, ...]:
    """Those that become events of their own; of what is only counted, the first stands for all."""
    match step:
        case FireStep():
            return (step.scheduled_for,)
        case MissStep():
            return step.occurrences or (step.first,)


def sampled_of(
    row: DueRow, step: Step, samples: Callable[[int], bool]
) -> list[tuple[str, datetime]]:
    """The events of a step whose traces are sampled, each by its id and its instant.

    Raises ValueError or ArithmeticError for an instant that no id can have.
    """
    trigger_id, creation_id = row.trigger_id, row.creation_id
    return [
        (str(occurrence_event_id(trigger_id, creation_id, occurrence)), occurrence)
        for occurrence in occurrences_of(step)
        # Sampling looks at the lowest 56 bits alone.
        if samples(low_bits_of_occurrence(trigger_id, creation_id, occurrence))
    ]


def span_of(
    row: DueRow,
    step: Step,
    event_id: str,
    scheduled_for: datetime,
    *,
    claimed_at: datetime,
    published_at: datetime,
    ended_at: datetime,
) -> TraceSpan:
    """The root: from the claim of the row to the broker's acknowledgement of its record."""
    about = sent(topology.DUE.name, "publish", message_id=event_id)
    return TraceSpan(
        NAME,
        root_of(event_id),
        None,
        SpanKind.PRODUCER,
        claimed_at,
        ended_at,
        {
            **about,
            "etp.event_id": event_id,
            "etp.trigger_id": row.trigger_id,
            "etp.status": "due" if isinstance(step, FireStep) else "missed",
            "etp.scheduled_for": scheduled_for.isoformat(),
            "etp.misfire": isinstance(step, FireStep) and step.misfire,
        },
        moments=(("claimed", claimed_at), ("published", published_at)),
    )
