"""Answers as bytes: one way to make them for the routes and for the hot path beside them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from starlette.responses import Response
from starlette.types import Send

from trigger_api.domain.decoding import UNDERSTOOD
from trigger_api.ports.log import ReadTooSlow
from trigger_contracts.errors import Code, Problem, Refused, problem
from trigger_runtime.process.errors import (
    BrokerUnavailable,
    DatabaseUnavailable,
    DependencyUnavailable,
    PublishRefused,
)

JSON = "application/json"
PROBLEM_JSON = "application/problem+json"

RETRY_AFTER_S = 1
"""What was away is usually back within a second or two: a restart, a failover."""

_CLOSING = frozenset({Code.BODY_TOO_LARGE, Code.BODY_TOO_SLOW})
"""Answered before the body was read: the rest of it is not waited for."""


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    status: int
    body: bytes = b""
    content_type: str = JSON
    headers: Mapping[str, str] = field(default_factory=dict)

    def response(self) -> Response:
        headers = {**self.headers}
        if self.body:
            headers["content-type"] = self.content_type
        return Response(self.body, self.status, headers)

    async def send(self, send: Send) -> None:
        headers = [(name.encode(), value.encode()) for name, value in self.headers.items()]
        if self.status != 204:
            headers.append((b"content-type", self.content_type.encode()))
            headers.append((b"content-length", b"%d" % len(self.body)))
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        await send({"type": "http.response.body", "body": self.body})


def json_answer(status: int, value: Any, headers: Mapping[str, str] | None = None) -> HttpAnswer:
    body = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    return HttpAnswer(status, body, headers=headers or {})


def problem_answer(found: Problem, request_id: str) -> HttpAnswer:
    shown = found.model_copy(update={"request_id": request_id})
    headers: dict[str, str] = {}
    if found.code in _CLOSING:
        headers["connection"] = "close"
    if found.code is Code.UNSUPPORTED_ENCODING:
        headers["accept-encoding"] = UNDERSTOOD
    if found.status == 401:
        headers["www-authenticate"] = "Bearer"
    if found.status in {429, 503}:
        headers["retry-after"] = str(RETRY_AFTER_S)
    return HttpAnswer(found.status, shown.model_dump_json().encode(), PROBLEM_JSON, headers)


def problem_of(error: Exception) -> Problem | None:
    """What a known error means for the caller; None for one that nobody expected."""
    match error:
        case Refused():
            return error.problem
        case DependencyUnavailable():
            return problem(Code.UNAVAILABLE, _away(error))
        case PublishRefused(code=None):
            return problem(Code.BODY_TOO_LARGE, "larger than the broker accepts")
        case _:
            return None


def _away(error: DependencyUnavailable) -> str:
    match error:
        case BrokerUnavailable():
            return "the broker does not answer: nothing can be accepted right now"
        case ReadTooSlow():
            return (
                "this takes too long to find: narrow it by from and to, or by trigger_id, "
                "trigger_name or status"
            )
        case DatabaseUnavailable():
            return "the database does not answer in time"
        case _:
            return "a part of the platform does not answer"


def internal() -> Problem:
    return problem(Code.INTERNAL, "an unexpected error; the log has it under the request_id")
