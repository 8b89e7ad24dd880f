"""Retention's SQL views, read as the gateway shows them."""

import asyncio
import json
from collections.abc import Callable, Sequence
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

from sqlalchemy import Row

from trigger_api.adapters.database import ReadDatabase
from trigger_api.adapters.paging import page_of
from trigger_api.domain import cursors
from trigger_api.domain.log.activity import ActivityQuery
from trigger_api.domain.log.replays import Origin
from trigger_api.domain.log.stats import Counted
from trigger_api.domain.queries import EventQuery, LogFilter, StateFilter
from trigger_api.domain.schemas import EventDetail
from trigger_api.ports.log import ListedEvents, Total
from trigger_contracts.events import EntryStatus

from . import count_queries as counting
from . import list_queries as log_statements

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


class PostgresLogViews:
    """``ports.log.LogViews`` in PostgreSQL, by retention's views."""

    def __init__(self, database: ReadDatabase, searches: ReadDatabase) -> None:
        """``searches`` plans each statement for its words: how to find one depends on it."""
        self._database = database
        self._searches = searches

    async def events(self, query: EventQuery) -> ListedEvents:
        after = cursors.event(query.cursor)
        rows = await self._newest(
            query,
            partial(log_statements.events, query, after),
            lambda rows: len(rows) > query.limit,
        )
        page = page_of(
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
        wanted: StateFilter,
        asked: Callable[[int | None], log_statements.Asked],
        is_full: Callable[[Sequence[Row[Any]]], bool],
    ) -> Sequence[Row[Any]]:
        """By words in two steps: common ones are among the newest rows, rare ones in an index. By
        deliveries as well: of the newest of these, and where other conditions leave too few, as the
        planner finds best.
        """
        if wanted.q is not None or log_statements.is_found_by_deliveries(wanted):
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

    def _for(self, wanted: StateFilter) -> ReadDatabase:
        """Where a plan depends on what is asked for, each is planned by itself."""
        is_planned = wanted.q is not None or (
            isinstance(wanted, LogFilter) and wanted.asks_for_deliveries
        )
        return self._searches if is_planned else self._database

    async def activity(self, query: ActivityQuery) -> bytes:
        asked = {"trigger_ids": [*query.trigger_id], "points": query.points}
        rows = await self._database.fetch(log_statements.ACTIVITY, asked)
        each = (
            f'{{"trigger_id":{json.dumps(row.trigger_id)},"last":{row.last or "null"},'
            f'"points":[{row.points or ""}]}}'
            for row in rows
        )
        return ("[" + ",".join(each) + "]").encode()

    async def present(self, event_ids: Sequence[UUID]) -> Sequence[UUID]:
        rows = await self._database.fetch(log_statements.PRESENT, {"event_ids": [*event_ids]})
        return [row.event_id for row in rows]

    async def event(self, event_id: UUID) -> EventDetail | None:
        rows = await self._database.fetch(log_statements.EVENT, {"event_id": event_id})
        return EventDetail.model_validate(rows[0], from_attributes=True) if rows else None
