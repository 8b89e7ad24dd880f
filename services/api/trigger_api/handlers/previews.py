"""What a schedule will do, shown before it is saved, and of a trigger that is.

Computed here, by the very arithmetic by which the scheduler fires.
"""

from datetime import datetime, timedelta
from functools import partial

from trigger_api.domain.schemas import PreviewShown
from trigger_api.domain.triggers.previews import ON_REQUEST, PreviewRequest, shown
from trigger_api.ports.process import Clock
from trigger_api.ports.triggers import Describe, Scheduled, TriggerViews
from trigger_contracts.definition import SCHEDULE_FIELDS, Definition
from trigger_contracts.errors import Code, Refused, combined, refused
from trigger_contracts.faults import Further, accepted
from trigger_contracts.future import must_fire
from trigger_contracts.instants import LAST_INSTANT, moved
from trigger_contracts.preview import Preview, preview
from trigger_contracts.schedule import HORIZON, AnySchedule, Once, rule_of
from trigger_contracts.schedule_fields import written_locally

_DUE = timedelta(seconds=30)
"""How long an occurrence may be due before it is a misfire, by default."""
_TICK = timedelta(microseconds=1)
"""The resolution of instants: what is due next lies after the instant just before it."""


class Previews:
    """Both previews."""

    def __init__(self, *, views: TriggerViews, clock: Clock, describe: Describe) -> None:
        self._views = views
        self._clock = clock
        self._describe = describe

    def preview(self, request: PreviewRequest) -> PreviewShown:
        """A definition's occurrences, as if it were created at ``after``; raises ``Refused``."""
        after = request.after or self._clock.now()
        wrong = list(request.wrong)
        if not wrong and request.until is not None and request.until <= after:
            wrong.append(
                refused(Code.INVALID, "must be later than after", pointer="/until").problem
            )
        try:
            # Whether it fires depends on when it is asked about.
            further = () if wrong else (Further(_OF_A_SCHEDULE, partial(_must_fire, after=after)),)
            definition, schedule = accepted(request.fields, after, further=further)
        except Refused as refusal:
            wrong.append(refusal.problem)
        if wrong:
            raise Refused(combined(wrong))
        if schedule is None:
            raise TypeError("a scheduled definition has a schedule")
        found = preview(
            schedule,
            definition.timezone,
            after,
            count=request.count,
            until=request.until,
            written=written_locally(definition),
        )
        return shown(found, self._describe(schedule, definition), definition.timezone)

    async def upcoming(self, trigger_id: str, count: int) -> PreviewShown | None:
        """A trigger's next occurrences; None where there is no such trigger."""
        known = await self._views.scheduled(trigger_id)
        if known is None:
            return None
        definition, schedule, first = known.definition, known.schedule, known.next_fire_at
        if schedule is None:
            return PreviewShown(description=ON_REQUEST, timezone=definition.timezone)
        description = self._describe(schedule, definition)
        if first is None:
            return PreviewShown(description=description, timezone=definition.timezone)
        found = to_come(known, schedule, first, self._clock.now(), count=count)
        return shown(found, description, definition.timezone)


def to_come(
    known: Scheduled,
    schedule: AnySchedule,
    first: datetime,
    now: datetime,
    *,
    count: int,
    until: datetime | None = None,
) -> Preview:
    """What a trigger will do that has this ``schedule``, and ``first`` as its next occurrence.

    What is due this moment will fire, and counts towards a limit. After a downtime the misfire
    policy decides about what is past: that is not shown.
    """
    return preview(
        schedule,
        known.definition.timezone,
        first - _TICK if now - first <= _DUE else now,
        count=count,
        until=until,
        fires=known.fires,
        written=written_locally(known.definition),
    )


_OF_A_SCHEDULE = SCHEDULE_FIELDS | {"type"}


def _must_fire(definition: Definition, schedule: AnySchedule | None, *, after: datetime) -> None:
    if schedule is not None and _is_at_the_end(schedule, after):
        detail = "leaves no occurrence before the calendar ends, with the year 9999"
        raise refused(Code.INVALID, detail, pointer="/after")
    must_fire(definition, schedule, after)


def _is_at_the_end(schedule: AnySchedule, after: datetime) -> bool:
    """Whether nothing follows ``after`` for want of years, and not of the schedule's own end."""
    rule = rule_of(schedule)
    return (
        not isinstance(rule, Once)
        and moved(after, HORIZON) == LAST_INSTANT
        and rule.next_after(after) is None
    )
