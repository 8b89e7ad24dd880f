"""Cron expressions that are one digit apart: every keystroke makes another one that is valid.

Pure. No answer that the page kept is of use to it, for none comes twice.
"""

from collections.abc import Iterator
from dataclasses import dataclass

_DIGITS = (range(10), range(10), range(1, 10), range(1, 10))
"""Of the minute, the hour, the day and the month; each field is one digit long."""
FIRST = "0 0 1 1 *"


@dataclass(frozen=True, slots=True)
class Stroke:
    at: int
    """The character that the digit replaces."""
    digit: str
    makes: str


def strokes(count: int) -> list[Stroke]:
    """From ``FIRST`` on; a reflected Gray code, so only one digit changes at a time."""
    found = []
    places = [0] * len(_DIGITS)
    steps = [1] * len(_DIGITS)
    walk = _changes(places, steps)
    for _ in range(count):
        field = next(walk)
        said = [str(digits[place]) for digits, place in zip(_DIGITS, places, strict=True)]
        found.append(Stroke(2 * field, said[field], " ".join([*said, "*"])))
    return found


def _changes(places: list[int], steps: list[int]) -> Iterator[int]:
    while True:
        for field, digits in enumerate(_DIGITS):
            moved = places[field] + steps[field]
            if 0 <= moved < len(digits):
                places[field] = moved
                yield field
                break
            steps[field] = -steps[field]
        else:
            return
