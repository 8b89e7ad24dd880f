"""What a log record is about, found when it is written and not before.

Nearly every request and message is handled without a word, so nothing is bound for it: a request
leaves a function that tells of it, and a record asks that one. Ids are read from what a
record names anyway, so that whoever has one finds every line of it: an event's from its message,
a trigger's from its subject, and the trace's, which is the event's without dashes.
"""

import re
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from typing import Any, Protocol

from structlog.typing import EventDict

from trigger_contracts.subjects import LOG_ROWS

Told = Callable[[], Mapping[str, str | None]]
"""What a record written now is about: fields by their names, None for what is not known."""

_OF_A_TRIGGER = re.compile(
    r"trigger\.(?:changed|due|fired|missed|rejected|delivery)\.([A-Za-z0-9_-]{1,64})"
)
_EVENT_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
MESSAGE_ID = "Nats-Msg-Id"


class LogContext:
    """Of one request, until it ends: what it has begun and left to others is not about it."""

    __slots__ = ("_told",)

    def __init__(self, told: Told) -> None:
        self._told: Told | None = told
        _current.set(self)

    def end(self) -> None:
        self._told = None

    def fields(self) -> Mapping[str, str | None]:
        return {} if self._told is None else self._told()


_current: ContextVar[LogContext | None] = ContextVar("log context", default=None)


class _Message(Protocol):
    @property
    def subject(self) -> str: ...
    @property
    def stream_seq(self) -> int: ...
    @property
    def headers(self) -> Mapping[str, str]: ...


def of_message(message: _Message) -> dict[str, Any]:
    """The fields that a record about one message has."""
    fields: dict[str, Any] = {"subject": message.subject, "stream_seq": message.stream_seq}
    event_id = message.headers.get(MESSAGE_ID, "")
    # An event's message has its id; those of other streams name commands and decisions.
    if message.subject.startswith(_EVENT_SUBJECTS) and _EVENT_ID.fullmatch(event_id):
        fields["event_id"] = event_id
    return fields


_EVENT_SUBJECTS = tuple(subject.removesuffix("*") for subject in LOG_ROWS)


def add_context(_logger: Any, _method: str, event: EventDict) -> EventDict:
    """A processor of structlog's."""
    context = _current.get()
    if context is not None:
        for name, value in context.fields().items():
            if value is not None:
                event.setdefault(name, value)
    if (subject := event.get("subject")) and "trigger_id" not in event:
        found = _OF_A_TRIGGER.fullmatch(str(subject))
        if found is not None:
            event["trigger_id"] = found[1]
    event_id = event.get("event_id")
    if isinstance(event_id, str):
        event.setdefault("trace_id", event_id.replace("-", ""))
    return event
