"""The document as it is served: FastAPI's, with what that leaves open.

Written for those who generate a client from it. Every schema has a name; every answer has its
headers, every refusal its status; operations have the ids that routes gave them. In answers a
field is required unless it may be absent, and may be null only where it can be: FastAPI takes
whatever has a default for absent.
"""

import re
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic.json_schema import models_json_schema

from trigger_api.domain.live_tail.sse import StreamNotice
from trigger_api.domain.schemas import EventDetail, EventShown
from trigger_contracts.deliveries.health import HealthEvent
from trigger_contracts.deliveries.records import DeliveryEvent
from trigger_contracts.errors import Problem
from trigger_contracts.events import CloudEvent

from . import bodies, headers, refusals
from .bodies import REF
from .kinds import Schema

_ALSO = (DeliveryEvent, EventDetail, HealthEvent, Problem, CloudEvent, StreamNotice, EventShown)
"""Models that no route answers as JSON."""

_MAY_BE_ABSENT = {
    "FieldError": {"at"},
    "Problem": {"current_version"},
    "Line": {"id", "version", "problem"},
    "TriggerShown": {"payload", "payload_schema"},
    "TargetWithSecret": {"secret"},
    "TargetAccepted": {"secret"},
    "EventListed": {"payload"},
    "WorkerShown": {"oldest_command_age_s"},
    "TestAccepted": {"secret"},
}
"""Fields of answers that are left out where they say nothing."""

_AS_STORED = frozenset({"CloudEvent", "LogEntry"})
"""Sent as an earlier version may have written it: what has a default may be absent."""

_IDS = {
    "delivery_id": "The delivery's id, from the event or from `GET /deliveries/`.",
    "trigger_id": "The trigger's id.",
    "target_id": "The target's id.",
    "event_id": "The event's id.",
    "letter_id": "The dead letter's id, from the list.",
}

_SECURITY_SCHEMES = {
    "apiKey": {"type": "apiKey", "in": "header", "name": "X-API-KEY"},
    "bearer": {"type": "http", "scheme": "bearer"},
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": "etp_session_<port>",
        "description": "Of a browser, from `POST /session`.",
    },
}
_OPEN = (["operations"], ["session"])
"""Tags of what needs no key."""

_FIRST_SENTENCE = re.compile(r"(.+?)[.:](?:\s+|$)(.*)", re.DOTALL)


def document(app: FastAPI) -> dict[str, Any]:
    """The whole of it."""
    made = get_openapi(
        title=app.title, version=app.version, description=app.description, routes=app.routes
    )
    made["components"] = {
        "schemas": _schemas(made.get("components", {}).get("schemas", {})),
        "responses": refusals.components(),
        "headers": headers.components(),
        "securitySchemes": _SECURITY_SCHEMES,
    }
    for path, item in made["paths"].items():
        for method, operation in item.items():
            _complete(method, path, operation)
    untitled: dict[str, Any] = _untitled(made)
    untitled["info"]["title"] = app.title
    return untitled


def _schemas(found: dict[str, Schema]) -> dict[str, Schema]:
    # FastAPI's own form of a refusal, which is never sent.
    for name in ("HTTPValidationError", "ValidationError"):
        found.pop(name, None)
    _, more = models_json_schema([(one, "serialization") for one in _ALSO], ref_template=REF)
    found |= more.get("$defs", {})
    for name, schema in found.items():
        _as_answered(name, schema)
    return dict(sorted({**bodies.SCHEMAS, **found}.items()))


def _as_answered(name: str, schema: Schema) -> None:
    """Open, for later versions say more; and each field there that is always sent."""
    if "properties" not in schema:
        return
    schema.pop("additionalProperties", None)
    for field in schema["properties"].values():
        field.pop("default", None)
    absent = _MAY_BE_ABSENT.get(name, set())
    if name not in _AS_STORED:
        schema["required"] = [field for field in schema["properties"] if field not in absent]
    for field in absent:
        one = schema["properties"][field]
        members = [member for member in one.get("anyOf", ()) if member != {"type": "null"}]
        if len(members) == 1:
            # Absent, never null.
            rest = {key: value for key, value in one.items() if key not in ("anyOf", "default")}
            schema["properties"][field] = {**members[0], **rest}


def _complete(method: str, path: str, operation: dict[str, Any]) -> None:
    """What all operations have in common: a key, refusals, and words for each parameter."""
    is_open = operation.get("tags") in _OPEN
    operation["security"] = [] if is_open else [{name: []} for name in _SECURITY_SCHEMES]
    answers = operation["responses"]
    if "content" in answers.get("422", {}):
        del answers["422"]  # FastAPI's
    for status, answer in answers.items():
        if int(status) >= 400 and "content" not in answer:
            answers[status] = refusals.reference(int(status))
        else:
            answer.setdefault("headers", {}).update(headers.references(headers.REQUEST_ID))
    common = refusals.of_operation(method, path, operation, is_open=is_open)
    operation["responses"] = dict(sorted({**common, **answers}.items()))
    for parameter in operation.get("parameters", ()):
        if parameter["in"] == "path":
            parameter["description"] = _IDS[parameter["name"]]
        elif parameter["in"] == "query":
            parameter["schema"] = _as_queried(parameter["schema"])
    _summarize(operation)


def _as_queried(schema: Schema) -> Schema:
    """In a query string nothing is null, and what takes several values is repeated."""
    rest = {key: value for key, value in schema.items() if key not in ("anyOf", "description")}
    if rest.get("default", 0) is None:
        del rest["default"]
    members = [one for one in schema.get("anyOf", ()) if one != {"type": "null"}]
    several = [one for one in members if one.get("type") == "array"]
    chosen = several or members
    if len(chosen) == 1:
        return {**chosen[0], **rest}
    return {"anyOf": chosen, **rest} if chosen else rest


def _summarize(operation: dict[str, Any]) -> None:
    """The first sentence by itself, for lists of operations."""
    found = _FIRST_SENTENCE.fullmatch(operation.pop("description", ""))
    operation["summary"] = " ".join(found[1].split()) if found else operation["operationId"]
    if found and found[2].strip():
        operation["description"] = found[2].strip()


def _untitled(part: Any, *, are_names: bool = False) -> Any:
    """Without the titles that were made of names: they repeat them. ``are_names``: of fields."""
    if isinstance(part, list):
        return [_untitled(one) for one in part]
    if not isinstance(part, dict):
        return part
    return {
        key: value if key in ("example", "examples") else _untitled(value, are_names=key in _NAMES)
        for key, value in part.items()
        if key != "title" or are_names
    }


_NAMES = frozenset({"properties", "$defs"})
