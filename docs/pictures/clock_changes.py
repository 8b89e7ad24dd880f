"""A night in which a zone's clock is changed: when cron expressions fire, by each policy.

Every mark stands where ``preview`` says.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import get_args

from docs.pictures import drawing
from docs.pictures.drawing import (
    LEFT,
    RIGHT,
    TOP,
    Mark,
    arrow,
    box,
    diamond,
    dot,
    each,
    line,
    ring,
    words,
)
from trigger_contracts.cron import Cron, DstPolicy
from trigger_contracts.instants import zone
from trigger_contracts.preview import ClockChange, Dst, preview

POLICIES: tuple[DstPolicy, ...] = get_args(DstPolicy)

ROW, HEAD = 24, 30
"""Of a policy, and of the expression above its policies."""

_SECOND = timedelta(seconds=1)
_TICK_EVERY = timedelta(minutes=30)

_MOST = 1000
"""More occurrences than any picture has."""


@dataclass(frozen=True, slots=True)
class Night:
    """A night in which a zone's clock is changed once, and expressions for it."""

    zone: str
    begin: datetime
    end: datetime
    expressions: tuple[str, ...]

    @property
    def place(self) -> str:
        return self.zone.partition("/")[2].replace("_", " ")

    @property
    def change(self) -> ClockChange:
        schedule = Cron.parse("* * * * *", self.zone)
        found = preview(schedule, self.zone, self.begin, count=_MOST, until=self.end)
        (change,) = found.clock_changes
        return change

    def occurrences(self, expression: str, policy: DstPolicy) -> dict[datetime, Dst | None]:
        schedule, before = Cron.parse(expression, self.zone, policy), self.begin - _SECOND
        found = preview(schedule, self.zone, before, count=_MOST, until=self.end)
        return {one.scheduled_for: one.dst for one in found.occurrences}


class _Axis:
    """Where instants stand, and skipped local times: a skipped hour has room, and takes no time."""

    def __init__(self, night: Night) -> None:
        self.change = change = night.change
        self.forward = change.local_after > change.local_before
        self._old = change.local_before - change.at.replace(tzinfo=None)
        self._new = change.local_after - change.at.replace(tzinfo=None)
        margin = timedelta(minutes=6)
        self._begin = self._place(night.begin) - margin
        width = self._place(night.end) + margin - self._begin
        self._scale = (RIGHT - LEFT) / width.total_seconds()

    def _place(self, at: datetime) -> datetime:
        later = self.forward and at >= self.change.at
        return at.replace(tzinfo=None) + (self._new if later else self._old)

    def at(self, instant: datetime) -> float:
        return self.of_skipped(self._place(instant))

    def of_skipped(self, local: datetime) -> float:
        return LEFT + (local - self._begin).total_seconds() * self._scale

    def changed(self) -> tuple[float, float]:
        """From where to where the clock skips, or shows again what it has shown."""
        before, after = self.change.local_before, self.change.local_after
        if self.forward:
            return self.of_skipped(before), self.of_skipped(after)
        return self.at(self.change.at), self.at(self.change.at + (before - after))


def draw(night: Night, title: str) -> str:
    """Marks for each expression and policy, below the zone's clock and above UTC."""
    axis = _Axis(night)
    bottom = TOP + (HEAD + len(POLICIES) * ROW) * len(night.expressions) + 8
    begin, end = axis.changed()
    middle = (begin + end) / 2
    said = "the clock skips this" if axis.forward else "the clock shows this again"
    parts = [
        box(begin, TOP, end, bottom, drawing.HATCHED),
        words(middle, TOP - 34, said, "middle", drawing.LATE),
        words(LEFT - 14, TOP - 14, f"clock in {night.place}", "end", drawing.PALE),
        words(LEFT - 14, bottom + 22, "UTC", "end", drawing.PALE),
        line(LEFT, TOP, RIGHT, TOP),
        line(LEFT, bottom, RIGHT, bottom),
        *_ticks(axis, night, bottom),
    ]
    y = float(TOP)
    for expression in night.expressions:
        parts.append(words(20, y + HEAD - 8, expression, more='font-family="monospace"'))
        y += HEAD + ROW / 2
        for policy in POLICIES:
            name = f"{policy} (default)" if policy == "vixie" else policy
            parts.append(words(LEFT - 14, y + 4, name, "end", drawing.PALE))
            parts.append(line(LEFT, y, RIGHT, y, drawing.FAINT))
            parts += _fires(night, expression, policy, axis, y)
            y += ROW
        y -= ROW / 2
    meanings: list[tuple[Mark, str]] = [(dot, "fires")]
    if axis.forward:
        meanings.append((ring, "does not fire: its time is skipped"))
        meanings.append((diamond, "fires once, right after the gap"))
    else:
        meanings.append((ring, "does not fire: the clock has shown its time before"))
    parts += drawing.legend(bottom + drawing.FOOT - 16, meanings)
    return drawing.picture(title, bottom + drawing.FOOT, parts)


def _ticks(axis: _Axis, night: Night, bottom: float) -> Iterator[str]:
    change, here = axis.change, zone(night.zone)
    if axis.forward:
        # Its end is the same instant, and a tick of its own.
        begin, end = axis.changed()
        yield from _tick(begin, bottom, f"{change.local_before:%H:%M}", f"{change.at:%H:%M}")
        if end - begin > 150:
            yield words((begin + end) / 2, bottom + 22, "no time passes", "middle", drawing.LATE)
    for at in each(night.begin, night.end, _TICK_EVERY):
        local = at.astimezone(here)
        again = at >= change.at and local.replace(tzinfo=None) < change.local_before
        colour = drawing.LATE if again else drawing.INK
        yield from _tick(axis.at(at), bottom, f"{local:%H:%M}", f"{at:%H:%M}", colour)


def _tick(
    x: float, bottom: float, local: str, utc: str, colour: str = drawing.INK
) -> Iterator[str]:
    yield line(x, TOP - 6, x, TOP)
    yield line(x, bottom, x, bottom + 6)
    yield words(x, TOP - 14, local, "middle", colour)
    yield words(x, bottom + 22, utc, "middle")


def _fires(
    night: Night, expression: str, policy: DstPolicy, axis: _Axis, y: float
) -> Iterator[str]:
    fired = night.occurrences(expression, policy)
    if axis.forward:
        late = [at for at, dst in fired.items() if dst is Dst.SHIFTED]
        for local in _skipped(expression, axis.change):
            x = axis.of_skipped(local)
            if late:
                yield arrow(x, axis.at(late[0]) - 9, y)
            yield ring(x, y)
    else:
        every_time = night.occurrences(expression, "literal")
        yield from (ring(axis.at(at), y) for at in every_time if at not in fired)
    for at, dst in fired.items():
        yield (diamond if dst is Dst.SHIFTED else dot)(axis.at(at), y)


def _skipped(expression: str, change: ClockChange) -> Iterator[datetime]:
    """The skipped local times that match: what a clock would show that is never changed."""
    first = change.local_before.replace(tzinfo=UTC) - _SECOND
    last = change.local_after.replace(tzinfo=UTC) - _SECOND
    found = preview(Cron.parse(expression), "UTC", first, count=_MOST, until=last)
    return (one.scheduled_for.replace(tzinfo=None) for one in found.occurrences)
