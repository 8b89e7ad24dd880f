"""The routes under /triggers/: definitions and their history. Fires are in ``fires``."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from pydantic import TypeAdapter
from starlette.responses import Response

from trigger_api.domain.queries import Page, TriggerQuery
from trigger_api.domain.schemas import (
    Accepted,
    FireAccepted,
    TriggerShown,
    TriggerUpdated,
    Version,
    written,
)
from trigger_api.domain.triggers.etags import check_none_match, etag, expected_version
from trigger_api.domain.triggers.fires import checked_key
from trigger_api.handlers.outcomes import Applied, Outcome, Stored
from trigger_api.handlers.triggers import TriggerCommands
from trigger_api.ports.triggers import TriggerViews
from trigger_contracts.errors import Code, refused

from . import examples, routes
from .answers import HttpAnswer, json_answer
from .bodies import Bodies
from .fires import FireEndpoint
from .routes import actor_of, checked_id, header, headers_of

_VERSIONS = TypeAdapter(list[Version])
_IF_MATCH = routes.header_parameter(
    "If-Match",
    'The version that is to be changed, as its ETag: `"3"`. Another one: 412. '
    "A list may name one version only: more get 422.",
)
_IF_NONE_MATCH = routes.header_parameter(
    "If-None-Match", "Versions that the trigger must not have: 412 if it does; `*`: any version."
)
_CONDITIONS = [_IF_MATCH, _IF_NONE_MATCH]
_ACCEPTED: dict[int | str, dict[str, Any]] = {
    202: {
        "model": Accepted,
        "description": "Stored, and applied later: the scheduler is busy or away",
    }
}


class TriggerRoutes:
    """The endpoints. FastAPI reads their parameters, OpenAPI their docstrings."""

    def __init__(
        self,
        commands: TriggerCommands,
        views: TriggerViews,
        bodies: Bodies,
        fire_endpoint: FireEndpoint,
    ) -> None:
        self._commands = commands
        self._views = views
        self._bodies = bodies
        self._fire_endpoint = fire_endpoint

    async def create(self, request: Request) -> Response:
        """Create a trigger."""
        key = checked_key(header(request, "idempotency-key"))
        fields = await self._bodies.json(headers_of(request), request.receive)
        outcome = await self._commands.create(
            fields, actor_of(request), routes.key_id_of(request), key
        )
        return _answer(outcome, created=True).response()

    async def list_triggers(
        self, request: Request, query: Annotated[TriggerQuery, Query()]
    ) -> Response:
        """Triggers that exist, the newest first; the next page is in the `Link` header."""
        page = await self._views.triggers(query)
        link = routes.next_page(request, "/triggers/", page.next_cursor)
        return json_answer(200, page.rows, link).response()

    async def show(self, trigger_id: str) -> Response:
        """One trigger."""
        found = await self._views.trigger(checked_id(trigger_id))
        if found is None:
            raise refused(Code.NOT_FOUND, f"there is no trigger {trigger_id}")
        return json_answer(200, found, {"etag": etag(found["version"])}).response()

    async def replace(self, request: Request, trigger_id: str) -> Response:
        """Replace a trigger's definition; what is left out returns to its default.

        A trigger as it is shown may be sent back edited: `id`, `version`, `created_at`,
        `updated_at`, `next_fire_at`, `next_fires`, `next_occurrences` and its `status` are
        ignored.
        """
        version = await self._condition(request, trigger_id)
        fields = await self._bodies.json(headers_of(request), request.receive)
        outcome = await self._commands.replace(
            trigger_id, written(fields), actor_of(request), version
        )
        return _answer(outcome).response()

    async def patch(self, request: Request, trigger_id: str) -> Response:
        """Change some fields of a trigger (RFC 7396): null returns one to its default."""
        version = await self._condition(request, trigger_id)
        fields = await self._bodies.json(headers_of(request), request.receive)
        outcome = await self._commands.patch(trigger_id, fields, actor_of(request), version)
        return _answer(outcome).response()

    async def delete(self, request: Request, trigger_id: str) -> Response:
        """Delete a trigger: it never fires again. Its events and history stay their time."""
        version = await self._condition(request, trigger_id)
        outcome = await self._commands.delete(trigger_id, actor_of(request), version)
        return (
            Response(status_code=204)
            if isinstance(outcome, Applied)
            else _answer(outcome).response()
        )

    async def _condition(self, request: Request, trigger_id: str) -> int | None:
        """The version that must be there when the command is applied, if any; raises ``Refused``.

        What a trigger must not be is asked of the view, and then held to what was found there.
        """
        expected = expected_version(header(request, "if-match"))
        checked_id(trigger_id)
        if_none_match = header(request, "if-none-match")
        if if_none_match is None:
            return expected
        found = await self._views.trigger(trigger_id)
        if found is None:
            raise refused(Code.NOT_FOUND, f"there is no trigger {trigger_id}")
        check_none_match(if_none_match, found["version"])
        version: int = found["version"]
        return version if expected is None else expected

    async def history(
        self, request: Request, trigger_id: str, query: Annotated[Page, Query()]
    ) -> Response:
        """Every version of a trigger, who made it and when, the newest first."""
        page = await self._views.history(checked_id(trigger_id), query.limit, query.cursor)
        if page is None:
            raise refused(Code.NOT_FOUND, f"there is no trigger {trigger_id}")
        link = routes.next_page(request, f"/triggers/{trigger_id}/history", page.next_cursor)
        return HttpAnswer(200, _VERSIONS.dump_json(page.rows), headers=link).response()

    async def fire(self, request: Request, trigger_id: str) -> Response:
        """Fire a trigger now, with a payload laid over its own: a null takes out what that has."""
        answer = await self._fire_endpoint.answer(
            trigger_id, headers_of(request), request.receive, actor_of(request), is_test=False
        )
        return answer.response()

    async def test(self, request: Request, trigger_id: str) -> Response:
        """Fire a trigger now as a test: the event is marked `is_test`."""
        answer = await self._fire_endpoint.answer(
            trigger_id, headers_of(request), request.receive, actor_of(request), is_test=True
        )
        return answer.response()


def router(endpoints: TriggerRoutes) -> APIRouter:
    """Every route of a trigger."""
    router = APIRouter(tags=["triggers"])
    routes.add(
        router,
        "POST",
        "/triggers/",
        endpoints.create,
        status=201,
        responses={201: {"model": TriggerShown}, **_ACCEPTED},
        openapi_extra={
            **routes.body(examples.DEFINITION, examples.CREATES),
            "parameters": [routes.IDEMPOTENCY_KEY],
        },
    )
    routes.add(
        router,
        "GET",
        "/triggers/",
        endpoints.list_triggers,
        responses={200: {"model": list[TriggerShown]}},
    )
    one = "/triggers/{trigger_id}"
    routes.add(router, "GET", one, endpoints.show, responses={200: {"model": TriggerShown}})
    routes.add(
        router,
        "PUT",
        one,
        endpoints.replace,
        responses={200: {"model": TriggerUpdated}, **_ACCEPTED},
        openapi_extra={
            **routes.body(examples.DEFINITION, examples.CREATES),
            "parameters": _CONDITIONS,
        },
    )
    routes.add(
        router,
        "PATCH",
        one,
        endpoints.patch,
        responses={200: {"model": TriggerUpdated}, **_ACCEPTED},
        openapi_extra={**routes.body(examples.PATCH, examples.PATCHES), "parameters": _CONDITIONS},
    )
    routes.add(
        router,
        "DELETE",
        one,
        endpoints.delete,
        status=204,
        responses=_ACCEPTED,
        openapi_extra={"parameters": _CONDITIONS},
    )
    routes.add(
        router,
        "GET",
        f"{one}/history",
        endpoints.history,
        responses={200: {"model": list[Version]}},
    )
    for name, endpoint in (("fire", endpoints.fire), ("test", endpoints.test)):
        routes.add(
            router,
            "POST",
            f"{one}/{name}",
            endpoint,
            status=202,
            responses={202: {"model": FireAccepted}},
            openapi_extra={
                **routes.body(examples.FIRE, examples.FIRES, required=False),
                "parameters": [routes.IDEMPOTENCY_KEY],
            },
        )
    for verb in ("pause", "resume"):
        for method in ("POST", "PUT"):
            routes.add(router, method, f"{one}/{verb}", _pause, include_in_schema=False)
    return router


async def _pause() -> Response:
    detail = "a trigger cannot be paused: edit its `ends_at`, or delete it"
    raise refused(Code.PAUSE_NOT_SUPPORTED, detail)


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
