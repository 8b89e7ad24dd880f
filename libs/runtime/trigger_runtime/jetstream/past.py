"""What of a stream was there before, and is not there now.

Sequences only grow, over restarts and expiry. A stream that ends before what was seen of it was
cut off, removed or made anew: it is another one, and what is projected from it would go backwards.
Pure. Asked by the admin step at a start, by a rebuild, and by the services themselves (``guard``).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from .reader import StreamState

WAY_OUT = "etp rebuild --accept-loss"
"""The command that goes on without what is lost."""


@dataclass(frozen=True, slots=True)
class Known:
    """How far a stream was when it was last seen, or when it was last projected from."""

    last_seq: int
    created_at: datetime | None = None
    """None where only its position is known."""


def loss(stream: str, found: StreamState | None, known: Known) -> str | None:
    """What is missing of a stream, in words; None where all that is known is there."""
    if known.last_seq == 0:
        return None
    had = f"it had messages up to sequence {known.last_seq}"
    if found is None:
        return f"the stream {stream} is missing; {had}"
    if found.last_seq < known.last_seq:
        return f"the stream {stream} ends at sequence {found.last_seq}; {had}"
    if known.created_at is not None and found.created_at != known.created_at:
        made = found.created_at.isoformat(timespec="seconds")
        return f"the stream {stream} was made anew at {made}; before, {had}"
    return None


def losses(found: Mapping[str, StreamState | None], known: Mapping[str, Known]) -> list[str]:
    """What is missing of each stream that is known, in their order."""
    told = (loss(stream, found.get(stream), one) for stream, one in known.items())
    return [one for one in told if one is not None]


def together(*known: Mapping[str, Known]) -> dict[str, Known]:
    """The most that is known of each stream."""
    found: dict[str, Known] = {}
    for each in known:
        for stream, one in each.items():
            before = found.get(stream, Known(0))
            found[stream] = Known(
                max(before.last_seq, one.last_seq), before.created_at or one.created_at
            )
    return found
