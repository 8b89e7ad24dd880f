"""A target's rate limit: at most ``count`` attempts begin in any span of ``per``.

Exact over replicas and restarts by reservation: whoever serves the target stores how many attempts
began and how many more may begin before it stores again. A successor that finds a reservation which
was not given back takes all of it as used at the latest instant at which it can have been. So a
crash costs some of the limit for one span, and never exceeds it. No I/O, no clock.
"""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

EXACT_UP_TO = 1000
"""Starts that are remembered one by one; of a higher limit those of a thousandth of the span are
taken for one instant, the last of them, which errs on the limit's side."""
STORED_MARKS = 30
"""So many instants are stored: a successor waits at most a thirtieth of the span longer."""

LEEWAY = timedelta(milliseconds=10)
"""A span is longer by this: a request takes some time to its receiver, and not always the same."""

_SPANS = {"1s": timedelta(seconds=1), "1m": timedelta(minutes=1), "1h": timedelta(hours=1)}
_RESERVED = {"1s": 3.0, "1m": 0.25, "1h": 0.05}
"""How much of the limit is reserved at a time: more than begins before it is stored again where a
crash costs a second, little where it costs an hour."""


@dataclass(frozen=True, slots=True)
class RateLimit:
    """``count`` attempts in any span of ``per`` ("1s", "1m" or "1h")."""

    count: int
    per: str

    @property
    def span(self) -> timedelta:
        """For so long a start counts."""
        return _SPANS[self.per] + LEEWAY

    @property
    def reservation(self) -> int:
        """How many starts are reserved at a time."""
        return max(1, int(self.count * _RESERVED[self.per]))


@dataclass(frozen=True, slots=True)
class Mark:
    """So many attempts began at this instant, or shortly before."""

    at: datetime
    count: int


@dataclass(frozen=True, slots=True)
class RateRecord:
    """What is stored of a limit: starts, and how many more are reserved."""

    marks: tuple[Mark, ...] = ()
    reserved: int = 0


NOTHING_RESERVED = RateRecord()


@dataclass(slots=True)
class RateWindow:
    """The starts of the last span of one limit, and what is reserved."""

    limit: RateLimit
    marks: "deque[Mark]" = field(default_factory=deque)
    reserved: int = 0
    used: int = 0
    """Starts in ``marks``."""
    beginning: int = 0
    """Attempts that were let begin, and have not yet."""

    @classmethod
    def taken_over(
        cls, limit: RateLimit, record: RateRecord, reserved_until: datetime
    ) -> "RateWindow":
        """The window of a new owner; none of ``record``'s reservation began after
        ``reserved_until``, when its owner's lease ended.
        """
        marks = list(record.marks)
        if record.reserved:
            marks.append(Mark(reserved_until, record.reserved))
        window = cls(limit)
        window._keep(sorted(marks, key=lambda mark: mark.at))
        return window

    def free(self, now: datetime) -> int:
        """How many attempts may begin now."""
        self._forget(now)
        return max(0, min(self._left(), self.reserved))

    def needs_reservation(self, now: datetime) -> bool:
        """Whether only a reservation is missing for one to begin."""
        self._forget(now)
        return self.reserved == 0 and self._left() > 0

    def next_free(self, now: datetime) -> datetime:
        """When one more may begin, as far as the limit goes."""
        self._forget(now)
        excess = -self._left()
        if excess < 0:
            return now
        for mark in self.marks:
            excess -= mark.count
            if excess < 0:
                return mark.at + self.limit.span
        # What has not begun yet counts from when it does.
        return now + self.limit.span

    def let_begin(self) -> None:
        """An attempt will begin at once."""
        self.reserved = max(0, self.reserved - 1)
        self.beginning += 1

    def given_up(self) -> None:
        """One that was let begin did not."""
        self.beginning -= 1

    def began(self, now: datetime) -> None:
        """One that was let begin did."""
        self.beginning -= 1
        self.used += 1
        last = self.marks[-1] if self.marks else None
        # A clock that was set back makes no start leave the window early.
        now = now if last is None else max(now, last.at)
        if last is not None and self._is_together(last.at, now):
            self.marks[-1] = Mark(now, last.count + 1)
        else:
            self.marks.append(Mark(now, 1))

    def reserve(self, now: datetime) -> RateRecord:
        """What to store so that more may begin: they may once it is stored (``reserved_by``)."""
        self._forget(now)
        return RateRecord(
            coarse(self.marks, self.limit.span / STORED_MARKS), self.limit.reservation
        )

    def reserved_by(self, record: RateRecord, *, started_since: int) -> None:
        """``record`` is stored; ``started_since`` were let begin after it was made."""
        self.reserved = max(0, min(record.reserved, self.limit.reservation) - started_since)

    def given_back(self, now: datetime) -> RateRecord:
        """What to store when the target is given back: nothing begins any more."""
        self._forget(now)
        self.reserved = 0
        return RateRecord(self._coarse(), 0)

    def changed(self, limit: RateLimit) -> "RateWindow":
        """The same starts under another limit; what is reserved has to be reserved anew."""
        window = RateWindow(limit, beginning=self.beginning)
        window._keep(self.marks)
        return window

    def _left(self) -> int:
        return self.limit.count - self.used - self.beginning

    def _coarse(self) -> tuple[Mark, ...]:
        return coarse(self.marks, self.limit.span / STORED_MARKS)

    def _keep(self, marks: Iterable[Mark]) -> None:
        self.marks = deque(marks)
        self.used = sum(mark.count for mark in self.marks)

    def _forget(self, now: datetime) -> None:
        while self.marks and self.marks[0].at + self.limit.span <= now:
            self.used -= self.marks.popleft().count

    def _is_together(self, last: datetime, now: datetime) -> bool:
        """Whether two starts are remembered as one instant."""
        if self.limit.count <= EXACT_UP_TO:
            return False
        grain = self.limit.span / EXACT_UP_TO
        began = datetime.min.replace(tzinfo=now.tzinfo)
        return (last - began) // grain == (now - began) // grain


def coarse(marks: Iterable[Mark], grain: timedelta) -> tuple[Mark, ...]:
    """The same starts at fewer instants, none earlier than it was, none later by ``grain``."""
    kept: list[Mark] = []
    began: datetime | None = None
    for mark in marks:
        if began is not None and mark.at - began < grain:
            kept[-1] = Mark(mark.at, kept[-1].count + mark.count)
        else:
            began = mark.at
            kept.append(mark)
    return tuple(kept)
