"""The gateway's reads of deliveries, by retention's views; as ``log.list_queries``."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Select,
    Text,
    Uuid,
    bindparam,
    cast,
    func,
    literal,
    select,
    text,
    tuple_,
)
from sqlalchemy.dialects.postgresql import ARRAY

from trigger_api.adapters.log.filter_sql import conditions
from trigger_api.adapters.log.tables import ATTEMPTS, DELIVERIES, EVENTS, INSTANT
from trigger_api.domain.deliveries.queries import DeliveryFilter, DeliveryQuery
from trigger_api.domain.queries import EventConditions, EventFilter

_D = DELIVERIES.c

_ASKED_OF_EVENTS = EventConditions.model_fields.keys() - {
    *("trigger_id", "event_id", "from_", "to")
}
"""What a delivery has of its event is asked of itself."""

_SHOWN: list[ColumnElement[Any]] = [
    _D.delivery_id.label("id"),
    _D.attempts.label("attempt_count"),
    *(one for one in _D if one.name not in {"delivery_id", "attempts"}),
]

OF_EVENT = (
    select(*_SHOWN).where(_D.event_id == bindparam("event_id", type_=Uuid)).order_by(_D.target_id)
)

# An id has the time of its event, and events of that millisecond lie in one partition.
_MILLISECOND = bindparam("instant", type_=INSTANT)
DELIVERY = select(*_SHOWN).where(
    _D.delivery_id == bindparam("delivery_id", type_=Uuid),
    _D.event_id >= func.retention.first_id(_MILLISECOND),
    _D.event_id < func.retention.first_id(bindparam("after", type_=INSTANT)),
)

ATTEMPTS_OF_EVENT = (
    select(ATTEMPTS)
    .where(ATTEMPTS.c.event_id == bindparam("event_id", type_=Uuid))
    .order_by(ATTEMPTS.c.round, ATTEMPTS.c.attempt, ATTEMPTS.c.started_at, ATTEMPTS.c.epoch)
)


WAITING = text("""
    SELECT p.delivery_id, now() AS now, p.next_attempt_at, l.open_until, l.paused_until,
           coalesce(t.change #> '{definition,rate}' IS NOT NULL
                    AND json_typeof(t.change #> '{definition,rate}') <> 'null', false) AS has_rate,
           coalesce((t.change #>> '{definition,ordered}')::boolean, false) AND EXISTS (
               SELECT FROM executor.pending AS earlier
               WHERE earlier.target_id = p.target_id AND earlier.trigger_id = p.trigger_id
                 AND earlier.event_seq < p.event_seq) AS is_behind
    FROM executor.pending AS p
    LEFT JOIN executor.lanes AS l USING (target_id)
    LEFT JOIN scheduler.targets AS t USING (target_id)
    WHERE p.delivery_id = ANY (:delivery_ids)
""").bindparams(bindparam("delivery_ids", type_=ARRAY(Uuid)))
"""What is in the way of deliveries that are pending, as executor and scheduler have it."""


def deliveries(query: DeliveryQuery, after: tuple[datetime, UUID, str] | None) -> Select[Any]:
    """A page, those of the events logged last first, and one row more."""
    found = _passing(select(*_SHOWN), query)
    if after is not None:
        at, event_id, target_id = after
        end = tuple_(literal(at, INSTANT), literal(event_id, Uuid), literal(target_id, Text))
        found = found.where(tuple_(_D.logged_at, _D.event_id, _D.target_id) < end)
    newest = (_D.logged_at.desc(), _D.event_id.desc(), _D.target_id.desc())
    return found.order_by(*newest).limit(query.limit + 1)


def number_of(wanted: DeliveryFilter, most: int) -> Select[Any]:
    """How many pass, counted to one beyond ``most``."""
    found = _passing(select(literal(1)).select_from(DELIVERIES), wanted).limit(most + 1).subquery()
    return select(func.count()).select_from(found)


def _passing(found: Select[Any], query: DeliveryFilter) -> Select[Any]:
    for column, values in (
        (_D.target_id, query.target_id),
        (_D.trigger_id, query.trigger_id),
        (_D.event_id, query.event_id),
    ):
        if values is not None:
            # Of one an equation: more plans fit it.
            several = cast([*values], ARRAY(column.type))
            found = found.where(column == (values[0] if len(values) == 1 else several.any_()))
    if query.state is not None:
        found = found.where(_D.state.in_([str(state) for state in query.state]))
    if query.from_ is not None:
        found = found.where(_D.logged_at >= query.from_)
    if query.to is not None:
        found = found.where(_D.logged_at < query.to)
    of_events = query.model_dump(include=_ASKED_OF_EVENTS, exclude_none=True)
    if of_events:
        e = EVENTS.c
        passing = conditions(e, EventFilter(**of_events))
        found = found.where(select(e.event_id).where(e.event_id == _D.event_id, *passing).exists())
    return found
