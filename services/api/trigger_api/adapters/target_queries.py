"""The gateway's reads of targets, by the scheduler's views, and of how they are, by the executor's;
as ``trigger_queries``.
"""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    ColumnElement,
    Select,
    Text,
    and_,
    bindparam,
    case,
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
from trigger_api.domain.targets.health import TargetCondition
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

_LANES = table(
    "lanes",
    column("target_id", Text),
    column("is_failing", Boolean),
    column("since", INSTANT),
    column("last_success_at", INSTANT),
    column("last_failure_at", INSTANT),
    column("open_until", INSTANT),
    column("is_gone", Boolean),
    column("paused_until", INSTANT),
    schema="executor",
)
_PENDING = table(
    "pending", column("target_id", Text), column("planned_at", INSTANT), schema="executor"
)

_CONDITION = case(
    (and_(_LANES.c.open_until.is_not(None), _LANES.c.is_gone), TargetCondition.GONE.value),
    (_LANES.c.open_until.is_not(None), TargetCondition.OPEN.value),
    (_LANES.c.paused_until > func.now(), TargetCondition.PAUSED.value),
    (_LANES.c.is_failing, TargetCondition.FAILING.value),
    else_=TargetCondition.OK.value,
)
"""An open breaker closes with the next success alone: until then ``open_until`` stays."""

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
    if query.health is not None:
        known = select(_CONDITION).where(_LANES.c.target_id == c.target_id).scalar_subquery()
        condition = func.coalesce(known, TargetCondition.OK.value)
        found = found.where(condition.in_([one.value for one in query.health]))
    if query.q is not None:
        folded = func.scheduler.folded
        found = found.where(func.strpos(folded(c.name), folded(query.q)) > 0)
    return found


def health(target_ids: Collection[str]) -> Select[Any]:
    """How those of these are that have been delivered to, or are to be."""
    ids = cast([*target_ids], ARRAY(Text))
    waiting = (
        select(
            _PENDING.c.target_id,
            func.count().label("pending"),
            func.min(_PENDING.c.planned_at).label("oldest_pending_at"),
        )
        .where(_PENDING.c.target_id == ids.any_())
        .group_by(_PENDING.c.target_id)
        .subquery()
    )
    lanes = _LANES.c
    return (
        select(
            lanes.target_id,
            _CONDITION.label("status"),
            lanes.since,
            lanes.last_success_at,
            lanes.last_failure_at,
            func.coalesce(waiting.c.pending, 0).label("pending"),
            waiting.c.oldest_pending_at,
        )
        .select_from(_LANES.outerjoin(waiting, waiting.c.target_id == lanes.target_id))
        .where(lanes.target_id == ids.any_())
    )


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
