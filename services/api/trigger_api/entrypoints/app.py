"""The FastAPI application: routes, problems for whatever they refuse, and the OpenAPI document."""

import importlib.metadata
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any

from fastapi import APIRouter, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Match

from trigger_contracts.errors import Code, FieldError, Problem, Refused, pointer, problem
from trigger_runtime.process.errors import DependencyUnavailable, PublishRefused

from .answers import internal, problem_answer, problem_of
from .log_fields import REQUEST_ID
from .openapi.document import document
from .parameters import DeclaredRoute

DESCRIPTION = (
    "Triggers that fire by a schedule or on request, and the log of their events. "
    "Send your API key as X-API-KEY, or as Authorization: Bearer. "
    "Every refusal is application/problem+json with a stable `code`. "
    "What answers GET answers HEAD; OPTIONS tells in `Allow` what an address answers."
)

Lifespan = Callable[[Any], AbstractAsyncContextManager[None]]


def create_app(lifespan: Lifespan) -> FastAPI:
    """The application without routes."""
    app = FastAPI(
        title="Event Trigger Platform",
        version=importlib.metadata.version("event-trigger-platform"),
        description=DESCRIPTION,
        lifespan=lifespan,
        redirect_slashes=False,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
    )
    for kind in (Refused, DependencyUnavailable, PublishRefused, Exception):
        app.add_exception_handler(kind, _known)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.openapi = lambda: _openapi(app)  # type: ignore[method-assign]  # FastAPI documents this way
    return app


def include(app: FastAPI, routers: Sequence[APIRouter]) -> None:
    """One flat list of routes: what a 405 allows is read from it.

    Raises ``TypeError`` for a route that would take any query parameter.
    """
    for router in routers:
        for route in router.routes:
            if not isinstance(route, DeclaredRoute):
                raise TypeError(f"{route} does not declare its query parameters")
        app.router.routes.extend(router.routes)


async def _known(request: Request, error: Exception) -> Response:
    # One that is not known is raised again after this answer; the gateway logs it.
    return _respond(request, problem_of(error) or internal())


async def _invalid(request: Request, error: Exception) -> Response:
    errors = [
        FieldError(pointer=pointer(entry["loc"]), message=_message(entry))
        for entry in getattr(error, "errors", list)()
    ]
    detail = errors[0].message if len(errors) == 1 else f"{len(errors)} parameters are not valid"
    return _respond(request, problem(Code.INVALID, detail, errors[:20]))


def _message(entry: Any) -> str:
    return str(entry["msg"]).removeprefix("Value error, ")


async def _http(request: Request, error: Exception) -> Response:
    if getattr(error, "status_code", 404) == 405:
        allowed = _allowed(request)
        if request.method == "OPTIONS":
            return Response(status_code=204, headers={"allow": ", ".join(allowed)})
        detail = f"{request.method} is not one of {', '.join(allowed)}"
        response = _respond(request, problem(Code.METHOD_NOT_ALLOWED, detail))
        response.headers["allow"] = ", ".join(allowed)
        return response
    return _respond(request, problem(Code.NOT_FOUND, "nothing is at this address"))


def _allowed(request: Request) -> list[str]:
    """Every method of the address: the router stops at its first route there."""
    allowed: set[str] = set()
    for route in request.app.routes:
        match, _ = route.matches(request.scope)
        if match is not Match.NONE:
            allowed |= getattr(route, "methods", None) or set()
    # Answered everywhere, by the gateway and by ``_http``.
    return sorted(allowed | {"OPTIONS"} | ({"HEAD"} if "GET" in allowed else set()))


def _respond(request: Request, found: Problem) -> Response:
    return problem_answer(found, request.scope[REQUEST_ID]).response()


def _openapi(app: FastAPI) -> dict[str, Any]:
    if app.openapi_schema is None:
        app.openapi_schema = document(app)
    return app.openapi_schema
