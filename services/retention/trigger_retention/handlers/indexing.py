"""Indexes the words of rows whose hour is not over yet."""

from collections.abc import Callable
from datetime import timedelta

from trigger_retention.ports import EventLog
from trigger_runtime.process.clock import Clock

BEHIND = timedelta(seconds=0.5)
"""Age of what is projected from which on the log is said to catch up."""
LONGEST_POSTPONED_S = 30.0
"""What is slow to search meanwhile: at 20,000 rows a second, rows for 2 s of reading."""


class Indexer:
    """Indexes the words of new rows, as far as it is worth it and others leave it time."""

    def __init__(
        self,
        log: EventLog,
        clock: Clock,
        *,
        every: timedelta,
        lag: Callable[[], timedelta],
    ) -> None:
        """``lag``: how old what was projected last had become. A log that catches up goes first."""
        self._log = log
        self._clock = clock
        self._every = every
        self._lag = lag
        self._postponed_since: float | None = None

    async def index(self) -> timedelta:
        """One pass; how long to wait before the next: long enough for three quarters of the time
        to be left to those who write, whatever comes in.
        """
        begun = self._clock.monotonic()
        if self._is_postponed(begun) or not await self._log.index_words():
            return self._every
        return timedelta(seconds=3 * (self._clock.monotonic() - begun))

    def _is_postponed(self, now: float) -> bool:
        """While the log is behind, but not for ever: what is not indexed is slow to search."""
        if self._lag() < BEHIND:
            self._postponed_since = None
            return False
        if self._postponed_since is None:
            self._postponed_since = now
        return now - self._postponed_since < LONGEST_POSTPONED_S
