"""The routes under /triggers/ that create, replace, patch and delete, or say what that would do."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from trigger_api.domain.schemas import (
    Accepted,
    DryRun,
    EditShown,
    TriggerShown,
    written,
)
from trigger_api.domain.triggers.etags import etag
from trigger_api.domain.triggers.fires import checked_key
from trigger_api.domain.triggers.queries import WriteQuery
from trigger_api.handlers.dry_runs import DryRuns
from trigger_api.handlers.outcomes import Applied, Outcome, Stored
from trigger_api.handlers.triggers import TriggerCommands
from trigger_api.ports.triggers import TriggerViews

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
        Accepted,
        "Stored, and applied later: the scheduler is busy or away",
        headers.LOCATION,
    )
}
_DRY_RUN = answers.json(DryRun, "With `dry_run`: what the write would do")
_EDITED = answers.json(EditShown, "Edited; with `dry_run`, not yet", headers.EDITED_ETAG)


class TriggerWrites:
    """The endpoints. FastAPI reads their parameters, OpenAPI their docstrings."""

    def __init__(
        self,
        commands: TriggerCommands,
        dry_runs: DryRuns,
        views: TriggerViews,
        bodies: Bodies,
    ) -> None:
        self._commands = commands
        self._dry_runs = dry_runs
        self._views = views
        self._bodies = bodies

    async def create(self, request: Request, query: Annotated[WriteQuery, Query()]) -> Response:
        """Create a trigger."""
        key = checked_key(header(request, "idempotency-key"))
        fields = await self._bodies.json(headers_of(request), request.receive)
        if query.dry_run:
            return _would_be(await self._dry_runs.create(fields))
        outcome = await self._commands.create(
            fields, actor_of(request), routes.key_id_of(request), key
        )
        return _answer(outcome, created=True).response()

    async def replace(
        self, request: Request, trigger_id: str, query: Annotated[WriteQuery, Query()]
    ) -> Response:
        """Replace a trigger's definition; what is left out returns to its default.

        A trigger as it is shown may be sent back edited: `id`, `version`, `created_at`,
        `updated_at`, `next_fire_at`, `next_fire_local`, `next_fires`, `next_occurrences` and its
        `status` are ignored.
        """
        version = await self._condition(request, trigger_id)
        fields = await self._bodies.json(headers_of(request), request.receive)
        fields = written(fields)
        if query.dry_run:
            return _would_be(await self._dry_runs.replace(trigger_id, fields, version))
        outcome = await self._commands.replace(trigger_id, fields, actor_of(request), version)
        return _answer(outcome).response()

    async def patch(
        self, request: Request, trigger_id: str, query: Annotated[WriteQuery, Query()]
    ) -> Response:
        """Change some fields of a trigger (RFC 7396): null returns one to its default."""
        version = await self._condition(request, trigger_id)
        fields = await self._bodies.json(headers_of(request), request.receive)
        if query.dry_run:
            return _would_be(await self._dry_runs.patch(trigger_id, fields, version))
        outcome = await self._commands.patch(trigger_id, fields, actor_of(request), version)
        return _answer(outcome).response()

    async def delete(
        self, request: Request, trigger_id: str, query: Annotated[WriteQuery, Query()]
    ) -> Response:
        """Delete a trigger: it never fires again. Its events and history stay their time."""
        version = await self._condition(request, trigger_id)
        if query.dry_run:
            return _would_be(await self._dry_runs.delete(trigger_id, version))
        outcome = await self._commands.delete(trigger_id, actor_of(request), version)
        return (
            Response(status_code=204)
            if isinstance(outcome, Applied)
            else _answer(outcome).response()
        )

    async def _condition(self, request: Request, trigger_id: str) -> int | None:
        async def version() -> int | None:
            found = await self._views.trigger(trigger_id)
            return None if found is None else found["version"]

        return await condition(request, "trigger", checked_id(trigger_id), version)


def router(endpoints: TriggerWrites) -> APIRouter:
    """Every route that changes a trigger."""
    router = APIRouter(tags=["triggers"])
    routes.add(
        router,
        "POST",
        "/triggers/",
        endpoints.create,
        status=201,
        operation_id="createTrigger",
        refuses=(409, 410),
        responses={
            200: _DRY_RUN,
            201: answers.json(TriggerShown, "Created", headers.ETAG, headers.LOCATION),
            **_ACCEPTED,
        },
        openapi_extra={
            **request_bodies.body("TriggerInput", examples.CREATES),
            "parameters": [routes.IDEMPOTENCY_KEY],
        },
    )
    one = "/triggers/{trigger_id}"
    routes.add(
        router,
        "PUT",
        one,
        endpoints.replace,
        operation_id="replaceTrigger",
        refuses=(409, 412),
        responses={200: _EDITED, **_ACCEPTED},
        openapi_extra={
            **request_bodies.body("TriggerInput", examples.CREATES),
            "parameters": CONDITIONS,
        },
    )
    routes.add(
        router,
        "PATCH",
        one,
        endpoints.patch,
        operation_id="updateTrigger",
        refuses=(409, 412),
        responses={200: _EDITED, **_ACCEPTED},
        openapi_extra={
            **request_bodies.body("TriggerPatch", examples.PATCHES),
            "parameters": CONDITIONS,
        },
    )
    routes.add(
        router,
        "DELETE",
        one,
        endpoints.delete,
        status=204,
        operation_id="deleteTrigger",
        refuses=(412,),
        responses={200: _DRY_RUN, 204: answers.empty("Deleted"), **_ACCEPTED},
        openapi_extra={"parameters": CONDITIONS},
    )
    return router


def _would_be(found: DryRun) -> Response:
    return HttpAnswer(200, found.model_dump_json().encode()).response()


def _answer(outcome: Outcome, *, created: bool = False) -> HttpAnswer:
    match outcome:
        case Stored(trigger_id):
            location = {"location": f"/triggers/{trigger_id}"}
            return json_answer(202, Accepted(id=trigger_id).model_dump(), location)
        case Applied(done):
            shown = dict(done.trigger or {"id": done.trigger_id})
            headers = {"etag": etag(done.version)}
            if created:
                headers["location"] = f"/triggers/{done.trigger_id}"
                return json_answer(201, shown, headers)
            for field in ("next_fires", "next_occurrences"):
                told = done.model_dump(mode="json", include={f"{field}_before", f"{field}_after"})
                shown[field] = {
                    "before": told[f"{field}_before"] or [],
                    "after": told[f"{field}_after"] or [],
                }
            return json_answer(200, shown, headers)
