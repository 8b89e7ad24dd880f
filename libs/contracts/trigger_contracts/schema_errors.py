"""Why the validator does not take a schema, in words for whoever wrote it.

The validator names the place in the schema; what it says there is about its own meta-schema.
Called by ``payloads``. The schema is its owner's, so its keywords may be named.
"""

from typing import Any

import jsonschema_rs

from . import patterns
from .errors import Refused
from .mismatches import MASK
from .patterns import ENGINE_SIZE_LIMIT
from .schema_graph import Path, keyword_of, refusal

_TYPES = "array, boolean, integer, null, number, object and string"
_REGEX = jsonschema_rs.Draft202012Validator({"format": "regex"}, validate_formats=True)
"""Reads a pattern as ECMA 262 writes it, and compiles nothing."""


def refused_by_validator(error: ValueError | RecursionError, schema: Any) -> Refused:
    """The refusal that an error of the validator's constructor means."""
    if not isinstance(error, jsonschema_rs.ValidationError):
        return refusal(str(error).splitlines()[0] if str(error) else "it cannot be used")
    if isinstance(error.kind, jsonschema_rs.ValidationErrorKind.Referencing):
        # Its references were followed before (``schema_graph``): what is no URI is the $id.
        return refusal("is not a URI reference", ("$id",))
    path = _named(tuple(error.instance_path), schema)
    return refusal(_said(error, path, schema), path)


def _named(path: Path, schema: Any) -> Path:
    """``path`` with names for names: the validator calls a member "7" the number 7."""
    named: list[str | int] = []
    for token in path:
        if isinstance(schema, dict) and not isinstance(token, str):
            token = next(name for name in schema if name.isdecimal() and int(name) == token)  # noqa: PLW2901
        named.append(token)
        is_name = isinstance(schema, dict) and token not in schema
        schema = None if is_name or schema is None else schema[token]
    return tuple(named)


def _said(error: jsonschema_rs.ValidationError, path: tuple[str | int, ...], schema: Any) -> str:
    match keyword_of(path):
        case "pattern" | "patternProperties" if error.kind.name == "format":
            return _of_pattern(_pattern_at(path, schema))
        case "type":
            return f"must be one of {_TYPES}, or an array of some of them, each once"
        case keyword:
            # What it calls the value is the keyword's, or stands at a name or a place in it.
            what = "" if path and path[-1] == keyword else f" at {path[-1]!r}" if path else ""
            return f"{error.message.replace(MASK, f'what is given{what}', 1)}"


def _of_pattern(pattern: str) -> str:
    construct = patterns.unsupported(pattern)
    if construct is not None:
        return (
            f"{construct} are not supported by the pattern engine, which takes linear time: "
            "write it as two patterns, with allOf or not"
        )
    if not _REGEX.is_valid(pattern):
        return "is not a regular expression"
    return (
        f"is not a regular expression that the pattern engine supports, or takes more than "
        f"{ENGINE_SIZE_LIMIT // 1024} KiB once compiled: shorten its repetitions"
    )


def _pattern_at(path: Path, schema: Any) -> str:
    """The text of a pattern: a value, or, of ``patternProperties``, the name itself."""
    if path[-1] != "pattern" or (len(path) > 1 and path[-2] == "patternProperties"):
        return str(path[-1])
    for token in path:
        schema = schema[token]
    return str(schema)
