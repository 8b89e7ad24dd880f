"""Every SQL statement of the gateway: reads of the other services' views, nothing else.

The role may read views only. Lists are paged by key (``(a, b) < (x, y)``), so a page begins
right after the row where the last one ended, whatever arrived or was erased meanwhile; one
row more than asked for is read, to know whether another page follows.
"""

from collections.abc import Iterator, Sequence
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
    CompoundSelect,
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
    true,
    tuple_,
    union_all,
)
from sqlalchemy.dialects.postgresql import ARRAY

from trigger_api.domain.queries import EventQuery, StateFilter, TriggerQuery
from trigger_api.domain.shown import EventShown

from .filtering import conditions, hashes_of, says, without_values
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
_NOT_IN_LISTS = {"payload", *_ONLY_TO_FILTER}
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

# Where to look for words: see retention's migration 0002.
_HOURS = table(
    "hours",
    column("first_id", Uuid),
    column("end_id", Uuid),
    column("is_closed", Boolean),
    schema="retention",
)
_LAST_ID = "'ffffffff-ffff-ffff-ffff-ffffffffffff'"
_RECENT_WORDS = table(
    "recent_words",
    column("event_id", Uuid),
    column("hashes", ARRAY(BigInteger)),
    schema="retention",
)
_WAITING_WORDS = table("waiting_words", column("event_id", Uuid), schema="retention")

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
    found: Any
    if wanted.q is None:
        found = EVENTS_IN[wanted.state]
        where = [*_passing(found.c, wanted, is_further=is_further)]
    elif among is None:
        found = _with_rare_words(wanted, wanted.q, is_further=is_further).subquery()
        where = []
    else:
        found = _first_of_all(wanted, among, is_further=is_further).subquery()
        where = [*says(found.c.payload, wanted.q)]
    return (
        select(*columns)
        .select_from(found)
        .where(*where)
        .order_by(found.c.logged_at.desc(), found.c.event_id.desc())
        .limit(bindparam("most", type_=Integer))
    )


def _first_of_all(wanted: StateFilter, among: int, *, is_further: bool) -> Select[Any]:
    """The newest rows, whatever words they have."""
    c = EVENTS_IN[wanted.state].c
    but_for_words = wanted.model_copy(update={"q": None})
    return (
        select(*_listed(c), c.payload)
        .where(*_passing(c, but_for_words, is_further=is_further))
        .order_by(c.logged_at.desc(), c.event_id.desc())
        .limit(among)
    )


def _with_rare_words(wanted: StateFilter, q: str, *, is_further: bool) -> CompoundSelect[Any]:
    """All rows that pass: in closed hours by the hour's own index, in the others by that of recent
    words and among the rows that wait for it.

    ``OFFSET 0`` has each part, each hour and each row that is looked up planned by itself: the
    planner is not to read everything in its order in the hope of meeting the words soon.
    """
    c = EVENTS_IN[wanted.state].c

    def rows(*where: ColumnElement[bool]) -> Select[Any]:
        found = select(*_listed(c)).where(*_passing(c, wanted, is_further=is_further), *where)
        return found.offset(literal_column("0"))

    def within(event_id: ColumnElement[Any], hours: Any) -> tuple[ColumnElement[bool], ...]:
        return event_id >= hours.c.first_id, event_id < hours.c.end_id

    open_hours = select(_HOURS).where(~_HOURS.c.is_closed).cte("open_hour")
    open_hours = open_hours.prefix_with("MATERIALIZED")
    first_id = open_hours.c.first_id
    first_open = select(first_id).order_by(first_id).limit(literal_column("1")).scalar_subquery()
    before = rows(c.event_id < func.coalesce(first_open, literal_column(_LAST_ID, Uuid)))
    # Only while older ones are open, after a rebuild: their bounds are looked up, too.
    of_hour = rows(*within(c.event_id, _HOURS)).lateral()
    closed_later = _HOURS.c.is_closed & (_HOURS.c.first_id > first_open)
    between = select(of_hour).select_from(_HOURS.join(of_hour, true())).where(closed_later)
    ids = (
        select(_RECENT_WORDS.c.event_id)
        .where(_RECENT_WORDS.c.hashes.contains(hashes_of(q)))
        .union(select(_WAITING_WORDS.c.event_id))
        .cte("candidate")
    )
    of_id = rows(c.event_id == ids.c.event_id).lateral()
    is_open = select(open_hours).where(*within(ids.c.event_id, open_hours)).exists()
    in_open = select(of_id).select_from(ids.join(of_id, true())).where(is_open)
    return union_all(before, between, in_open)


def _passing(c: Any, wanted: StateFilter, *, is_further: bool) -> Iterator[ColumnElement[bool]]:
    yield from conditions(c, wanted)
    if is_further:
        yield (
            tuple_(c.logged_at, c.event_id)
            < tuple_(bindparam("after_at", type_=_INSTANT), bindparam("after_id", type_=Uuid))
        )


def _listed(c: Any) -> list[ColumnElement[Any]]:
    return [one for one in c if one.name not in _NOT_IN_LISTS]


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
