"""How many dead letters there are, without reading all of them each time.

What was read once is remembered: of each letter when its life ends. Only what the stream has since
is read, so that asking again costs one look at how far the stream is. Letters are over by the
clock, or when the word that they were handled takes their place; where the stream has fewer
messages than are remembered, some were removed, and all are read again.
"""

import asyncio
from datetime import datetime, timedelta

from trigger_api.domain.dead_letters import FoundLetter
from trigger_api.ports.process import Clock
from trigger_contracts import dead_letters as letters
from trigger_contracts.events import DeadLetter
from trigger_runtime.jetstream.reader import StreamReader

from .dead_letters import READ_AT_ONCE, found_in

PAGE_BYTES = 1024 * 1024
"""Of letters read at once; the one that exceeds it is the last."""


class StreamLetterCount:
    """``ports.dead_letters.LetterCount``, of TRIGGER_DEAD."""

    def __init__(self, reader: StreamReader, clock: Clock, *, kept_for: timedelta) -> None:
        self._reader = reader
        self._clock = clock
        self._kept_for = kept_for
        self._begin_anew(None)
        self._counting: asyncio.Task[int] | None = None

    def _begin_anew(self, stream: datetime | None) -> None:
        self._stream = stream
        self._upto = 0
        self._ends_at: dict[str, datetime] = {}

    async def number(self) -> int:
        """Whoever gives up leaves the count to the next one, who need not begin anew."""
        if self._counting is None or self._counting.done():
            self._counting = asyncio.create_task(self._count(), name="count dead letters")
            self._counting.add_done_callback(_heard)
        return await asyncio.shield(self._counting)

    async def _count(self) -> int:
        state = await self._reader.state()
        was_removed = state.messages < self._alive() or state.last_seq < self._upto
        if state.created_at != self._stream or was_removed:
            self._begin_anew(state.created_at)
        while self._upto < state.last_seq:
            page = await self._reader.page_after(self._upto, ">", READ_AT_ONCE, PAGE_BYTES)
            if not page:
                break  # removed, or not at this replica yet
            for message in page:
                self._take(found_in(message))
            self._upto = page[-1].seq
        return self._alive()

    def _take(self, found: FoundLetter) -> None:
        # Of one that was handled, or cannot be read, nothing is to be seen.
        self._ends_at.pop(found.letter_id, None)
        if isinstance(found.letter, DeadLetter):
            self._ends_at[found.letter_id] = letters.deletes_at(found.letter, self._kept_for)

    def _alive(self) -> int:
        now = self._clock.now()
        for over in [one for one, ends_at in self._ends_at.items() if ends_at <= now]:
            del self._ends_at[over]
        return len(self._ends_at)


def _heard(counting: asyncio.Task[int]) -> None:
    """An error is told to whoever waits; where everybody has gone, nobody misses it."""
    if not counting.cancelled():
        counting.exception()
