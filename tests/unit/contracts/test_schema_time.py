"""Whether a schema takes long to compile is guessed, and never quick where it is slow."""

import contextlib
import time
from typing import Any

import pytest

from tests.unit.contracts.growing_schemas import FAMILIES
from trigger_contracts import payloads, schema_time
from trigger_contracts.errors import Refused

ORDINARY: dict[str, Any] = {
    "none": None,
    "anything": True,
    "nothing to say": {},
    "a form": {
        "type": "object",
        "required": ["id", "email"],
        "properties": {
            "id": {"type": "string", "format": "uuid"},
            "email": {"type": "string", "pattern": r"^[^@\s]+@[^@\s]+$"},
            "lines": {"type": "array", "items": {"$ref": "#/$defs/line"}},
        },
        "$defs": {"line": {"type": "object", "properties": {"count": {"minimum": 1}}}},
    },
}
QUICK_S = 0.01
"""Of a core that nothing else uses: a schema that is said to be quick takes a fifth of it."""
SIZES = (1, 2, 3, 5, 8, 13, 20, 30, 40, 60, 100, 200)


@pytest.mark.parametrize("name", sorted(ORDINARY))
def test_ordinary_schemas_are_ready_at_once(name: str) -> None:
    assert not schema_time.takes_long(ORDINARY[name])


def compiled_in(schema: Any) -> float:
    """The least of a few: the machine may be busy."""
    text, took = payloads.text_of(schema), []
    for _ in range(3):
        begun = time.process_time()
        with contextlib.suppress(Refused):
            payloads._compile(text)
        took.append(time.process_time() - begun)
    return min(took)


@pytest.mark.parametrize("name", sorted(FAMILIES))
def test_the_largest_of_each_family_that_is_said_to_be_quick_is(name: str) -> None:
    quick = [
        schema
        for size in SIZES
        if not schema_time.takes_long(schema := FAMILIES[name](size))
        and len(payloads.text_of(schema)) <= payloads.MAX_SCHEMA_BYTES
    ]
    assert not quick or compiled_in(quick[-1]) < QUICK_S


@pytest.mark.parametrize(
    "schema",
    [
        {"allOf": [{"pattern": r"\p{L}{3}" + str(n)} for n in range(12)]},
        {"properties": {f"member{n}": {"minLength": n} for n in range(100)}},
        {"enum": [f"value {n}" for n in range(500)]},
        {"$defs": {f"d{n}": {"items": {"$ref": f"#/$defs/d{n + 1 % 20}"}} for n in range(20)}},
        {"items": {"patternProperties": {r"(?i)\p{L}{9}\w{9}": {}}}},
    ],
)
def test_what_may_take_long_is_known_once_it_was_compiled_or_refused(schema: Any) -> None:
    assert schema_time.takes_long(schema)
    seconds = iter([1.0, 1.25])
    assert schema_time.make_ready(schema, lambda: next(seconds)) == 0.25
    assert not schema_time.takes_long(schema)
    assert not schema_time.takes_long(schema, payloads.key_of(schema))
