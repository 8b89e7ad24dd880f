"""The gateway's SQL: reads of the other services' views, nothing else. For the log, see
``adapters.log.list_queries``.

The role may read views only. Lists are paged by key (``(a, b) < (x, y)``), so a page begins
right after the row where the last one ended, whatever arrived or was erased meanwhile; one
row more than asked for is found, to know whether another page follows.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, get_args

from sqlalchemy import (
    JSON,
    BigInteger,
    ColumnClause,
    ColumnElement,
    Integer,
    Interval,
    Select,
    Text,
    bindparam,
    cast,
    column,
    func,
    literal,
    literal_column,
    or_,
    select,
    table,
    text,
    tuple_,
    union_all,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from trigger_api.adapters.log.tables import EVENTS_IN, INSTANT
from trigger_api.domain.overview import SOON
from trigger_api.domain.triggers.queries import (
    Attention,
    TriggerFilter,
    TriggerQuery,
    UpcomingQuery,
)
from trigger_contracts.schema_versions import SCHEMA_VERSIONS

from .byte_pages import within_bytes

PING = text("SELECT 1 FROM scheduler.triggers, retention.life LIMIT 0")

CLOCK = text("SELECT clock_timestamp() AS now")

SCHEMA_VERSION = {
    schema: select(table("schema_version", column("version", Integer), schema=schema).c.version)
    for schema in SCHEMA_VERSIONS
}
"""By the name of a schema that is read here."""

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
    column("schedule", JSON),
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
_TRIGGER_COLUMNS = [c for c in _TRIGGERS.c if c.name not in {"type", "name", "labels"}]


def _narrow(columns: Iterable[ColumnClause[Any]]) -> list[ColumnClause[Any]]:
    """All that does not grow with what somebody stored."""
    return [c for c in columns if c.name not in {"definition", "schedule"}]


TRIGGER = select(*_TRIGGER_COLUMNS).where(_TRIGGERS.c.trigger_id == bindparam("trigger_id"))
"""One trigger that exists."""

SCHEDULED = select(
    _TRIGGERS.c.definition,
    _TRIGGERS.c.schedule,
    _TRIGGERS.c.next_fire_at,
    _TRIGGERS.c.fires,
).where(_TRIGGERS.c.trigger_id == bindparam("trigger_id"))
"""Its schedule, and how far that is."""

LABELS = text("""
    SELECT label, count(*) AS count
    FROM scheduler.triggers, unnest(labels) AS label
    GROUP BY label ORDER BY count DESC, label LIMIT 1000
