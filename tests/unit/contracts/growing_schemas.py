"""Families of schemas, each of which grows with a number until it must be refused."""

from collections.abc import Callable
from typing import Any

Schema = dict[str, Any]


def _repeated(part: str) -> Callable[[int], Schema]:
    return lambda size: {"pattern": part * size}


def _in_class(part: str) -> Callable[[int], Schema]:
    return lambda size: {"pattern": f"[{part * size}]"}


def _many(part: str) -> Callable[[int], Schema]:
    return lambda size: {"allOf": [{"pattern": f"{part}{n}"} for n in range(size)]}


def _each(schema: Any) -> Callable[[int], Schema]:
    return lambda size: {"properties": {f"p{n}": schema for n in range(size)}}


def _unevaluated_beside_a_reference(size: int) -> Schema:
    names = {f"p{n}": {} for n in range(size)}
    parts = [{"$ref": "#/$defs/a", "unevaluatedProperties": False}] * min(size, 500)
    return {"$defs": {"a": {"properties": names}}, "allOf": parts}


def _unevaluated_doubling(size: int) -> Schema:
    levels = size.bit_length() + 2
    names: Schema = {
        f"a{n}": {"allOf": [{"$ref": f"#/$defs/a{n + 1}"}] * 2, "unevaluatedProperties": False}
        for n in range(levels)
    }
    return {"$defs": {**names, f"a{levels}": {"type": "object"}}, "$ref": "#/$defs/a0"}


FAMILIES: dict[str, Callable[[int], Schema]] = {
    "words": _repeated(r"\w"),
    "digits": _repeated(r"\d"),
    "blanks": _repeated(r"\s"),
    "no words": _repeated(r"\W"),
    "control letters": _repeated(r"\cA"),
    "words beside groups": lambda size: {"pattern": r"\w" * size + "(?:)" * 5 * size},
    "words beside a class": lambda size: {"pattern": r"\w" * size + "[" + "ab" * 5 * size + "]"},
    "words in a class": _in_class(r"\w\d\s"),
    "control letters in a class": _in_class(r"\cA"),
    "Unicode in a class": _in_class(r"\p{L}"),
    "both cases": lambda size: {"pattern": "(?i)[" + r"\p{L}" * size + "]"},
    "wide ranges in both cases": lambda size: {"pattern": "(?i)" + "[a-￿]" * size},
    "literals": _repeated("a"),
    "dots": _repeated("."),
    "alternatives": _repeated("(a|b)?"),
    "names of groups": lambda size: {"pattern": "".join(f"(?<n{n}>a)" for n in range(size))},
    "classes in classes": lambda size: {
        "allOf": [{"pattern": f"[[^a]b]{{{size}}}{n}"} for n in range(size)]
    },
    "repetition": lambda size: {"pattern": f"([a-z]{{{size}}}|é){{{size}}}"},
    "nested repetition": lambda size: {"pattern": "(" * 3 + "a?" + f"){{{size}}}" * 3},
    "unicode classes": _many(r"\p{L}{3}"),
    "unicode classes of both cases": _many(r"(?i)[^\p{Lu}]"),
    "small patterns": _many("[a-z]+"),
    "dates": _many(r"^\d{4}-\d\d-\d\d"),
    "names as patterns": lambda size: {"patternProperties": {f"^x{n}.*": {} for n in range(size)}},
    "types": _each({"type": "string"}),
    "formats": _each({"format": "email"}),
    "nots": _each({"not": {"not": {}}}),
    "arrays": _each({"items": {"items": True}}),
    "conditions": _each({"if": True, "then": {}, "else": {}}),
    "unevaluated beside a reference": _unevaluated_beside_a_reference,
    "unevaluated and doubling": _unevaluated_doubling,
}
