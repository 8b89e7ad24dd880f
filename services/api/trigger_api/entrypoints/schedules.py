"""Previews: what a schedule would do (nothing is saved), and what a trigger will do next."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from trigger_api.domain.schemas import PreviewShown
from trigger_api.domain.triggers.previews import NextQuery, preview_request
from trigger_api.handlers.previews import Previews
from trigger_contracts.errors import Code, refused

from . import examples, routes
from .answers import HttpAnswer
from .bodies import Bodies
from .routes import checked_id, headers_of


def router(previews: Previews, bodies: Bodies) -> APIRouter:
    """Previews: of a definition, and of a trigger that there is."""

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

    router = APIRouter(tags=["schedules"])
    routes.add(
        router,
        "POST",
        "/schedules/preview",
        preview,
        responses={200: {"model": PreviewShown}},
        openapi_extra=routes.body(examples.PREVIEW, examples.PREVIEWS),
    )
    routes.add(
        router,
        "GET",
        "/triggers/{trigger_id}/next",
        upcoming,
        responses={200: {"model": PreviewShown}},
    )
    return router
