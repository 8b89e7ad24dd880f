"""What single keywords, patterns and payloads cost, in the units of ``schema_bounds``.

The weights were measured with the validator, each keyword at its slowest; an ordinary one
is 1. Pure arithmetic, called by ``schema_bounds`` alone.
"""

from typing import Any

from . import formats
from .patterns import Unusable

_CHARACTERS_PER_EVALUATION = 64
"""A keyword looks at about so many characters in the time of one evaluation."""

_FRACTION_EVALUATIONS = 24
"""``multipleOf`` a fraction calculates exactly: 0.7 to 2.7 µs where a comparison takes 0.03."""

_NUMBER_IN_ENUM_EVALUATIONS = 4
"""Numbers of a mixed ``enum`` are compared one by one and exactly: 0.17 µs each."""

_EXTREME_NUMBER = 16
"""The size of a float beyond 15 digits either way: exact arithmetic on it takes 20 µs."""

_EXACT_BITS = 53
"""Bits of an integer up to which it is a double too."""

_BITS_PER_EVALUATION = 4
"""The size of an integer beyond 53 bits, whose digits are read anew by each comparison."""

_SMALLEST, _LARGEST = 1e-15, 1e15
"""``multipleOf`` beyond what a double tells apart says nothing, and takes the longest."""


def _values(value: Any) -> int:
    """How many values there are in a JSON value."""
    return measured(value)[0]


def evaluations_of(key: str, value: Any) -> int:
    """How many evaluations a keyword takes that holds no schemas; raises ``Unusable``."""
    if key == "multipleOf" and isinstance(value, int | float):
        if not _SMALLEST <= value <= _LARGEST:
            raise Unusable(f"must be from {_SMALLEST} to {_LARGEST}")
        return 2 if float(value).is_integer() else _FRACTION_EVALUATIONS
    if key == "enum" and isinstance(value, list):
        # Texts alone are looked up, not compared: 250 of them take as long as one.
        if all(isinstance(one, str) for one in value):
            return 2
        numbers = sum(isinstance(one, int | float) for one in value)
        return _values(value) + (_NUMBER_IN_ENUM_EVALUATIONS - 1) * numbers
    if key == "format" and isinstance(value, str):
        return formats.cost_of({key: value}).evaluations
    return _values(value)


def patterns_of(schema: dict[str, Any]) -> list[tuple[str, tuple[str, ...]]]:
    """The patterns that a subschema itself holds a text, or its keys, to; and where each stands."""
    pattern, named = schema.get("pattern"), schema.get("patternProperties")
    found = [(pattern, ("pattern",))] if isinstance(pattern, str) else []
    members = list(named) if isinstance(named, dict) else []
    return [*found, *((one, ("patternProperties", one)) for one in members)]


def measured(value: Any) -> tuple[int, int, int]:
    """The size of a JSON value in evaluations, its depth, and its characters, keys included."""
    if not isinstance(value, dict | list):
        size, depth, characters = measured([value])
        return size - 1, depth - 1, characters
    size, depth, characters = 1, 0, 0
    level = [value]
    while level:
        depth += 1
        deeper: list[Any] = []
        for container in level:
            size += len(container)
            if isinstance(container, dict):
                characters += sum(map(len, container))
            for one in container.values() if isinstance(container, dict) else container:
                if isinstance(one, dict | list):
                    deeper.append(one)
                elif isinstance(one, str):
                    characters += len(one)
                elif one is not None:
                    size += _beyond_ordinary(one)
        level = deeper
    return size + characters // _CHARACTERS_PER_EVALUATION, depth, characters


def _beyond_ordinary(number: float) -> int:
    """What a number counts beside being a value; 0 for those that people write, and booleans."""
    if isinstance(number, int):
        bits = number.bit_length()
        return bits // _BITS_PER_EVALUATION if bits > _EXACT_BITS else 0
    return _EXTREME_NUMBER if number and not _SMALLEST < abs(number) < _LARGEST else 0
