"""Payloads and the JSON Schemas (2020-12) that api triggers hold them to.

Validation is offline (a ``$ref`` may only point inside the schema itself), its regular
expressions run in linear time, and its bytes, what it takes to compile and the work it can
cause (``schema_bounds``) are capped before anything of it is compiled, so that no schema can
stall a service or reach out. What is compiled is kept within a size in bytes, and so are refusals.
"""

import hashlib
import json
from collections import OrderedDict
from dataclasses import dataclass
from itertools import islice
from typing import Any

import jsonschema_rs

from .errors import (
    MAX_REPORTED_ERRORS,
    Code,
    FieldError,
    Problem,
    Refused,
    problem,
    refused,
)
from .formats import CHECKERS
from .mismatches import MASK, field_errors
from .patterns import ENGINE_SIZE_LIMIT
from .schema_bounds import Bounds, SchemaCost, bounds_of
from .schema_errors import refused_by_validator
from .schema_graph import DIALECT

MAX_SCHEMA_BYTES = 64 * 1024
"""Larger than any hand-written schema; what it holds beside patterns compiles within 40 ms."""

MAX_KEPT_BYTES = 64 * 1024 * 1024
"""What a process keeps of compiled schemas, as it is estimated: thousands of ordinary ones."""

MAX_KEPT_REFUSALS = 1024
"""Schemas known to be refused; each is its reason alone, below 1 kB."""

_MIN_CACHE_BYTES, _MAX_CACHE_BYTES = 64 * 1024, 256 * 1024
"""What matching may cache for one pattern, by what the pattern takes itself: below twice that,
the engine begins anew and again. Its own default of 2 MB is no faster."""


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


def laid_over(predefined: Any, given: Any) -> Any:
    """What fires where a trigger with the payload ``predefined`` is given another one.

    Where there is nothing to lay it over, the given value is taken as it is. Where both are
    objects it is merged as by ``merge``, but a null takes out only what is there to be taken
    out: any other one is a value, and stays. So the null of a receipt that has no coupon
    arrives, and a field of the trigger's own can still be left out.
    """
    if not isinstance(predefined, dict) or not isinstance(given, dict):
        return given
    merged = dict(predefined)
    for key, value in given.items():
        if key not in predefined:
            merged[key] = value
        elif value is None:
            del merged[key]
        else:
            merged[key] = laid_over(predefined[key], value)
    return merged


def check_schema(schema: Any) -> None:
    """Raise ``Refused`` with ``invalid-schema`` unless ``schema`` can be used safely."""
    if not isinstance(schema, dict | bool):
        raise refused(
            Code.INVALID_SCHEMA, "must be an object or a boolean", pointer="/payload_schema"
        )
    if len(text_of(schema)) > MAX_SCHEMA_BYTES:
        detail = f"larger than {MAX_SCHEMA_BYTES} bytes"
        raise refused(Code.INVALID_SCHEMA, detail, pointer="/payload_schema")
    if isinstance(schema, dict) and schema.get("$schema", DIALECT) != DIALECT:
        detail = f"must be {DIALECT}, or absent"
        raise refused(Code.INVALID_SCHEMA, detail, pointer="/payload_schema/$schema")
    compiled(schema)


@dataclass(frozen=True, slots=True)
class CompiledSchema:
    """A schema made ready: holding a payload to it costs about a microsecond."""

    validator: jsonschema_rs.Draft202012Validator
    bounds: Bounds

    @property
    def kept_bytes(self) -> int:
        """What it may take in memory, with what matching caches for its patterns."""
        caches = self.bounds.patterns * _cache_bytes(self.bounds)
        return self.bounds.compiled_bytes + caches

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

    def _found(self, payload: Any, cost: SchemaCost) -> list[jsonschema_rs.ValidationError]:
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


class Kept:
    """The schemas used last, compiled, within a size; and those refused last."""

    def __init__(self, max_bytes: int, max_refusals: int) -> None:
        self._max_bytes = max_bytes
        self._max_refusals = max_refusals
        self._compiled: OrderedDict[bytes, CompiledSchema] = OrderedDict()
        self._refused: OrderedDict[bytes, Problem] = OrderedDict()
        self.bytes = 0

    def knows(self, key: bytes) -> bool:
        """Whether ``get`` answers at once."""
        return key in self._compiled or key in self._refused

    def get(self, key: bytes, schema: Any) -> CompiledSchema:
        """``schema``, whose key is given; raises ``Refused``, the second time without looking."""
        found = self._compiled.get(key)
        if found is not None:
            self._compiled.move_to_end(key)
            return found
        if key in self._refused:
            self._refused.move_to_end(key)
            raise Refused(self._refused[key])
        try:
            found = _compile(text_of(schema))
        except Refused as refusal:
            self._refused[key] = refusal.problem
            if len(self._refused) > self._max_refusals:
                self._refused.popitem(last=False)
            raise
        self._compiled[key] = found
        self.bytes += found.kept_bytes
        while self.bytes > self._max_bytes and len(self._compiled) > 1:
            _, dropped = self._compiled.popitem(last=False)
            self.bytes -= dropped.kept_bytes
        return found


_KEPT = Kept(MAX_KEPT_BYTES, MAX_KEPT_REFUSALS)


def key_of(schema: Any) -> bytes:
    """What equal schemas have in common; takes as long as writing them down."""
    return hashlib.sha256(text_of(schema).encode()).digest()


def compiled(schema: Any, key: bytes | None = None) -> CompiledSchema:
    """``schema`` made ready; equal schemas share one. Raises ``Refused`` as ``check_schema``.

    Whoever uses it again asks again, with its ``key_of`` if that is known: one that is held
    elsewhere would not count among those that are kept.
    """
    return _KEPT.get(key_of(schema) if key is None else key, schema)


def is_known(schema: Any, key: bytes | None = None) -> bool:
    """Whether ``schema`` is compiled already, or known to be refused."""
    return _KEPT.knows(key_of(schema) if key is None else key)


def text_of(schema: Any) -> str:
    """A schema as it is counted and compiled: equal ones have one."""
    return json.dumps(schema, separators=(",", ":"), sort_keys=True)


def _cache_bytes(bounds: Bounds) -> int:
    """What the engine may cache for each pattern when it matches."""
    twice = 2 * bounds.pattern_bytes // max(bounds.patterns, 1)
    return min(max(twice, _MIN_CACHE_BYTES), _MAX_CACHE_BYTES)


def _compile(text: str) -> CompiledSchema:
    schema = json.loads(text)
    bounds = bounds_of(schema, len(text))
    try:
        validator = jsonschema_rs.Draft202012Validator(
            schema,
            offline=True,
            validate_formats=True,
            formats=CHECKERS,
            mask=MASK,
            pattern_options=jsonschema_rs.RegexOptions(
                size_limit=ENGINE_SIZE_LIMIT, dfa_size_limit=_cache_bytes(bounds)
            ),
        )
    except (ValueError, RecursionError) as error:
        raise refused_by_validator(error, schema) from None
    return CompiledSchema(validator, bounds)
