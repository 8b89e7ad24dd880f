"""What all triggers will do, the nearest first; of some, only the next few occurrences."""

import asyncio
from datetime import datetime, timedelta

from trigger_api.domain.schemas import Upcoming, UpcomingTrigger
from trigger_api.domain.triggers.queries import UpcomingQuery
from trigger_api.ports.process import Clock
from trigger_api.ports.triggers import ScheduledTrigger, TriggerViews
from trigger_contracts.errors import Code, refused
from trigger_contracts.instants import moved

from .previews import to_come

SHOWN = timedelta(hours=24)
"""Ahead of now, where nothing else is asked for."""


class UpcomingFires:
    """Of all triggers."""

    def __init__(self, *, views: TriggerViews, clock: Clock) -> None:
        self._views = views
        self._clock = clock

    async def of_all(self, query: UpcomingQuery) -> Upcoming:
        """Raises ``Refused``, ``DatabaseUnavailable``."""
        now = self._clock.now()
        until = query.until or moved(now, SHOWN)
        if until <= now:
            raise refused(Code.INVALID, "must be later than now", pointer="/query/until")
        found, more = await self._views.scheduled_by(until, query)
        shown = []
        for one in found:
            occurrences = _shown(one, now, until, query.per_trigger)
            if occurrences.occurrences:
                shown.append(occurrences)
            # A trigger takes up to some milliseconds: fires are answered in between.
            await asyncio.sleep(0)
        return Upcoming(now=now, until=until, more=more, triggers=tuple(shown))


def _shown(one: ScheduledTrigger, now: datetime, until: datetime, count: int) -> UpcomingTrigger:
    known = one.known
    if known.schedule is None or known.next_fire_at is None:
        raise TypeError("what fires next has a schedule")
    found = to_come(known, known.schedule, known.next_fire_at, now, count=count, until=until)
    return UpcomingTrigger(
        id=one.id,
        name=one.name,
        timezone=known.definition.timezone,
        more=found.more,
        occurrences=found.occurrences,
    )
