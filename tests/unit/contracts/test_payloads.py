"""Payloads: merged as RFC 7396 says, held to schemas that can neither reach out nor stall."""

import asyncio
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.contracts.factories import refusal_of
from trigger_contracts import patterns
from trigger_contracts.errors import Code, Problem, Refused
from trigger_contracts.payloads import (
    MAX_REPORTED_ERRORS,
    MAX_SCHEMA_BYTES,
    Kept,
    check_schema,
    compiled,
    key_of,
    laid_over,
    merge,
)
from trigger_contracts.schema_costs import patterns_of


def mismatch(schema: Any, payload: Any) -> Problem | None:
    return compiled(schema).mismatch(payload)


RFC_7396_APPENDIX: list[tuple[Any, Any, Any]] = [
    ({"a": "b"}, {"a": "c"}, {"a": "c"}),
    ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
    ({"a": "b"}, {"a": None}, {}),
    ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
    ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
    ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
    ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
    ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
    (["a", "b"], ["c", "d"], ["c", "d"]),
    ({"a": "b"}, ["c"], ["c"]),
    ({"a": "foo"}, None, None),
    ({"a": "foo"}, "bar", "bar"),
    ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
    ([1, 2], {"a": "b", "c": None}, {"a": "b"}),
    ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
]
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner),
    max_leaves=10,
)


@pytest.mark.parametrize(("original", "patch", "merged"), RFC_7396_APPENDIX)
def test_a_patch_is_merged_as_the_rfcs_appendix_shows(original: Any, patch: Any, merged: Any):
    assert merge(original, patch) == merged


@given(VALUES, VALUES)
def test_merging_twice_is_merging_once_and_changes_no_argument(original: Any, patch: Any):
    before = json.dumps([original, patch])
    merged = merge(original, patch)

    assert merge(merged, patch) == merged
    assert json.dumps([original, patch]) == before


def receipt(**fields: Any) -> dict[str, Any]:
    return {"id": 7, "coupon": None, "buyer": {"name": "Ada", "title": None}, **fields}


@pytest.mark.parametrize(
    ("own", "given", "fires"),
    [
        (None, receipt(), receipt()),
        ("a text", receipt(), receipt()),
        ([1], receipt(), receipt()),
        ({}, receipt(), receipt()),
        ({"shop": "x"}, receipt(), receipt(shop="x")),
        ({"coupon": "x", "id": 1}, receipt(), {"id": 7, "buyer": receipt()["buyer"]}),
        ({"buyer": 5}, receipt(), receipt()),
        ({"buyer": {}}, receipt(), receipt()),
        ({"buyer": {"title": "Dr"}}, receipt(), receipt(buyer={"name": "Ada"})),
        ({"buyer": {"name": "x"}}, {"buyer": None, "n": None}, {"n": None}),
        ({"a": None}, {"a": None}, {}),
        ({"a": [None]}, {"a": [None, {"b": None}]}, {"a": [None, {"b": None}]}),
        ({"a": 1}, None, None),
        ({"a": 1}, [None], [None]),
    ],
)
def test_a_null_takes_out_what_the_own_payload_has_and_is_a_value_elsewhere(
    own: Any, given: Any, fires: Any
):
    before = json.dumps([own, given])

    assert laid_over(own, given) == fires
    assert json.dumps([own, given]) == before


@given(VALUES, VALUES)
def test_whatever_the_own_payload_lacks_is_taken_as_it_is(own: Any, payload: Any):
    fires = laid_over(own, payload)

    if isinstance(own, dict) and isinstance(payload, dict):
        new = payload.keys() - own.keys()
        assert {key: fires[key] for key in new} == {key: payload[key] for key in new}
    else:
        assert fires == payload


