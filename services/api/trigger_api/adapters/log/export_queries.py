"""The statements of exports: PostgreSQL itself writes rows down, as JSON or as cells."""

from typing import Any

from sqlalchemy import (
    ColumnClause,
    ColumnElement,
    Integer,
    Select,
    Text,
    Uuid,
    func,
    literal,
    literal_column,
    select,
    tuple_,
)
from sqlalchemy.dialects.postgresql import aggregate_order_by

from trigger_api.domain.log.export_paging import ReadRange
from trigger_api.domain.log.exports import COLUMNS, DELIVERIES
from trigger_api.domain.queries import ExportQuery, StateFilter

from .delivery_json import deliveries_of
from .filter_sql import conditions
from .row_json import json_object, value
from .tables import EVENTS_IN, INSTANT, LIFE_ENDS_AT

PAGE_BYTES = 4 * 1024 * 1024
"""A page is cut behind the row that exceeds this."""
PIECE_BYTES = 64 * 1024
"""Rows that are sent at once: as much as uvicorn takes before a write waits."""


def _cells(first: str, last: str) -> str:
    """SQL for neighbouring fields as cells that need no quotes."""
    names = COLUMNS[COLUMNS.index(first) : COLUMNS.index(last) + 1]
    return "concat(" + ", ',', ".join(map(value, names)) + ")"


_PARTS = {
    "start": "event_id::text",
    "trigger_id": "trigger_id",
    "trigger_name": "trigger_name",
    "middle": _cells("trigger_type", "misfire"),
    "reason": "reason",
    "errors": "errors::text",
    "rest": _cells("count", "deletes_at"),
    "payload": "payload::text",
}
"""The arguments of ``csv_line``."""


def lines(wanted: ExportQuery, stretch: ReadRange) -> Select[Any]:
    """Pieces of NDJSON: ``body`` is whole lines."""
    line = json_object(COLUMNS, _more(wanted)) + r" || E'\n'"
    rows = _measured(wanted, stretch, {"line": line}, "octet_length(line)")
    return _pieces(
        rows,
        func.convert_to(
            func.string_agg(rows.line, aggregate_order_by(literal_column("''"), rows.upto)), "UTF8"
        ).label("body"),
    )


def parts(wanted: ExportQuery, stretch: ReadRange) -> Select[Any]:
    """The same, with an array of each of ``csv_line``'s arguments: they are decoded ten times
    as quickly as rows are.
    """
    size = "octet_length(payload) + octet_length(errors) + octet_length(trigger_name) + 500"
    size = f"coalesce({size}, 1000)"
    more = _more(wanted)
    columns = {**_PARTS, **more}
    size += "".join(f" + octet_length({name})" for name in more)
    rows = _measured(wanted, stretch, columns, size)
    return _pieces(
        rows,
        *(
            func.array_agg(aggregate_order_by(rows[name], rows.upto)).label(name)
            for name in columns
        ),
    )


def _more(wanted: ExportQuery) -> dict[str, str]:
    """SQL for what a row tells besides."""
    if not wanted.deliveries:
        return {}
    return {DELIVERIES: deliveries_of(f"{EVENTS_IN[wanted.life].fullname}.event_id")}


def _pieces(rows: Any, *contents: ColumnElement[Any]) -> Select[Any]:
    """Some rows each, the first of them within ``PAGE_BYTES``.

    They tell how many rows they are, where the last one stands (``logged_at``, ``event_id``),
    how long all of them stay what they are (``left_s``), and the bytes ``upto`` their end.
    """
    piece: ColumnClause[int] = literal_column(f"upto / {PIECE_BYTES}")
    # In the order of their ends: whatever plan there is, position and text belong together.
    return (
        select(
            *contents,
            func.count().label("rows"),
            func.min(rows.logged_at).label("logged_at"),
            literal_column("(array_agg(event_id ORDER BY upto))[count(*)]", Uuid).label("event_id"),
            func.date_part("epoch", func.min(rows.until) - func.now()).label("left_s"),
            func.max(rows.upto).label("upto"),
        )
        .where(rows.upto - rows.size < PAGE_BYTES)
        .group_by(piece)
        .order_by(piece)
    )


def _measured(wanted: StateFilter, stretch: ReadRange, columns: dict[str, str], size: str) -> Any:
    """The rows of a stretch, each with its ``size`` and all bytes ``upto`` its end."""
    c = EVENTS_IN[wanted.life].c
    written = (literal_column(sql, Text).label(name) for name, sql in columns.items())
    found = select(*written, c.logged_at, c.event_id, LIFE_ENDS_AT.label("until"))
    found = found.where(*conditions(c, wanted))
    if stretch.before is not None:
        logged_at, event_id = stretch.before
        found = found.where(
            tuple_(c.logged_at, c.event_id)
            < tuple_(literal(logged_at, INSTANT), literal(event_id, Uuid))
        )
    if stretch.since is not None:
        found = found.where(c.logged_at >= stretch.since)
    rows = found.order_by(c.logged_at.desc(), c.event_id.desc()).limit(stretch.rows).subquery()
    sized = select(rows, literal_column(size, Integer).label("size")).subquery()
    in_order = (sized.c.logged_at.desc(), sized.c.event_id.desc())
    upto = func.sum(sized.c.size).over(order_by=in_order, rows=(None, 0)).label("upto")
    return select(sized, upto).subquery().c
