"""Query parameters: each route declares its own, and whatever else is sent is refused.

A misspelt filter that was ignored would show everything, and a misspelt ``dry_run`` would do it.
Of a parameter that has one value the second one is refused, too: it cannot be told which was meant.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl

from fastapi import Request
from fastapi.routing import APIRoute
from pydantic import BaseModel
from starlette.responses import Response

from trigger_api.domain.several import takes_several
from trigger_contracts.errors import (
    MAX_REPORTED_ERRORS,
    Code,
    FieldError,
    Refused,
    pointer,
    problem,
    refused,
    shortened,
)

Declared = Mapping[str, bool]
"""The parameters of a route by name; true for those that take several values."""

NONE: Declared = {}

MAX_QUERY_BYTES = 16 * 1024
"""Of a query string: a millisecond to take apart. The longest that means something is shorter."""

_NO_UTF_8 = "must be UTF-8, percent-encoded: an é is written %C3%A9"
_NOT_DECODED = re.compile("[\udc80-\udcff]")
"""What of a query string is no UTF-8: read as replacement characters, it would be another text."""


class DeclaredRoute(APIRoute):
    """A route that takes the query parameters of its endpoint's model, and no others."""

    parameters: Declared

    def get_route_handler(self) -> Callable[[Request], Any]:
        self.parameters = _declared(self)
        handle = super().get_route_handler()

        async def checked(request: Request) -> Response:
            check(request.scope["query_string"], self.parameters)
            answer: Response = await handle(request)
            return answer

        return checked


def check(query: bytes, declared: Declared) -> None:
    """Raises ``Refused`` for what is not declared, and for what is repeated and may not be."""
    if not query:
        return
    if len(query) > MAX_QUERY_BYTES:
        detail = f"at most {MAX_QUERY_BYTES} bytes are accepted after the question mark"
        raise refused(Code.INVALID, detail, pointer="/query")
    wrong: dict[str, str] = {}
    seen: set[str] = set()
    for name, value in parse_qsl(
        query.decode("latin-1"), keep_blank_values=True, errors="surrogateescape"
    ):
        if _NOT_DECODED.search(name):
            raise refused(Code.INVALID, _NO_UTF_8, pointer="/query")
        if name not in declared:
            wrong[name] = f"This parameter is not known; {_known(declared)}"
        elif name in seen and not declared[name]:
            wrong[name] = "This parameter may be given only once"
        elif _NOT_DECODED.search(value):
            wrong[name] = _NO_UTF_8
        seen.add(name)
    if wrong:
        errors = [
            FieldError(pointer=shortened(pointer(("query", name))), message=message)
            for name, message in list(wrong.items())[:MAX_REPORTED_ERRORS]
        ]
        detail = errors[0].message if len(wrong) == 1 else f"{len(wrong)} parameters are not valid"
        raise Refused(problem(Code.INVALID, detail, errors))


def _known(declared: Declared) -> str:
    return f"known are {', '.join(declared)}" if declared else "this address takes none"


def _declared(route: APIRoute) -> Declared:
    found: dict[str, bool] = {}
    for parameter in route.dependant.query_params:
        model = parameter.field_info.annotation
        if not (isinstance(model, type) and issubclass(model, BaseModel)):
            raise TypeError(f"{route.path}: query parameters are declared as one model")
        for name, field in model.model_fields.items():
            found[field.alias or name] = takes_several(field)
    return found
