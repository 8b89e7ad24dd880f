"""The routes under /triggers/ that read, fire and test. What changes a trigger is in
``trigger_writes``, the hot path of fires in ``fires``.
"""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Query, Request
from pydantic import TypeAdapter
from starlette.responses import Response

from trigger_api.domain.queries import Page
from trigger_api.domain.schemas import (
    FireAccepted,
    LabelCount,
    TriggerShown,
    Version,
)
from trigger_api.domain.triggers.etags import etag
from trigger_api.domain.triggers.queries import TriggerQuery
from trigger_api.ports.triggers import TriggerViews
from trigger_contracts.errors import Code, refused

from . import examples, routes
from .answers import HttpAnswer, json_answer
from .fires import FireEndpoint
from .openapi import answers, bodies, headers
from .routes import actor_of, checked_id, headers_of, no_such

_VERSIONS = TypeAdapter(list[Version])
_LABELS = TypeAdapter(list[LabelCount])


class TriggerRoutes:
    """The endpoints. FastAPI reads their parameters, OpenAPI their docstrings."""

    def __init__(
        self,
        views: TriggerViews,
        fire_endpoint: FireEndpoint,
    ) -> None:
        self._views = views
        self._fire_endpoint = fire_endpoint

    async def list_triggers(
        self, request: Request, query: Annotated[TriggerQuery, Query()]
    ) -> Response:
        """Triggers that exist; the next page is in the `Link` header."""
        page, total = await asyncio.gather(self._views.triggers(query), self._counted(query))
        link = routes.next_page(request, "/triggers/", page.next_cursor)
        return json_answer(200, page.rows, {**link, **total}).response()

    async def _counted(self, query: TriggerQuery) -> dict[str, str]:
        if not query.count:
            return {}
        total = await self._views.number_of(query)
        return {"x-total-count": str(total), "x-total-count-kind": "exact"}

    async def labels(self) -> Response:
        """The labels that triggers have, and how many have each; the most frequent 1,000."""
        return HttpAnswer(200, _LABELS.dump_json(await self._views.labels())).response()

    async def show(self, trigger_id: str) -> Response:
        """One trigger."""
        found = await self._views.trigger(checked_id(trigger_id))
        if found is None:
            raise no_such("trigger", trigger_id)
        return json_answer(200, found, {"etag": etag(found["version"])}).response()

    async def history(
        self, request: Request, trigger_id: str, query: Annotated[Page, Query()]
    ) -> Response:
        """Every version of a trigger, who made it and when, the newest first."""
        page = await self._views.history(checked_id(trigger_id), query.limit, query.cursor)
        if page is None:
            raise no_such("trigger", trigger_id)
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
    """All of them."""
    router = APIRouter(tags=["triggers"])
    routes.add(
        router,
        "GET",
        "/triggers/",
        endpoints.list_triggers,
        operation_id="listTriggers",
        responses={
            200: answers.json(
                list[TriggerShown],
                "A page of triggers",
                *headers.OF_PAGES,
            )
        },
    )
    routes.add(
        router,
        "GET",
        "/labels/",
        endpoints.labels,
        operation_id="listLabels",
        responses={200: answers.json(list[LabelCount], "The labels")},
    )
    one = "/triggers/{trigger_id}"
    routes.add(
        router,
        "GET",
        one,
        endpoints.show,
        operation_id="getTrigger",
        responses={200: answers.json(TriggerShown, "The trigger", headers.ETAG)},
    )
    routes.add(
        router,
        "GET",
        f"{one}/history",
        endpoints.history,
        operation_id="listTriggerVersions",
        responses={200: answers.json(list[Version], "A page of versions", headers.LINK)},
    )
    for name, endpoint, body, shown in (
        ("fire", endpoints.fire, "FireInput", examples.FIRES),
        ("test", endpoints.test, "TestFireInput", examples.TEST_FIRES),
    ):
        routes.add(
            router,
            "POST",
            f"{one}/{name}",
            endpoint,
            status=202,
            operation_id=f"{name}Trigger",
            refuses=(409,),
            responses={
                202: answers.json(
                    FireAccepted, "The fire is stored: its event is coming", headers.LOCATION
                )
            },
            openapi_extra={
                **bodies.body(body, shown, required=False),
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