@pytest.mark.parametrize(
    ("schema", "pointer", "said"),
    [
        ({"pattern": "a(?=b)"}, "/pattern", "pattern: look-ahead and look-behind are not supp"),
        ({"items": {"pattern": "(?<!a)b"}}, "/items/pattern", "look-ahead and look-behind"),
        ({"not": {"pattern": r"(a)\1"}}, "/not/pattern", "backreferences are not supported"),
        ({"pattern": r"(?<n>a)\k<n>"}, "/pattern", "backreferences are not supported"),
        ({"pattern": "(?>a)b"}, "/pattern", "atomic groups are not supported"),
        (
            {"patternProperties": {"~(?!/)": {}}},
            "/patternProperties/~0(?!~1)",
            "patternProperties: look-ahead",
        ),
        ({"propertyNames": {"pattern": "["}}, "/propertyNames/pattern", "not a regular expression"),
        ({"pattern": r"\((?=a"}, "/pattern", "look-ahead"),
        ({"pattern": r"[(?=a]\(?<!\\1)"}, "/pattern", "not a regular expression"),
        ({"pattern": "[a-z]{9999}"}, "/pattern", "256 KiB"),
        ({"properties": {"7": {"type": "text"}}}, "/properties/7/type", "type: must be one of"),
        ({"properties": {"7": {"8": 1, "pattern": "("}}}, "/properties/7/pattern", "pattern: is"),
        ({"properties": {"type": {"type": 5}}}, "/properties/type/type", "type: must be one of"),
        ({"properties": {"pattern": 5}}, "/properties/pattern", "properties: what is given at"),
        ({"$defs": {"a": {"required": "x"}}}, "/$defs/a/required", "required: what is given is"),
        ({"anyOf": [{}, {"minItems": -1}]}, "/anyOf/1/minItems", "minItems: what is given is less"),
        ({"allOf": [True, {"$ref": "#/no"}]}, "/allOf/1/$ref", "$ref: the reference"),
        ({"items": {"multipleOf": 1e300}}, "/items/multipleOf", "multipleOf: must be from"),
        ({"items": {"$id": "x"}}, "/items/$id", "$id: only the whole schema"),
        ({"$id": "a b", "$ref": "#/$defs/a", "$defs": {"a": {}}}, "/$id", "$id: is not a URI"),
        ({"if": {"pattern": "(?x)a b"}}, "/if/pattern", "pattern: the flag x"),
    ],
)
def test_an_error_points_into_the_schema_and_says_which_keyword(
    schema: Any, pointer: str, said: str
):
    with pytest.raises(Refused) as refused:
        check_schema(schema)
    (error,) = refused.value.problem.errors

    assert error.pointer == "/payload_schema" + pointer
    assert said in error.message


def test_what_is_kept_of_compiled_schemas_is_bounded_in_bytes():
    """Ten schemas of 18 kB took 1.6 GB when only their number was."""
    kept = Kept(max_bytes=4_000_000, max_refusals=2)
    schemas = [{"pattern": r"\p{L}{3}" + str(n)} for n in range(30)]
    for schema in schemas:
        kept.get(key_of(schema), schema)
        assert kept.bytes <= 4_000_000

    newest = kept.get(key_of(schemas[-1]), schemas[-1])
    assert kept.get(key_of(schemas[-1]), schemas[-1]) is newest
    assert kept.get(key_of(schemas[0]), schemas[0]).mismatch("abc0") is None


def test_a_refusal_is_remembered_and_so_costs_nothing_again():
    kept = Kept(max_bytes=1_000_000, max_refusals=2)
    costly = {"pattern": r"\w" * 900}
    problems = []
    for _ in range(2):
        with pytest.raises(Refused) as refused:
            kept.get(key_of(costly), costly)
        problems.append(refused.value.problem)

    assert problems[0] is problems[1]
    assert kept.bytes == 0


def refusal(schema: Any) -> str:
    with pytest.raises(Refused) as refused:
        check_schema(schema)
    code, pointers = refusal_of(refused.value)
    assert code is Code.INVALID_SCHEMA
    assert len(pointers) == 1
    assert pointers[0].startswith("/payload_schema")
    return refused.value.problem.detail


