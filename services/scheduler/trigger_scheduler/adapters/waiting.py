"""How long the oldest unanswered command has waited: in ``/ready``, and as a metric.

A queue that does not move looks, from outside, like one that is empty: nothing fails, and nothing
is answered. So its age is looked at each second, whoever holds the commands: all replicas tell
the same.
"""

import math
from collections.abc import Awaitable, Callable
from datetime import timedelta

from trigger_runtime.http.health import Health
from trigger_runtime.process.errors import NotReady
from trigger_runtime.process.loops import Loop

LOOK_EVERY = timedelta(seconds=1)


class WaitingCommands:
    """``oldest`` tells since when it is stored, by the broker's clock; None where nothing waits.

    ``monotonic`` returns seconds.
    """

    def __init__(
        self,
        oldest: Callable[[], Awaitable[timedelta | None]],
        monotonic: Callable[[], float],
        *,
        limit: timedelta,
    ) -> None:
        self._oldest = oldest
        self._monotonic = monotonic
        self._limit_s = limit.total_seconds()
        self._stored_at: float | None = None
        """By ``monotonic``."""
        self._is_known = False

    def measured_s(self) -> float:
        """As ``age_s``; NaN where the last look failed and nothing was waiting before it."""
        return self.age_s() if self._is_known or self._stored_at is not None else math.nan

    def age_s(self) -> float:
        """As seen last: between two looks it grows by itself."""
        if self._stored_at is None:
            return 0.0
        return self._monotonic() - self._stored_at

    def loop(self) -> Loop:
        """Keeps the metric true; not yet started."""

        async def look() -> timedelta:
            await self._look()
            return LOOK_EVERY

        return Loop("waiting commands", look)

    def tell(self, health: Health) -> None:
        """Readiness ends when the oldest one is older than the limit."""
        health.add("commands", self._check)
        health.tell("oldest_command_age_s", lambda: round(self.age_s(), 3))

    async def _look(self) -> None:
        try:
            age = await self._oldest()
        except BaseException:
            # Also where who asked has given up. Not before: it is measured during a look, too.
            self._is_known = False
            raise
        self._stored_at = None if age is None else self._monotonic() - age.total_seconds()
        self._is_known = True

    async def _check(self) -> None:
        await self._look()
        age_s = self.age_s()
        if age_s > self._limit_s:
            raise NotReady(f"the oldest unanswered command has waited for {age_s:.0f} s")
