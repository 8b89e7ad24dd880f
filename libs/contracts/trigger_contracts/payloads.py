"""Payloads and the JSON Schemas (2020-12) that api triggers hold them to.

Validation is offline (a ``$ref`` may only point inside the schema itself), its regular
expressions are limited in size and run in linear time, and a schema's bytes, nodes and
expanded references are capped, so that no schema can stall a service or reach out.
"""

import json
from functools import lru_cache
from typing import Any

import jsonschema_rs

from .errors import Code, FieldError, Problem, Refused, pointer, problem, refused

MAX_SCHEMA_BYTES = 64 * 1024
"""Larger than any hand-written schema; keeps compilation under a few milliseconds."""

MAX_EXPANDED_NODES = 20_000
"""Schema nodes counted with every local reference expanded: doubling references explode."""

MAX_REPORTED_ERRORS = 20
"""A refusal names at most this many fields."""

REGEX_SIZE_LIMIT = 256 * 1024
"""Bytes a compiled pattern may take; the engine is automaton-based and never backtracks."""

DIALECT = "https://json-schema.org/draft/2020-12/schema"
"""The one dialect understood."""

_PLAIN_VALUES = frozenset({"const", "enum", "default", "examples"})
"""Keywords whose values are values, not schemas: a ``$ref`` inside refers to nothing."""

_COMPILED_SCHEMAS = 1024
"""Compiled schemas kept per process, keyed by their text."""


def merge(predefined: Any, given: Any) -> Any:
    """``given`` merged over ``predefined`` as a JSON merge patch (RFC 7396)."""
    if not isinstance(given, dict):
        return given
    merged = dict(predefined) if isinstance(predefined, dict) else {}
    for key, value in given.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = merge(merged.get(key), value)
    return merged


def check_schema(schema: Any) -> None:
    """Raise ``Refused`` with ``invalid-schema`` unless ``schema`` can be used safely."""
    if not isinstance(schema, dict | bool):
        raise refused(
            Code.INVALID_SCHEMA, "must be an object or a boolean", pointer="/payload_schema"
        )
    if len(_text(schema).encode()) > MAX_SCHEMA_BYTES:
        detail = f"larger than {MAX_SCHEMA_BYTES} bytes"
        raise refused(Code.INVALID_SCHEMA, detail, pointer="/payload_schema")
    if isinstance(schema, dict) and schema.get("$schema", DIALECT) != DIALECT:
        detail = f"must be {DIALECT}, or absent"
        raise refused(Code.INVALID_SCHEMA, detail, pointer="/payload_schema/$schema")
    _check_references(schema)
    _validator(_text(schema))


def mismatch(schema: Any, payload: Any) -> Problem | None:
    """Why ``payload`` does not match ``schema``, or None if it does."""
    validator = _validator(_text(schema))
    if validator.is_valid(payload):
        return None
    errors: list[FieldError] = []
    for error in validator.iter_errors(payload):
        path = ["payload", *error.instance_path]
        errors.append(FieldError(pointer=pointer(path), message=_shortened(error.message)))
        if len(errors) == MAX_REPORTED_ERRORS:
            break
    return problem(
        Code.PAYLOAD_SCHEMA_MISMATCH, "the payload does not match the trigger's schema", errors
    )


def _text(schema: Any) -> str:
    return json.dumps(schema, separators=(",", ":"), sort_keys=True)


@lru_cache(maxsize=_COMPILED_SCHEMAS)
def _validator(text: str) -> jsonschema_rs.Draft202012Validator:
    try:
        return jsonschema_rs.Draft202012Validator(
            json.loads(text),
            offline=True,
            validate_formats=True,
            pattern_options=jsonschema_rs.RegexOptions(size_limit=REGEX_SIZE_LIMIT),
        )
    except (ValueError, RecursionError) as error:
        raise refused(
            Code.INVALID_SCHEMA, _shortened(str(error).splitlines()[0]), pointer="/payload_schema"
        ) from None


def _shortened(message: str, limit: int = 300) -> str:
    return message if len(message) <= limit else message[: limit - 1] + "…"


def _check_references(schema: Any) -> None:
    """Refuse references that leave the schema or expand to too many nodes."""
    sizes: dict[str, int] = {}

    def expanded(node: Any, open_references: tuple[str, ...]) -> int:
        total = 1
        if isinstance(node, dict):
            reference = node.get("$ref", node.get("$dynamicRef"))
            if isinstance(reference, str):
                total += resolved(reference, open_references)
            children = [value for key, value in node.items() if key not in _PLAIN_VALUES]
        elif isinstance(node, list):
            children = node
        else:
            return total
        for child in children:
            total += expanded(child, open_references)
            if total > MAX_EXPANDED_NODES:
                raise _too_large()
        return total

    def resolved(reference: str, open_references: tuple[str, ...]) -> int:
        if not reference.startswith("#"):
            detail = f"the reference {_shortened(reference, 80)!r} leaves the schema"
            raise refused(Code.INVALID_SCHEMA, detail, pointer="/payload_schema")
        if reference in open_references:
            return 0  # A recursive schema is fine: recursion ends with the payload's depth.
        if reference not in sizes:
            sizes[reference] = expanded(_local(schema, reference), (*open_references, reference))
        return sizes[reference]

    expanded(schema, ())


def _local(schema: Any, reference: str) -> Any:
    """What a local JSON-Pointer reference names; anchors and unknown places count as empty."""
    node = schema
    for token in reference[1:].split("/")[1:]:
        key = token.replace("~1", "/").replace("~0", "~")
        if isinstance(node, dict) and key in node:
            node = node[key]
        elif isinstance(node, list) and key.isdecimal() and int(key) < len(node):
            node = node[int(key)]
        else:
            return None
    return node


def _too_large() -> Refused:
    detail = f"its references expand to more than {MAX_EXPANDED_NODES} nodes"
    return refused(Code.INVALID_SCHEMA, detail, pointer="/payload_schema")