def pointers_of(schema: Any, payload: Any) -> list[str]:
    check_schema(schema)
    found = mismatch(schema, payload)
    if found is None:
        return []
    assert found.code is Code.PAYLOAD_SCHEMA_MISMATCH
    return [error.pointer for error in found.errors]


def doubling(levels: int, reference: str = "#/$defs/a{}", **extra: Any) -> dict[str, Any]:
    """A schema of a few lines whose references expand to 2^levels evaluations."""
    names = {
        f"a{level}": {
            "allOf": [{"$ref": reference.format(level + 1)}] * 2,
            **({key: value.format(level) for key, value in extra.items()}),
        }
        for level in range(levels)
    }
    end = {key: value.format(levels) for key, value in extra.items()}
    names[f"a{levels}"] = {"type": "integer", **end}
    return {"$defs": names, "$ref": reference.format(0)}


def nested(levels: int, key: str = "a") -> Any:
    value: Any = {}
    for _ in range(levels):
        value = {key: value}
    return value


TREE = {
    "type": "object",
    "properties": {
        "value": {"type": "integer"},
        "left": {"$ref": "#"},
        "right": {"$ref": "#"},
        "children": {"type": "array", "items": {"$ref": "#"}},
    },
}
EXPRESSION = {
    "$defs": {
        "expression": {
            "anyOf": [
                {"type": "number"},
                {"properties": {"add": {"type": "array", "items": {"$ref": "#/$defs/expression"}}}},
            ]
        }
    },
    "$ref": "#/$defs/expression",
}
BRANCHING = {
    "type": "object",
    "properties": {"a": {"anyOf": [{"$ref": "#"}, {"$ref": "#"}]}},
    "required": ["a"],
}


@pytest.mark.parametrize(
    "schema",
    [
        True,
        False,
        {},
        {"type": "object", "required": ["a"]},
        {"$schema": "https://json-schema.org/draft/2020-12/schema", "type": "string"},
        {"$id": "https://example.com/order.json", "$ref": "#/$defs/a", "$defs": {"a": True}},
        {"$defs": {"a b": {"type": "string"}, "c/d~": True}, "$ref": "#/$defs/a%20b"},
        {"$defs": {"c/d~": True}, "allOf": [{"$ref": "#/$defs/c~1d~0"}]},
        {"prefixItems": [True], "items": {"$ref": "#/prefixItems/0"}},
        {"$defs": {"a": {"$anchor": "here"}}, "$ref": "#here"},
        {"$dynamicAnchor": "node", "properties": {"next": {"$dynamicRef": "#node"}}},
        {"properties": {"$ref": {"type": "string"}, "$id": {"type": "string"}}},
        {"x-note": {"$ref": "http://127.0.0.1/never-asked"}, "type": "string"},
        TREE,
        EXPRESSION,
    ],
)
def test_a_schema_of_the_dialect_is_accepted(schema: Any):
    check_schema(schema)


@pytest.mark.parametrize("schema", [None, 1, "string", [], [{}], 1.5])
def test_a_schema_is_an_object_or_a_boolean(schema: Any):
    assert refusal(schema) == "must be an object or a boolean"


