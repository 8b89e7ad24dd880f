"""What a schedule would do (nothing is saved), and what triggers will do next; the zones."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from trigger_api.domain.schemas import PreviewShown, Upcoming
from trigger_api.domain.timezones import ZonesShown, zones_at
from trigger_api.domain.triggers.previews import NextQuery, preview_request
from trigger_api.domain.triggers.queries import UpcomingQuery
from trigger_api.handlers.previews import Previews
from trigger_api.handlers.upcoming import UpcomingFires
from trigger_api.ports.process import Clock
from trigger_contracts.errors import Code, refused

from . import examples, routes
from .answers import HttpAnswer
from .bodies import Bodies
from .openapi import answers, headers
from .openapi import bodies as request_bodies
from .routes import checked_id, headers_of


def router(
    previews: Previews, upcoming_fires: UpcomingFires, bodies: Bodies, clock: Clock
) -> APIRouter:
    """Previews of a definition and of triggers that there are, and the zones."""

    async def preview(request: Request) -> Response:
        """The next occurrences of a schedule, in UTC and on its zone's clock, and in words.

        Checked as a create would be, as if it were accepted at `after`.
        """
        fields = await bodies.json(headers_of(request), request.receive)
        found = previews.preview(preview_request(fields))
        return HttpAnswer(200, found.model_dump_json().encode()).response()

    async def upcoming(trigger_id: str, query: Annotated[NextQuery, Query()]) -> Response:
        """A trigger's next occurrences, in UTC and on its zone's clock, and in words."""
        found = await previews.upcoming(checked_id(trigger_id), query.count)
        if found is None:
            raise refused(Code.NOT_FOUND, f"there is no trigger {trigger_id}")
        return HttpAnswer(200, found.model_dump_json().encode()).response()

    async def of_all(query: Annotated[UpcomingQuery, Query()]) -> Response:
        """What all triggers will do next, the nearest first."""
        found = await upcoming_fires.of_all(query)
        return HttpAnswer(200, found.model_dump_json().encode()).response()

    async def timezones(request: Request) -> Response:
        """The time zones that a schedule may name, and what their clocks show now."""
        # In a thread: the first time, 600 files are read.
        found = await asyncio.to_thread(zones_at, clock.now())
        return routes.unless_known(request, found.model_dump_json().encode()).response()

    router = APIRouter(tags=["schedules"])
    routes.add(
        router,
        "GET",
        "/schedules/upcoming",
        of_all,
        operation_id="listUpcoming",
        responses={200: answers.json(Upcoming, "The nearest triggers")},
    )
    routes.add(
        router,
        "GET",
        "/schedules/timezones",
        timezones,
        operation_id="listTimezones",
        responses={
            200: answers.json(ZonesShown, "All zones", headers.ETAG),
            304: answers.empty("It is what `If-None-Match` names", headers.ETAG),
        },
        openapi_extra={"parameters": [routes.IF_NONE_MATCH]},
    )
    routes.add(
        router,
        "POST",
        "/schedules/preview",
        preview,
        operation_id="previewSchedule",
        responses={200: answers.json(PreviewShown, "What it would do")},
        openapi_extra=request_bodies.body("PreviewInput", examples.PREVIEWS),
    )
    routes.add(
        router,
        "GET",
        "/triggers/{trigger_id}/next",
        upcoming,
        operation_id="getTriggerNext",
        responses={200: answers.json(PreviewShown, "What it will do")},
    )
    return router
