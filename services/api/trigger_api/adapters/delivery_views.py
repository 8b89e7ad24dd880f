"""Retention's views of deliveries, read as the gateway shows them."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row

from trigger_api.domain import cursors
from trigger_api.domain.deliveries.queries import DeliveryFilter, DeliveryQuery
from trigger_api.domain.deliveries.shown import AttemptShown, DeliveryDetail, DeliveryShown
from trigger_api.domain.deliveries.waiting import Waiting, waits_for
from trigger_api.ports.paging import Listed
from trigger_contracts.deliveries.outcomes import DeliveryState
from trigger_contracts.ids import instant_of

from . import delivery_queries as statements
from .database import ReadDatabase
from .paging import page_of

_MILLISECOND = timedelta(milliseconds=1)


class PostgresDeliveryViews:
    """``ports.deliveries.DeliveryViews`` in PostgreSQL."""

    def __init__(self, database: ReadDatabase, searches: ReadDatabase) -> None:
        """``searches`` plans each statement for its values: which index helps depends on them."""
        self._database = database
        self._searches = searches

    async def deliveries(self, query: DeliveryQuery) -> Listed[DeliveryShown]:
        after = cursors.delivery(query.cursor)
        rows = await self._searches.fetch(statements.deliveries(query, after))
        page = page_of(
            rows,
            query.limit,
            DeliveryShown.model_validate,
            lambda row: cursors.of_delivery(row.logged_at, row.event_id, row.target_id),
        )
        return Listed(await self._with_waits(page.rows), page.next_cursor)

    async def number_of(self, wanted: DeliveryFilter, most: int) -> int:
        rows = await self._searches.fetch(statements.number_of(wanted, most))
        return int(rows[0][0])

    async def delivery(self, delivery_id: UUID) -> DeliveryDetail | None:
        try:
            at = instant_of(delivery_id)
            asked = {"delivery_id": delivery_id, "instant": at, "after": at + _MILLISECOND}
        except OverflowError:
            return None
        rows = await self._database.fetch(statements.DELIVERY, asked)
        found = await self._with_attempts(rows)
        return found[0] if found else None

    async def of_event(self, event_id: UUID) -> Sequence[DeliveryDetail]:
        rows = await self._database.fetch(statements.OF_EVENT, {"event_id": event_id})
        return await self._with_attempts(rows)

    async def _with_attempts(self, rows: Sequence[Row[Any]]) -> list[DeliveryDetail]:
        """Deliveries of one event, with their attempts."""
        if not rows:
            return []
        attempts: dict[str, list[AttemptShown]] = defaultdict(list)
        found = await self._database.fetch(
            statements.ATTEMPTS_OF_EVENT, {"event_id": rows[0].event_id}
        )
        for row in found:
            attempts[row.target_id].append(AttemptShown.model_validate(row))
        shown = await self._with_waits([DeliveryShown.model_validate(row) for row in rows])
        return [
            DeliveryDetail(**dict(one), attempts=tuple(attempts[one.target_id])) for one in shown
        ]

    async def _with_waits(self, shown: list[DeliveryShown]) -> list[DeliveryShown]:
        """With what each waits for that is pending."""
        pending = [one.id for one in shown if one.state is DeliveryState.PENDING]
        if not pending:
            return shown
        rows = await self._database.fetch(statements.WAITING, {"delivery_ids": pending})
        found = {row.delivery_id: waits_for(_waiting(row)) for row in rows}
        return [one.model_copy(update={"waits_for": found.get(one.id)}) for one in shown]


def _waiting(row: Row[Any]) -> Waiting:
    return Waiting(
        row.now,
        row.next_attempt_at,
        row.open_until,
        row.paused_until,
        has_rate=row.has_rate,
        is_behind=row.is_behind,
    )
