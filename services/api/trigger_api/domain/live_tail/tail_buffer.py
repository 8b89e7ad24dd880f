"""The newest stretch of the log, in memory, for all who follow it live.

Bounded, whatever its readers do: each keeps only how far it is. Invariant: what is here is
everything stored after ``start`` up to ``upto`` that can be read and is not over, in order.
"""

import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Protocol
from uuid import UUID

from trigger_api.domain.log.filtering import passes
from trigger_api.domain.log.lifetimes import Span
from trigger_api.domain.log.words import Words
from trigger_api.domain.queries import State, StateFilter
from trigger_contracts.events import CloudEvent, LogEntry

from . import sse
from .tail_position import StreamPosition

MAX_BYTES = 32 * 1024 * 1024
"""Of the events kept, as they are sent; decoded they take some three times as much besides."""
_MAX_REMEMBERED = 64
"""Filters whose answer a stretch remembers: most readers share one of few."""
_TYPE = re.compile(r"[!-~]{1,100}")
_OWN_ID = re.compile(rb'("data": ?\{"schema_version": ?1, ?")event_id(?=":)')
"""In a row, an event's own id is ``id``, as in every answer that is one. The message is spliced, so
that its payload stays as it was written."""


class Sendable(Protocol):
    """What is kept for readers: an event of the log, a record of a delivery, or a change of a
    target's health.
    """

    @property
    def seq(self) -> int: ...
    @property
    def frame(self) -> bytes: ...
    @property
    def logged_at(self) -> datetime:
        """Of the event that it is, or is about."""
        ...

    def passes(self, wanted: StateFilter) -> bool: ...


@dataclass(frozen=True)
class LiveEvent:
    """An event of the log, ready to be sent: as ``frame``, or as one of ``rows`` once made."""

    position: StreamPosition
    kind: str
    entry: LogEntry
    frame: bytes
    rows: dict[State, bytes] = field(default_factory=dict, compare=False)

    @property
    def seq(self) -> int:
        return self.position.seq

    @property
    def logged_at(self) -> datetime:
        return self.entry.logged_at

    def passes(self, wanted: StateFilter) -> bool:
        return passes(self.entry, wanted, self)

    @cached_property
    def words(self) -> Words:
        """Of its payload: looked for once, however many readers look for different ones."""
        return Words.in_payload(self.entry.payload)


def read(position: StreamPosition, body: bytes) -> LiveEvent | None:
    """What is stored at ``position``; None where that is not an event of the log."""
    try:
        found = CloudEvent.model_validate_json(body)
        _ = UUID(found.data.event_id), UUID(found.data.replay_of or found.data.event_id)
    except ValueError:  # pydantic's is one, too
        return None
    if _TYPE.fullmatch(found.type) is None:
        return None
    shown = _OWN_ID.sub(rb"\1id", body, count=1)
    frame = sse.event(position, found.type, shown)
    return LiveEvent(position, found.type, found.data, frame)


def whole(event: Sendable) -> bytes:
    """The event as it was logged, with its payload."""
    return event.frame


@dataclass(slots=True)
class Segment:
    """What was stored up to ``upto``, since the stretch before it."""

    upto: int
    events: tuple[Sendable, ...]
    weight: int = field(init=False)
    size: int = field(init=False)
    _passing: dict[StateFilter, tuple[Sendable, ...]] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self.weight = max(1, len(self.events))
        self.size = sum(len(event.frame) for event in self.events)

    def frames(
        self,
        wanted: StateFilter,
        after: int,
        logged: Span,
        written: Callable[[Sendable], bytes] = whole,
    ) -> Iterator[bytes]:
        """Of the events that pass, those stored after a sequence and logged in that span."""
        passing = self._passing.get(wanted)
        if passing is None:
            passing = tuple(event for event in self.events if event.passes(wanted))
            if len(self._passing) < _MAX_REMEMBERED:
                self._passing[wanted] = passing
        for event in passing:
            if event.seq > after and logged.has(event.logged_at):
                yield written(event)

    def forget(self, logged_until: datetime) -> None:
        """Keep nothing whose life is over."""
        if any(event.logged_at <= logged_until for event in self.events):
            kept = (event for event in self.events if event.logged_at > logged_until)
            self.events = tuple(kept)
            self._passing = {}


class TailBuffer:
    """The stretches, oldest first; ``capacity`` is how many events they hold together."""

    def __init__(self, position: StreamPosition, capacity: int) -> None:
        self.epoch = position.epoch
        self.start = self.upto = position.seq
        self._capacity = capacity
        self._stretches: deque[Segment] = deque()
        self._weight = self._size = 0

    def append(self, stretch: Segment) -> None:
        """What was stored next; the oldest is dropped where it is too much."""
        self._stretches.append(stretch)
        self.upto = stretch.upto
        self._weight += stretch.weight
        self._size += stretch.size
        while len(self._stretches) > 1 and (
            self._weight > self._capacity or self._size > MAX_BYTES
        ):
            dropped = self._stretches.popleft()
            self.start = dropped.upto
            self._weight -= dropped.weight
            self._size -= dropped.size

    def after(self, seq: int) -> Iterable[Segment]:
        """The stretches with something stored after ``seq``, which is not before ``start``."""
        found: list[Segment] = []
        for stretch in reversed(self._stretches):
            if stretch.upto <= seq:
                break
            found.append(stretch)
        return reversed(found)

    def forget(self, logged_until: datetime) -> None:
        """Keep nothing whose life is over. Nobody falls behind by that."""
        for stretch in self._stretches:
            stretch.forget(logged_until)
