"""How late the process's event loop is: what blocks it keeps everybody in the process waiting.

A timer that is due each quarter of a second tells how late it was called. Nothing in here awaits
or locks, so it measures what everything else meets.
"""

import asyncio
import time

from .metrics import EVENT_LOOP_LAG

TICK_S = 0.25
"""Between two looks; four wake-ups a second cost nothing that can be measured."""
REMEMBERED_S = 30.0
"""The worst of at least so long is told: nobody's scrapes are further apart."""


class EventLoopLag:
    """The watch over one event loop. ``start`` within it."""

    def __init__(self) -> None:
        self._timer: asyncio.TimerHandle | None = None
        self._due = 0.0
        self._worst = self._worst_before = 0.0
        self._turned_at = 0.0

    def start(self) -> None:
        """Watch, and tell it in ``etp_event_loop_lag_seconds``."""
        self._turned_at = time.monotonic()
        self._arm()
        EVENT_LOOP_LAG.set_function(self.seconds)

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def seconds(self) -> float:
        """The worst lately, or what it is just now if that is more."""
        now_s = time.monotonic() - self._due if self._timer is not None else 0.0
        return max(0.0, now_s, self._worst, self._worst_before)

    def _arm(self) -> None:
        self._due = time.monotonic() + TICK_S
        self._timer = asyncio.get_running_loop().call_later(TICK_S, self._tick)

    def _tick(self) -> None:
        now = time.monotonic()
        self._worst = max(self._worst, now - self._due)
        if now - self._turned_at >= REMEMBERED_S:
            self._worst, self._worst_before, self._turned_at = 0.0, self._worst, now
        self._arm()