async def test_nothing_outside_the_schema_is_ever_read(tmp_path):
    """A listener on the loopback sees no hit, whichever way a schema names it."""
    hits: asyncio.Queue[object] = asyncio.Queue()
    server = await asyncio.start_server(lambda *stream: hits.put_nowait(stream), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    file = tmp_path / "schema.json"
    file.write_text('{"type": "string"}')
    outside = f"http://127.0.0.1:{port}/schema.json"
    schemas: list[Any] = [
        {"$ref": outside},
        {"$ref": f"{outside}#/a"},
        {"$ref": file.as_uri()},
        {"$ref": "other.json"},
        {"$ref": "//127.0.0.1/x"},
        {"$ref": "urn:example:x"},
        {"$dynamicRef": outside},
        {"$ref": "#", "$dynamicRef": outside},
        {"properties": {"const": {"$ref": outside}}},
        {"properties": {"a": {"items": {"anyOf": [{"$ref": outside}]}}}},
        {"$id": outside, "$ref": "b.json"},
        {"$defs": {"a": {"$id": outside, "$ref": "b.json"}}, "$ref": "#/$defs/a"},
        {"$defs": {"a": {"$id": "/x", "$ref": "#/$defs/b"}}},
        {"$schema": outside},
        {"$defs": {"a": {"$schema": outside}}},
    ]
    async with server:
        for schema in schemas:
            await asyncio.to_thread(refusal, schema)
        for kept in ("const", "default"):
            assert pointers_of({kept: {"$ref": outside}}, {"$ref": outside}) == []
        await asyncio.open_connection("127.0.0.1", port)  # The listener does listen.
        await hits.get()
    assert hits.empty()


def test_a_reference_inside_a_value_refers_to_nothing():
    value = {"$ref": "http://127.0.0.1:9/x", "$id": "x"}

    assert pointers_of({"const": value}, value) == []
    assert pointers_of({"const": value}, {}) == ["/payload"]
    assert pointers_of({"enum": [value, {"$ref": "#/nowhere"}]}, {"$ref": "#/nowhere"}) == []
    assert pointers_of({"default": value, "examples": [value]}, 1) == []


@pytest.mark.parametrize(
    "schema",
    [
        {"$schema": "http://json-schema.org/draft-07/schema#"},
        {"$schema": "https://json-schema.org/draft/2019-09/schema"},
        {"$schema": 5},
        {"$schema": None},
    ],
)
def test_only_one_dialect_is_understood(schema: Any):
    with pytest.raises(Refused) as refused:
        check_schema(schema)
    assert refusal_of(refused.value) == (Code.INVALID_SCHEMA, ["/payload_schema/$schema"])


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "banana"},
        {"minimum": "3"},
        {"properties": 5},
        {"allOf": []},
        {"required": "a"},
        {"items": 3},
        {"pattern": "("},
        {"pattern": 5},
        {"$ref": 5},
        {"$defs": {"a": 5}, "$ref": "#/$defs/a"},
        {"$ref": "#/nowhere"},
        {"$ref": "#nowhere"},
        {"$ref": "#/prefixItems/1", "prefixItems": [True]},
        {"$defs": {"a": {"$anchor": "x"}, "b": {"$anchor": "x"}}, "$ref": "#x"},
    ],
)
def test_what_is_no_schema_is_refused(schema: Any):
    assert refusal(schema), "says what is wrong"


def test_a_schema_larger_than_the_limit_is_refused():
    assert "larger than" in refusal({"enum": ["x" * MAX_SCHEMA_BYTES]})


@pytest.mark.parametrize(
    "schema",
    [
        doubling(28),
        doubling(28, reference="#/%24defs/a{}"),
        doubling(28, reference="#n{}", **{"$anchor": "n{}"}),
        doubling(28, reference="#n{}", **{"$dynamicAnchor": "n{}"}),
        {"properties": {"const": {"$ref": "#/$defs/a0"}}, "$defs": doubling(28)["$defs"]},
        {"properties": {"a": {"not": doubling(28)["$defs"]["a0"]}}, **doubling(28)},
        {"allOf": [{"items": {"$ref": "#"}}] * 50, "contains": {"$ref": "#"}},
    ],
)
def test_references_that_double_again_and_again_are_refused(schema: Any):
    assert "expand to more than" in refusal(schema)


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "#"},
        {"allOf": [{"$ref": "#"}]},
        {"not": {"$ref": "#"}},
        {"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}},
        {"properties": {"a": {"anyOf": [{"if": {"$ref": "#/properties/a"}}]}}},
        {"dependentSchemas": {"a": {"$ref": "#"}}},
    ],
)
def test_a_reference_in_a_circle_is_refused(schema: Any):
    assert "refers to itself" in refusal(schema)


