"""Where in the log a live tail is: the id that each of its events has, and resuming after one.

An id is an epoch and a sequence. Sequences grow over all replicas, since the log is one stream;
the epoch tells that stream from another that was made in its place and counts from 1 again.
"""

import re
from dataclasses import dataclass
from typing import Literal, NamedTuple, Self

from pydantic import Field

from trigger_api.domain.queries import StateFilter
from trigger_contracts.errors import Code, refused

HEADER = "Last-Event-ID"

_ID = re.compile(r"(?:([0-9a-f]{1,15})-)?([0-9]{1,18})")

Shape = Literal["event", "row"]


class StreamQuery(StateFilter):
    """GET /events/stream"""

    last_event_id: str | None = Field(
        default=None,
        description="As the header `Last-Event-ID`, for clients that cannot send it; the header "
        "counts where both are given.",
    )
    shape: Shape = Field(
        default="event",
        description="What `data` is. `event`: the CloudEvent, with its payload. `row`: the row as "
        "`GET /events/` lists it, without.",
    )
    deliveries: bool = Field(
        default=False,
        description="If true, also what becomes of the events at targets: the records of their "
        "deliveries as CloudEvents. Of the filter these are asked only what they tell: "
        "`trigger_id`, `event_id`, `status` (`fired`), `state`, `from` and `to`. And changes of "
        "targets' health, where nothing is asked of triggers or `status`.",
    )

    def wanted(self) -> StateFilter:
        """The filter alone: equal for readers who ask for the same."""
        fields = {name: getattr(self, name) for name in StateFilter.model_fields}
        return StateFilter.model_construct(**fields)


class StreamPosition(NamedTuple):
    """Everything stored up to here has been shown, or did not pass the filter."""

    epoch: int
    seq: int

    def __str__(self) -> str:
        return f"{self.epoch:x}-{self.seq}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """What ``str`` made; raises ``ValueError`` for anything else."""
        found = _ID.fullmatch(text)
        if found is None or found[1] is None:
            raise ValueError("no position")
        return cls(int(found[1], 16), int(found[2]))


class LastSeen(NamedTuple):
    """What a client says that it saw last. Whoever has but a sequence may name no epoch."""

    epoch: int | None
    seq: int


@dataclass(frozen=True, slots=True)
class LogState:
    """How far the log of record is: what it still holds is stored after ``first_seq`` - 1."""

    epoch: int
    first_seq: int
    last_seq: int


@dataclass(frozen=True, slots=True)
class Beginning:
    """Where a stream begins; ``is_reset`` where that is not what was asked for."""

    position: StreamPosition
    is_reset: bool = False


def last_seen(header: str | None, query: str | None) -> LastSeen | None:
    """What a client saw last; raises ``Refused``.

    The header counts: a browser that comes back sends it with the address it began with. An
    empty id is none, as ``EventSource`` has it.
    """
    for given, pointer in ((header, f"/header/{HEADER}"), (query, "/query/last_event_id")):
        if given:
            found = _ID.fullmatch(given)
            if found is None:
                detail = "must be the id of an event of this stream, or 0 for all that is kept"
                raise refused(Code.INVALID, detail, pointer=pointer)
            return LastSeen(None if found[1] is None else int(found[1], 16), int(found[2]))
    return None


def beginning(seen: LastSeen | None, state: LogState) -> Beginning:
    """Where a stream begins: after what was seen last, or with what is stored from now on.

    Of a log that was made anew nothing has been seen. An id that this log has not given yet
    (an older state of it was restored) is answered with what comes from now on.
    """
    now = StreamPosition(state.epoch, state.last_seq)
    if seen is None:
        return Beginning(now)
    if seen.epoch not in (None, state.epoch):
        return Beginning(StreamPosition(state.epoch, 0), is_reset=True)
    if seen.seq > state.last_seq:
        return Beginning(now, is_reset=True)
    return Beginning(StreamPosition(state.epoch, seen.seq))
