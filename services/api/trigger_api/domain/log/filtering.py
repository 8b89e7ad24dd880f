"""Whether one entry of the log passes a filter: what live tails ask of each event.

Pure, and deliberately plain: the property test of the lists takes it for the truth that SQL is
compared with.
"""

from datetime import timedelta
from typing import Protocol
from uuid import UUID

from trigger_api.domain.queries import EventFilter
from trigger_contracts.events import LogEntry

from .words import Words


class HasWords(Protocol):
    """Knows the words of an entry's payload."""

    @property
    def words(self) -> Words: ...


def passes(entry: LogEntry, wanted: EventFilter, known: HasWords | None = None) -> bool:
    """Whether ``entry`` is one of those that ``wanted`` describes, whatever its age.

    ``known`` knows the words of its payload, where that is asked often.
    """
    return (
        (wanted.trigger_id is None or entry.trigger_id in wanted.trigger_id)
        and (wanted.event_id is None or UUID(entry.event_id) in wanted.event_id)
        and (wanted.replay_of is None or _repeats(entry, wanted.replay_of))
        and wanted.trigger_name in (None, entry.trigger_name)
        and (wanted.type is None or entry.trigger_type in wanted.type)
        and (wanted.source is None or entry.source in wanted.source)
        and (wanted.status is None or entry.status in wanted.status)
        and wanted.is_test in (None, entry.is_test)
        and (wanted.from_ is None or entry.logged_at >= wanted.from_)
        and (wanted.to is None or entry.logged_at < wanted.to)
        and _is_as_late(entry, wanted)
        and (wanted.q is None or _says(entry, wanted.q, known))
    )


def lateness(entry: LogEntry) -> timedelta | None:
    """From when it was scheduled to when it fired; None for what did not, or had no schedule."""
    if entry.fired_at is None or entry.scheduled_for is None:
        return None
    return entry.fired_at - entry.scheduled_for


def _says(entry: LogEntry, q: str, known: HasWords | None) -> bool:
    if entry.payload is None:
        return False
    words = Words.in_payload(entry.payload) if known is None else known.words
    return words.hold(Words.of(q))


def _repeats(entry: LogEntry, origin: UUID) -> bool:
    return entry.replay_of is not None and UUID(entry.replay_of) == origin


def _is_as_late(entry: LogEntry, wanted: EventFilter) -> bool:
    if wanted.min_lateness is None and wanted.max_lateness is None:
        return True
    late = lateness(entry)
    return late is not None and (
        (wanted.min_lateness is None or late >= timedelta(seconds=wanted.min_lateness))
        and (wanted.max_lateness is None or late <= timedelta(seconds=wanted.max_lateness))
    )
