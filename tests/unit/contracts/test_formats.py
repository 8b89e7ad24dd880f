"""No text takes a format longer than its weight says: measured against the validator itself."""

import time
from itertools import islice, product
from string import ascii_lowercase
from typing import Any

import pytest

from trigger_contracts.errors import Problem
from trigger_contracts.formats import MAX_REGEX_CHARACTERS
from trigger_contracts.payloads import compiled
from trigger_contracts.schema_bounds import MAX_PATTERN_WORK, MAX_WORK
from trigger_contracts.schema_costs import measured

FORMATS = (
    *("date", "time", "date-time", "duration", "email", "idn-email", "hostname", "idn-hostname"),
    *("ipv4", "ipv6", "uri", "uri-reference", "iri", "iri-reference", "uri-template", "uuid"),
    *("regex", "json-pointer", "relative-json-pointer"),
)
LENGTH = 250_000
MAX_SECONDS = 0.2
"""Of a processor: twice the promise, on a machine as fast as that which was measured on."""
TIMER_S = 0.001
"""What the clock and a busy machine add to what is short."""


def mismatch(schema: object, payload: object) -> Problem | None:
    return compiled(schema).mismatch(payload)


def named_groups(length: int) -> str:
    """No name stands twice: the validator looks for each among all that were before."""
    names = ("".join(letters) for letters in product(ascii_lowercase, repeat=4))
    return "".join(f"(?<{name}>)" for name in islice(names, length // len("(?<abcd>)")))


TEXTS = {
    "names of groups": named_groups(LENGTH),
    "references to groups": named_groups(LENGTH // 2) + r"\k<zzzz>" * (LENGTH // 16),
    "letters": "a" * LENGTH,
    "labels": "a." * (LENGTH // 2) + "a",
    "umlauts": "ü." * (LENGTH // 2) + "a",
    "punycode": "xn--mnchen-3ya." * (LENGTH // 15) + "com",
    "one label of punycode": "xn--" + "a" * LENGTH,
    "mathematical letters": "\U0001d400" * LENGTH,
    "joiners": "\u0628\u200c" * (LENGTH // 2) + "a",
    "accents": "a" + "\u0301\u0316" * (LENGTH // 2),
    "address": "a" * (LENGTH // 2) + "@" + "ü." * (LENGTH // 4) + "a",
    "path": "http://a/" + "../" * (LENGTH // 3),
    "host": "http://" + "a." * (LENGTH // 2),
    "escapes": "http://a/" + "%20" * (LENGTH // 3),
    "international path": "http://a/" + "ü" * LENGTH,
    "numbers": "http://[" + "1:" * (LENGTH // 2) + "]",
    "expressions": "{a}" * (LENGTH // 3),
    "variables": "{" + "a," * (LENGTH // 2) + "a}",
    "pointer": "/~0" * (LENGTH // 3),
    "relative pointer": "1" * LENGTH + "/a",
    "fraction": "12:00:00." + "1" * LENGTH + "Z",
    "parentheses": "(" * LENGTH,
}


def slowness() -> float:
    """How much slower this machine is, now, than the one on which the weights were measured."""
    begun = time.process_time()
    sum(range(60_000))
    return max((time.process_time() - begun) / 0.001, 1.0)


def took(validator: Any, payload: object) -> float:
    """Seconds of a processor, the better of two: the first one fills caches."""
    times = []
    for _ in range(2):
        slow, begun = slowness(), time.process_time()
        validator.is_valid(payload)
        times.append((time.process_time() - begun) / slow)
    return min(times)


@pytest.mark.parametrize("name", FORMATS)
def test_no_text_takes_a_format_longer_than_its_weight_says(name: str):
    """So whatever is affordable by its weight is checked in 100 ms, however often it is asked."""
    schema = compiled({"items": {"format": name}})
    evaluations, states = schema.bounds.evaluations[1], schema.bounds.states[1]
    for kind, text in TEXTS.items():
        for payload in ([text[:LENGTH]], [text[:300]] * 200, [text[:20]] * 1_000):
            size, _, characters = measured(payload)
            share = max(evaluations * size / MAX_WORK, states * characters / MAX_PATTERN_WORK)
            assert took(schema.validator, payload) < MAX_SECONDS * share + TIMER_S, kind


@pytest.mark.parametrize("kind", ["names of groups", "references to groups"])
def test_a_regular_expression_in_a_payload_is_held_to_a_length(kind: str):
    """250 kB of named groups took the validator 5 s, with everybody waiting."""
    begun = time.process_time()
    found = mismatch({"properties": {"rule": {"format": "regex"}}}, {"rule": TEXTS[kind]})

    assert time.process_time() - begun < MAX_SECONDS
    assert found is not None
    assert found.errors[0].pointer == "/payload/rule"
    assert f"at most {MAX_REGEX_CHARACTERS} characters" in found.errors[0].message


def test_regular_expressions_are_known_up_to_that_length():
    regex, name = {"format": "regex"}, {"propertyNames": {"format": "regex"}}

    assert mismatch(regex, "a" * MAX_REGEX_CHARACTERS) is None
    assert mismatch(regex, r"^\p{L}(?=b)(?<x>c)\k<x>$") is None
    assert mismatch(regex, 5) is None
    assert mismatch(regex, "a" * (MAX_REGEX_CHARACTERS + 1)) is not None
    for schema, payload in ((regex, "("), (name, {"(": 1})):
        found = mismatch(schema, payload)
        assert found is not None
        assert "regex" in found.errors[0].message


def test_a_long_text_beside_a_regular_expression_is_no_hindrance():
    schema = {"properties": {"rule": {"format": "regex"}, "host": {"format": "idn-hostname"}}}

    payload = {"rule": "^a+$", "host": "bücher.example", "text": "é" * 200_000}
    assert mismatch(schema, payload) is None
