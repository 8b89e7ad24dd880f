"""Whether a payload schema is ready at once, or takes its time to be made ready.

Whoever serves many asks before it compiles one, so that the slow ones of one sender are made
ready one after the other, with pauses, beside what others ask for. A guess from the text, taken
in a fraction of the time that compiling takes; it errs towards slow. Pure but for ``payloads``,
which knows what is compiled. Bounds nothing: ``schema_bounds`` does.
"""

import contextlib
from collections.abc import Callable
from typing import Any

from . import patterns, payloads
from .errors import Refused

PROMPT_CHARACTERS = 2_000
"""Of the schema's text: a hand-written one of thirty fields."""

PROMPT_PARTS = 40
"""Objects within it: each takes 20 to 40 µs."""

PROMPT_PARTS_THAT_REFER = 10
"""The same where some refer to others, which is followed for each depth of a payload."""

PROMPT_PATTERNS_NS = 1_000_000
"""Of a core, for its patterns as they are estimated: half a millisecond in truth."""


PAUSE_FOR_EACH_S = 0.5
"""Of each second of compiling, left to everybody else afterwards."""


def takes_long(schema: Any, key: bytes | None = None) -> bool:
    """Whether compiling ``schema`` would take more than some 2 ms; False if it is known already.

    ``key``: its ``payloads.key_of``, if that is known.
    """
    if not isinstance(schema, dict) or payloads.is_known(schema, key):
        return False
    text = payloads.text_of(schema)
    if len(text) > payloads.MAX_SCHEMA_BYTES:
        return False  # refused as soon as its length is known
    parts = text.count("{")
    if len(text) > PROMPT_CHARACTERS or parts > PROMPT_PARTS:
        return True
    if parts > PROMPT_PARTS_THAT_REFER and "Ref" in text.replace('"$ref"', "Ref"):
        return True
    return sum(patterns.cost(one).ns for one in _patterns(schema)) > PROMPT_PATTERNS_NS


def make_ready(schema: Any, monotonic: Callable[[], float]) -> float:
    """Compile ``schema``, so that whoever needs it finds it, or finds its refusal.

    Returns the seconds that it took: others have their turn afterwards.
    """
    started = monotonic()
    with contextlib.suppress(Refused):
        payloads.check_schema(schema)
    return monotonic() - started


def _patterns(value: Any) -> set[str]:
    """Every text that may be a pattern, wherever it stands."""
    found: set[str] = set()
    pending = [value]
    while pending:
        one = pending.pop()
        if isinstance(one, list):
            pending += one
        elif isinstance(one, dict):
            pending += one.values()
            if isinstance(one.get("pattern"), str):
                found.add(one["pattern"])
            names = one.get("patternProperties")
            if isinstance(names, dict):
                found.update(names)
    return found
