"""The two lives of a row, by its age: of what is sent live, and of an id whose row is not there.

Lists, charts and exports leave this to retention's views in PostgreSQL; the rule is the same.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from trigger_api.domain.queries import State
from trigger_contracts.ids import instant_of

UUID7 = 7
"""The version of the ids that hold an instant."""


class Span(NamedTuple):
    """Rows logged after one instant and, unless it is None, not after another."""

    after: datetime
    until: datetime | None

    def has(self, logged_at: datetime) -> bool:
        return logged_at > self.after and (self.until is None or logged_at <= self.until)


@dataclass(frozen=True, slots=True)
class Lifetimes:
    """A row is active until ``active_for`` old, archived until ``kept_for`` old, then gone."""

    active_for: timedelta
    kept_for: timedelta

    def span(self, state: State | None, now: datetime) -> Span:
        """When rows were logged that are in this state now; None: in either."""
        gone, archived = now - self.kept_for, now - self.active_for
        if state is None:
            return Span(gone, None)
        return Span(max(gone, archived), None) if state == "active" else Span(gone, archived)


def is_over(wanted: UUID, now: datetime, kept_for: timedelta) -> bool:
    """Whether what has this id began so long ago that it would have been erased."""
    try:
        return wanted.version == UUID7 and instant_of(wanted) < now - kept_for
    except OverflowError:
        return False  # a time after the year 9999
