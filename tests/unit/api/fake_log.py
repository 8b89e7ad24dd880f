"""The log of record in memory. It passes the suite of the real one (integration/api)."""

import asyncio
from collections.abc import Callable, Iterator, Sequence

from trigger_api.domain.live_tail.tail_position import LogState
from trigger_api.ports.live_tail import Logged
from trigger_runtime.process.errors import BrokerUnavailable

PAGE = 250


class FakeEventLog:
    """``pauses`` says how often each answer lets others have their turn first."""

    def __init__(self, *, page: int = PAGE, pauses: Iterator[int] | None = None) -> None:
        self.epoch = 1
        self.last_seq = 0
        self.stored: list[Logged] = []
        self.away = False
        self.hint: Callable[[], None] | None = None
        self.reads = 0
        self._page = page
        self._pauses = pauses or iter(())

    def store(self, *bodies: bytes | None) -> list[int]:
        seqs = []
        for body in bodies:
            self.last_seq += 1
            self.stored.append(Logged(self.last_seq, body))
            seqs.append(self.last_seq)
            if self.hint is not None:
                self.hint()
        return seqs

    def erase(self, upto: int) -> None:
        """As when messages are past their life."""
        self.stored = [message for message in self.stored if message.seq > upto]

    def make_anew(self) -> None:
        self.epoch += 1
        self.last_seq = 0
        self.stored = []

    async def state(self) -> LogState:
        await self._answer()
        first = self.stored[0].seq if self.stored else self.last_seq + 1
        return LogState(self.epoch, first, self.last_seq)

    async def after(self, seq: int) -> Sequence[Logged]:
        self.reads += 1
        await self._answer()
        return [message for message in self.stored if message.seq > seq][: self._page]

    async def listen(self, hint: Callable[[], None]) -> None:
        await self._answer()
        self.hint = hint

    async def unlisten(self) -> None:
        self.hint = None

    async def _answer(self) -> None:
        for _ in range(next(self._pauses, 0)):
            await asyncio.sleep(0)
        if self.away:
            raise BrokerUnavailable


class FakeTailMeter:
    def __init__(self) -> None:
        self.readers = 0
        self.drops = 0
        self.skipped: list[int] = []
        self.others = 0

    def reading(self, readers: int) -> None:
        self.readers = readers

    def dropped(self) -> None:
        self.drops += 1

    def passed_over(self) -> None:
        self.others += 1

    def unreadable(self, seq: int) -> None:
        self.skipped.append(seq)
