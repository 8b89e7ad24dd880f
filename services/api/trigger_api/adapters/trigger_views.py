"""The scheduler's SQL views, read as the gateway shows them."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row

from trigger_api.domain import cursors
from trigger_api.domain.overview import AttentionCounts, TriggerCounts, TriggersCounted
from trigger_api.domain.schemas import LabelCount, Version
from trigger_api.domain.triggers.local import local_text
from trigger_api.domain.triggers.previews import ON_REQUEST
from trigger_api.domain.triggers.queries import TriggerQuery, UpcomingQuery
from trigger_api.ports.paging import Listed
from trigger_api.ports.triggers import Scheduled, ScheduledTrigger
from trigger_contracts import schedule
from trigger_contracts.definition import Definition
from trigger_contracts.schedule import AnySchedule

from . import trigger_queries as statements
from .database import ReadDatabase
from .descriptions import describe
from .paging import page_within_bytes


class PostgresTriggerViews:
    """``ports.triggers.TriggerViews`` in PostgreSQL, by the scheduler's views."""

    def __init__(self, database: ReadDatabase) -> None:
        self._database = database

    async def triggers(self, query: TriggerQuery) -> Listed[dict[str, Any]]:
        after = cursors.trigger(query.cursor, query.sort)
        rows = await self._database.fetch(statements.triggers(query, after))

        def cursor_of(row: Row[Any]) -> str:
            has_none = query.order == "next_fire" and row.next_fire_at is None
            key = None if has_none else row.sorted_by
            return cursors.of_trigger(query.sort, key, row.trigger_id)

        shown = _trigger if query.payload else _without_payload
        return page_within_bytes(rows, shown, cursor_of)

    async def number_of(self, query: TriggerQuery) -> int:
        rows = await self._database.fetch(statements.number_of(query))
        return int(rows[0][0])

    async def counted(self) -> TriggersCounted:
        (row,) = await self._database.fetch(statements.COUNTED)
        fields = row._mapping  # noqa: SLF001 - public, in spite of its name
        return TriggersCounted(
            now=row.now,
            triggers=TriggerCounts.model_validate(fields),
            attention=AttentionCounts.model_validate(fields),
        )

    async def labels(self) -> list[LabelCount]:
        rows = await self._database.fetch(statements.LABELS)
        return [LabelCount(label=row.label, count=row.count) for row in rows]

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
        _schedule_in(row),
        row.next_fire_at,
        row.fires,
    )


def _text(instant: datetime | None) -> str | None:
    return None if instant is None else instant.isoformat().replace("+00:00", "Z")


def _schedule_in(row: Row[Any]) -> AnySchedule | None:
    """None for an api trigger."""
    return None if row.schedule is None else schedule.parse(json.dumps(row.schedule))


def _trigger(row: Row[Any]) -> dict[str, Any]:
    known = _scheduled(row)
    planned, definition = known.schedule, known.definition
    words = ON_REQUEST if planned is None else describe(planned, definition)
    return {
        "id": row.trigger_id,
        **definition.model_dump(mode="json"),
        "status": row.status,
        "version": row.version,
        "next_fire_at": _text(row.next_fire_at),
        "created_at": _text(row.created_at),
        "updated_at": _text(row.updated_at),
        "in_words": words,
        "next_fire_local": local_text(row.next_fire_at, definition.timezone),
        "fires": row.fires,
    }


def _without_payload(row: Row[Any]) -> dict[str, Any]:
    fields = _trigger(row)
    del fields["payload"], fields["payload_schema"]
    return fields


def _version(row: Row[Any]) -> Version:
    return Version(
        version=row.version,
        kind=row.kind,
        status=row.status,
        at=row.at,
        actor=row.actor,
        definition=Definition.model_validate(row.definition),
    )
