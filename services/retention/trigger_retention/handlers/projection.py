"""Projects batches of the log into the table.

``Projector`` returns only after every message of the batch is settled: in the table, known
there, past its life, or a dead letter. If it raises, none may be acknowledged; doing the batch
again is harmless.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from trigger_contracts.dead_letters import DeadLetterSink, Delivered
from trigger_contracts.message_headers import why_unreadable
from trigger_contracts.topology import EVENTS
from trigger_retention.domain import rows
from trigger_retention.domain.rows import LogRow, UnreadableEvent
from trigger_retention.ports import EventLog, Inserted, RowsRefused


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
