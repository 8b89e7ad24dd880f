"""Looks at what can wait in the index, for the metrics. Changes nothing and locks nothing.

Every replica looks, and all tell the same.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from trigger_scheduler.domain.planning import DueRow, plan
from trigger_scheduler.ports import Measures

DUE_EVERY = timedelta(seconds=5)
REST_EVERY = timedelta(seconds=15)

COUNTED = 100_000
"""Due occurrences are counted so far: 10 ms. What is beyond that is no different."""
A_CLAIM = 1000
"""Rows of the largest claim. Where none of so many can be planned, claims get no further either."""


@dataclass(frozen=True, slots=True)
class Told:
    """Whom to tell what was seen."""

    due: Callable[[float, int], None]
    """Seconds since the oldest occurrence was due that can be claimed, and how many are due."""
    triggers: Callable[[Mapping[str, int]], None]
    erasure: Callable[[timedelta], None]
    """Since when the oldest trigger should have been erased."""


class IndexMeasuring:
    """The passes of two loops."""

    def __init__(
        self, measures: Measures, told: Told, *, grace: timedelta, erase_after: timedelta
    ) -> None:
        self._measures = measures
        self._told = told
        self._grace = grace
        self._erase_after = erase_after

    async def look_at_due(self) -> timedelta:
        """A trigger whose schedule cannot be computed with stays due for ever, and is counted by
        itself: it does not hide what others wait for.
        """
        now, count = await self._measures.due(COUNTED)
        oldest, parked = await self._oldest(now) if count else (None, 0)
        age_s = 0.0 if oldest is None else max(0.0, (now - oldest).total_seconds())
        self._told.due(age_s, max(0, count - parked))
        return DUE_EVERY

    async def look_at_rest(self) -> timedelta:
        triggers = await self._measures.triggers()
        if triggers is not None:
            self._told.triggers(triggers)
        self._told.erasure(await self._measures.erasure_overdue(self._erase_after))
        return REST_EVERY

    async def _oldest(self, now: datetime) -> tuple[datetime | None, int]:
        """When the oldest that can be claimed was due, and how many before it cannot."""
        rows: list[tuple[datetime, DueRow | None]] = []
        for limit in (1, A_CLAIM):
            rows = await self._measures.oldest_due(limit)
            for place, (due_at, row) in enumerate(rows):
                if row is not None and self._can_be_planned(row, now):
                    return due_at, place
            if len(rows) < limit:
                return None, len(rows)
        return rows[0][0], 0

    def _can_be_planned(self, row: DueRow, now: datetime) -> bool:
        try:
            return plan(row, now, self._grace) is not None
        except Exception:  # noqa: BLE001 - whoever claims it says what is wrong with it
            return False
