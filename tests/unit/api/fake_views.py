"""The views of the log in memory. What it says of origins is compared with the real views
(integration/api/test_origins.py)."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from trigger_api.domain.log.filtering import passes
from trigger_api.domain.log.replays import Origin
from trigger_api.domain.queries import StateFilter
from trigger_api.domain.schemas import EventDetail
from trigger_api.ports.log import Total
from trigger_contracts.events import EntryStatus, LogEntry, Source
from trigger_contracts.ids import uuid7
from trigger_runtime.process.errors import DatabaseUnavailable


class FakeViews:
    """Reads ``chunk`` rows at a time; away once it has read ``away_after`` times."""

    def __init__(self) -> None:
        self.entries: list[LogEntry] = []
        self.chunk = 3
        self.away_after: int | None = None
        self.looks = 0
        """For events that were waited for."""

    def add(self, logged_at: datetime, **fields: Any) -> LogEntry:
        entry = make_entry(logged_at, str(len(self.entries)), **fields)
        self.entries.append(entry)
        return entry

    async def count(self, wanted: StateFilter, *, exactly: int | None = None) -> Total:
        del exactly
        return Total(sum(passes(entry, wanted) for entry in self.entries), exact=True)

    async def origins(self, wanted: StateFilter, after: Origin | None, limit: int) -> list[Origin]:
        if self.away_after is not None:
            if self.away_after == 0:
                raise DatabaseUnavailable
            self.away_after -= 1
        found = sorted(
            (_origin(entry) for entry in self.entries if passes(entry, wanted)), key=_place
        )
        ahead = [one for one in found if after is None or _place(one) > _place(after)]
        return ahead[: min(limit, self.chunk)]

    async def present(self, event_ids: Sequence[UUID]) -> list[UUID]:
        if self.away_after is not None:
            raise DatabaseUnavailable
        self.looks += 1
        known = {UUID(entry.event_id) for entry in self.entries}
        return [one for one in event_ids if one in known]

    async def event(self, event_id: UUID) -> EventDetail | None:
        for entry in self.entries:
            if entry.event_id == str(event_id):
                more = {"lateness": None, "state": "active"}
                lives = {"archives_at": entry.logged_at, "deletes_at": entry.logged_at}
                shown = {"id": event_id, **entry.model_dump(), **more, **lives}
                return EventDetail.model_validate(shown)
        return None


def _origin(entry: LogEntry) -> Origin:
    return Origin(
        UUID(entry.event_id),
        entry.logged_at,
        entry.trigger_id,
        entry.status,
        entry.is_test,
        entry.payload,
    )


def _place(origin: Origin) -> tuple[datetime, UUID]:
    return origin.logged_at, origin.event_id


def make_entry(logged_at: datetime, unique: str = "", **fields: Any) -> LogEntry:
    """A fired event of the api trigger ``t``."""
    return LogEntry(
        **{
            "event_id": str(uuid7(logged_at, "entry", unique)),
            "trigger_id": "t",
            "trigger_name": "n",
            "trigger_type": "api",
            "trigger_version": 1,
            "status": EntryStatus.FIRED,
            "source": Source.API,
            "is_test": False,
            "scheduled_for": None,
            "fired_at": logged_at,
            "logged_at": logged_at,
            "payload": {"n": 1},
            **fields,
        }
    )
