"""What each ``format`` of a payload schema costs, and the one whose checker is ours.

All formats take time in proportion to a text, but one: of a ``regex``, the validator compares
each name of a group with all others, and 250 kB of them took 5 s. It is held to a length here.
The weights were measured with jsonschema-rs 0.60, each format at its slowest over 70 kinds of
text of 250 kB, and rounded up. Called by ``schema_costs``, ``schema_graph``, ``payloads`` and
``mismatches``.
"""

from dataclasses import dataclass
from typing import Any

import jsonschema_rs

MAX_REGEX_CHARACTERS = 1_000
"""Of a text that must be a regular expression: at this length it takes 70 µs at the most."""

_REGEX = jsonschema_rs.Draft202012Validator({"format": "regex"}, validate_formats=True)


@dataclass(frozen=True, slots=True)
class FormatCost:
    """Of each text held to a format, in the units of ``schema_bounds``."""

    evaluations: int = 1
    states: int = 0
    """Of 4 ns for each character."""


_ORDINARY = FormatCost(states=2)

_COSTS = {
    # A call of Python's for each text, 2.3 µs; reading ten parentheses takes 6 µs.
    "regex": FormatCost(evaluations=150, states=25),
    "iri": FormatCost(states=4),
    "iri-reference": FormatCost(states=4),
    "uri-template": FormatCost(states=4),
    "idn-email": FormatCost(evaluations=8, states=4),
    "idn-hostname": FormatCost(evaluations=8, states=30),
}


def cost_of(schema: dict[str, Any]) -> FormatCost:
    """What the ``format`` of a subschema itself costs; a name that is not known costs little."""
    name = schema.get("format")
    if not isinstance(name, str):
        return FormatCost(evaluations=0)
    return _COSTS.get(name, _ORDINARY)


def is_regex(text: str) -> bool:
    """Whether a text is a regular expression, and short enough for that to be looked at."""
    return len(text) <= MAX_REGEX_CHARACTERS and _REGEX.is_valid(text)


CHECKERS = {"regex": is_regex}
"""What the validator asks instead of its own."""
