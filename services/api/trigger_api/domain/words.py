"""The words of a text: what a search in payloads compares.

A word is a longest run of word characters, in lower case. The same rule stands in SQL, for
whole payloads, in retention's migration 0002; a test holds the two together. What separates
words is written out as ranges, so that it depends on nobody's version of Unicode: everything in
ASCII but letters and digits, Latin-1's signs, and the general and CJK punctuation.
"""

import re
from typing import Any

from pydantic_core import to_json

WORD = re.compile("[0-9a-z\u00c0-\u1fff\u2070-\u2fff\u3040-\U0010ffff]+")

_ESCAPE = re.compile(r"\\(?:u[0-9A-Fa-f]{4}|.)")
_SMALL_I = {0x130: "i"}
"""The only character whose lower case is two (it is one in PostgreSQL's)."""


def words_of(text: str) -> tuple[str, ...]:
    """Each word once, in the order of their first occurrence."""
    return tuple(dict.fromkeys(WORD.findall(_lower(text))))


def words_in(payload: Any) -> set[str]:
    """The words of a payload: of its JSON text, names of members and numbers included.

    In that text an escaped character (a quote, a line break) separates words.
    """
    return set(words_of(_ESCAPE.sub(" ", to_json(payload).decode())))


def _lower(text: str) -> str:
    """Each character by itself, as PostgreSQL does it: no rule looks at its neighbours."""
    if text.isascii():
        return text.lower()
    return "".join(map(str.lower, text.translate(_SMALL_I)))
