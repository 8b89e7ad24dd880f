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
    following = cursor_of(rows[limit - 1]) if len(rows) > limit else None
    return Listed([shown(row) for row in rows[:limit]], following)
