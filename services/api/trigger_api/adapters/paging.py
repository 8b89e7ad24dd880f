"""A page of rows and where the next one begins, for every list that is read from a view."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from sqlalchemy import Row

from trigger_api.ports.paging import Listed

T = TypeVar("T")


def page_of(
    rows: Sequence[Row[Any]],
    limit: int,
    shown: Callable[[Row[Any]], T],
    cursor_of: Callable[[Row[Any]], str],
) -> Listed[T]:
    """One row more than a page was read: there is a next page if it is there."""
    return _page(rows[:limit], len(rows), shown, cursor_of)


def page_within_bytes(
    rows: Sequence[Row[Any]], shown: Callable[[Row[Any]], T], cursor_of: Callable[[Row[Any]], str]
) -> Listed[T]:
    """Some of the rows that were ``found``: there is a next page if there are others."""
    return _page(rows, rows[0].found if rows else 0, shown, cursor_of)


def _page(
    rows: Sequence[Row[Any]],
    found: int,
    shown: Callable[[Row[Any]], T],
    cursor_of: Callable[[Row[Any]], str],
) -> Listed[T]:
    following = cursor_of(rows[-1]) if found > len(rows) else None
    return Listed([shown(row) for row in rows], following)