def test_a_long_chain_of_references_is_refused():
    chain = {f"a{n}": {"$ref": f"#/$defs/a{n + 1}"} for n in range(1500)}

    detail = refusal({"$defs": {**chain, "a1500": True}, "$ref": "#/$defs/a0"})

    assert "in a row" in detail


@pytest.mark.parametrize("keyword", ["properties", "not", "items"])
def test_a_deep_schema_is_no_stall(keyword: str):
    schema: Any = True
    for _ in range(60):
        schema = {keyword: {"a": schema} if keyword == "properties" else schema}

    check_schema(schema)
    assert isinstance(pointers_of(schema, nested(60)), list)


def test_recursion_that_goes_deeper_is_allowed():
    assert pointers_of(TREE, {"left": {"right": {"value": 1}}}) == []
    assert pointers_of(TREE, {"left": {"right": {"value": "1"}}}) == ["/payload/left/right/value"]
    assert pointers_of(TREE, nested(60, "left")) == []
    assert pointers_of(EXPRESSION, {"add": [1, {"add": [2, {"add": [3]}]}]}) == []


def test_a_payload_whose_check_would_take_too_long_is_a_mismatch():
    """At 18 levels the validator ran for over 20 seconds; here it is not asked at all."""
    found = mismatch(BRANCHING, nested(18))

    assert found is not None
    assert "to be checked" in found.detail
    assert [error.pointer for error in found.errors] == ["/payload"]
    assert pointers_of(BRANCHING, nested(3)) == ["/payload/a"]


def test_a_large_payload_under_a_schema_of_many_patterns_is_a_mismatch():
    patterns = {"allOf": [{"pattern": f"a{n}.*b{n}"} for n in range(100)]}

    found = mismatch(patterns, "a" * 250_000)

    assert found is not None
    assert "to be checked" in found.detail
    assert pointers_of({"items": {"type": "integer"}}, list(range(50_000))) == []


@pytest.mark.parametrize("pattern", ["(a+)+$", "^(a|a)*$", "(.*a){12}$", "^(([a-z])+.)+[A-Z]$"])
def test_patterns_run_in_linear_time(pattern: str):
    """By construction: the engine has no backtracking, so this ends; others would take years."""
    assert pointers_of({"pattern": pattern}, "a" * 50_000 + "!") == ["/payload"]


@pytest.mark.parametrize(
    "pattern", [r"^(a)\1$", "(?<=a)b", "a{1000}{1000}", "(((a{100}){100}){100}){100}"]
)
def test_patterns_that_need_backtracking_or_much_memory_never_run(pattern: str):
    """Refused, or at least not able to stall: whichever engine answers, it answers."""
    try:
        check_schema({"pattern": pattern})
    except Refused as refused:
        assert refusal_of(refused)[0] is Code.INVALID_SCHEMA  # noqa: PT017  # both outcomes are right
    else:
        mismatch({"pattern": pattern}, "a" * 50_000 + "!")


@pytest.mark.parametrize(
    ("payload", "pointer"),
    [
        ({"a/b": {"c~d": 1}}, "/payload/a~1b/c~0d"),
        ({"a/b": {"c~d": "x"}, "~1": 2}, "/payload/~01"),
        ({"list": ["x", 1]}, "/payload/list/1"),
    ],
)
def test_a_mismatch_points_at_the_field(payload: Any, pointer: str):
    text = {"type": "string"}
    schema = {
        "properties": {
            "a/b": {"properties": {"c~d": text}},
            "~1": text,
            "list": {"items": text},
        }
    }

    assert pointers_of(schema, payload) == [pointer]


