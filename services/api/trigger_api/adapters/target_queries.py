"""The gateway's reads of targets, by the scheduler's views; as ``trigger_queries``."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    ColumnElement,
    Select,
    Text,
    bindparam,
    cast,
    column,
    func,
    literal,
    select,
    table,
    tuple_,
)
from sqlalchemy.dialects.postgresql import ARRAY

from trigger_api.adapters.log.tables import INSTANT
from trigger_api.domain.targets.queries import TargetQuery

from .byte_pages import within_bytes

_TARGETS = table(
    "targets",
    column("target_id", Text),
    column("type", Text),
    column("name", Text),
    column("created_at", INSTANT),
    column("change", JSON),
    schema="scheduler",
)
_HISTORY = table(
    "target_history",
    column("target_id", Text),
    column("change_seq", BigInteger),
    column("change", JSON),
    schema="scheduler",
)

TARGET = select(_TARGETS.c.change).where(_TARGETS.c.target_id == bindparam("target_id"))
"""One target that exists."""


def targets(query: TargetQuery, after: tuple[datetime, str] | None) -> Select[Any]:
    """A page of targets, the newest first; see ``within_bytes``."""
    c = _TARGETS.c
    found = _passing(select(c.target_id, c.created_at), query)
    if after is not None:
        end = tuple_(literal(after[0], INSTANT), literal(after[1], Text))
        found = found.where(tuple_(c.created_at, c.target_id) < end)
    found = found.order_by(*_newest(c)).limit(query.limit + 1)
    return within_bytes(found, c.target_id, [c.change], _newest, query.limit)


def _newest(c: Any) -> tuple[ColumnElement[Any], ...]:
    return c.created_at.desc(), c.target_id.desc()


def number_of(query: TargetQuery) -> Select[Any]:
    """How many targets pass."""
    return _passing(select(func.count()).select_from(_TARGETS), query)


def _passing(found: Select[Any], query: TargetQuery) -> Select[Any]:
    c = _TARGETS.c
    if query.type is not None:
        found = found.where(c.type.in_(query.type))
    if query.id is not None:
        found = found.where(c.target_id == cast([*query.id], ARRAY(Text)).any_())
    if query.q is not None:
        folded = func.scheduler.folded
        found = found.where(func.strpos(folded(c.name), folded(query.q)) > 0)
    return found


def existing(target_ids: Collection[str]) -> Select[Any]:
    """Those of these that there are."""
    c = _TARGETS.c
    return select(c.target_id).where(c.target_id == cast([*target_ids], ARRAY(Text)).any_())


def history(target_id: str, limit: int, after: int | None) -> Select[Any]:
    """A page of a target's changes, the newest first; see ``within_bytes``."""
    c = _HISTORY.c
    found = select(c.change_seq).where(c.target_id == target_id)
    if after is not None:
        found = found.where(c.change_seq < after)
    found = found.order_by(*_newest_change(c)).limit(limit + 1)
    return within_bytes(found, c.change_seq, [c.change], _newest_change, limit)


def _newest_change(c: Any) -> tuple[ColumnElement[Any], ...]:
    return (c.change_seq.desc(),)
