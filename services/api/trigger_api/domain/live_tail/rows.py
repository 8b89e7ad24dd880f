"""An event of the live tail as a row of the log: what a list has of it, and no payload.

Made when a reader asks for it, once for each of its two states: readers who want rows share them.
"""

from datetime import datetime
from uuid import UUID

from trigger_api.domain.log.filtering import lateness
from trigger_api.domain.log.lifetimes import Lifetimes
from trigger_api.domain.queries import State
from trigger_api.domain.schemas import EventShown
from trigger_contracts.events import LogEntry

from . import sse
from .tail_buffer import LiveEvent

_AS_RECORDED = EventShown.model_fields.keys() & LogEntry.model_fields.keys()


def frame(event: LiveEvent, lifetimes: Lifetimes, now: datetime) -> bytes:
    """The event as it is sent to who wants rows, in the state that it has now."""
    is_active = lifetimes.span("active", now).has(event.entry.logged_at)
    state: State = "active" if is_active else "archived"
    made = event.rows.get(state)
    if made is None:
        body = shown(event.entry, state, lifetimes).model_dump_json().encode()
        made = event.rows[state] = sse.event(event.position, event.kind, body)
    return made


def shown(entry: LogEntry, state: State, lifetimes: Lifetimes) -> EventShown:
    """An entry as retention's views would show it."""
    recorded = {name: getattr(entry, name) for name in _AS_RECORDED}
    if entry.replay_of is not None:
        recorded["replay_of"] = UUID(entry.replay_of)
    return EventShown(
        **recorded,
        id=UUID(entry.event_id),
        lateness=lateness(entry),
        state=state,
        archives_at=entry.logged_at + lifetimes.active_for,
        deletes_at=entry.logged_at + lifetimes.kept_for,
    )
