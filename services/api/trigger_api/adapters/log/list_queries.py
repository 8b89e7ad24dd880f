"""Every SQL statement of the gateway that reads rows of the log.

Lists are paged by key, as all are: see ``adapters.trigger_queries``.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Executable,
    Integer,
    Select,
    Text,
    Uuid,
    bindparam,
    cast,
    func,
    literal,
    literal_column,
    select,
    text,
    true,
    tuple_,
    union_all,
)
from sqlalchemy.dialects.postgresql import ARRAY

from trigger_api.domain.queries import EventQuery, LogFilter, StateFilter
from trigger_api.domain.schemas import EventDetail, EventShown

from .filter_sql import conditions, hashes_of, of_deliveries, says, without_values
from .row_json import json_object
from .tables import (
    DELIVERIES,
    EVENTS,
    EVENTS_IN,
    HOURS,
    INSTANT,
    LIFE,
    LIFE_ENDS_AT,
    ONLY_TO_FILTER,
    RECENT_WORDS,
    WAITING_WORDS,
)


def _row_as(shown: type[EventShown]) -> tuple[ColumnElement[Any], ...]:
    return (
        literal_column(json_object(shown.model_fields), Text).label("body"),
        literal_column("logged_at", INSTANT),
        literal_column("event_id", Uuid),
        LIFE_ENDS_AT.label("ends_at"),
        literal_column("now()", INSTANT).label("read_at"),
    )


_SHOWN = {False: _row_as(EventShown), True: _row_as(EventDetail)}
"""A row of a list, and one with its payload."""
_NOT_IN_LISTS = {"payload", *ONLY_TO_FILTER}

EVENT = select(
    EVENTS.c.event_id.label("id"),
    *(one for one in EVENTS.c if one.name not in {"event_id", *ONLY_TO_FILTER}),
).where(EVENTS.c.event_id == bindparam("event_id"))
"""One row of the log, of any state."""


PRESENT = select(EVENTS.c.event_id).where(
    EVENTS.c.event_id == bindparam("event_ids", type_=ARRAY(Uuid)).any_()
)
"""Which of several events are in the log."""

_POINT = json_object(["event_id", "logged_at", "status", "lateness"])
ACTIVITY = text(f"""
    SELECT wanted.trigger_id,
           (array_agg(recent.body) FILTER (WHERE recent.place = 1))[1] AS last,
           string_agg(recent.point, ',' ORDER BY recent.place DESC) AS points
    FROM unnest(CAST(:trigger_ids AS text[])) WITH ORDINALITY AS wanted (trigger_id, place)
    LEFT JOIN LATERAL (
        SELECT place, CASE WHEN place = 1 THEN {json_object(EventShown.model_fields)} END AS body,
               {_POINT} AS point
        FROM (
            SELECT *, row_number() OVER (ORDER BY logged_at DESC, event_id DESC) AS place
            FROM retention.events
            WHERE trigger_id = wanted.trigger_id AND NOT is_test
            ORDER BY logged_at DESC, event_id DESC LIMIT :points
        ) AS newest
    ) AS recent ON true
    GROUP BY wanted.trigger_id, wanted.place ORDER BY wanted.place
""")
"""The newest rows of each of several triggers, tests aside: the last one, and all as points."""

Asked = tuple[Executable, dict[str, Any]]
"""A statement, and the values of its parameters."""


def events(
    query: EventQuery, after: tuple[datetime, UUID] | None, among: int | None = None
) -> Asked:
    """A page of the log, the newest first; ``among`` as in ``_newest``."""
    shape, values = without_values(query)
    shape = shape.model_copy(update={"limit": 1, "cursor": None, "count": False})
    values["most"] = query.limit + 1
    if after is not None:
        values["after_at"], values["after_id"] = after
    if query.q is None:
        return _page(shape, among, is_further=after is not None), values
    shown = _SHOWN[query.payload]
    return _newest(shape, shown, among, is_further=after is not None), values


@lru_cache(maxsize=200)
def _page(shape: EventQuery, among: int | None, *, is_further: bool) -> Select[Any]:
    """Building it, and telling that it was said before, take longer than PostgreSQL's answer."""
    return _newest(shape, _SHOWN[shape.payload], among, is_further=is_further)


