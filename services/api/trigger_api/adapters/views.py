"""The other services' SQL views, read as the gateway shows them."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import timedelta
from functools import partial
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import Row

from trigger_api.adapters.log import count_queries as counting
from trigger_api.adapters.log import list_queries as log_statements
from trigger_api.domain import cursors
from trigger_api.domain.log.replays import Origin
from trigger_api.domain.log.stats import Counted
from trigger_api.domain.queries import EventFilter, EventQuery, StateFilter, TriggerQuery
from trigger_api.domain.schemas import EventDetail, TriggerShown, Version
from trigger_api.ports.log import ListedEvents, Total
from trigger_api.ports.paging import Listed
from trigger_api.ports.triggers import Scheduled
from trigger_contracts import schedule
from trigger_contracts.definition import Definition
from trigger_contracts.events import EntryStatus

from . import trigger_queries as statements
from .database import ReadDatabase

T = TypeVar("T")

ORIGINS = 500
"""Events read at once to be replayed, at most."""
ORIGIN_BYTES = 1024 * 1024
"""Of their payloads: parsed within 10 ms, and held in memory by each request."""

LOOKED_THROUGH = 20_000
"""Newest rows that are read for words before an index is asked: some 40 ms. A word that does not
fill a page from them is in less than one row of four hundred, and few enough to be fetched."""
COUNTED_EXACTLY = 10_000
"""Where a filter asks for what no sum tells apart, more are estimated."""
FOUND_EXACTLY = 1000
"""The same for words, which cost ten times as much to look for."""


class PostgresViews:
    """``ports.triggers.TriggerViews`` and ``ports.log.LogViews``, over one database."""

    def __init__(self, database: ReadDatabase, searches: ReadDatabase) -> None:
        """``searches`` plans each statement for its words: how to find one depends on it."""
        self._database = database
        self._searches = searches

    async def triggers(self, query: TriggerQuery) -> Listed[dict[str, Any]]:
        after = cursors.trigger(query.cursor)
        rows = await self._database.fetch(statements.triggers(query, after))
        return _page(
            rows, query.limit, _trigger, lambda r: cursors.of_trigger(r.created_at, r.trigger_id)
        )

    async def trigger(self, trigger_id: str) -> dict[str, Any] | None:
        rows = await self._database.fetch(statements.TRIGGER, {"trigger_id": trigger_id})
        return _trigger(rows[0]) if rows else None

    async def scheduled(self, trigger_id: str) -> Scheduled | None:
        rows = await self._database.fetch(statements.SCHEDULED, {"trigger_id": trigger_id})
        if not rows:
            return None
        row = rows[0]
        return Scheduled(
            Definition.model_validate(row.definition),
            # An api trigger's is JSON's null.
            None if row.schedule == "null" else schedule.parse(row.schedule),
            row.next_fire_at,
            row.fires,
        )

    async def history(
        self, trigger_id: str, limit: int, cursor: str | None
    ) -> Listed[Version] | None:
        after = cursors.change(cursor)
        rows = await self._database.fetch(statements.history(trigger_id, limit, after))
        if not rows and after is None:
            return None
        return _page(rows, limit, _version, lambda r: cursors.of_change(r.change_seq))

    async def events(self, query: EventQuery) -> ListedEvents:
        after = cursors.event(query.cursor)
        rows = await self._newest(
            query,
            partial(log_statements.events, query, after),
            lambda rows: len(rows) > query.limit,
        )
        page = _page(
            rows,
            query.limit,
            lambda r: r,
            lambda r: cursors.of_event(r.logged_at, r.event_id),
        )
        return ListedEvents(
            body=("[" + ",".join(r.body for r in page.rows) + "]").encode(),
            next_cursor=page.next_cursor,
            read_at=rows[0].read_at if rows else None,
            true_until=min((r.ends_at for r in page.rows), default=None),
        )

    async def _newest(
        self,
        wanted: EventFilter,
        asked: Callable[[int | None], log_statements.Asked],
        is_full: Callable[[Sequence[Row[Any]]], bool],
    ) -> Sequence[Row[Any]]:
        """By words in two steps: common ones are among the newest rows, rare ones in an index."""
        if wanted.q is not None:
            rows = await self._searches.fetch(*asked(LOOKED_THROUGH))
            if is_full(rows):
                return rows
        return await self._for(wanted).fetch(*asked(None))

    async def count(self, wanted: StateFilter, *, exactly: int | None = None) -> Total:
        if counting.is_summed(wanted):
            return Total(await self._sum(wanted), exact=True)
        most = exactly or (COUNTED_EXACTLY if wanted.q is None else FOUND_EXACTLY)
        (found,) = await self._newest(
            wanted,
            partial(log_statements.extent, wanted, most + 1),
            lambda rows: rows[0].rows > most,
        )
        if found.rows <= most:
            return Total(found.rows, exact=True)
        # As dense among all rows as it is among the newest ones.
        summed = counting.only_summed(wanted)
        since = summed.model_copy(update={"from_": found.oldest})
        among, of_all = await asyncio.gather(self._sum(since), self._sum(summed))
        # What was found may be over by now, be it all of it.
        return Total(round(found.rows * of_all / max(among, found.rows)), exact=False)

    async def _sum(self, wanted: StateFilter) -> int:
        return sum(sum(one.rows) for one in await self.counted(wanted, timedelta(days=1)))

    async def counted(self, wanted: StateFilter, width: timedelta) -> list[Counted]:
        statement, parameters = counting.counts(wanted, width)
        rows = await self._for(wanted).fetch(statement, parameters)
        return [Counted(r.bucket, r.status, r.lateness_steps, r.rows) for r in rows]

    async def has_cut(self, wanted: StateFilter) -> bool:
        (found,) = await self._searches.fetch(log_statements.cut(wanted))
        return bool(found.rows)

    async def origins(self, wanted: StateFilter, after: Origin | None, limit: int) -> list[Origin]:
        position = None if after is None else (after.logged_at, after.event_id)
        limit = min(limit, ORIGINS)
        statement = log_statements.origins(wanted, position, limit, ORIGIN_BYTES)
        rows = await self._for(wanted).fetch(statement)
        return [
            Origin(
                r.event_id, r.logged_at, r.trigger_id, EntryStatus(r.status), r.is_test, r.payload
            )
            for r in rows
        ]

    def _for(self, wanted: EventFilter) -> ReadDatabase:
        return self._database if wanted.q is None else self._searches

    async def event(self, event_id: UUID) -> EventDetail | None:
        rows = await self._database.fetch(log_statements.EVENT, {"event_id": event_id})
        return EventDetail.model_validate(rows[0], from_attributes=True) if rows else None


def _page(
    rows: Sequence[Row[Any]],
    limit: int,
    shown: Callable[[Row[Any]], T],
    cursor_of: Callable[[Row[Any]], str],
) -> Listed[T]:
    """One row more than a page was read: there is a next page if it is there."""
    following = cursor_of(rows[limit - 1]) if len(rows) > limit else None
    return Listed([shown(row) for row in rows[:limit]], following)


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
