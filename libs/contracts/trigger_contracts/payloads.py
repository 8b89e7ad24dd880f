"""Payloads and the JSON Schemas (2020-12) that api triggers hold them to.

Validation is offline (a ``$ref`` may only point inside the schema itself), its regular
expressions are limited in size and run in linear time, and its bytes and the work it can
cause (``schema_bounds``) are capped, so that no schema can stall a service or reach out.
"""

import json
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import Any

import jsonschema_rs

from .errors import (
    MAX_REPORTED_ERRORS,
    Code,
    FieldError,
    Problem,
    problem,
    refused,
    shortened,
)
from .mismatches import MASK, field_errors
from .schema_bounds import DIALECT, Bounds, Cost, bounds_of

MAX_SCHEMA_BYTES = 64 * 1024
"""Larger than any hand-written schema; keeps compilation under a few milliseconds."""

REGEX_SIZE_LIMIT = 256 * 1024
"""Bytes a compiled pattern may take; the engine is automaton-based and never backtracks."""

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
    _compiled(_text(schema))


@dataclass(frozen=True, slots=True)
class CompiledSchema:
    """A schema made ready: holding a payload to it costs about a microsecond."""

    validator: jsonschema_rs.Draft202012Validator
    bounds: Bounds

    def mismatch(self, payload: Any) -> Problem | None:
        """Why ``payload`` does not match the schema, or None if it does."""
        cost = self.bounds.cost_of(payload)
        if cost is None:
            detail = "the payload is too large or nested too deep to be checked against the schema"
            too_much = FieldError(pointer="/payload", message=detail)
            return problem(Code.PAYLOAD_SCHEMA_MISMATCH, detail, [too_much])
        if self.validator.is_valid(payload):
            return None
        detail = "the payload does not match the trigger's schema"
        found = (one for error in self._found(payload, cost) for one in field_errors(error))
        errors = list(islice(found, MAX_REPORTED_ERRORS))
        whole = FieldError(pointer="/payload", message=detail)
        return problem(Code.PAYLOAD_SCHEMA_MISMATCH, detail, errors or [whole])

    def _found(self, payload: Any, cost: Cost) -> list[jsonschema_rs.ValidationError]:
        """As many errors as there is time to find.

        The validator finds all before it shows the first, and copies the value that is
        wrong into each: 15,000 long keys, all wrong, took more than a minute.
        """
        if cost.can_list_errors:
            return list(islice(self.validator.iter_errors(payload), MAX_REPORTED_ERRORS))
        if cost.can_name_first_error:
            try:
                self.validator.validate(payload)
            except jsonschema_rs.ValidationError as error:
                return [error]
        return []


def compiled(schema: Any) -> CompiledSchema:
    """``schema`` made ready; equal schemas share one. Raises ``Refused`` as ``check_schema``."""
    return _compiled(_text(schema))


def mismatch(schema: Any, payload: Any) -> Problem | None:
    """Why ``payload`` does not match ``schema``, or None if it does."""
    return compiled(schema).mismatch(payload)


def _text(schema: Any) -> str:
    return json.dumps(schema, separators=(",", ":"), sort_keys=True)


@lru_cache(maxsize=_COMPILED_SCHEMAS)
def _compiled(text: str) -> CompiledSchema:
    schema = json.loads(text)
    bounds = bounds_of(schema)
    try:
        validator = jsonschema_rs.Draft202012Validator(
            schema,
            offline=True,
            validate_formats=True,
            mask=MASK,
            pattern_options=jsonschema_rs.RegexOptions(size_limit=REGEX_SIZE_LIMIT),
        )
    except (ValueError, RecursionError) as error:
        raise refused(
            Code.INVALID_SCHEMA, shortened(str(error).splitlines()[0]), pointer="/payload_schema"
        ) from None
    return CompiledSchema(validator, bounds)