def is_found_by_deliveries(wanted: StateFilter) -> bool:
    """Whether deliveries lead to all rows that pass, and no word does."""
    return (
        isinstance(wanted, LogFilter)
        and wanted.asks_for_deliveries
        and "none" not in (wanted.delivery or ())
        and wanted.q is None
    )


def extent(wanted: StateFilter, limit: int, among: int | None = None) -> Asked:
    """How many of the newest ``limit`` rows there are, and when the oldest of them was logged."""
    rows = _newest(wanted, (literal_column("logged_at", INSTANT),), among).subquery().c
    found = select(func.count().label("rows"), func.min(rows.logged_at).label("oldest"))
    return found, {"most": limit}


def cut(wanted: StateFilter) -> Select[Any]:
    """How many rows that pass, whatever words they have, are longer than what is searched of them.

    All are counted: for the first one, the planner might read whole payloads in their order.
    """
    c = EVENTS_IN[wanted.life].c
    but_for_words = wanted.model_copy(update={"q": None})
    return select(func.count().label("rows")).where(c.is_cut, *conditions(c, but_for_words))


def _newest(
    wanted: StateFilter,
    columns: Sequence[ColumnElement[Any]],
    among: int | None,
    *,
    is_further: bool = False,
) -> Select[Any]:
    """The newest rows that pass, ``most`` of them, in a further page those after ``after_at`` and
    ``after_id``.

    With ``among`` only those of so many rows that pass but for their words, or of as many whose
    deliveries pass; without it, words are taken to be rare: common ones are found in the other way
    before.
    """
    found: Any
    if isinstance(wanted, LogFilter) and among is not None and is_found_by_deliveries(wanted):
        found = _of_newest_deliveries(wanted, among, is_further=is_further).subquery()
        where = []
    elif wanted.q is None:
        found = EVENTS_IN[wanted.life]
        where = [*_passing(found.c, wanted, is_further=is_further)]
    elif among is None:
        found = _with_rare_words(wanted, wanted.q, is_further=is_further).subquery()
        where = []
    else:
        found = _first_of_all(wanted, among, is_further=is_further).subquery()
        where = [says(found.c.payload, wanted.q)]
    return (
        select(*columns)
        .select_from(found)
        .where(*where)
        .order_by(found.c.logged_at.desc(), found.c.event_id.desc())
        .limit(bindparam("most", type_=Integer))
    )


def _first_of_all(wanted: StateFilter, among: int, *, is_further: bool) -> Select[Any]:
    """The newest rows, whatever words they have."""
    c = EVENTS_IN[wanted.life].c
    but_for_words = wanted.model_copy(update={"q": None})
    return (
        select(*_listed(c), c.payload)
        .where(*_passing(c, but_for_words, is_further=is_further))
        .order_by(c.logged_at.desc(), c.event_id.desc())
        .limit(among)
    )


def _of_newest_deliveries(wanted: LogFilter, among: int, *, is_further: bool) -> Select[Any]:
    """The events of the newest deliveries that pass, in their order: what few are does not have all
    of the log looked through.

    ``OFFSET 0`` has each event looked up by itself, so that the first ones are enough for a page.
    """
    d, c = DELIVERIES.c, EVENTS_IN[wanted.life].c
    newest = select(d.event_id, d.logged_at).where(*of_deliveries(d, wanted)).distinct()
    if is_further:
        newest = newest.where(_is_after(d))
    if wanted.life is not None:
        since = func.now() - select(LIFE.c.active_for).scalar_subquery()
        is_active = d.logged_at > since
        newest = newest.where(is_active if wanted.life == "active" else ~is_active)
    newest = newest.order_by(d.logged_at.desc(), d.event_id.desc()).limit(among)
    found = newest.subquery()
    has_payload = isinstance(wanted, EventQuery) and wanted.payload
    shown = [*_listed(c), c.payload] if has_payload else _listed(c)
    but_for_deliveries = wanted.model_copy(update={"delivery": None, "target_id": None})
    row = (
        select(*(one for one in shown if one.name not in {"event_id", "logged_at"}))
        .where(*_passing(c, but_for_deliveries, is_further=False), c.event_id == found.c.event_id)
        .offset(literal_column("0"))
        .lateral()
    )
    return select(found, row).select_from(found.join(row, true()))


