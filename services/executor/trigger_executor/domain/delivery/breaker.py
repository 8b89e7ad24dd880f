"""The circuit breaker of a target: spares an endpoint that fails, and those who would wait for it.

Closed, it lets everything through. Five failures in a row open it, for 10 s at first and twice as
long each time, up to 5 min; then it is half-open and lets one attempt through, whose success closes
it and whose failure opens it again. It delays and never ends a delivery, and nothing is switched
off for good: what says that it is gone is asked again after an hour. Pure and immutable.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

OPENS_AFTER = 5
"""Failures in a row."""
FIRST_OPEN = timedelta(seconds=10)
LONGEST_OPEN = timedelta(minutes=5)
MOST_LONGER = 0.2
"""An open breaker waits up to so much longer, at random: endpoints that died together would
otherwise be asked at the same instants."""
GONE_FOR = timedelta(hours=1)
"""After a receiver said that it wants no more (410, or ``webhook-delivery: disable``)."""
_MOST_DOUBLINGS = 16
"""Far beyond ``LONGEST_OPEN``, and far from a number that a duration cannot hold."""


@dataclass(frozen=True, slots=True)
class Breaker:
    """Closed where ``open_until`` is None, half-open once that has come.

    ``failures`` and ``openings`` are counted since the last success.
    """

    failures: int = 0
    openings: int = 0
    open_until: datetime | None = None
    is_gone: bool = False

    def is_open(self, now: datetime) -> bool:
        """Whether no attempt may start."""
        return self.open_until is not None and now < self.open_until

    def is_half_open(self, now: datetime) -> bool:
        """Whether one attempt may start, to see how the endpoint is."""
        return self.open_until is not None and now >= self.open_until

    def succeeded(self) -> "Breaker":
        return CLOSED

    def failed(self, now: datetime, draw: float, *, is_probe: bool) -> "Breaker":
        """After an attempt that failed; ``draw`` is at random, from 0 to below 1.

        ``is_probe``: it was the one attempt of a half-open breaker. Others that fail while it is
        not closed were under way when it opened, and say nothing new.
        """
        failures = self.failures + 1
        if is_probe or (self.open_until is None and failures >= OPENS_AFTER):
            openings = self.openings + 1
            until = now + open_for(openings, draw)
            return Breaker(failures, openings, until)
        return replace(self, failures=failures)

    def gone(self, now: datetime) -> "Breaker":
        """After an answer that wants no more of it."""
        return Breaker(self.failures + 1, self.openings + 1, now + GONE_FOR, is_gone=True)

    def half_opened(self, now: datetime) -> "Breaker":
        """Asked before its time: the target was edited, or tested and found well."""
        if self.open_until is None:
            return self
        return replace(self, open_until=min(self.open_until, now), is_gone=False)


CLOSED = Breaker()


def open_for(openings: int, draw: float) -> timedelta:
    """How long the ``openings``-th opening in a row lasts (from 1)."""
    doubled = FIRST_OPEN * (1 << min(openings - 1, _MOST_DOUBLINGS))
    return min(doubled, LONGEST_OPEN) * (1 + MOST_LONGER * draw)
