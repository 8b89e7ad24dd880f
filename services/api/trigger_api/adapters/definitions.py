"""What triggers are, kept for a moment: fires of a trigger a thousand times a second read it once.

Entries come from PostgreSQL only, and never from the change messages themselves, which core
NATS also delivers when the stream then refuses them: those merely say what to forget. All
triggers asked for while one read is under way share the next.
"""

import asyncio
from collections import OrderedDict
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Protocol

from sqlalchemy import Row

from trigger_contracts.events import TriggerChanged
from trigger_contracts.trigger import Trigger
from trigger_runtime.process.errors import DatabaseUnavailable

from . import trigger_queries as statements
from .database import ReadDatabase

MAX_ENTRIES = 10_000
"""Definitions kept, the longest unused dropped first: 10-20 MB of small ones."""
MAX_BYTES = 16 * 1024 * 1024
"""Of their JSON together, as the executor keeps of payloads."""
MAX_BATCH = 500
"""Triggers asked for in one read."""
LOAD_TIMEOUT_S = 0.5
"""A fire does not wait longer for its advisory check: it is accepted without one."""
AWAY_FOR_S = 0.5
"""After a failed read nothing is asked for so long: fires must not queue for a dead database."""


class Monotonic(Protocol):
    """The runtime's clock, as far as it is needed here."""

    def monotonic(self) -> float: ...


@dataclass(frozen=True, slots=True)
class _CachedDefinition:
    trigger: Trigger
    size: int
    expires_at: float


class CachedDefinitions:
    """``ports.triggers.DefinitionCache`` in memory; what is said to change is forgotten."""

    def __init__(self, database: ReadDatabase, clock: Monotonic, *, max_age: timedelta) -> None:
        self._database = database
        self._clock = clock
        self._max_age_s = max_age.total_seconds()
        self._entries: OrderedDict[str, _CachedDefinition] = OrderedDict()
        self._bytes = 0
        self._dropping: asyncio.TimerHandle | None = None
        self._wanted: dict[str, asyncio.Future[Trigger | None]] = {}
        self._loading: asyncio.Task[None] | None = None
        self._in_hand: set[str] = set()
        self._forgotten: set[str] = set()
        self._away_until = 0.0

    def cached(self, trigger_id: str) -> Trigger | None:
        entry = self._entries.get(trigger_id)
        if entry is None or entry.expires_at < self._clock.monotonic():
            return None
        self._entries.move_to_end(trigger_id)
        return entry.trigger

    def forget(self, trigger_id: str) -> None:
        self._drop(trigger_id)
        if trigger_id in self._in_hand:
            # What is being read may be what was before the change.
            self._forgotten.add(trigger_id)

    async def load(self, trigger_id: str) -> Trigger | None:
        if self._clock.monotonic() < self._away_until:
            raise DatabaseUnavailable("it was away a moment ago")
        future = self._wanted.get(trigger_id)
        if future is None:
            future = self._wanted[trigger_id] = asyncio.get_running_loop().create_future()
            if self._loading is None:
                self._loading = asyncio.create_task(self._load_wanted(), name="definitions")
        try:
            async with asyncio.timeout(LOAD_TIMEOUT_S):
                return await asyncio.shield(future)
        except TimeoutError as error:
            self._away_until = self._clock.monotonic() + AWAY_FOR_S
            raise DatabaseUnavailable("no definition in time") from error

    async def _load_wanted(self) -> None:
        try:
            while self._wanted:
                batch = dict(list(self._wanted.items())[:MAX_BATCH])
                for trigger_id in batch:
                    del self._wanted[trigger_id]
                await self._load_batch(batch)
        finally:
            self._loading = None

    async def _load_batch(self, batch: dict[str, asyncio.Future[Trigger | None]]) -> None:
        self._in_hand = set(batch)
        self._forgotten = set()
        try:
            rows = await self._database.fetch(statements.CHANGE_STATES, {"ids": list(batch)})
            found = {row.trigger_id: _loaded(row) for row in rows}
        except Exception as error:  # noqa: BLE001 - belongs to those who asked, each gets it
            if isinstance(error, DatabaseUnavailable):
                self._away_until = self._clock.monotonic() + AWAY_FOR_S
            for future in batch.values():
                future.set_exception(error)
                future.exception()  # Whoever asked may have gone: then nobody else reads it.
            return
        finally:
            self._in_hand = set()
        expires_at = self._clock.monotonic() + self._max_age_s
        for trigger_id, future in batch.items():
            trigger, size = found.get(trigger_id, (None, 0))
            if trigger is not None and trigger_id not in self._forgotten:
                self._keep(trigger_id, _CachedDefinition(trigger, size, expires_at))
            future.set_result(trigger)

    def _keep(self, trigger_id: str, entry: _CachedDefinition) -> None:
        self._drop(trigger_id)
        self._entries[trigger_id] = entry
        self._bytes += entry.size
        while len(self._entries) > MAX_ENTRIES or self._bytes > MAX_BYTES:
            self._drop(next(iter(self._entries)))
        self._drop_in_time()

    def _drop(self, trigger_id: str) -> None:
        entry = self._entries.pop(trigger_id, None)
        if entry is not None:
            self._bytes -= entry.size

    def _drop_in_time(self) -> None:
        """What nobody asks for again leaves, too: all are looked at as often as they expire."""
        if self._entries and self._dropping is None:
            loop = asyncio.get_running_loop()
            self._dropping = loop.call_later(self._max_age_s, self._drop_expired)

    def _drop_expired(self) -> None:
        self._dropping = None
        now = self._clock.monotonic()
        for trigger_id in [one for one, kept in self._entries.items() if kept.expires_at < now]:
            self._drop(trigger_id)
        self._drop_in_time()


def _loaded(row: Row[Any]) -> tuple[Trigger, int]:
    """What a row says, and the bytes of its JSON."""
    change = TriggerChanged.model_validate_json(row.change)
    return Trigger(change, row.change_seq), len(row.change.encode())
