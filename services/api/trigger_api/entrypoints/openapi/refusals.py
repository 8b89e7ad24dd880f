"""The refusals of each operation: every status that it can answer, as a problem.

Some every operation has, for the server gives them, or the gateway before it looks at a route;
some follow from its method, key, body or address. What else it refuses, a route declares.
"""

from collections.abc import Mapping
from typing import Any

from trigger_api.entrypoints.answers import PROBLEM_JSON
from trigger_contracts.errors import Code, problem

from . import headers

_EVERYWHERE = frozenset({400, 408, 422, 431, 500, 501, 503})
_WITH_A_KEY = frozenset({401})
_CHANGING = frozenset({403})
"""What a browser's session may not be used for from another site."""
_WITH_A_BODY = frozenset({413, 415})
_WITH_AN_ID = frozenset({404})

_OWN_HEADERS = {
    401: (headers.WWW_AUTHENTICATE,),
    415: (headers.UNDERSTOOD_ENCODINGS,),
    429: (headers.RETRY_AFTER,),
    503: (headers.RETRY_AFTER,),
}
_NOT_BY_OPERATIONS = frozenset({405})
"""What has a method that its address does not answer is no operation."""


def components() -> dict[str, Any]:
    """``components.responses``: one for each status, with the codes that it may have."""
    codes: dict[int, list[Code]] = {}
    for code in Code:
        codes.setdefault(problem(code, "").status, []).append(code)
    return {
        _name(status): {
            "description": "; ".join(f"`{code}`: {problem(code, '').title}" for code in found),
            "headers": headers.references(headers.REQUEST_ID, *_OWN_HEADERS.get(status, ())),
            "content": {PROBLEM_JSON: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
        for status, found in sorted(codes.items())
        if status not in _NOT_BY_OPERATIONS
    }


def of_operation(
    method: str, path: str, operation: Mapping[str, Any], *, is_open: bool
) -> dict[str, Any]:
    """What it refuses by what it is, by status."""
    found = set(_EVERYWHERE)
    if not is_open:
        found |= _WITH_A_KEY
    if method != "get":
        found |= _CHANGING
    if "requestBody" in operation:
        found |= _WITH_A_BODY
    if "{" in path:
        found |= _WITH_AN_ID
    return {str(status): reference(status) for status in found}


def reference(status: int) -> dict[str, Any]:
    return {"$ref": f"#/components/responses/{_name(status)}"}


def _name(status: int) -> str:
    return f"Problem{status}"
