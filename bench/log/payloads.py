"""What the rows of the bench say: payloads of words and ids, the same in every run.

Words are made up and as unevenly spread as those of a language (Zipf): some are in most rows,
some in few. A payload's note is two of the ``Notes``' halves, so few texts make millions, and
SQL can write them. Pure.
"""

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate

SEED = 4
WORDS = 2000
HALVES = 4096
"""Of each of the two kinds."""
WORDS_OF_A_HALF = 19
CUSTOMERS = 10_000

_SYLLABLES = [consonant + vowel for consonant in "bdfgklmnprstv" for vowel in "aeiou"]


@dataclass(frozen=True)
class Notes:
    """``firsts`` and ``seconds``: a note is one of each, with a space between."""

    firsts: Sequence[str]
    seconds: Sequence[str]

    @cached_property
    def shares(self) -> dict[str, float]:
        """Of all notes, how many have each word."""
        of_first, of_second = _shares(self.firsts), _shares(self.seconds)
        return {
            word: 1 - (1 - of_first.get(word, 0.0)) * (1 - of_second.get(word, 0.0))
            for word in sorted({*of_first, *of_second})
        }

    def words_in(self, share: float, count: int) -> list[str]:
        """The words that come nearest to being in so many of all notes."""
        return sorted(self.shares, key=lambda word: abs(self.shares[word] - share))[:count]


def notes(seed: int = SEED) -> Notes:
    numbers = random.Random(seed)
    words = _vocabulary(numbers)
    weights = list(accumulate(1 / rank for rank in range(1, WORDS + 1)))

    def half() -> str:
        return " ".join(numbers.choices(words, cum_weights=weights, k=WORDS_OF_A_HALF))

    return Notes(*([half() for _ in range(HALVES)] for _ in range(2)))


def payload(made: Notes, number: int) -> dict[str, object]:
    """The payload of the row that arrives as ``number``: as ``loading`` writes them by SQL."""
    numbers = random.Random(number)
    return {
        "order_id": f"ord-{numbers.getrandbits(48):012x}",
        "customer": f"cust-{numbers.randrange(CUSTOMERS)}",
        "cents": numbers.randrange(100_000),
        "note": f"{numbers.choice(made.firsts)} {numbers.choice(made.seconds)}",
    }


def _vocabulary(numbers: random.Random) -> list[str]:
    """The commonest first, and like those of a language the shortest."""
    found: dict[str, None] = {}
    while len(found) < WORDS:
        syllables = 2 + len(found) * 3 // WORDS
        found["".join(numbers.choices(_SYLLABLES, k=syllables))] = None
    return list(found)


def _shares(halves: Sequence[str]) -> dict[str, float]:
    count = Counter(word for half in halves for word in set(half.split()))
    return {word: times / len(halves) for word, times in count.items()}