def test_a_refusal_names_a_limited_number_of_fields_in_short():
    found = mismatch({"items": {"type": "integer"}}, ["x" * 400] * 40)

    assert found is not None
    assert len(found.errors) == MAX_REPORTED_ERRORS
    assert all(len(error.message) <= 300 for error in found.errors)


C = "canary-17"


@pytest.mark.parametrize(
    ("schema", "payload"),
    [
        ({"type": "integer"}, C),
        ({"type": ["integer", "null"]}, {"a": C}),
        ({"enum": [1, 2]}, {"a": C}),
        ({"const": 1}, [C]),
        ({"pattern": "^x"}, C),
        ({"format": "email"}, C),
        ({"maxLength": 3}, C),
        ({"minLength": 100}, C),
        ({"maximum": 3}, 1717),
        ({"exclusiveMinimum": 9999}, 1717),
        ({"multipleOf": 5}, 1717),
        ({"uniqueItems": True}, [C, C]),
        ({"minItems": 4}, [C]),
        ({"maxItems": 0}, [C]),
        ({"contains": {"type": "integer"}}, [C]),
        ({"items": False}, [C]),
        ({"prefixItems": [True], "items": False}, [1, C]),
        ({"unevaluatedItems": False}, [C]),
        ({"minProperties": 4}, {"a": C}),
        ({"maxProperties": 0}, {"a": C}),
        ({"properties": {"a": False}}, {"a": C}),
        ({"additionalProperties": False}, {"a": C}),
        ({"properties": {"b": {}}, "additionalProperties": False}, {"a": C}),
        ({"unevaluatedProperties": False}, {"a": C}),
        ({"additionalProperties": {"type": "integer"}}, {"a": C}),
        ({"patternProperties": {"^a": {"type": "integer"}}}, {"a": C}),
        ({"propertyNames": {"maxLength": 1}}, {"ab": C}),
        ({"required": ["b"]}, {"a": C}),
        ({"dependentRequired": {"a": ["b"]}}, {"a": C}),
        ({"dependentSchemas": {"a": False}}, {"a": C}),
        ({"anyOf": [{"type": "integer"}]}, C),
        ({"oneOf": [{}, {}]}, C),
        ({"oneOf": [{"type": "integer"}, {"type": "null"}]}, C),
        ({"not": {"type": "string"}}, C),
        ({"if": {"type": "string"}, "then": {"type": "integer"}}, C),
        ({"$ref": "#/$defs/n", "$defs": {"n": {"type": "integer"}}}, C),
        (False, C),
    ],
)
def test_a_mismatch_says_what_was_wrong_and_never_what_was_there(schema: Any, payload: Any):
    found = mismatch(schema, payload)

    assert found is not None
    assert found.errors
    assert all(error.pointer.startswith("/payload") and error.message for error in found.errors)
    assert C not in found.model_dump_json()
    assert "1717" not in found.model_dump_json()


@pytest.mark.parametrize(
    ("schema", "pointers"),
    [
        ({"properties": {"b": {}}, "additionalProperties": False}, ["/payload/a", "/payload/c"]),
        ({"properties": {"b": {}}, "unevaluatedProperties": False}, ["/payload/a", "/payload/c"]),
        ({"propertyNames": {"const": "b"}}, ["/payload/a", "/payload/c"]),
    ],
)
def test_a_field_that_may_not_be_there_is_pointed_at(schema: Any, pointers: list[str]):
    found = mismatch(schema, {"a": 1, "b": 2, "c": 3})

    assert found is not None
    assert [error.pointer for error in found.errors] == pointers
    assert all("a" not in error.message.split() for error in found.errors)


def long_keys(count: int) -> dict[str, int]:
    return {f"a-rather-long-key-{n}": 1 for n in range(count)}


SHORT_NAMES = {"propertyNames": {"maxLength": 2}}


