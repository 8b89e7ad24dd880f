"""One fire is one trace: ids that every service computes, which are sampled, and what a span says.

A trace's id is the event's id, and a span's is a hash of it and of the stage: nothing is handed on
between services, a redelivery makes the same spans again, and whoever has an event's id has its
trace's. Pure; nothing here is needed for a fire to happen.
"""

import hashlib
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

TRACEPARENT = "traceparent"
"""The header of W3C Trace Context, in requests and messages alike."""

ROOT = "root"
"""The stage that begins a trace, whichever service sees it: every other one's parent."""

_LOW_56_BITS = (1 << 56) - 1
"""All random in a UUIDv7. Not the low 64, as OpenTelemetry's own sampler has it: the first two of
these are the variant, always the same, so that 1 % would be none."""

_TRACEPARENT = re.compile(r"(?!ff)([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")
_SAMPLED = 1


@dataclass(frozen=True, slots=True)
class SpanContext:
    """Which span is meant, in which trace: numbers of 16 and 8 bytes, none of them 0."""

    trace_id: int
    span_id: int


class SpanKind(StrEnum):
    """What a span's time was spent on; OpenTelemetry's words."""

    INTERNAL = "INTERNAL"
    SERVER = "SERVER"
    PRODUCER = "PRODUCER"
    CONSUMER = "CONSUMER"


@dataclass(frozen=True, slots=True)
class TraceSpan:
    """A stage that is over. ``error`` says why it failed, None where it did not."""

    name: str
    context: SpanContext
    parent: SpanContext | None
    kind: SpanKind
    begun_at: datetime
    ended_at: datetime
    attributes: Mapping[str, str | int | bool]
    links: tuple[SpanContext, ...] = ()
    moments: tuple[tuple[str, datetime], ...] = ()
    """What happened in its course, and when."""
    error: str | None = None


class SpanSink(Protocol):
    """Where spans go. Never blocks and never raises: what cannot be kept is left out."""

    def samples(self, trace_id: int) -> bool:
        """Whether the spans of this trace are wanted, if nobody asked for them by name.

        Of its id the lowest 56 bits are enough.
        """
        ...

    def add(self, span: TraceSpan) -> None: ...


@dataclass(frozen=True, slots=True)
class Sampling:
    """Which traces are sampled: a function of their ids, so that all services agree."""

    ratio: float
    """Of all traces, 0 to 1."""
    _below: int = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_below", math.ceil(self.ratio * 2**56))

    def takes(self, trace_id: int) -> bool:
        return trace_id & _LOW_56_BITS < self._below


def trace_id_of(event_id: str) -> int:
    return int(event_id.replace("-", ""), 16)


def stage_of(event_id: str, stage: str) -> SpanContext:
    """The span of a stage of the event's trace: the same whenever and wherever it is asked for."""
    trace_id = trace_id_of(event_id)
    return SpanContext(trace_id, _span_id(trace_id, stage))


def root_of(event_id: str) -> SpanContext:
    return stage_of(event_id, ROOT)


def beside(caller: SpanContext, *which: str) -> SpanContext:
    """The span that a fire has in its caller's own trace; ``which`` tells several apart."""
    stage = "|".join((f"{caller.span_id:016x}", *which))
    return SpanContext(caller.trace_id, _span_id(caller.trace_id, stage))


def _span_id(trace_id: int, stage: str) -> int:
    digest = hashlib.blake2b(trace_id.to_bytes(16, "big") + stage.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") or 1


def sampled_caller(traceparent: str | None) -> SpanContext | None:
    """The span that a header names; None where there is none, it is malformed, or not sampled."""
    if traceparent is None:
        return None
    match = _TRACEPARENT.fullmatch(traceparent)
    if match is None or (match[1] == "00" and match[5]) or not int(match[4], 16) & _SAMPLED:
        return None
    context = SpanContext(int(match[2], 16), int(match[3], 16))
    return context if context.trace_id and context.span_id else None


def traceparent_of(context: SpanContext) -> str:
    """The header that says: this one is sampled."""
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-01"


def handled(
    stream: str, consumer: str, operation: str, *, event_id: str, count: int
) -> dict[str, str | int | bool]:
    """Attributes of a message that was handled in a batch of so many: OpenTelemetry's names."""
    return {
        "messaging.system": "nats",
        "messaging.operation.type": "process",
        "messaging.operation.name": operation,
        "messaging.destination.name": stream,
        "messaging.consumer.group.name": consumer,
        "messaging.message.id": event_id,
        "messaging.batch.message_count": count,
    }


def sent(
    destination: str, operation: str, *, message_id: str | None = None
) -> dict[str, str | int | bool]:
    """Attributes of a message that was published."""
    about: dict[str, str | int | bool] = {
        "messaging.system": "nats",
        "messaging.operation.type": "send",
        "messaging.operation.name": operation,
        "messaging.destination.name": destination,
    }
    if message_id is not None:
        about["messaging.message.id"] = message_id
    return about
