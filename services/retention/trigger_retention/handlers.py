"""The use cases: project a batch of the log, index its words, close an hour that is over, and
sweep what is past.

``Projector`` returns only after every message of the batch is settled: in the table, known
there, past its life, or a dead letter. If it raises, none may be acknowledged; doing the batch
again is harmless. ``Sweeper`` erases in bounded passes. Called by ``entrypoints``.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from trigger_contracts.dead_letters import DeadLetterSink, Delivered
from trigger_contracts.events import Swept
from trigger_contracts.message_headers import why_unreadable
from trigger_contracts.topology import EVENTS
from trigger_runtime.process.clock import Clock

from .domain import rows
from .domain.life import Life
from .domain.rows import LogRow, UnreadableEvent
from .ports import EventLog, Inserted, Notices, RowsRefused

BEHIND = timedelta(seconds=0.5)
"""Age of what is projected from which on the log is said to catch up."""
LONGEST_POSTPONED_S = 30.0
"""What is slow to search meanwhile: at 20,000 rows a second, rows for 2 s of reading."""


@dataclass(frozen=True, slots=True)
class Projected:
    """What became of a batch."""

    inserted: Inserted
    dead: int


class Projector:
    """Projects batches of TRIGGER_EVENTS into the table."""

    def __init__(self, log: EventLog, dead_letters: DeadLetterSink) -> None:
        self._log = log
        self._dead_letters = dead_letters
        self.lag = timedelta()
        """How old the newest message of the last batch was when that was settled."""

    async def project(self, messages: Sequence[Delivered]) -> Projected:
        """Settle every message of the batch."""
        readable: list[tuple[LogRow, Delivered]] = []
        dead: list[tuple[Delivered, str]] = []
        for message in messages:
            if why := why_unreadable(message.headers):
                dead.append((message, why))
                continue
            match rows.read(message.payload, message.stream_seq):
                case UnreadableEvent(reason):
                    dead.append((message, reason))
                case LogRow() as row:
                    readable.append((row, message))
        inserted = await self._store(readable, dead)
        # At once, so that they travel in one batch.
        await asyncio.gather(*(self._dead_letters.bury(EVENTS.name, *letter) for letter in dead))
        return Projected(inserted, len(dead))

    async def project_again(self, messages: Sequence[Delivered]) -> Sequence[Any]:
        """As ``project``, for dead letters: none of them needs to wait."""
        await self.project(messages)
        return ()

    async def _store(
        self,
        readable: Sequence[tuple[LogRow, Delivered]],
        dead: list[tuple[Delivered, str]],
    ) -> Inserted:
        """Store the rows; what the database refuses is found by halving and added to ``dead``."""
        if not readable:
            return Inserted(stored=0)
        try:
            return await self._log.insert([row for row, _ in readable])
        except RowsRefused as refused:
            if len(readable) == 1:
                dead.append((readable[0][1], str(refused)))
                return Inserted(stored=0)
        middle = len(readable) // 2
        return await self._store(readable[:middle], dead) + await self._store(
            readable[middle:], dead
        )


class HourCloser:
    """Closes hours that are over, the newest first: few ask for the older ones."""

    def __init__(self, log: EventLog, *, every: timedelta) -> None:
        self._log = log
        self._every = every

    async def close(self) -> timedelta:
        """One pass; how long to wait before the next."""
        return timedelta() if await self._log.close_hour() else self._every


class Indexer:
    """Indexes the words of new rows, as far as it is worth it and others leave it time."""

    def __init__(
        self,
        log: EventLog,
        clock: Clock,
        *,
        every: timedelta,
        lag: Callable[[], timedelta],
    ) -> None:
        """``lag``: how old what was projected last had become. A log that catches up goes first."""
        self._log = log
        self._clock = clock
        self._every = every
        self._lag = lag
        self._postponed_since: float | None = None

    async def index(self) -> timedelta:
        """One pass; how long to wait before the next: long enough for three quarters of the time
        to be left to those who write, whatever comes in.
        """
        begun = self._clock.monotonic()
        if self._is_postponed(begun) or not await self._log.index_words():
            return self._every
        return timedelta(seconds=3 * (self._clock.monotonic() - begun))

    def _is_postponed(self, now: float) -> bool:
        """While the log is behind, but not for ever: what is not indexed is slow to search."""
        if self._lag() < BEHIND:
            self._postponed_since = None
            return False
        if self._postponed_since is None:
            self._postponed_since = now
        return now - self._postponed_since < LONGEST_POSTPONED_S


class Sweeper:
    """Erases rows past their life, as long as there are any."""

    def __init__(self, log: EventLog, notices: Notices, *, life: Life, every: timedelta) -> None:
        self._log = log
        self._notices = notices
        self._life = life
        self._life_is_set = False
        self._every = every

    async def sweep(self) -> tuple[int, timedelta]:
        """One pass: how many rows it erased, and how long to wait before the next."""
        # Told again after a pass that failed: the table may be another one, made anew.
        is_set, self._life_is_set = self._life_is_set, False
        if not is_set:
            await self._log.set_life(self._life)
        erased = await self._log.erase()
        self._life_is_set = True
        if erased is None:
            return 0, self._every
        if erased.rows or erased.partitions:
            await self._notices.swept(
                Swept(
                    swept_at=erased.swept_at,
                    erased_before=erased.erased_before,
                    rows=erased.rows,
                    partitions=erased.partitions,
                )
            )
        return erased.rows, timedelta() if erased.more else self._every
