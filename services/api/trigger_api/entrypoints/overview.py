"""The platform at a glance."""

from fastapi import APIRouter
from starlette.responses import Response

from trigger_api.domain.overview import Overview
from trigger_api.handlers.overviews import Overviews

from . import routes
from .answers import HttpAnswer


def router(overviews: Overviews) -> APIRouter:
    """``GET /overview``."""

    async def overview() -> Response:
        """How many triggers there are, what of them needs attention, and how long events live.

        Cheap enough to be asked for every few seconds.
        """
        shown = await overviews.read()
        return HttpAnswer(200, shown.model_dump_json().encode()).response()

    router = APIRouter(tags=["overview"])
    routes.add(router, "GET", "/overview", overview, responses={200: {"model": Overview}})
    return router
