"""The log of 48 hours, read from the views of its owner."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from trigger_api.domain.deliveries.shown import EventWithDeliveries
from trigger_api.domain.live_tail.tail_position import StreamPosition
from trigger_api.domain.log.activity import Activity, ActivityQuery
from trigger_api.domain.log.lifetimes import Lifetimes
from trigger_api.domain.log.stats import Chart, Stats, StatsQuery, summed
from trigger_api.domain.queries import EventQuery, WaitQuery
from trigger_api.domain.schemas import EventListed
from trigger_api.handlers.lookup import Lookup
from trigger_api.handlers.pages import EventPages
from trigger_api.ports.deliveries import DeliveryViews
from trigger_api.ports.log import LogPosition, LogViews
from trigger_api.ports.process import Clock

from . import routes
from .answers import HttpAnswer
from .coverage import coverage
from .openapi import answers, headers


def router(
    pages: EventPages,
    views: LogViews,
    positions: LogPosition,
    lookup: Lookup,
    deliveries: DeliveryViews,
    clock: Clock,
    lifetimes: Lifetimes,
) -> APIRouter:
    """Lists of the log, its sums, and single events."""

    async def list_events(request: Request, query: Annotated[EventQuery, Query()]) -> Response:
        """The log, the newest first; the next page is in `Link`. Payloads only if asked for."""
        wanted = query.checked()
        page, total, covered = await asyncio.gather(
            pages.page(wanted), _counted(wanted), coverage(views, wanted)
        )
        link = routes.next_page(request, "/events/", page.next_cursor)
        found = {**link, **total, **covered, **_position(page.position)}
        return HttpAnswer(200, page.body, headers=found).response()

    async def _counted(wanted: EventQuery) -> dict[str, str]:
        if not wanted.count:
            return {}
        total = await views.count(wanted)
        kind = "exact" if total.exact else "estimate"
        return {"x-total-count": str(total.rows), "x-total-count-kind": kind}

    async def stats(query: Annotated[StatsQuery, Query()]) -> Response:
        """Counts by status and quantiles of lateness, overall and per bucket of time."""
        wanted = query.checked()
        chart = Chart.of(wanted, clock.now(), lifetimes)
        counted, covered = await asyncio.gather(
            views.counted(wanted, chart.width), coverage(views, wanted)
        )
        body = summed(chart, counted).model_dump_json(by_alias=True).encode()
        return HttpAnswer(200, body, headers=covered).response()

    async def activity(query: Annotated[ActivityQuery, Query()]) -> Response:
        """The last event of each of several triggers, and their newest ones as points."""
        position = await positions.certain()
        body = await views.activity(query)
        return HttpAnswer(200, body, headers=_position(position)).response()

    async def show(event_id: str, query: Annotated[WaitQuery, Query()]) -> Response:
        """One event with its payload, when it is archived and deleted, and what became of it at
        each target, attempt by attempt.
        """
        found = await lookup.event(event_id, query.wait)
        body = EventWithDeliveries(
            **dict(found), deliveries=tuple(await deliveries.of_event(found.id))
        )
        return HttpAnswer(200, body.model_dump_json().encode()).response()

    router = APIRouter(tags=["events"])
    routes.add(
        router,
        "GET",
        "/events/",
        list_events,
        operation_id="listEvents",
        responses={
            200: answers.json(
                list[EventListed],
                "A page of the log",
                *headers.OF_PAGES,
                headers.COVERAGE,
                headers.LOG_POSITION,
            )
        },
    )
    routes.add(
        router,
        "GET",
        "/events/stats",
        stats,
        operation_id="getEventStats",
        responses={200: answers.json(Stats, "The sums", headers.COVERAGE)},
    )
    routes.add(
        router,
        "GET",
        "/activity/",
        activity,
        operation_id="listActivity",
        responses={
            200: answers.json(
                list[Activity], "Of each trigger that was asked about", headers.LOG_POSITION
            )
        },
    )
    routes.add(
        router,
        "GET",
        "/events/{event_id}",
        show,
        operation_id="getEvent",
        refuses=(410,),
        responses={200: answers.json(EventWithDeliveries, "The event")},
    )
    return router


def _position(known: StreamPosition | None) -> dict[str, str]:
    return {} if known is None else {"x-log-position": str(known)}
