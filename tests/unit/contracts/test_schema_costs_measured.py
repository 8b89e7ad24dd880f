"""What a schema costs is known before it is compiled: measured against the engine itself.

In a process of its own, since memory is measured. Times are of the processor, and compared with
a loop of Python's on the same machine: a busy one is slower in both.
"""

import json
import subprocess
import sys

import pytest

from tests.unit.contracts.factories import refusal_of
from tests.unit.contracts.growing_schemas import FAMILIES
from trigger_contracts.errors import Code, Refused
from trigger_contracts.payloads import MAX_SCHEMA_BYTES, check_schema

MEASURE = r"""
import json, sys, time
from trigger_contracts import payloads
from trigger_contracts.errors import Refused

def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096

def slowness():
    begun = time.process_time()
    sum(range(600_000))
    return max((time.process_time() - begun) / 0.01, 1.0)

payloads.check_schema({"pattern": r"^\p{L}\w$", "properties": {"a": {"minimum": 1}}})
for line in sys.stdin:
    schema = json.loads(line)
    before, slow, begun = resident(), slowness(), time.process_time()
    try:
        estimated, accepted = payloads._compile(payloads.text_of(schema)).kept_bytes, True
    except Refused as refused:
        estimated, accepted = 0, False
    took = (time.process_time() - begun) / slow
    print(json.dumps([accepted, took, resident() - before, estimated]), flush=True)
"""

MAX_SECONDS, MAX_BYTES = 0.2, 20 * 1024 * 1024
"""Of any schema that is accepted."""
MAX_REFUSAL_SECONDS = 0.1
"""Of one that is refused, bounds and words of help included: half of it on a quiet machine."""
UNCERTAIN_BYTES = 2 * 1024 * 1024
"""What the allocator and the first use of tables take beside a schema."""


SIZES = (1, 10, 60, 150, 400, 1500)


@pytest.fixture(scope="module")
def measured() -> dict[str, list[tuple[bool, float, int, int]]]:
    """For each family: of each size whether it is accepted, seconds, bytes, and the estimate."""
    asked = [(name, json.dumps(grow(size))) for name, grow in FAMILIES.items() for size in SIZES]
    asked = [(name, text) for name, text in asked if len(text) < MAX_SCHEMA_BYTES]
    done = subprocess.run(
        [sys.executable, "-c", MEASURE],
        input="".join(f"{text}\n" for _, text in asked),
        capture_output=True,
        text=True,
        check=True,
    )
    found: dict[str, list[tuple[bool, float, int, int]]] = {}
    for (name, _), line in zip(asked, done.stdout.splitlines(), strict=True):
        found.setdefault(name, []).append(json.loads(line))
    return found


@pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")
@pytest.mark.parametrize("name", sorted(FAMILIES))
def test_no_schema_takes_longer_or_more_memory_than_its_estimate_allows(measured, name: str):
    assert measured[name][0][0], "the smallest of each kind is accepted"
    for accepted, took, grown, estimated in measured[name]:
        if accepted:
            assert took < MAX_SECONDS
            assert grown < min(MAX_BYTES, estimated + UNCERTAIN_BYTES)
        else:
            assert took < MAX_REFUSAL_SECONDS


@pytest.mark.parametrize(
    ("schema", "pointer"),
    [
        ({"pattern": r"\w" * 9_000}, "/payload_schema/pattern"),
        ({"pattern": "a" * 30_000}, "/payload_schema/pattern"),
        ({"items": {"pattern": r"\d" * 2_000}}, "/payload_schema/items/pattern"),
        ({"pattern": "(((a{99}){99}){99}){99}"}, "/payload_schema/pattern"),
        (
            {"properties": {"a/b": {"patternProperties": {r"\s" * 900: True}}}},
            "/payload_schema/properties/a~1b/patternProperties/" + r"\s" * 900,
        ),
        ({"propertyNames": {"pattern": r"[\S]" * 900}}, "/payload_schema/propertyNames/pattern"),
        ({"$defs": {"x": {"pattern": r"\W" * 900}}}, "/payload_schema/$defs/x/pattern"),
        ({"x": {"pattern": r"\w" * 900}, "$ref": "#/x"}, "/payload_schema/$ref/../x/pattern"),
        ({"pattern": "(?i)[" + "Ā-￿" * 900 + "]"}, "/payload_schema/pattern"),
    ],
)
def test_a_costly_pattern_is_refused_before_it_is_compiled(schema, pointer: str):
    with pytest.raises(Refused) as refused:
        check_schema(schema)
    code, pointers = refusal_of(refused.value)

    assert code is Code.INVALID_SCHEMA
    expected = pointer.replace("$ref/../", "")
    assert pointers[0][:200] == expected[:200]


@pytest.mark.parametrize("family", ["unicode classes", "small patterns", "names as patterns"])
def test_the_patterns_of_a_schema_are_bounded_together(family: str):
    """Each by itself is cheap: 630 Unicode classes in 18 kB took 100 MB."""
    check_schema(FAMILIES[family](10))
    with pytest.raises(Refused) as refused:
        check_schema(FAMILIES[family](1500))
    assert refusal_of(refused.value)[0] is Code.INVALID_SCHEMA