@pytest.mark.parametrize(
    ("schema", "payload", "pointer", "said"),
    [
        (SHORT_NAMES, long_keys(1000), "/payload/a-rather-long-key-0", "longer than"),
        (SHORT_NAMES, long_keys(10_000), "/payload/a-rather-long-key-0", "longer than"),
        (
            {"dependentRequired": {f"r{n}": [f"x{m}" for m in range(50)] for n in range(150)}},
            {f"r{n}": 1 for n in range(150)},
            "/payload",
            "required property",
        ),
        ({"required": [f"r{n}" for n in range(5000)]}, {}, "/payload", "required property"),
        ({"items": {"type": "string"}}, [1] * 85_000, "/payload/0", "not of type"),
    ],
)
def test_of_many_errors_at_most_the_first_is_looked_for(
    schema: Any, payload: Any, pointer: str, said: str
):
    """Each error would hold a copy of the payload: together they took up to a minute."""
    cost = compiled(schema).bounds.cost_of(payload)
    found = mismatch(schema, payload)

    assert cost is not None
    assert (cost.can_list_errors, cost.can_name_first_error) == (False, True)
    assert found is not None
    assert [error.pointer for error in found.errors] == [pointer]
    assert said in found.errors[0].message


@pytest.mark.parametrize("keyword", ["anyOf", "oneOf"])
def test_of_many_errors_below_an_alternative_not_even_the_first(keyword: str):
    """It would list those of every branch, each with its copy of the payload."""
    schema = {"allOf": [{keyword: [SHORT_NAMES, {"type": "null"}]}]}

    cost = compiled(schema).bounds.cost_of(long_keys(1000))

    assert cost is not None
    assert not cost.can_name_first_error
    assert pointers_of(schema, long_keys(1000)) == ["/payload"]
    assert pointers_of(schema, long_keys(3)) == ["/payload"]


ORDER_LINE = {
    "type": "object",
    "additionalProperties": False,
    "required": ["sku", "count", "price"],
    "properties": {
        "sku": {"type": "string", "pattern": "^[A-Z]{2}-[0-9]+$", "maxLength": 20},
        "count": {"type": "integer", "minimum": 1},
        "price": {"type": "number", "multipleOf": 0.01},
        "note": {"type": ["string", "null"]},
        "country": {"enum": [f"c{n}" for n in range(250)]},
    },
}
UUID = "6f9619ff-8b86-d011-b42d-00cf4fc964ff"


@pytest.mark.parametrize(
    ("schema", "payload"),
    [
        (
            {"type": "array", "items": ORDER_LINE},
            [{"sku": "AB-123", "count": 1, "price": 1.25, "note": None, "country": "c249"}] * 3500,
        ),
        ({"items": {"type": "integer", "minimum": 0}}, list(range(45_000))),
        ({"items": {"pattern": "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"}}, [UUID] * 6500),
        ({"items": {"format": "uuid"}}, [UUID] * 6500),
        ({"type": "string", "maxLength": 300_000}, "x" * 250_000),
        ({"uniqueItems": True, "contains": {"const": 7}}, list(range(45_000))),
    ],
)
def test_the_largest_payloads_of_ordinary_schemas_are_checked(schema: Any, payload: Any):
    assert 200_000 < len(json.dumps(payload)) < 350_000
    assert pointers_of(schema, payload) == []


