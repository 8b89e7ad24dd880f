"""Pages that end by bytes: rows are found by their keys, and what is wide is read one by one.

A row may have 250 kB, and a page 500 rows. So PostgreSQL finds the keys of a page as it would
find narrow rows, and then reads what belongs to them, in their order, until they have
``PAGE_BYTES``: of what is behind, nothing is read, sent, parsed or shown. At least one row is.
"""

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    ColumnClause,
    ColumnElement,
    Integer,
    Label,
    Select,
    Text,
    cast,
    func,
    literal,
    literal_column,
    select,
    true,
)
from sqlalchemy.dialects.postgresql import aggregate_order_by

PAGE_BYTES = 2 * 1024 * 1024
"""Rows begin within so much: parsed and shown in some 100 ms; 120 MB took four seconds."""

Wide = ColumnClause[Any] | Label[Any]
"""A column with a name, of a view that has one row for each key."""

Ordered = Callable[[Any], tuple[ColumnElement[Any], ...]]
"""The order of a list, of the columns that it is given."""


def within_bytes(
    keys: Select[Any],
    key: ColumnElement[Any],
    columns: Sequence[Wide],
    in_order: Ordered,
    limit: int,
) -> Select[Any]:
    """The rows of ``keys``, each with what belongs to its ``key``: wide ``columns``, JSON each.

    ``keys`` finds one row more than a page of ``limit`` has; each row says in ``found`` how many
    there were. The first column is the one that bounds a page.
    """
    narrow = keys.subquery()
    place = func.row_number().over(order_by=in_order(narrow.c)).label("place")
    found = select(narrow, place).cte("found").prefix_with("MATERIALIZED")
    all_keys = func.array_agg(aggregate_order_by(found.c[key.name], found.c.place)).label("keys")
    # An array: its n-th is there at once, and a step of the page below looks at nothing else.
    listed = select(all_keys).cte("listed").prefix_with("MATERIALIZED")
    page = _page(listed, key, columns, limit)
    return (
        select(
            *(one for one in found.c if one.name != "place"),
            *(page.c[one.name] for one in columns),
            func.cardinality(listed.c["keys"]).label("found"),
        )
        .select_from(found.join(page, found.c.place == page.c.place).join(listed, true()))
        .order_by(found.c.place)
    )


def _page(listed: Any, key: ColumnElement[Any], columns: Sequence[Wide], limit: int) -> Any:
    """What is wide, by its ``place`` in the list, and the bytes ``upto`` its end."""
    before = select(
        literal_column("0", Integer).label("place"),
        *(literal_column("NULL::json", JSON).label(one.name) for one in columns),
        literal_column("0::bigint", BigInteger).label("upto"),
    ).cte("page", recursive=True)
    keys = listed.c["keys"]
    of_next: ColumnElement[Any] = literal_column("listed.keys[page.place + 1]")
    # OFFSET 0: the view takes a column out of its change once, not once for each use.
    row = (
        select(*columns)
        .where(key == of_next)
        .correlate(listed, before)
        .offset(literal_column("0"))
        .lateral("row_of_next")
    )
    size = func.octet_length(cast(row.c[columns[0].name], Text))
    further = (
        select(
            before.c.place + literal_column("1"),
            *(row.c[one.name] for one in columns),
            before.c.upto + size,
        )
        .select_from(before.join(listed, true()).join(row, true()))
        .where(
            before.c.place < func.least(func.cardinality(keys), literal(limit, Integer)),
            before.c.upto < literal(PAGE_BYTES, BigInteger),
        )
    )
    return before.union_all(further)
