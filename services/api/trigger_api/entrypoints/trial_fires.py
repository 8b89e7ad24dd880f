"""POST /test/scheduled/ and /test/api/: definitions fired once, on the real path, never saved."""

from typing import Literal

from fastapi import APIRouter, Request
from starlette.responses import Response

from trigger_api.domain.schemas import TestAccepted
from trigger_api.handlers.triggers import TriggerCommands

from . import examples, routes
from .answers import HttpAnswer
from .bodies import Bodies
from .openapi import answers, headers
from .openapi import bodies as request_bodies
from .routes import actor_of, headers_of

__test__ = False  # pytest: not a module of tests, whatever its name


def router(commands: TriggerCommands, bodies: Bodies) -> APIRouter:
    """Tests without saving: of a scheduled trigger, and of an api one."""

    async def accept(request: Request, kind: Literal["scheduled", "api"]) -> Response:
        fields = await bodies.json(headers_of(request), request.receive)
        accepted = await commands.test(kind, fields, actor_of(request))
        location = {"location": f"/events/{accepted.event_id}"}
        return HttpAnswer(202, accepted.model_dump_json().encode(), headers=location).response()

    async def scheduled(request: Request) -> Response:
        """Fire at `schedule_time`, or for a recurring schedule at once; nothing is saved."""
        return await accept(request, "scheduled")

    async def api(request: Request) -> Response:
        """Fire at once if the payload matches the schema; nothing is saved."""
        return await accept(request, "api")

    router = APIRouter(tags=["tests"])
    for path, endpoint, name, schema, shown in (
        (
            "/test/scheduled/",
            scheduled,
            "testScheduledDefinition",
            "ScheduledTestInput",
            examples.SCHEDULED_TESTS,
        ),
        ("/test/api/", api, "testApiDefinition", "ApiTestInput", examples.API_TESTS),
    ):
        routes.add(
            router,
            "POST",
            path,
            endpoint,
            status=202,
            operation_id=name,
            refuses=(409,),
            responses={
                202: answers.json(
                    TestAccepted, "The test is stored: its event is coming", headers.LOCATION
                )
            },
            openapi_extra=request_bodies.body(schema, shown),
        )
    return router
