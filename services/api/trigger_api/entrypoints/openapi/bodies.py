"""The bodies of requests: their schemas, named, and what routes say about them."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from trigger_api.domain.deliveries.again import DeliveriesRequest, RedeliveryRequest
from trigger_api.domain.log.replays import ReplayRequest
from trigger_api.domain.targets.requests import Rotation
from trigger_api.domain.triggers.previews import DEFAULT_OCCURRENCES, MAX_OCCURRENCES
from trigger_contracts.definition import LIMIT_FIELDS, RULE_FIELDS, Definition
from trigger_contracts.ids import ID_PATTERN
from trigger_contracts.targets.fields import TargetDefinition

from . import kinds
from .kinds import Schema

REF = "#/components/schemas/{model}"

_SENT_NAMES = {"MisfireFields": "MisfireInput", "Rate": "RateInput", "Rotation": "RotationInput"}
"""Models that are sent with some fields, and answered with all of them."""


def _of(model: type[BaseModel]) -> dict[str, Schema]:
    """The schema of a model, and of those that it is made of, by name."""
    schema = model.model_json_schema(ref_template=REF)
    parts = schema.pop("$defs", {})
    return {
        _SENT_NAMES.get(name, name): _as_sent(one)
        for name, one in {model.__name__: schema, **parts}.items()
    }


def _as_sent(part: Any) -> Any:
    if isinstance(part, list):
        return [_as_sent(one) for one in part]
    if not isinstance(part, dict):
        return part
    return {
        key: REF.format(model=_SENT_NAMES.get(name, name))
        if key == "$ref" and (name := str(value).rpartition("/")[2])
        else _as_sent(value)
        for key, value in part.items()
        # A null that is assumed is none that need be said.
        if (key, value) != ("default", None)
    }


_TARGET = _of(TargetDefinition)
_FLAT_TARGET = _TARGET.pop("TargetDefinition")
_DEFINED = _of(Definition)
_FLAT = _DEFINED.pop("Definition")
_SCHEDULE = (*RULE_FIELDS, "timezone", "dst_policy", *LIMIT_FIELDS)
_ABOUT = ("name", "description", "labels")


def _only(
    description: str, *fields: str, required: tuple[str, ...] = (), **others: Schema
) -> Schema:
    return {
        "type": "object",
        "description": description,
        "properties": {**{name: _FLAT["properties"][name] for name in fields}, **others},
        "required": list(required),
        "additionalProperties": False,
    }


_TRIAL_TARGET: Schema = {
    "description": "Where the event is delivered to, in the place of `targets`: the id of a "
    "target, or one written out as in its create, which is kept with the test alone.",
    "oneOf": [
        {"type": "string", "pattern": ID_PATTERN},
        {"$ref": REF.format(model="TargetInput")},
    ],
}
_FIRE: dict[str, Schema] = {
    "payload": {
        "description": "Any JSON, laid over the trigger's own: a null takes out what that has."
    }
}

SCHEMAS: Mapping[str, Schema] = {
    **_DEFINED,
    **kinds.written(_FLAT),
    "TriggerPatch": kinds.patch(_FLAT),
    "TriggerInputs": {
        "type": "array",
        "description": "Many definitions.",
        "items": {"$ref": REF.format(model="TriggerInput")},
    },
    "ScheduledTestInput": _only(
        "A scheduled trigger to be tested.",
        *_SCHEDULE,
        "payload",
        *_ABOUT,
        "targets",
        target=_TRIAL_TARGET,
    ),
    "ApiTestInput": _only(
        "An api trigger to be tested.",
        "payload",
        "payload_schema",
        *_ABOUT,
        "targets",
        required=("payload",),
        target=_TRIAL_TARGET,
    ),
    "PreviewInput": _only(
        "A schedule, and which of its occurrences to show.",
        *_SCHEDULE,
        after={
            "type": "string",
            "description": "Only later occurrences, as if created then: RFC 3339, or local to "
            "`timezone`. Now, where it is not given.",
        },
        until={"type": "string", "description": "None later than this."},
        count={
            "type": "integer",
            "minimum": 1,
            "maximum": MAX_OCCURRENCES,
            "description": f"At most as many; {DEFAULT_OCCURRENCES} by default, all up to `until`.",
        },
    ),
    "FireInput": {
        "type": "object",
        "description": "What a fire adds.",
        "properties": _FIRE,
        "additionalProperties": False,
    },
    "TestFireInput": {
        "type": "object",
        "description": "What a test adds.",
        "properties": {
            **_FIRE,
            "targets": {
                **_FLAT["properties"]["targets"],
                "description": "Where the test is delivered to, in the place of the trigger's own "
                "targets; nowhere where there are none.",
            },
        },
        "additionalProperties": False,
    },
    "NothingInput": {
        "type": "object",
        "description": "Nothing may be given.",
        "additionalProperties": False,
    },
    "SignInInput": {
        "type": "object",
        "description": "Whose session it will be.",
        "required": ["api_key"],
        "properties": {"api_key": {"type": "string", "description": "As it is sent in X-API-KEY."}},
        "additionalProperties": False,
    },
    **_of(ReplayRequest),
    **_of(RedeliveryRequest),
    **_of(DeliveriesRequest),
    **_TARGET,
    **kinds.targets(_FLAT_TARGET),
    **_of(Rotation),
}
"""All of them, as components."""


def body(name: str, examples: Mapping[str, Any], *, required: bool = True) -> dict[str, Any]:
    """What OpenAPI says about a route's JSON body: the schema of that ``name``."""
    content = {"application/json": json_content(name, examples)}
    return {"requestBody": {"required": required, "content": content}}


def json_content(name: str, examples: Mapping[str, Any]) -> dict[str, Any]:
    shown = {title: {"summary": title, "value": value} for title, value in examples.items()}
    return {
        "schema": {"$ref": REF.format(model=name)},
        **({"examples": shown} if shown else {}),
    }
