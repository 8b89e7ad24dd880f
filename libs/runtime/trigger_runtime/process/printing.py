"""Text of others on a terminal or in a plain log: one line, and nothing that a terminal obeys.

Names, paths and headers are written by strangers. A line break in one would forge a line, an
escape sequence would clear the screen or colour it, a mark of direction would show it reversed.
Pure; used by the services' logs and by everything that ``etp`` prints.
"""

import unicodedata

_HIDDEN = frozenset({"Cc", "Cs", "Zl", "Zp"})
"""Unicode's categories of controls, surrogates and separators of lines and paragraphs."""

_DIRECTIONS = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""What reorders the text beside it."""


def printable(text: str, *, keep: str = "") -> str:
    r"""``text`` with everything that is obeyed rather than shown written as ``\x1b`` is.

    ``keep``: characters left as they are, such as a traceback's line breaks.
    """
    if text.isprintable():
        return text
    return "".join([one if one in keep or _is_shown(one) else _escaped(one) for one in text])


def _is_shown(character: str) -> bool:
    return unicodedata.category(character) not in _HIDDEN and character not in _DIRECTIONS


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")
