"""The gateway's SQL: reads of the other services' views, nothing else. For the log, see
``adapters.log.list_queries``.

The role may read views only. Lists are paged by key (``(a, b) < (x, y)``), so a page begins
right after the row where the last one ended, whatever arrived or was erased meanwhile; one
row more than asked for is found, to know whether another page follows.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    ColumnClause,
    ColumnElement,
    Integer,
    Select,
    Text,
    bindparam,
    cast,
    column,
    func,
    literal,
    select,
    table,
    text,
    tuple_,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from trigger_api.adapters.log.tables import INSTANT
from trigger_api.domain.queries import TriggerFilter, TriggerQuery, UpcomingQuery

from .byte_pages import within_bytes

PING = text("SELECT 1 FROM scheduler.triggers, retention.life LIMIT 0")

_TRIGGERS = table(
    "triggers",
    column("trigger_id", Text),
    column("version", Integer),
    column("status", Text),
    column("type", Text),
    column("name", Text),
    column("labels", ARRAY(Text)),
    column("definition", JSON),
    column("next_fire_at", INSTANT),
    column("created_at", INSTANT),
    column("updated_at", INSTANT),
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
    column("at", INSTANT),
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
_TRIGGER_COLUMNS = [
    c for c in _TRIGGERS.c if c.name not in {"type", "name", "labels", "schedule", "fires"}
]


def _narrow(columns: Iterable[ColumnClause[Any]]) -> list[ColumnClause[Any]]:
    """All that does not grow with what somebody stored."""
    return [c for c in columns if c.name != "definition"]


TRIGGER = select(*_TRIGGER_COLUMNS).where(_TRIGGERS.c.trigger_id == bindparam("trigger_id"))
"""One trigger that exists."""

SCHEDULED = select(
    _TRIGGERS.c.definition,
    _TRIGGERS.c.schedule.cast(Text).label("schedule"),
    _TRIGGERS.c.next_fire_at,
    _TRIGGERS.c.fires,
).where(_TRIGGERS.c.trigger_id == bindparam("trigger_id"))
"""Its schedule, and how far that is."""

CHANGE_STATES = select(
    _CHANGE_STATES.c.trigger_id,
    _CHANGE_STATES.c.change_seq,
    _CHANGE_STATES.c.change.cast(Text).label("change"),
).where(_CHANGE_STATES.c.trigger_id == bindparam("ids", type_=ARRAY(Text)).any_())
"""The newest change of each of several triggers, deleted ones included."""


def triggers(query: TriggerQuery, after: tuple[datetime, str] | None) -> Select[Any]:
    """A page of triggers, the newest first; see ``within_bytes``."""
    c = _TRIGGERS.c
    found = _filtered(select(*_narrow(_TRIGGER_COLUMNS)), query)
    if query.status is not None:
        found = found.where(c.status.in_(query.status))
    if after is not None:
        found = found.where(
            tuple_(c.created_at, c.trigger_id) < tuple_(literal(after[0], INSTANT), after[1])
        )
    found = found.order_by(*_newest_trigger(c)).limit(query.limit + 1)
    return within_bytes(found, _TRIGGERS, "trigger_id", _newest_trigger, query.limit)


def _filtered(found: Select[Any], wanted: TriggerFilter) -> Select[Any]:
    c = _TRIGGERS.c
    if wanted.type is not None:
        found = found.where(c.type.in_(wanted.type))
    if wanted.label is not None:
        found = found.where(c.labels.overlap([*wanted.label]))
    if wanted.q is not None:
        folded = func.scheduler.folded
        found = found.where(func.strpos(folded(c.name), folded(wanted.q)) > 0)
    return found


def scheduled_by(until: datetime, query: UpcomingQuery) -> Select[Any]:
    """Triggers by their next occurrence, one more than asked for, without what events carry."""
    c = _TRIGGERS.c
    carried = cast(["payload", "payload_schema"], ARRAY(Text))
    definition = cast(c.definition, JSONB).op("-", return_type=JSONB())(carried)
    found = select(
        c.trigger_id,
        c.name,
        definition.label("definition"),
        c.schedule.cast(Text).label("schedule"),
        c.next_fire_at,
        c.fires,
    ).where(c.next_fire_at <= literal(until, INSTANT))
    return _filtered(found, query).order_by(c.next_fire_at, c.trigger_id).limit(query.limit + 1)


def _newest_trigger(c: Any) -> tuple[ColumnElement[Any], ...]:
    return c.created_at.desc(), c.trigger_id.desc()


def history(trigger_id: str, limit: int, after: int | None) -> Select[Any]:
    """A page of a trigger's changes, the newest first; see ``within_bytes``."""
    c = _HISTORY.c
    found = select(*_narrow(c)).where(c.trigger_id == trigger_id)
    if after is not None:
        found = found.where(c.change_seq < after)
    found = found.order_by(*_newest_change(c)).limit(limit + 1)
    return within_bytes(found, _HISTORY, "change_seq", _newest_change, limit)


def _newest_change(c: Any) -> tuple[ColumnElement[Any], ...]:
    return (c.change_seq.desc(),)
