"""Every SQL statement of the gateway: reads of the other services' views, nothing else.

The role may read views only. Lists are paged by key (``(a, b) < (x, y)``), so a page begins
right after the row where the last one ended, whatever arrived or was erased meanwhile; one
row more than asked for is read, to know whether another page follows.
"""

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    ColumnClause,
    ColumnElement,
    DateTime,
    Executable,
    Integer,
    Interval,
    Select,
    Text,
    Uuid,
    bindparam,
    cast,
    column,
    func,
    literal,
    literal_column,
    select,
    table,
    text,
    tuple_,
)
from sqlalchemy.dialects.postgresql import ARRAY

from trigger_api.domain.queries import EventQuery, StateFilter, TriggerQuery
from trigger_api.domain.shown import EventShown

from .filtering import conditions, says, without_values
from .written import json_object

PING = text("SELECT 1")

_INSTANT = DateTime(timezone=True)

_TRIGGERS = table(
    "triggers",
    column("trigger_id", Text),
    column("version", Integer),
    column("status", Text),
    column("type", Text),
    column("name", Text),
    column("labels", ARRAY(Text)),
    column("definition", JSON),
    column("next_fire_at", _INSTANT),
    column("created_at", _INSTANT),
    column("updated_at", _INSTANT),
    # As text: it is parsed by its own model, and kept parsed.
    column("schedule", Text),
    column("fires", Integer),
    schema="scheduler",
)
_HISTORY = table(
    "trigger_history",
    column("trigger_id", Text),
    column("change_seq", BigInteger),
    column("kind", Text),
    column("version", Integer),
    column("status", Text),
    column("at", _INSTANT),
    column("actor", Text),
    column("definition", JSON),
    schema="scheduler",
)
# The change as text: it is parsed by its own model, and once only.
_CHANGE_STATES = table(
    "change_states",
    column("trigger_id", Text),
    column("change_seq", BigInteger),
    column("change", Text),
    schema="scheduler",
)
_EVENT_FIELDS: list[ColumnClause[Any]] = [
    column("event_id", Uuid),
    column("trigger_id", Text),
    column("trigger_name", Text),
    column("trigger_type", Text),
    column("trigger_version", Integer),
    column("status", Text),
    column("source", Text),
    column("is_test", Boolean),
    column("scheduled_for", _INSTANT),
    column("fired_at", _INSTANT),
    column("logged_at", _INSTANT),
    column("misfire", Boolean),
    column("reason", Text),
    column("errors", JSON),
    column("count", Integer),
    column("last_scheduled_for", _INSTANT),
    column("payload", JSON),
    column("state", Text),
    column("archives_at", _INSTANT),
    column("deletes_at", _INSTANT),
    column("replay_of", Uuid),
    column("lateness", Interval),
    column("said", Text),
    column("word_hashes", ARRAY(BigInteger)),
]


def _copies() -> list[ColumnClause[Any]]:
    """A column belongs to one table only."""
    return [column(c.name, c.type) for c in _EVENT_FIELDS]


_EVENTS = table("events", *_copies(), schema="retention")
EVENTS_IN = {
    None: _EVENTS,
    "active": table("active", *_copies(), schema="retention"),
    "archived": table("archived", *_copies(), schema="retention"),
}
"""A state's own view bounds the row's age: comparing the state itself would read every row."""
_ONLY_TO_FILTER = {"said", "word_hashes"}
LIFE_ENDS_AT = literal_column(
    "CASE state WHEN 'active' THEN archives_at ELSE deletes_at END", _INSTANT
)
"""When a row is not any more what is shown of it."""
_SHOWN = (
    literal_column(json_object(EventShown.model_fields), Text).label("body"),
    literal_column("logged_at", _INSTANT),
    literal_column("event_id", Uuid),
    LIFE_ENDS_AT.label("ends_at"),
    literal_column("now()", _INSTANT).label("read_at"),
)
"""A row of a list."""

_TRIGGER_COLUMNS = [
    c for c in _TRIGGERS.c if c.name not in {"type", "name", "labels", "schedule", "fires"}
]

TRIGGER = select(*_TRIGGER_COLUMNS).where(_TRIGGERS.c.trigger_id == bindparam("trigger_id"))
"""One trigger that exists."""

SCHEDULED = select(
    _TRIGGERS.c.definition,
    _TRIGGERS.c.schedule.cast(Text).label("schedule"),
    _TRIGGERS.c.next_fire_at,
    _TRIGGERS.c.fires,
).where(_TRIGGERS.c.trigger_id == bindparam("trigger_id"))
"""Its schedule, and how far that is."""

EVENT = select(*(one for one in _EVENTS.c if one.name not in _ONLY_TO_FILTER)).where(
    _EVENTS.c.event_id == bindparam("event_id")
)
"""One row of the log, of any state."""

CHANGE_STATES = select(
    _CHANGE_STATES.c.trigger_id,
    _CHANGE_STATES.c.change_seq,
    _CHANGE_STATES.c.change.cast(Text).label("change"),
).where(_CHANGE_STATES.c.trigger_id == bindparam("ids", type_=ARRAY(Text)).any_())
"""The newest change of each of several triggers, deleted ones included."""


