"""What every candidate is asked to fire, and the file that tells a peer's program so.

The standard library alone: programs in the peers' own environment read it too. Instants are
epoch milliseconds, the finest that all peers understand.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

Occurrence = tuple[int, int]
"""Which trigger, by its number, and its nominal instant."""


@dataclass(frozen=True, slots=True)
class Workload:
    """Triggers by the offsets of their first occurrences, once or again and again."""

    name: str
    did: str
    offsets_ms: tuple[int, ...]
    every_ms: int | None = None
    rounds: int = 1

    @property
    def count(self) -> int:
        return len(self.offsets_ms)

    @property
    def fires(self) -> int:
        return self.count * self.rounds

    @property
    def window_ms(self) -> int:
        """From the first nominal instant until everything was due."""
        return max(self.offsets_ms) if self.every_ms is None else self.every_ms * self.rounds

    def firsts(self, begin_ms: int) -> list[int]:
        return [begin_ms + offset for offset in self.offsets_ms]

    def occurrences(self, begin_ms: int) -> set[Occurrence]:
        return {
            (number, first + round_ * (self.every_ms or 0))
            for number, first in enumerate(self.firsts(begin_ms))
            for round_ in range(self.rounds)
        }


@dataclass(frozen=True, slots=True)
class Plan:
    """What a peer's program has to know."""

    store: str | None
    """URL of its server; None: memory."""
    fires: str
    """The file in which it notes each fire."""
    every_ms: int | None
    """A fire is due again after so long, for ever: the bench ends the program."""
    firsts_ms: tuple[int, ...]
    """What to create, by number; empty for a worker whose triggers a client creates."""
    bulk: bool = False
    """Create by the peer's own call for many at once."""
    poll_ms: int | None = None
    """How often the worker looks for what is due; None: it need not, or decides by itself."""

    def write(self, path: Path) -> None:
        path.write_text(json.dumps(asdict(self)), encoding="ascii")

    @classmethod
    def read(cls, path: Path) -> Self:
        fields = json.loads(path.read_text(encoding="ascii"))
        return cls(**{**fields, "firsts_ms": tuple(fields["firsts_ms"])})
