"""/health, /ready, /serving, /metrics and the documents about the interface. They need no key.

So none of them may cost much: the documents are made once, at the start, and never change.
"""

from collections.abc import Callable
from functools import cached_property
from typing import Any

from fastapi import APIRouter, Request
from faststream.specification import AsyncAPI
from starlette.responses import Response

from trigger_api.domain.process_shown import AsyncApiDocument, HealthShown, ReadyShown, ServingShown
from trigger_runtime.http.exposition import Exposition
from trigger_runtime.http.health import Health

from . import docs, routes
from .answers import HttpAnswer, json_answer
from .compressing import Compressor
from .openapi import answers
from .parameters import DeclaredRoute

_HEALTH: dict[str, Any] = {
    "operation_id": "getHealth",
    "responses": {200: answers.json(HealthShown, "It lives")},
}
_READY: dict[str, Any] = {
    "operation_id": "getReady",
    "responses": {
        200: answers.json(ReadyShown, "`ready` or `degraded`"),
        503: answers.json(ReadyShown, "`unavailable` or `stopping`"),
    },
}
_SERVING: dict[str, Any] = {
    "operation_id": "getServing",
    "responses": {
        200: answers.json(ServingShown, "`serving`"),
        503: answers.json(ServingShown, "`starting` or `stopping`"),
    },
}
_METRICS: dict[str, Any] = {
    "operation_id": "getMetrics",
    "responses": {200: answers.text("text/plain", "In the format of Prometheus")},
}
_ASYNCAPI: dict[str, Any] = {
    "operation_id": "getAsyncApi",
    "responses": {200: answers.json(AsyncApiDocument, "The document")},
}


class Documents:
    """What the interface is, as it is sent: each is made once, and ``make`` makes all of them."""

    def __init__(
        self,
        asyncapi: AsyncAPI,
        openapi: Callable[[], dict[str, Any]],
        compressor: Compressor,
    ) -> None:
        self._asyncapi = asyncapi
        self._openapi = openapi
        self._compressor = compressor

    def make(self) -> None:
        """Before the first request: it takes longer than others should have to wait."""
        for document in (self.asyncapi, self.openapi):
            self._compressor.remember(document.body)
        _ = self.page

    @cached_property
    def openapi(self) -> HttpAnswer:
        return json_answer(200, self._openapi())

    @cached_property
    def asyncapi(self) -> HttpAnswer:
        return HttpAnswer(200, self._asyncapi.to_specification().to_json().encode())

    @cached_property
    def page(self) -> HttpAnswer:
        return HttpAnswer(200, docs.page(self._openapi()).encode(), "text/html; charset=utf-8")


def router(health: Health | None, documents: Documents) -> APIRouter:
    """What tells of the process: health, readiness, metrics, documents.

    ``health`` is None where those who operate it have a port of their own: documents alone, then.
    """
    router = APIRouter(tags=["operations"])
    router.add_api_route(
        "/",
        _home,
        methods=["GET"],
        include_in_schema=False,
        route_class_override=DeclaredRoute,
    )
    if health is not None:
        _add_health(router, health)
    _add_documents(router, documents)
    return router


def _add_health(router: APIRouter, health: Health) -> None:
    exposition = Exposition()

    async def alive() -> Response:
        """The process answers; which version it is."""
        return json_answer(200, health.health()).response()

    async def ready() -> Response:
        """Whether broker and database answer; 503 says which one does not.

        `workers` tells who else lives. With 200 and `degraded` one of them does nothing: reads and
        stored writes go on.
        """
        is_ready, report = await health.ready()
        return json_answer(200 if is_ready else 503, report).response()

    async def serving() -> Response:
        """Whether a load balancer should send requests here: 503 while this gateway stops.

        It is 200 also while PostgreSQL or the broker is away, where `/ready` is 503: reads or
        writes go on, and what is accepted is done later.
        """
        is_serving, report = health.serving()
        return json_answer(200 if is_serving else 503, report).response()

    async def metrics() -> Response:
        """For Prometheus."""
        return HttpAnswer(200, exposition.text(), exposition.content_type).response()

    for path, endpoint, docs_of in (
        ("/health", alive, _HEALTH),
        ("/ready", ready, _READY),
        ("/serving", serving, _SERVING),
        ("/metrics", metrics, _METRICS),
    ):
        routes.add(router, "GET", path, endpoint, **docs_of)


def _add_documents(router: APIRouter, documents: Documents) -> None:
    async def openapi_document() -> Response:
        return documents.openapi.response()

    async def asyncapi_document() -> Response:
        """The messages of the gateway, as AsyncAPI 3."""
        return documents.asyncapi.response()

    async def docs_page() -> Response:
        return documents.page.response()

    async def docs_style() -> Response:
        return HttpAnswer(200, docs.STYLE.encode(), "text/css; charset=utf-8").response()

    routes.add(router, "GET", "/asyncapi", asyncapi_document, **_ASYNCAPI)
    for path, endpoint in (
        ("/asyncapi.json", asyncapi_document),
        ("/openapi.json", openapi_document),
        ("/docs", docs_page),
        ("/docs/style.css", docs_style),
    ):
        routes.add(router, "GET", path, endpoint, include_in_schema=False)


async def _home(request: Request) -> Response:
    """What one finds by opening the gateway's address: a browser the web UI, programs the docs."""
    is_browser = "text/html" in request.headers.get("accept", "").lower()
    headers = {"location": "/ui/" if is_browser else "/docs", "vary": "accept"}
    return HttpAnswer(307, b"", headers=headers).response()
