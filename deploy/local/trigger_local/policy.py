"""What the supervisor decides, apart from what it does.

When a start has failed for good, when to look how far the streams are, and what was said before.
Pure: instants are arguments, in seconds of the monotonic clock.
"""

from dataclasses import dataclass
from typing import Generic, TypeVar

from .errors import ExitedEarlyError, LocalError, NotReadyError

EARLY_STARTS = 3
"""A program that dies this often before it was ready once will not get better by itself."""

LOOK_EVERY = 30.0
"""Seconds between two notes of how far the streams are."""

_Said = TypeVar("_Said")


@dataclass(frozen=True, slots=True)
class Start:
    """How a program's first start goes that is not ready yet."""

    name: str
    starts: int
    last_exit: int | None
    trouble: str | None
    """Why it does not run, where that is known."""
    log: str
    """Where its output is."""

    def failure(self, now: float, deadline: float, timeout_s: float) -> LocalError | None:
        """Why nobody waits for it any longer; None while somebody does."""
        if self.starts > EARLY_STARTS and self.last_exit is not None:
            return ExitedEarlyError(self.name, self.last_exit, self.log)
        if now > deadline:
            return NotReadyError(self.name, timeout_s, self.trouble or f"its log is {self.log}")
        return None


class LookTimes:
    """When to look at the streams: now and then, and soon after a server was started again.

    A server that was started again may have lost its files with its life.
    """

    def __init__(self, now: float, starts: int) -> None:
        self._looked_at = now
        self._starts = starts

    def is_due(self, now: float, starts: int, *, complete: bool) -> bool:
        """``starts`` of all servers so far; nothing is due before the platform is complete."""
        if not complete:
            self._starts = starts
            return False
        return starts != self._starts or now - self._looked_at > LOOK_EVERY

    def looked(self, now: float, starts: int, *, answered: bool) -> None:
        """Servers that did not answer are looked at again soon, if it was for a start of theirs."""
        self._looked_at = now
        if answered:
            self._starts = starts


class LastSaid(Generic[_Said]):
    """What was said last, so that the same is not said at each look."""

    def __init__(self, nothing: _Said) -> None:
        self._last = nothing

    def is_new(self, said: _Said) -> bool:
        """Whether it differs from what was said before; it is what was said last from now on."""
        before, self._last = self._last, said
        return said != before