""")
"""What pickers offer."""

CHANGE_STATES = select(
    _CHANGE_STATES.c.trigger_id,
    _CHANGE_STATES.c.change_seq,
    _CHANGE_STATES.c.change.cast(Text).label("change"),
).where(_CHANGE_STATES.c.trigger_id == bindparam("ids", type_=ARRAY(Text)).any_())
"""The newest change of each of several triggers, deleted ones included."""


def triggers(query: TriggerQuery, after: tuple[datetime | str | None, str] | None) -> Select[Any]:
    """A page of triggers in the order of ``query.sort``; see ``within_bytes``.

    Each row has in ``sorted_by`` what it is sorted by.
    """
    c = _TRIGGERS.c
    key, last = _ordered_by(query)
    found = _passing(select(*_narrow(_TRIGGER_COLUMNS), key.label("sorted_by")), query)
    if after is not None:
        value = last if after[0] is None else literal(after[0], key.type)
        place, end = tuple_(key, c.trigger_id), tuple_(value, after[1])
        found = found.where(place < end if query.is_descending else place > end)

    def in_order(of: Any) -> tuple[ColumnElement[Any], ...]:
        both = of.sorted_by, of.trigger_id
        return tuple(one.desc() if query.is_descending else one for one in both)

    found = found.order_by(
        *(one.desc() if query.is_descending else one for one in (key, c.trigger_id))
    ).limit(query.limit + 1)
    definition = c.definition if query.payload else _without_payload(c.definition)
    columns = [definition.label("definition"), c.schedule.label("schedule")]
    return within_bytes(found, c.trigger_id, columns, in_order, query.limit)


def _ordered_by(query: TriggerQuery) -> tuple[ColumnElement[Any], ColumnElement[Any]]:
    """What they are sorted by, and what stands there for a trigger that has none: the last."""
    c = _TRIGGERS.c
    end = "-infinity" if query.is_descending else "infinity"
    never: ColumnElement[Any] = literal_column(f"timestamptz '{end}'", INSTANT)
    match query.order:
        case "name":
            return func.scheduler.folded(c.name, type_=Text), literal("", Text)
        case "next_fire":
            return func.coalesce(c.next_fire_at, never, type_=INSTANT), never
        case "updated":
            return c.updated_at, never
        case "created":
            return c.created_at, never


def number_of(query: TriggerQuery) -> Select[Any]:
    """How many triggers pass."""
    return _passing(select(func.count()).select_from(_TRIGGERS), query)


def _passing(found: Select[Any], query: TriggerQuery) -> Select[Any]:
    c = _TRIGGERS.c
    found = _filtered(found, query)
    if query.status is not None:
        found = found.where(c.status.in_(query.status))
    if query.id is not None:
        found = found.where(c.trigger_id == cast([*query.id], ARRAY(Text)).any_())
    if query.due_within is not None:
        found = found.where(_is_due(literal(query.due_within, Interval)))
    if query.attention is not None:
        found = found.where(c.trigger_id.in_(_noticed(query.attention)))
    return found


def _is_due(within: ColumnElement[Any]) -> ColumnElement[bool]:
    return _TRIGGERS.c.next_fire_at <= func.now() + within


LATE = literal_column("interval '1 second'", Interval)
"""From when on a fired event is called late: what retention has an index for."""

_ATTENTION: Mapping[str, Callable[[Any], ColumnElement[bool]]] = {
    "late": lambda e: e.lateness >= LATE,
    "missed": lambda e: e.status == literal_column("'missed'"),
    "rejected": lambda e: e.status == literal_column("'rejected'"),
}


def _noticed(kinds: Iterable[Attention], *columns: ColumnElement[Any]) -> Select[Any]:
    """The triggers of events that need attention, as often as there are such events."""
    e = EVENTS_IN["active"].c
    noticed = or_(*(_ATTENTION[kind](e) for kind in kinds))
    return select(e.trigger_id, *columns).where(noticed, ~e.is_test)


def _counted() -> Select[Any]:
    kinds = get_args(Attention)
    # A part for each kind, since each is found by an index of its own.
    parts = (_noticed([kind], literal_column(f"'{kind}'", Text).label("kind")) for kind in kinds)
    noticed = union_all(*parts).subquery().c
    each = (func.bool_or(noticed.kind == literal_column(f"'{k}'")).label(k) for k in kinds)
    of = select(noticed.trigger_id, *each).group_by(noticed.trigger_id).subquery()
    c = _TRIGGERS.c
    wanted = {
        "active": c.status == literal_column("'active'"),
        "completed": c.status == literal_column("'completed'"),
        "due_within_1h": _is_due(literal(SOON, Interval)),
        **{kind: of.c[kind] for kind in kinds},
    }
    columns: list[ColumnElement[Any]] = [func.now().label("now")]
    columns += (func.count().filter(where).label(name) for name, where in wanted.items())
    triggers = _TRIGGERS.outerjoin(of, c.trigger_id == of.c.trigger_id)
    return select(*columns).select_from(triggers)


COUNTED = _counted()
"""How many triggers there are, and of how many a list by ``attention`` consists."""


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
    found = select(
        c.trigger_id,
        c.name,
        _without_payload(c.definition).label("definition"),
        c.schedule,
        c.next_fire_at,
        c.fires,
    ).where(c.next_fire_at <= literal(until, INSTANT))
    return _filtered(found, query).order_by(c.next_fire_at, c.trigger_id).limit(query.limit + 1)


def _without_payload(definition: ColumnElement[Any]) -> ColumnElement[Any]:
    carried = cast(["payload", "payload_schema"], ARRAY(Text))
    return cast(cast(definition, JSONB).op("-", return_type=JSONB())(carried), JSON)


def history(trigger_id: str, limit: int, after: int | None) -> Select[Any]:
    """A page of a trigger's changes, the newest first; see ``within_bytes``."""
    c = _HISTORY.c
    found = select(*_narrow(c)).where(c.trigger_id == trigger_id)
    if after is not None:
        found = found.where(c.change_seq < after)
    found = found.order_by(*_newest_change(c)).limit(limit + 1)
    return within_bytes(found, c.change_seq, [c.definition], _newest_change, limit)


def _newest_change(c: Any) -> tuple[ColumnElement[Any], ...]:
    return (c.change_seq.desc(),)
