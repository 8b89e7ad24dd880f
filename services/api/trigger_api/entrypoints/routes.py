"""What every route needs: registration under both spellings, and who asks.

Routes take the raw request: bodies are read with our limits and answers made by our own
hands; FastAPI routes, parses query strings and writes OpenAPI.
"""

import copy
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, cast
from urllib.parse import parse_qsl, urlencode

from fastapi import APIRouter, Request
from starlette.responses import Response
from starlette.routing import BaseRoute, compile_path

from trigger_api.domain.accepted_encodings import prefers_gzip
from trigger_api.domain.keys import SCOPES
from trigger_api.domain.triggers.etags import as_gzip, excludes, tag_of
from trigger_contracts.errors import Code, Refused, refused
from trigger_contracts.ids import is_valid_id

from .answers import HttpAnswer
from .bodies import Headers
from .log_fields import KEY_ID
from .parameters import DeclaredRoute

Endpoint = Callable[..., Any]


def add(
    router: APIRouter,
    method: str,
    path: str,
    endpoint: Endpoint,
    *,
    status: int = 200,
    refuses: Iterable[int] = (),
    **docs: Any,
) -> None:
    """Answer ``path`` with and without its trailing slash; the one given is documented.

    ``refuses``: statuses beside those that follow from what the route is (``openapi.refusals``).
    """
    answers = {**docs.pop("responses", {}), **{one: {"description": ""} for one in refuses}}
    router.add_api_route(
        path,
        endpoint,
        methods=[method],
        status_code=status,
        response_class=Response,
        route_class_override=DeclaredRoute,
        responses=answers,
        **docs,
    )
    router.routes.append(_twin_of(router.routes[-1]))


def _twin_of(route: BaseRoute) -> DeclaredRoute:
    """The same at the other spelling of its path, with the same models: they take long to make."""
    twin = copy.copy(cast("DeclaredRoute", route))
    twin.path = twin.path.rstrip("/") if twin.path.endswith("/") else f"{twin.path}/"
    twin.path_regex, twin.path_format, twin.param_convertors = compile_path(twin.path)
    twin.include_in_schema = False
    return twin


def headers_of(request: Request) -> Headers:
    return dict(request.scope["headers"])


def header(request: Request, name: str) -> str | None:
    return request.headers.get(name)


def key_id_of(request: Request) -> str:
    key_id: str = request.scope[KEY_ID]
    return key_id


def actor_of(request: Request) -> str:
    """Who asks, as the history will show it."""
    return f"key:{key_id_of(request)}"


def scopes_of(request: Request) -> Collection[str]:
    """What whoever asks may do: everything, as long as there is one kind of key."""
    return SCOPES if KEY_ID in request.scope else ()


def checked_id(own_id: str, what: str = "trigger") -> str:
    """An id that could be one's; raises ``Refused``: another names nothing."""
    if not is_valid_id(own_id):
        raise refused(Code.NOT_FOUND, f"there is no {what} with such an id")
    return own_id


def no_such(what: str, own_id: str) -> Refused:
    return refused(Code.NOT_FOUND, f"there is no {what} {own_id}")


def next_page(request: Request, path: str, cursor: str | None) -> Mapping[str, str]:
    """The Link header to the page after this one (RFC 8288): the same query, another cursor."""
    if cursor is None:
        return {}
    kept = [(k, v) for k, v in parse_qsl(request.url.query, True) if k != "cursor"]
    return {"link": f'<{path}?{urlencode([*kept, ("cursor", cursor)])}>; rel="next"'}


def unless_known(request: Request, body: bytes) -> HttpAnswer:
    """The body under a tag of its own; 304 where whoever asks names that tag."""
    tag = tag_of(body)
    headers = {"cache-control": "no-cache"}
    # Large, as all that is worth a tag: it would be sent as gzip, under the tag of that.
    sent = as_gzip(tag) if prefers_gzip(headers_of(request).get(b"accept-encoding")) else tag
    if excludes(header(request, "if-none-match"), sent):
        return HttpAnswer(304, headers={**headers, "etag": sent, "vary": "accept-encoding"})
    return HttpAnswer(200, body, headers={**headers, "etag": tag})


def header_parameter(name: str, description: str) -> dict[str, Any]:
    return {
        "name": name,
        "in": "header",
        "required": False,
        "description": description,
        "schema": {"type": "string"},
    }


IF_NONE_MATCH = header_parameter("If-None-Match", "The ETag of what is known: 304 if it is that.")
IDEMPOTENCY_KEY = header_parameter(
    "Idempotency-Key",
    "1 to 255 printable ASCII characters. Repeated within 48 h, the request has its effect "
    "once and the same answer; with another body it gets 409.",
)
