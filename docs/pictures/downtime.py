"""After an outage: what becomes of the occurrences that were due in it, by each misfire policy.

Every mark stands where ``plan`` says, which decides in the scheduler.
"""

from datetime import datetime, timedelta

from docs.pictures import drawing
from docs.pictures.drawing import (
    LEFT,
    RIGHT,
    TOP,
    Mark,
    arrow,
    box,
    cross,
    diamond,
    dot,
    each,
    line,
    utc,
    words,
)
from trigger_contracts.cron import Cron
from trigger_contracts.misfire import Misfire
from trigger_contracts.schedule import AnySchedule, Limited
from trigger_scheduler.domain.planning import DueRow, FireStep, advanced, plan
from trigger_scheduler.settings import Settings

GRACE: timedelta = Settings.model_fields["misfire_grace"].default

ROW = 30

_SECOND, _MINUTE = timedelta(seconds=1), timedelta(minutes=1)
_EVERY_MINUTE = "* * * * *"

SHOWN = utc("2026-06-01T09:00"), utc("2026-06-01T09:12")
OUTAGE = utc("2026-06-01T09:01:20"), utc("2026-06-01T09:10:25")
MISFIRES = {
    "last (default)": Misfire(),
    "none": Misfire(policy="none"),
    "all": Misfire(policy="all"),
    "all, max_count 3": Misfire(policy="all", max_count=3),
    "all, max_age PT5M": Misfire(policy="all", max_age=timedelta(minutes=5)),
    "last, max_age PT1M": Misfire(max_age=timedelta(minutes=1)),
}


def draw() -> str:
    """What becomes of an occurrence each minute, before, in and after an outage."""
    (begin, end), (down, up) = SHOWN, OUTAGE
    scale = (RIGHT - LEFT) / (end - begin + _MINUTE).total_seconds()

    def at(instant: datetime) -> float:
        return LEFT + (instant - begin + _MINUTE / 2).total_seconds() * scale

    bottom = TOP + len(MISFIRES) * ROW + 12
    grace = f"grace, {GRACE.total_seconds():g} s"
    parts = [
        box(at(down), TOP, at(up), bottom, drawing.GROUND),
        box(at(up - GRACE), TOP, at(up), bottom, drawing.GRACE),
        words((at(down) + at(up - GRACE)) / 2, TOP - 14, "nothing runs", "middle", drawing.PALE),
        words(at(up) - 8, TOP - 14, grace, "end", drawing.FIRED),
        words(at(up), TOP - 14, "all runs again", "start"),
        line(LEFT, bottom, RIGHT, bottom),
        line(at(up), TOP - 6, at(up), bottom, drawing.INK),
    ]
    for minute in each(begin, end, _MINUTE):
        parts.append(line(at(minute), bottom, at(minute), bottom + 6))
        if minute.minute % 2 == 0:
            parts.append(words(at(minute), bottom + 22, f"{minute:%H:%M}", "middle"))
    for index, (name, misfire) in enumerate(MISFIRES.items()):
        y = TOP + 20 + index * ROW
        parts.append(words(LEFT - 14, y + 4, name, "end", drawing.PALE))
        parts.append(line(LEFT, y, RIGHT, y, drawing.FAINT))
        decided = _decided(Limited(rule=Cron.parse(_EVERY_MINUTE), misfire=misfire))
        late = [one for one, mark in decided.items() if mark is diamond]
        if late:
            parts.append(arrow(at(late[0]), at(up) - 1, y))
        parts += [mark(at(one), y) for one, mark in decided.items()]
    meanings = [
        (dot, "fires in time"),
        (diamond, "fires late, as soon as all runs again: a misfire"),
        (cross, "missed"),
    ]
    parts += drawing.legend(bottom + drawing.FOOT - 16, meanings)
    return drawing.picture(f"After a downtime: cron {_EVERY_MINUTE}", bottom + drawing.FOOT, parts)


def _decided(schedule: AnySchedule) -> dict[datetime, Mark]:
    """What the scheduler decides of each occurrence shown, being there but for the outage."""
    (begin, end), (down, up) = SHOWN, OUTAGE
    first = schedule.next_after(begin - _SECOND)
    row = DueRow("trigger", "creation", 1, 1, schedule, first, None, 0, None)
    found: dict[datetime, Mark] = {}
    while row.next_fire_at is not None and row.next_fire_at <= end:
        now = up if down <= row.next_fire_at <= up else row.next_fire_at
        step = plan(row, now, GRACE)
        if step is None:
            break
        if isinstance(step, FireStep):
            found[step.scheduled_for] = diamond if step.misfire else dot
        else:
            found |= dict.fromkeys(step.occurrences, cross)
        row = advanced(row, step, 0, now)
    return found
