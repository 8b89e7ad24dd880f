"""How long answers may wait to be taken: those of one connection, and those of all together.

Pure: bytes and the time are arguments. Whoever takes next to nothing for ``UNREAD_S`` does not
want its answer; whoever takes less than ``LEAST_RATE`` keeps memory that others need. Once all
that waits exceeds ``MAX_UNREAD_BYTES``, those who have not been done for the longest are cut.
"""

from collections.abc import Iterable
from typing import Protocol, TypeVar

UNREAD_S = 10.0
"""An answer of which next to nothing is taken for so long is not wanted."""
UNREAD_BYTES = 32 * 1024
"""Of it, or what is left of it: a trickle is next to nothing."""
LEAST_RATE = 64 * 1024
"""Bytes a second: n of them are taken within ``UNREAD_S`` and n / ``LEAST_RATE`` seconds."""
MAX_UNREAD_BYTES = 64 * 1024 * 1024
"""Of all answers that wait: some fifty of the largest pages of a list."""
QUICK_S = 0.2
"""Whoever reads at all has taken a page by then: it is not cut for what others leave."""


class Unread:
    """What waits of one connection's answers."""

    def __init__(self) -> None:
        self.size = 0
        self.since = 0.0
        """Since when there has always been something."""
        self._written = 0
        self._due = 0.0
        """When all of it is taken at the least rate."""
        self._taken, self._taken_since = 0, 0.0

    def wrote(self, count: int) -> None:
        """``count`` more bytes are to be taken."""
        self._written += count

    def look(self, size: int, now: float) -> None:
        """``size`` of them wait ``now``."""
        if not (size and self.size):
            self.since = self._due = self._taken_since = now
            self._taken = 0
        # Whoever was quick before has no more time for what is left.
        self._due = min(self._due + self._written / LEAST_RATE, now + size / LEAST_RATE)
        self._taken += self.size + self._written - size
        if self._taken >= UNREAD_BYTES:
            self._taken, self._taken_since = 0, now
        self.size, self._written = size, 0

    def is_overdue(self, now: float) -> bool:
        """Whether its reader is too slow, or none; as of the last look."""
        return self.size > 0 and now - min(self._due, self._taken_since) > UNREAD_S


class Reader(Protocol):
    """A connection, as far as its answers are concerned."""

    unread: Unread


R = TypeVar("R", bound=Reader)


def too_many(readers: Iterable[R], now: float) -> list[R]:
    """Whoever must be cut so that all that waits has room."""
    waiting = sorted((one for one in readers if one.unread.size), key=lambda one: one.unread.since)
    excess = sum(one.unread.size for one in waiting) - MAX_UNREAD_BYTES
    cut = []
    for one in waiting:
        if excess <= 0 or now - one.unread.since < QUICK_S:
            break
        cut.append(one)
        excess -= one.unread.size
    return cut
