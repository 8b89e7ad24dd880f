"""What receipts say: how fast they came, how many at once, and how late. Pure."""

import bisect
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Receipt:
    """A request as its receiver saw it; instants in epoch seconds."""

    path: str
    event_id: str
    began: float
    """Its first byte."""
    ended: float
    """The answer was written."""


def per_second(receipts: Sequence[Receipt]) -> float:
    """From the first one's first byte to the last one's; 0 where that is no span."""
    firsts = [one.began for one in receipts]
    span = max(firsts, default=0.0) - min(firsts, default=0.0)
    return len(receipts) / span if span > 0 else 0.0


def most_at_once(receipts: Iterable[Receipt]) -> int:
    """Requests that were being answered at the same instant. One that ends as another begins is
    not beside it.
    """
    steps = sorted(
        step for one in receipts for step in ((one.began, 1), (max(one.began, one.ended), -1))
    )
    # At one instant, what ends comes before what begins.
    most = current = 0
    for _, change in steps:
        current += change
        most = max(most, current)
    return most


def most_within(instants: Iterable[float], span_s: float) -> int:
    """The most instants in any half-open span of that length."""
    ordered = sorted(instants)
    return max(
        (
            number - bisect.bisect_right(ordered, instant - span_s, hi=number) + 1
            for number, instant in enumerate(ordered)
        ),
        default=0,
    )


def repeated(receipts: Sequence[Receipt]) -> int:
    """Requests beyond the first of an event to a path."""
    return len(receipts) - len({(one.path, one.event_id) for one in receipts})


def waits_ms(
    receipts: Iterable[Receipt], acked_at: Mapping[str, float], begin: float, end: float
) -> list[float]:
    """From the ack of an event's row to the first byte of its first request, in milliseconds.

    Of the events whose rows were acknowledged in ``[begin, end)``; each path counts by itself.
    """
    first: dict[tuple[str, str], float] = {}
    for one in receipts:
        key = (one.path, one.event_id)
        first[key] = min(one.began, first.get(key, one.began))
    return [
        (began - acked) * 1000
        for (_, event_id), began in first.items()
        if (acked := acked_at.get(event_id)) is not None and begin <= acked < end
    ]
