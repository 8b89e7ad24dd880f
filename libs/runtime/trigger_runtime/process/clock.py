"""The only place that reads the machine's clock.

Everything else takes a ``Clock`` (or an instant) as an argument, so that time is
testable. Instants are aware and in UTC. Lint forbids ``datetime.now`` elsewhere.
"""

import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """What asks for the time asks this."""

    def now(self) -> datetime:
        """The current instant, aware, in UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds from an arbitrary point; never steps back. For measuring and waiting."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()
