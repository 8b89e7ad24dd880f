"""The words of a text: what a search in payloads compares.

Letters, marks and numbers make words; everything else separates them. Texts are compared as
Unicode's NFKC_Casefold has them (normalised, case-folded, without what is not seen), with one
letter i for the Turkish ones, too. Of a script that is written without spaces any part of a run
is found.

The same rule stands in SQL, for whole payloads, in retention's migration 0003; a test holds the
two together.
"""

import re
from dataclasses import dataclass
from typing import Any, Self
from unicodedata import normalize

from pydantic_core import to_json

from .word_characters import CONTINUOUS, IGNORED, SPACED, SYMBOLS

SEARCHED_CHARACTERS = 10_000
"""Of a payload's JSON text so many are looked through, from its beginning: at most 5,000 words.
Retention's ``is_cut`` tells which payloads are longer."""

_WORD = re.compile(f"[{SPACED}]+")
_RUN = re.compile(f"[{CONTINUOUS}]+")
_WORD_OR_RUN = re.compile(f"[{SPACED}]+|[{CONTINUOUS}]+")
_UP_TO_LAST_WORD = re.compile(f".*[^{SPACED}]", re.DOTALL)
_ESCAPE = re.compile(r"\\(?:u[0-9A-Fa-f]{4}|.)")
_IGNORED = re.compile(f"[{IGNORED}]+")
_SYMBOLS = re.compile(f"[{SYMBOLS}]+")
_DOTTED_I = "i\u0307"
_DOTLESS_I = "\u0131"


@dataclass(frozen=True, slots=True)
class Words:
    """What is looked for in a payload, or found in one."""

    text: str
    spaced: frozenset[str]
    runs: tuple[str, ...]

    @classmethod
    def of(cls, text: str) -> Self:
        folded = _folded(text)
        return cls(folded, frozenset(_WORD.findall(folded)), tuple(_RUN.findall(folded)))

    @classmethod
    def in_payload(cls, payload: Any) -> Self:
        """Of its JSON text, names of members and numbers included.

        In that text an escaped character (a quote, a line break) separates words.
        """
        text = to_json(payload).decode()
        if len(text) > SEARCHED_CHARACTERS:
            # What was cut in two is not a word.
            whole = _UP_TO_LAST_WORD.match(text[:SEARCHED_CHARACTERS])
            text = "" if whole is None else whole[0]
        return cls.of(_ESCAPE.sub(" ", text))

    def hold(self, wanted: "Words") -> bool:
        """Whether all of ``wanted`` are among these."""
        return self.spaced >= wanted.spaced and all(
            any(run in mine for mine in self.runs) for run in wanted.runs
        )


def words_of(text: str) -> tuple[str, ...]:
    """Each word and run once, in the order of their first occurrence."""
    return tuple(dict.fromkeys(_WORD_OR_RUN.findall(_folded(text))))


def is_run(word: str) -> bool:
    """Whether a word is found as a part of others, too."""
    return _RUN.fullmatch(word) is not None


def _folded(text: str) -> str:
    if text.isascii():
        return text.lower()
    text = _SYMBOLS.sub(" ", _IGNORED.sub("", text))
    text = normalize("NFKC", normalize("NFKC", text).casefold())
    return text.replace(_DOTTED_I, "i").replace(_DOTLESS_I, "i")
