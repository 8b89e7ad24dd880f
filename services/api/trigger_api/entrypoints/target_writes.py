"""The routes under /targets/ that create, replace, patch and delete, and exchange secrets."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from trigger_api.domain.targets.shown import TargetAccepted, TargetShown, TargetWithSecret, written
from trigger_api.domain.triggers.etags import etag
from trigger_api.domain.triggers.fires import checked_key
from trigger_api.handlers.outcomes import Applied, Stored, TargetOutcome
from trigger_api.handlers.targets import Asked, TargetCommands
from trigger_api.ports.targets import TargetViews

from . import examples, routes
from .answers import HttpAnswer, json_answer
from .bodies import Bodies
from .conditions import CONDITIONS, condition
from .openapi import answers, headers
from .openapi import bodies as request_bodies
from .openapi.answers import Answers
from .routes import actor_of, checked_id, header, headers_of

_ACCEPTED: Answers = {
    202: answers.json(
        TargetAccepted,
        "Stored, and applied later: the scheduler is busy or away",
        headers.LOCATION,
    )
}


class TargetWrites:
    """The endpoints. FastAPI reads their parameters, OpenAPI their docstrings."""

    def __init__(self, commands: TargetCommands, views: TargetViews, bodies: Bodies) -> None:
        self._commands = commands
        self._views = views
        self._bodies = bodies

    async def create(self, request: Request) -> Response:
        """Create a target: where fired events are delivered to.

        The `secret` that a webhook's requests are signed with is made, if none is given, and shown
        in this answer alone. Repeated under its Idempotency-Key, the request is answered without
        it.
        """
        asked = _asked(request)
        fields = await self._bodies.json(headers_of(request), request.receive)
        made = await self._commands.create(fields, asked)
        return _answer(made.outcome, made.secret, created=True).response()

    async def replace(self, request: Request, target_id: str) -> Response:
        """Replace a target's definition; what is left out returns to its default.

        A target as it is shown may be sent back edited: a secret header that is `***` keeps its
        value, and `id`, `version`, `secrets`, `created_at`, `updated_at` and `health` are ignored.
        Its `type` cannot be changed.
        """
        version = await self._condition(request, target_id)
        fields = await self._bodies.json(headers_of(request), request.receive)
        outcome = await self._commands.replace(
            target_id, written(fields), actor_of(request), version
        )
        return _answer(outcome).response()

    async def patch(self, request: Request, target_id: str) -> Response:
        """Change some fields of a target (RFC 7396): null returns one to its default."""
        version = await self._condition(request, target_id)
        fields = await self._bodies.json(headers_of(request), request.receive)
        outcome = await self._commands.patch(target_id, fields, actor_of(request), version)
        return _answer(outcome).response()

    async def rotate(self, request: Request, target_id: str) -> Response:
        """Sign with another secret, and with the present one besides for `overlap`.

        The new one is made, if none is given, and shown in this answer alone.
        """
        asked = _asked(request)
        version = await self._condition(request, target_id)
        fields = await self._bodies.optional_json(headers_of(request), request.receive)
        made = await self._commands.rotate(target_id, fields, asked, version)
        return _answer(made.outcome, made.secret).response()

    async def delete(self, request: Request, target_id: str) -> Response:
        """Delete a target that no trigger names any more. What waits for it is given up."""
        version = await self._condition(request, target_id)
        outcome = await self._commands.delete(target_id, actor_of(request), version)
        if isinstance(outcome, Applied):
            return Response(status_code=204)
        return _answer(outcome).response()

    async def _condition(self, request: Request, target_id: str) -> int | None:
        async def version() -> int | None:
            found = await self._views.target(target_id)
            return None if found is None else found.version

        return await condition(request, "target", checked_id(target_id, "target"), version)


def router(endpoints: TargetWrites) -> APIRouter:
    """Every route that changes a target."""
    router = APIRouter(tags=["targets"])
    routes.add(
        router,
        "POST",
        "/targets/",
        endpoints.create,
        status=201,
        operation_id="createTarget",
        refuses=(409,),
        responses={
            201: answers.json(TargetWithSecret, "Created", headers.ETAG, headers.LOCATION),
            **_ACCEPTED,
        },
        openapi_extra={
            **request_bodies.body("TargetInput", examples.TARGETS),
            "parameters": [routes.IDEMPOTENCY_KEY],
        },
    )
    one = "/targets/{target_id}"
    for method, endpoint, name, body, shown in (
        ("PUT", endpoints.replace, "replaceTarget", "TargetReplacement", examples.TARGET_EDITS),
        ("PATCH", endpoints.patch, "updateTarget", "TargetPatch", examples.TARGET_PATCHES),
    ):
        routes.add(
            router,
            method,
            one,
            endpoint,
            operation_id=name,
            refuses=(409, 412),
            responses={200: answers.json(TargetShown, "Edited", headers.ETAG), **_ACCEPTED},
            openapi_extra={**request_bodies.body(body, shown), "parameters": CONDITIONS},
        )
    routes.add(
        router,
        "POST",
        f"{one}/rotate-secret",
        endpoints.rotate,
        operation_id="rotateTargetSecret",
        refuses=(409, 412),
        responses={
            200: answers.json(TargetWithSecret, "Rotated", headers.ETAG),
            **_ACCEPTED,
        },
        openapi_extra={
            **request_bodies.body("RotationInput", examples.ROTATIONS, required=False),
            "parameters": [*CONDITIONS, routes.IDEMPOTENCY_KEY],
        },
    )
    routes.add(
        router,
        "DELETE",
        one,
        endpoints.delete,
        status=204,
        operation_id="deleteTarget",
        refuses=(409, 412),
        responses={204: answers.empty("Deleted"), **_ACCEPTED},
        openapi_extra={"parameters": CONDITIONS},
    )
    return router


def _asked(request: Request) -> Asked:
    key = checked_key(header(request, "idempotency-key"))
    return Asked(actor_of(request), routes.key_id_of(request), key)


def _answer(
    outcome: TargetOutcome, secret: str | None = None, *, created: bool = False
) -> HttpAnswer:
    once = {} if secret is None else {"secret": secret}
    match outcome:
        case Stored(target_id):
            location = {"location": f"/targets/{target_id}"}
            accepted = TargetAccepted(id=target_id, secret=secret)
            shown = accepted.model_dump(exclude_none=True)
            return json_answer(202, shown, location)
        case Applied(done):
            shown = {**(done.target or {"id": done.target_id}), **once}
            headers = {"etag": etag(done.version)}
            if created:
                headers["location"] = f"/targets/{done.target_id}"
            return json_answer(201 if created else 200, shown, headers)
