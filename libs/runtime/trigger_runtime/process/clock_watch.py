"""Whether this machine's clock agrees with those that others go by.

PostgreSQL's clock is the clock of record, so that nothing is wrong for it: what is due, late and
past is decided there. But instants that this process stamps are off, and whoever reads its log
is misled, so it says so: in ``/ready``, where it stays ready, and once in the log.
"""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta

from .clock import Clock
from .errors import DependencyUnavailable, Noted
from .logging_setup import get_logger
from .loops import Loop

log = get_logger(__name__)

LOOK_EVERY = timedelta(seconds=5)
TOLERATED = timedelta(seconds=5)
"""Machines that keep time by NTP differ by milliseconds; one that was moved while it ran catches
up within seconds."""

CLOCK_OF_RECORD = "PostgreSQL's"
BROKERS_CLOCK = "the broker's"
"""Names of others' clocks."""

AskClock = Callable[[], Awaitable[datetime]]
"""What another clock shows; raises DependencyUnavailable."""


class ClockWatch:
    """Compares ``clock`` with others, which have names as in "the broker's"."""

    def __init__(self, clock: Clock, others: Mapping[str, AskClock]) -> None:
        self._clock = clock
        self._others = others
        self._off: dict[str, timedelta] = {}
        """By how much at least this clock is ahead of each; negative where it is behind."""

    async def check(self) -> None:
        """For readiness: raises Noted where it is off."""
        if told := self._told():
            raise Noted(told)

    def loop(self) -> Loop:
        """Looks at the others now and then; not yet started."""
        return Loop("watch clocks", self.look)

    async def look(self) -> timedelta:
        """One look at each; of one that does not answer, what was found last holds."""
        was_off = bool(self._off)
        for name, ask in self._others.items():
            before = self._clock.now()
            try:
                shown = await ask()
            except DependencyUnavailable:
                continue  # Other checks tell that.
            # It was read between two looks at ours: only what is off whenever that was is off.
            ahead, behind = before - shown, shown - self._clock.now()
            if max(ahead, behind) > TOLERATED:
                self._off[name] = ahead if ahead > behind else -behind
            else:
                self._off.pop(name, None)
        if self._off and not was_off:
            log.warning("this machine's clock is off", said=self._told())
        elif was_off and not self._off:
            log.info("this machine's clock is right again")
        return LOOK_EVERY

    def _told(self) -> str:
        told = [_words(off, name) for name, off in self._off.items()]
        return f"this machine's clock is {', '.join(told)}" if told else ""


def _words(off: timedelta, name: str) -> str:
    way = "ahead of" if off > timedelta() else "behind"
    return f"{abs(off.total_seconds()):.0f} s {way} {name}"
