"""The scheduler's SQL views, read as the gateway shows them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row

from trigger_api.domain import cursors
from trigger_api.domain.queries import TriggerQuery, UpcomingQuery
from trigger_api.domain.schemas import TriggerShown, Version
from trigger_api.ports.paging import Listed
from trigger_api.ports.triggers import Scheduled, ScheduledTrigger
from trigger_contracts import schedule
from trigger_contracts.definition import Definition

from . import trigger_queries as statements
from .database import ReadDatabase
from .paging import page_within_bytes


class PostgresTriggerViews:
    """``ports.triggers.TriggerViews`` in PostgreSQL, by the scheduler's views."""

    def __init__(self, database: ReadDatabase) -> None:
        self._database = database

    async def triggers(self, query: TriggerQuery) -> Listed[dict[str, Any]]:
        after = cursors.trigger(query.cursor)
        rows = await self._database.fetch(statements.triggers(query, after))
        return page_within_bytes(
            rows, _trigger, lambda r: cursors.of_trigger(r.created_at, r.trigger_id)
        )

    async def trigger(self, trigger_id: str) -> dict[str, Any] | None:
        rows = await self._database.fetch(statements.TRIGGER, {"trigger_id": trigger_id})
        return _trigger(rows[0]) if rows else None

    async def scheduled(self, trigger_id: str) -> Scheduled | None:
        rows = await self._database.fetch(statements.SCHEDULED, {"trigger_id": trigger_id})
        if not rows:
            return None
        return _scheduled(rows[0])

    async def scheduled_by(
        self, until: datetime, query: UpcomingQuery
    ) -> tuple[Sequence[ScheduledTrigger], bool]:
        rows = await self._database.fetch(statements.scheduled_by(until, query))
        found = [
            ScheduledTrigger(row.trigger_id, row.name, _scheduled(row))
            for row in rows[: query.limit]
        ]
        return found, len(rows) > query.limit

    async def history(
        self, trigger_id: str, limit: int, cursor: str | None
    ) -> Listed[Version] | None:
        after = cursors.version(cursor, trigger_id)
        rows = await self._database.fetch(statements.history(trigger_id, limit, after))
        if not rows and after is None:
            return None
        return page_within_bytes(
            rows, _version, lambda r: cursors.of_version(trigger_id, r.change_seq)
        )


def _scheduled(row: Row[Any]) -> Scheduled:
    return Scheduled(
        Definition.model_validate(row.definition),
        # An api trigger's is JSON's null.
        None if row.schedule == "null" else schedule.parse(row.schedule),
        row.next_fire_at,
        row.fires,
    )


def _trigger(row: Row[Any]) -> dict[str, Any]:
    shown = TriggerShown(
        **row.definition,
        id=row.trigger_id,
        status=row.status,
        version=row.version,
        next_fire_at=row.next_fire_at,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )
    fields = shown.model_dump(mode="json")
    return {"id": fields.pop("id"), **fields}


def _version(row: Row[Any]) -> Version:
    return Version(
        version=row.version,
        kind=row.kind,
        status=row.status,
        at=row.at,
        actor=row.actor,
        definition=Definition.model_validate(row.definition),
    )
