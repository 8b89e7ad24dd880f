"""The platform at a glance."""

from collections.abc import Awaitable, Callable, Mapping, Sequence

from fastapi import APIRouter
from pydantic import TypeAdapter
from starlette.responses import Response

from trigger_api.domain.overview import Overview
from trigger_api.domain.services import ServiceShown, shown
from trigger_api.handlers.overviews import Overviews
from trigger_contracts.heartbeats import Heartbeat

from . import routes
from .answers import HttpAnswer
from .openapi import answers

_ROWS = TypeAdapter(list[ServiceShown])


Said = Callable[[], Awaitable[Mapping[str, Sequence[Heartbeat]]]]
"""Each service, and what its replicas say of themselves."""


def router(overviews: Overviews, said: Said) -> APIRouter:
    """``GET /overview`` and ``GET /services``."""

    async def overview() -> Response:
        """How many triggers there are, what of them needs attention, and how long events live.

        Cheap enough to be asked for every few seconds.
        """
        found = await overviews.read()
        return HttpAnswer(200, found.model_dump_json().encode()).response()

    async def services() -> Response:
        """The services, a row for each replica that is heard; of gateways the one that answers.

        A service that is silent for four seconds is listed as not ready.
        """
        rows = [row for name, beats in (await said()).items() for row in shown(name, beats)]
        return HttpAnswer(200, _ROWS.dump_json(rows)).response()

    router = APIRouter(tags=["overview"])
    routes.add(
        router,
        "GET",
        "/overview",
        overview,
        operation_id="getOverview",
        responses={200: answers.json(Overview, "All of it, of one moment")},
    )
    routes.add(
        router,
        "GET",
        "/services",
        services,
        operation_id="listServices",
        responses={200: answers.json(list[ServiceShown], "A row for each replica that is heard")},
    )
    return router