def _with_rare_words(wanted: StateFilter, q: str, *, is_further: bool) -> CompoundSelect[Any]:
    """All rows that pass: in closed hours by the hour's own index, in the others by that of recent
    words and among the rows that wait for it (retention's migration 0002).

    ``OFFSET 0`` has each part, and each row that is looked up, planned by itself: the
    planner is not to read everything in its order in the hope of meeting the words soon.
    """
    c = EVENTS_IN[wanted.life].c
    has_payload = isinstance(wanted, EventQuery) and wanted.payload
    shown = [*_listed(c), c.payload] if has_payload else _listed(c)

    def rows(asked: StateFilter, *where: ColumnElement[bool]) -> Select[Any]:
        found = select(*shown).where(*_passing(c, asked, is_further=is_further), *where)
        return found.offset(literal_column("0"))

    hours = select(HOURS).cte("hour").prefix_with("MATERIALIZED")

    def is_open(event_id: ColumnElement[Any]) -> ColumnElement[bool]:
        h = hours.c
        within = (event_id >= h.first_id, event_id < h.end_id)
        return select(hours).where(~h.is_closed, *within).exists()

    end_id = hours.c.end_id
    ends = select(end_id).where(hours.c.is_closed).order_by(end_id.desc())
    last_end = ends.limit(literal_column("1")).scalar_subquery()
    # No hour after the last closed one is looked at; before it few are open, and not for long.
    in_closed = rows(wanted, c.event_id < last_end, ~is_open(c.event_id))
    candidates = (
        select(RECENT_WORDS.c.event_id)
        .where(RECENT_WORDS.c.hashes.contains(hashes_of(q)))
        .union(select(WAITING_WORDS.c.event_id))
        .cte("candidate")
    )
    event_id = candidates.c.event_id
    but_for_words = wanted.model_copy(update={"q": None})
    row = rows(but_for_words, says(c.payload, q), c.event_id == event_id).lateral()
    in_open = select(row).select_from(candidates.join(row, true())).where(is_open(event_id))
    return union_all(in_closed, in_open)


def _passing(c: Any, wanted: StateFilter, *, is_further: bool) -> Iterator[ColumnElement[bool]]:
    yield from conditions(c, wanted)
    if is_further:
        yield _is_after(c)


def _is_after(c: Any) -> ColumnElement[bool]:
    """Behind the last row of the page before."""
    end = tuple_(bindparam("after_at", type_=INSTANT), bindparam("after_id", type_=Uuid))
    return tuple_(c.logged_at, c.event_id) < end


def _listed(c: Any) -> list[ColumnElement[Any]]:
    return [one for one in c if one.name not in _NOT_IN_LISTS]


def origins(
    wanted: StateFilter, after: tuple[datetime, UUID] | None, limit: int, max_bytes: int
) -> Select[Any]:
    """Some of the log, the oldest first, with payloads: as many as begin within ``max_bytes``."""
    c = EVENTS_IN[wanted.life].c
    names = ("event_id", "logged_at", "trigger_id", "status", "is_test", "payload")
    found = select(*(c[name] for name in names)).where(*conditions(c, wanted))
    if after is not None:
        found = found.where(
            tuple_(c.logged_at, c.event_id)
            > tuple_(literal(after[0], INSTANT), literal(after[1], Uuid))
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