def triggers(query: TriggerQuery, after: tuple[datetime, str] | None) -> Select[Any]:
    """A page of triggers, the newest first."""
    c = _TRIGGERS.c
    found = select(*_TRIGGER_COLUMNS)
    if query.type is not None:
        found = found.where(c.type == query.type)
    if query.status is not None:
        found = found.where(c.status == query.status)
    if query.label is not None:
        found = found.where(c.labels.contains([query.label]))
    if query.q is not None:
        found = found.where(c.name.icontains(query.q, autoescape=True))
    if after is not None:
        found = found.where(
            tuple_(c.created_at, c.trigger_id) < tuple_(literal(after[0], _INSTANT), after[1])
        )
    return found.order_by(c.created_at.desc(), c.trigger_id.desc()).limit(query.limit + 1)


def history(trigger_id: str, limit: int, after: int | None) -> Select[Any]:
    """A page of a trigger's changes, the newest first."""
    c = _HISTORY.c
    found = select(_HISTORY).where(c.trigger_id == trigger_id)
    if after is not None:
        found = found.where(c.change_seq < after)
    return found.order_by(c.change_seq.desc()).limit(limit + 1)


Asked = tuple[Executable, dict[str, Any]]
"""A statement, and the values of its parameters."""


def events(
    query: EventQuery, after: tuple[datetime, UUID] | None, among: int | None = None
) -> Asked:
    """A page of the log, the newest first, without payloads; ``among`` as in ``_newest``."""
    shape, values = without_values(query)
    shape = shape.model_copy(update={"limit": 1, "cursor": None, "count": False})
    values["most"] = query.limit + 1
    if after is not None:
        values["after_at"], values["after_id"] = after
    return _page(shape, among, is_further=after is not None), values


@lru_cache(maxsize=1000)
def _page(shape: EventQuery, among: int | None, *, is_further: bool) -> Select[Any]:
    """Building it, and telling that it was said before, take longer than PostgreSQL's answer."""
    return _newest(shape, _SHOWN, among, is_further=is_further)


def extent(wanted: StateFilter, limit: int, among: int | None = None) -> Asked:
    """How many of the newest ``limit`` rows there are, and when the oldest of them was logged."""
    rows = _newest(wanted, (literal_column("logged_at", _INSTANT),), among).subquery().c
    found = select(func.count().label("rows"), func.min(rows.logged_at).label("oldest"))
    return found, {"most": limit}


def _newest(
    wanted: StateFilter,
    columns: Sequence[ColumnElement[Any]],
    among: int | None,
    *,
    is_further: bool = False,
) -> Select[Any]:
    """The newest rows that pass, ``most`` of them, in a further page those after ``after_at`` and
    ``after_id``.

    With ``among`` only those of so many rows that pass but for their words; without it, words
    are taken to be rare: common ones are found in the other way before.
    """
    c = EVENTS_IN[wanted.state].c
    most = bindparam("most", type_=Integer)
    if among is None:
        return _newest_first(c, columns, wanted, is_further=is_further, are_rare=True).limit(most)
    but_for_words = wanted.model_copy(update={"q": None})
    everything = [one for one in c if one.name not in _ONLY_TO_FILTER]
    some = _newest_first(c, everything, but_for_words, is_further=is_further).limit(among)
    inner = some.subquery()
    rows = inner.c
    found = select(*columns).select_from(inner).where(*says(rows.payload, wanted.q or ""))
    return found.order_by(rows.logged_at.desc(), rows.event_id.desc()).limit(most)


def _newest_first(
    c: Any,
    columns: Sequence[ColumnElement[Any]],
    wanted: StateFilter,
    *,
    is_further: bool,
    are_rare: bool = False,
) -> Select[Any]:
    found = select(*columns).select_from(EVENTS_IN[wanted.state])
    found = found.where(*conditions(c, wanted, are_rare=are_rare))
    if is_further:
        found = found.where(
            tuple_(c.logged_at, c.event_id)
            < tuple_(bindparam("after_at", type_=_INSTANT), bindparam("after_id", type_=Uuid))
        )
    return found.order_by(c.logged_at.desc(), c.event_id.desc())


def origins(
    wanted: StateFilter, after: tuple[datetime, UUID] | None, limit: int, max_bytes: int
) -> Select[Any]:
    """Some of the log, the oldest first, with payloads: as many as begin within ``max_bytes``."""
    c = EVENTS_IN[wanted.state].c
    names = ("event_id", "logged_at", "trigger_id", "status", "is_test", "payload")
    found = select(*(c[name] for name in names)).where(*conditions(c, wanted))
    if after is not None:
        found = found.where(
            tuple_(c.logged_at, c.event_id)
            > tuple_(literal(after[0], _INSTANT), literal(after[1], Uuid))
        )
    rows = found.order_by(c.logged_at, c.event_id).limit(limit).subquery().c
    in_order = (rows.logged_at, rows.event_id)
    size = func.octet_length(cast(rows.payload, Text))
    before = func.sum(size).over(order_by=in_order, rows=(None, -1)).label("before")
    sized = select(*(rows[name] for name in names), before).subquery().c
    return (
        select(*(sized[name] for name in names))
        .where(func.coalesce(sized.before, 0) < max_bytes)
        .order_by(sized.logged_at, sized.event_id)
    )
