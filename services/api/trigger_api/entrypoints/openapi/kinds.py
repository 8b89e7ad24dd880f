"""Kinds, told apart in bodies that are sent: of triggers four (one-time, interval, cron and api),
of targets two.

To the platform a definition is one model with rules about which fields go together; to whoever
writes a client it is one of four shapes, so that a compiler knows what is there. Made of the
model's own schema, so that a new field is in all of them.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple

from trigger_contracts.definition import LIMIT_FIELDS, RULE_FIELDS
from trigger_contracts.targets.fields import NATS_FIELDS, WEBHOOK_FIELDS

Schema = dict[str, Any]


class Kind(NamedTuple):
    """One of the four."""

    name: str
    words: str
    type: Literal["scheduled", "api"]
    rule: str | None
    """The field that makes it one; None for what fires on request."""


KINDS = (
    Kind("OneTime", "Fires once.", "scheduled", "schedule_time"),
    Kind("Interval", "Fires in even steps.", "scheduled", "interval"),
    Kind("Cron", "Fires when a zone's clock shows what the expression says.", "scheduled", "cron"),
    Kind("Api", "Fires on request.", "api", None),
)

_NULL: Schema = {"type": "null"}
_NONE: Schema = {"type": "array", "items": {"type": "string"}, "maxItems": 0}


def written(flat: Schema) -> dict[str, Schema]:
    """What is sent: the four, and ``TriggerInput``, which is any of them.

    Closed, as the platform is: an unknown field is refused. (An answer is flat instead: what a
    trigger does not have is null there, and openapi-fetch drops fields that can only be null.)
    """
    variants = {f"{kind.name}Input": _variant(kind, flat) for kind in KINDS}
    members = [{"$ref": f"#/components/schemas/{variant}"} for variant in variants]
    return {
        **variants,
        "TriggerInput": {"description": "The definition of a trigger.", "oneOf": members},
    }


def targets(flat: Schema) -> dict[str, Schema]:
    """What is sent of targets: the two kinds in a create and in a replacement, and a patch."""
    secret = {
        "type": "string",
        "description": "What requests are signed with: `whsec_` and 24 to 64 bytes as base64. "
        "Made, if not given, and shown once.",
        "writeOnly": True,
    }
    fields: Mapping[str, Schema] = flat["properties"]
    found: dict[str, Schema] = {}
    for kind, others, words in (
        ("Webhook", NATS_FIELDS, "A webhook: a signed POST of each event."),
        ("Nats", WEBHOOK_FIELDS, "A NATS subject that each event is published to."),
    ):
        own = {"Webhook": "url", "Nats": "subject"}[kind]
        properties = {
            **{name: one for name, one in fields.items() if name not in others},
            "type": {"type": "string", "const": kind.lower()},
            own: _given(fields[own]),
        }
        replacement = {
            "type": "object",
            "description": words,
            "properties": properties,
            "required": ["type", own],
            "additionalProperties": False,
        }
        found[f"{kind}TargetReplacement"] = replacement
        found[f"{kind}TargetInput"] = replacement
        if kind == "Webhook":
            made = {**replacement, "properties": {**properties, "secret": secret}}
            found[f"{kind}TargetInput"] = made
    for name, words in (
        ("TargetInput", "The definition of a target."),
        ("TargetReplacement", "The definition of a target that there is."),
    ):
        members = [{"$ref": f"#/components/schemas/{kind}{name}"} for kind in ("Webhook", "Nats")]
        found[name] = {"description": words, "oneOf": members}
    return {**found, "TargetPatch": patch(flat, never_null=("type",))}


def patch(flat: Schema, never_null: Sequence[str] = ("name", "type")) -> Schema:
    """Some fields, each with null where that returns it to its default."""
    properties = {
        name: one if name in never_null else nullable(one)
        for name, one in flat["properties"].items()
    }
    return {
        "type": "object",
        "description": "The fields to change (RFC 7396); null returns one to its default.",
        "properties": {name: _without(one, "default") for name, one in properties.items()},
        "additionalProperties": False,
    }


def nullable(schema: Schema) -> Schema:
    """``schema``, or null."""
    members = schema.get("anyOf", [])
    if schema.keys() <= {"description", "default"} or _NULL in members:
        return schema
    described = {"description": schema["description"]} if "description" in schema else {}
    inner = _without(schema, "description")
    return {"anyOf": [*(members or [inner]), _NULL], **described}


def _variant(kind: Kind, flat: Schema) -> Schema:
    fields: Mapping[str, Schema] = flat["properties"]
    own = {kind.rule: _given(fields[kind.rule])} if kind.rule else {}
    absent = {name: _NULL for name in RULE_FIELDS if name != kind.rule}
    if kind.type == "api":
        absent |= {name: _NONE if name == "exclude" else _NULL for name in LIMIT_FIELDS}
    else:
        absent["payload_schema"] = _NULL
    if kind.rule != "cron":
        absent["dst_policy"] = {"type": "string", "const": "vixie"}
    own["type"] = {"type": "string", "const": kind.type}
    required = [*flat["required"], *((kind.rule,) if kind.rule else ())]
    return {
        "type": "object",
        "description": kind.words,
        "properties": {**fields, **absent, **own},
        "required": required,
        "additionalProperties": False,
    }


def _given(schema: Schema) -> Schema:
    """A rule's field where it is given: not null."""
    members = [one for one in schema["anyOf"] if one != _NULL]
    rest = _without(schema, "anyOf", "default")
    return {**members[0], **rest} if len(members) == 1 else {"anyOf": members, **rest}


def _without(schema: Schema, *names: str) -> Schema:
    return {name: value for name, value in schema.items() if name not in names}