@pytest.mark.parametrize(
    ("schema", "payload"),
    [
        ({"pattern": "a[ab]{3000}[cd]"}, "ab" * 120_000),
        ({"pattern": "a(a|b){900}[cd]"}, "ab" * 120_000),
        ({"pattern": "a(?:a?(b?){3}){100}c"}, "ab" * 120_000),
        ({"patternProperties": {"a[ab]{3000}[cd]": {}}}, {"ab" * 120_000: 1}),
        ({"propertyNames": {"pattern": "a[ab]{3000}[cd]"}}, {"ab" * 120_000: 1}),
        ({"allOf": [{"contains": {"const": 0}, "minContains": 0}] * 20}, [1] * 85_000),
        ({"items": {"multipleOf": 0.01}}, [1e300] * 36_000),
        ({"items": {"multipleOf": 0.01}}, [1e-300] * 36_000),
        ({"items": {"allOf": [{"multipleOf": 0.01}] * 5}}, [0.1] * 13_000),
        ({"items": {"allOf": [{"minimum": 7}] * 20}}, [10**25] * 9000),
        ({"items": {"enum": [{}, *range(100)]}}, [100] * 60_000),
        ({"items": {"allOf": [{"format": "idn-hostname"}] * 20}}, ["ü.com"] * 20_000),
    ],
)
def test_slow_keywords_over_large_payloads_are_not_begun(schema: Any, payload: Any):
    """Each of these took the validator from 0.1 to 5 seconds."""
    assert compiled(schema).bounds.cost_of(payload) is None


@pytest.mark.parametrize("divisor", [1e-300, 1e-16, 1e16, 10**300])
def test_multiples_beyond_a_doubles_digits_are_refused(divisor: float):
    assert "multipleOf" in refusal({"items": {"multipleOf": divisor}})


def test_patterns_that_expand_beyond_measure_are_refused():
    assert "states" in refusal({"pattern": "((a{100}){100}){100}"})


def states_of(schema):
    return sum(patterns.states(pattern) for pattern, _ in patterns_of(schema))


@pytest.mark.parametrize(
    ("pattern", "states"),
    [
        ("", 0),
        ("abc", 3),
        ("^[A-Z]{2}-[0-9]+$", 7),
        (r"\p{Lu}{3}\d\{2}", 7),
        ("(a|b){10}", 30),
        ("((a{2}){3,}){4,5}", 30),
        ("[]a]{2}[^]{3}]", 3),
        ("(a{10}[])]){10}", 110),
        ("a{10}?{10}", 101),
        (r"\(?x[(?x]", 4),
        ("a{0}b{,3}c{ 02 , 0000000004 }d{}", 9),
        ("[a\\]{3}", 1),
        (")(", 1),
        ("((((", 0),
    ],
)
def test_the_states_of_a_pattern_are_its_parts_multiplied_out(pattern: str, states: int):
    assert states_of({"pattern": pattern}) == states
    assert states_of({"patternProperties": {pattern: True}}) == states


@pytest.mark.parametrize("flag", ["(?x)", "(?ix:a)", "\\\\(?x)"])
def test_patterns_with_comments_are_refused(flag: str):
    assert "flag x" in refusal({"pattern": flag + "(abc) {30}"})


@given(st.text(st.sampled_from("ab(){}[],0159\\^p|")))
def test_any_text_has_a_number_of_states(pattern: str):
    assert states_of({"pattern": pattern}) >= 0


@pytest.mark.parametrize("part", ["[", "\\p{", "{", "{ ", "{1", "(", "[\\", "\\"])
def test_the_states_of_a_pattern_are_counted_in_one_pass(part: str):
    """Looking for a missing end anew from each beginning would take minutes."""
    assert states_of({"pattern": part * (MAX_SCHEMA_BYTES // len(part))}) >= 0


def test_formats_are_checked():
    assert pointers_of({"format": "email"}, "nobody") == ["/payload"]
    assert pointers_of({"format": "email"}, "some@example.com") == []


def test_true_is_not_one_to_a_schema():
    assert pointers_of({"const": 1}, True) == ["/payload"]
    assert pointers_of({"const": True}, True) == []
    assert pointers_of({"enum": [0]}, False) == ["/payload"]


@given(VALUES, st.sampled_from([True, TREE, EXPRESSION, {"type": "integer"}, {"not": {}}]))
def test_any_payload_gets_an_answer(payload: Any, schema: Any):
    found = mismatch(schema, payload)

    assert found is None or found.errors
